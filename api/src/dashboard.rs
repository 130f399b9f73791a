//! The web page: the files of `dashboard/dist`, compiled in. Each has a path of its own,
//! so a path that does not exist stays a 404 like any other; the page's own views are
//! behind the `#`. Built without them, the page says how to get them.

use std::sync::Arc;

use poem::{
    Endpoint, EndpointExt, Request, Response, Route, RouteMethod,
    endpoint::make_sync,
    get,
    http::{HeaderValue, StatusCode, header},
};

/// One file of the page.
#[derive(Debug, Clone, Copy)]
struct File {
    /// Where it is served.
    path: &'static str,
    /// What it holds.
    bytes: &'static [u8],
    /// The same, as gzip.
    zipped: Option<&'static [u8]>,
    /// Names its content: the `ETag`, with its quotes.
    tag: &'static str,
}

/// The files that were there when this was compiled.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/dashboard_files.rs"));

/// Served as `/`.
const INDEX: &str = "/index.html";

/// What is served if there were none.
const NOT_BUILT: File =
    File { path: "/", bytes: include_bytes!("not_built.html"), zipped: None, tag: "\"none\"" };

/// Everything comes from here, nothing is framed, nothing is sent elsewhere. Images as
/// data are the page's icon, which shows the percent.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Adds what the page is made of to the paths there are.
#[must_use]
pub fn with(route: Route) -> Route {
    FILES
        .iter()
        .filter(|file| file.path != INDEX)
        .fold(route, |route, file| route.at(file.path, served(*file)))
}

/// The page itself at `/`, and everything else as it was: what is nested at `/` would
/// take that, too.
pub fn before<E: Endpoint<Output = Response> + 'static>(
    inner: E,
) -> impl Endpoint<Output = Response> {
    let page =
        Arc::new(served(*FILES.iter().find(|file| file.path == INDEX).unwrap_or(&NOT_BUILT)));
    inner.around(move |inner, request| {
        let page = page.clone();
        async move {
            if request.uri().path() == "/" {
                page.call(request).await
            } else {
                inner.call(request).await
            }
        }
    })
}

fn served(file: File) -> RouteMethod {
    get(make_sync(move |request| file.answer(&request)))
}

impl File {
    fn answer(self, request: &Request) -> Response {
        let said = |name: header::HeaderName| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let known = said(header::IF_NONE_MATCH).split(',').any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag
        });
        let zipped = self.zipped.filter(|_| takes_gzip(said(header::ACCEPT_ENCODING)));
        let body = zipped.unwrap_or(self.bytes);
        let mut response = Response::builder().body(if known { &[] } else { body });
        if known {
            response.set_status(StatusCode::NOT_MODIFIED);
        }
        let headers = response.headers_mut();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, self.content_type());
        set(header::ETAG, self.tag);
        set(header::VARY, "Accept-Encoding");
        set(header::CACHE_CONTROL, self.kept());
        set(header::CONTENT_SECURITY_POLICY, POLICY);
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::REFERRER_POLICY, "no-referrer");
        set(header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
        set(header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
        if zipped.is_some() {
            set(header::CONTENT_ENCODING, "gzip");
        }
        response
    }

    /// The name of what is under `/assets/` changes with its content.
    fn kept(self) -> &'static str {
        if self.path.starts_with("/assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        }
    }

    fn content_type(self) -> &'static str {
        match self.path.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("json" | "webmanifest") => "application/json",
            Some("txt") => "text/plain; charset=utf-8",
            _ => "text/html; charset=utf-8",
        }
    }
}

/// Is gzip among the encodings, and not refused?
fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip")
            && parts.all(|part| {
                part.strip_prefix("q=").is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0))
            })
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use poem::http::Method;

    use super::*;
    use crate::error;

    const SCRIPT: File = File {
        path: "/assets/index-abc.js",
        bytes: b"let a",
        zipped: Some(b"zipped"),
        tag: "\"1\"",
    };
    const PAGE: File = File { path: "/index.html", bytes: b"<p>", zipped: None, tag: "\"2\"" };

    fn asked(name: header::HeaderName, value: &'static str) -> Request {
        Request::builder().header(name, value).finish()
    }

    async fn body(response: Response) -> Vec<u8> {
        response.into_body().into_vec().await.unwrap()
    }

    #[tokio::test]
    async fn gzip_goes_to_whom_takes_it() {
        for (accepted, zipped) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ] {
            let response = SCRIPT.answer(&asked(header::ACCEPT_ENCODING, accepted));
            let encoding = response.headers().get(header::CONTENT_ENCODING).cloned();
            assert_eq!(encoding.is_some(), zipped, "{accepted}");
            assert_eq!(response.headers()[header::VARY], "Accept-Encoding");
            assert_eq!(body(response).await, if zipped { &b"zipped"[..] } else { b"let a" });
        }
    }

    #[tokio::test]
    async fn what_is_named_by_its_content_is_kept_and_the_page_asked_for_again() {
        let kept =
            |file: File| file.answer(&Request::default()).headers()[header::CACHE_CONTROL].clone();
        assert_eq!(kept(SCRIPT), "public, max-age=31536000, immutable");
        assert_eq!(kept(PAGE), "no-cache");
        for tag in ["\"2\"", "W/\"2\"", "\"1\", \"2\"", "*"] {
            let response = PAGE.answer(&asked(header::IF_NONE_MATCH, tag));
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{tag}");
            assert_eq!(response.headers()[header::ETAG], "\"2\"");
            assert!(body(response).await.is_empty());
        }
        let response = PAGE.answer(&asked(header::IF_NONE_MATCH, "\"1\""));
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(body(response).await, b"<p>");
    }

    #[tokio::test]
    async fn every_answer_carries_the_policy() {
        let inner = Route::new().nest("/", Route::new());
        let page =
            before(with(inner)).catch_all_error(|error| async { error::of_framework(error) });
        for path in FILES.iter().map(|file| file.path).filter(|path| *path != INDEX).chain(["/"]) {
            let request = Request::builder().uri_str(path).finish();
            let response = page.get_response(request).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
            assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
        for (method, path, status) in [
            (Method::GET, "/assets/none.js", StatusCode::NOT_FOUND),
            (Method::GET, "/runs", StatusCode::NOT_FOUND),
            (Method::POST, "/", StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let request = Request::builder().method(method).uri_str(path).finish();
            let response = page.get_response(request).await;
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(response.content_type(), Some(error::PROBLEM_JSON), "{path}");
        }
    }
}
