//! The headers of every answer, whoever makes it: the request's id, what a browser must not do
//! with the answer, and which other pages may read it.

use pedidos_service::telemetry::REQUEST;
use poem::{
    Endpoint, EndpointExt, Request, Response,
    http::{HeaderName, HeaderValue, Method, header, uri::Scheme},
};
use tracing::Instrument;

use super::{cors::Cors, request_id};

/// For an answer that is no page: it loads nothing, and no frame shows it.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// Over TLS: for a year, browsers use TLS alone for this name.
const HSTS: &str = "max-age=31536000";

/// The outermost layer but for [`super::forwarded`].
pub fn around<E: Endpoint<Output = Response> + 'static>(
    inner: E,
    cors: Cors,
) -> impl Endpoint<Output = Response> {
    inner.around(move |inner, request: Request| {
        let cors = cors.clone();
        async move {
            let id = request_id::of(request.headers());
            let (origin, secure) = (cors.allows(&request), request.scheme() == &Scheme::HTTPS);
            let mut response = if let Some(response) = cors.preflight(&request) {
                response
            } else {
                let span = tracing::info_span!(REQUEST, request_id = id);
                request_id::under(id.clone(), answer(&*inner, request)).instrument(span).await
            };
            cors.mark(origin, response.headers_mut());
            if let Ok(id) = id.parse() {
                response.headers_mut().insert(request_id::NAME, id);
            }
            harden(&mut response, secure);
            Ok(response)
        }
    })
}

/// The log has what changes something; the rest would only fill it.
async fn answer<E: Endpoint<Output = Response>>(inner: &E, request: Request) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = inner.get_response(request).await;
    let status = response.status().as_u16();
    if method == Method::POST && status < 400 {
        tracing::info!(path, status, "request answered");
    } else {
        tracing::debug!(%method, path, status, "request answered");
    }
    response
}

/// Adds the headers that are missing: a page has a policy of its own.
fn harden(response: &mut Response, secure: bool) {
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::CONTENT_SECURITY_POLICY, POLICY);
    default(header::REFERRER_POLICY, "no-referrer");
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    default(header::CACHE_CONTROL, "no-store");
    if secure {
        default(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use poem::{Route, endpoint::make_sync, get, http::StatusCode};

    use super::*;
    use crate::http::failure;

    fn api(origins: &[&str]) -> impl Endpoint<Output = Response> {
        let origins: Vec<_> = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let route = Route::new()
            .at(
                "/own",
                get(make_sync(|_| Response::builder().header("cache-control", "x").body(()))),
            )
            .catch_all_error(|error| async { failure::of_framework(error) });
        around(route, Cors::of(&origins))
    }

    fn asked(method: Method, path: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri_str(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.finish()
    }

    #[tokio::test]
    async fn a_refusal_carries_it_all_and_names_its_request() {
        let request = asked(Method::GET, "/none", &[("x-request-id", "mine-1")]);
        let response = api(&[]).get_response(request).await;
        let headers = response.headers().clone();
        for (name, value) in [
            ("x-request-id", "mine-1"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", POLICY),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
        assert!(!headers.contains_key(header::VARY));
        let body = response.into_body().into_string().await.unwrap();
        assert!(body.contains(r#""requestId":"mine-1""#), "{body}");
    }

    #[tokio::test]
    async fn what_an_answer_says_itself_stays() {
        let response = api(&[]).get_response(asked(Method::GET, "/own", &[])).await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], "x");
        assert_eq!(response.headers()[request_id::NAME].len(), 36);
    }

    #[tokio::test]
    async fn only_origins_of_the_list_are_let_in() {
        let own = "https://shop.example";
        let ask = [("access-control-request-method", "POST")];
        for (listed, origin, allowed) in [
            (&[][..], own, false),
            (&[own][..], own, true),
            (&[own][..], "https://shop.example.evil", false),
            (&[own][..], "http://shop.example", false),
            (&[own][..], "null", false),
        ] {
            let api = api(listed);
            let request = asked(Method::GET, "/own", &[("origin", origin)]);
            let response = api.get_response(request).await;
            let said = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            assert_eq!(said.is_some_and(|said| said == origin), allowed, "{origin}");
            assert_eq!(response.headers().contains_key(header::VARY), !listed.is_empty());
            let request = asked(Method::OPTIONS, "/own", &[ask[0], ("origin", origin)]);
            let response = api.get_response(request).await;
            let status = response.status();
            let expected =
                if allowed { StatusCode::NO_CONTENT } else { StatusCode::METHOD_NOT_ALLOWED };
            assert_eq!(status, expected, "{origin}");
            let said = response.headers().get(header::ACCESS_CONTROL_ALLOW_METHODS);
            assert_eq!(said.is_some(), allowed, "{origin}");
        }
    }
}
