//! The dashboard: the files of `dashboard/dist`, compiled in. Each has its own path, so an unknown
//! path stays a 404; the page's views are behind the `#`. Built without them, the page says how to
//! get them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use poem::{
    Endpoint, EndpointExt, Request, Response, Route, RouteMethod,
    endpoint::make_sync,
    get,
    http::{HeaderValue, StatusCode, header},
};

use super::{
    request::{self, is_secure},
    static_file::{is_known, takes_gzip},
};

#[derive(Debug, Clone, Copy)]
struct File {
    path: &'static str,
    bytes: &'static [u8],
    zipped: Option<&'static [u8]>,
    /// The `ETag`, with its quotes.
    tag: &'static str,
}

/// `build.rs` writes this table.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/dashboard_files.rs"));

/// Served as `/`.
const INDEX: &str = "/index.html";

/// Served as `/` if the dashboard was not built.
const NOT_BUILT: File =
    File { path: "/", bytes: include_bytes!("not_built.html"), zipped: None, tag: "\"none\"" };

/// In the page: how often it asks when it has no stream, ms.
const REFRESH: &str = r#"name="refresh-ms" content="5000""#;

/// In the page: what a proxy puts before our paths.
const BASE: &str = r#"name="base-path" content="""#;

/// In the page: where its files are.
const OWN_PATHS: &str = r#"="/"#;

/// In the page: its preview picture, which needs an absolute address.
const PICTURE: &str = r#"content="/og.png""#;

/// Everything comes from this API, nothing is framed, nothing is sent elsewhere. `data:` images are
/// the page's icon, which shows the percent.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Adds the page's files to the routes.
#[must_use]
pub fn with(route: Route) -> Route {
    FILES
        .iter()
        .filter(|file| file.path != INDEX)
        .fold(route, |route, file| route.at(file.path, served(*file)))
}

/// Serves the page at `/`, which what is nested there would take. `refresh`: DASHBOARD_REFRESH.
pub fn before<E: Endpoint<Output = Response> + 'static>(
    inner: E,
    refresh: Duration,
) -> impl Endpoint<Output = Response> {
    let file = *FILES.iter().find(|file| file.path == INDEX).unwrap_or(&NOT_BUILT);
    let page = Page::new(file, refresh);
    let page = Arc::new(get(make_sync(move |request| page.answer(&request))));
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

/// The page, with the settings of this process.
struct Page {
    file: File,
    html: String,
    tag: String,
}

impl Page {
    fn new(file: File, refresh: Duration) -> Self {
        let refresh = refresh.as_millis().to_string();
        let html = String::from_utf8_lossy(file.bytes)
            .replace(REFRESH, &REFRESH.replace("5000", &refresh));
        // Another setting is another version of the page.
        let tag = format!("\"{}-{refresh}\"", file.tag.trim_matches('"'));
        Self { file, html, tag }
    }

    fn answer(&self, request: &Request) -> Response {
        let prefix = request::prefix(request);
        let mut html = match origin(request) {
            Some(origin) => {
                self.html.replace(PICTURE, &format!(r#"content="{origin}{prefix}/og.png""#))
            }
            None => self.html.clone(),
        };
        let mut tag = self.tag.clone();
        if !prefix.is_empty() {
            html = html.replace(OWN_PATHS, &format!("=\"{prefix}/"));
            html = html.replace(BASE, &BASE.replace("\"\"", &format!("\"{prefix}\"")));
            tag = format!("\"{}{prefix}\"", tag.trim_matches('"'));
        }
        self.file.respond(request, html.into(), false, &tag)
    }
}

/// The origin that the page was asked for under, if it can stand in the page.
fn origin(request: &Request) -> Option<String> {
    let host = request.header(header::HOST)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let scheme = if is_secure(request) { "https" } else { "http" };
    (!host.is_empty() && host.chars().all(plain)).then(|| format!("{scheme}://{host}"))
}

fn served(file: File) -> RouteMethod {
    get(make_sync(move |request| file.answer(&request)))
}

impl File {
    fn answer(self, request: &Request) -> Response {
        let zipped = self.zipped.filter(|_| takes_gzip(request));
        let body = Bytes::from_static(zipped.unwrap_or(self.bytes));
        self.respond(request, body, zipped.is_some(), self.tag)
    }

    fn respond(self, request: &Request, body: Bytes, zipped: bool, tag: &str) -> Response {
        let known = is_known(request, tag);
        let mut response = if known { Response::default() } else { Response::builder().body(body) };
        if known {
            response.set_status(StatusCode::NOT_MODIFIED);
        }
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(tag) {
            headers.insert(header::ETAG, tag);
        }
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, self.content_type());
        set(header::VARY, "Accept-Encoding");
        set(header::CACHE_CONTROL, self.cache_control());
        set(header::CONTENT_SECURITY_POLICY, POLICY);
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::REFERRER_POLICY, "no-referrer");
        set(header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
        set(header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
        if zipped {
            set(header::CONTENT_ENCODING, "gzip");
        }
        response
    }

    /// The name of a file under `/assets/` changes with its content.
    fn cache_control(self) -> &'static str {
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::settings::ProxySettings;
    use poem::http::Method;

    use super::*;
    use crate::http::{failure, forwarded, problem};

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
    async fn the_page_says_how_often_to_ask_and_where_its_picture_is() {
        let bytes = include_bytes!("../../../dashboard/index.html");
        let page = Page::new(File { bytes, ..PAGE }, Duration::from_millis(700));
        for (host, proxy, picture) in [
            ("pedidos.example:8443", "https", "content=\"https://pedidos.example:8443/og.png\""),
            ("[::1]:3000", "", "content=\"http://[::1]:3000/og.png\""),
            ("\"><script>", "", "content=\"/og.png\""),
            ("", "https", "content=\"/og.png\""),
        ] {
            let request = Request::builder()
                .header(header::HOST, host)
                .header("x-forwarded-proto", proxy)
                .finish();
            let response = page.answer(&request);
            assert_eq!(response.headers()[header::ETAG], "\"2-700\"");
            let html = String::from_utf8(body(response).await).unwrap();
            assert!(html.contains(picture), "{host}");
            assert!(html.contains("name=\"refresh-ms\" content=\"700\""));
        }
    }

    #[tokio::test]
    async fn behind_a_path_the_page_finds_what_it_is_made_of() {
        let bytes = include_bytes!("../../../dashboard/index.html");
        let proxy = ProxySettings { base_path: "/base".to_owned(), trusted: Vec::new() };
        for file in [File { bytes, ..PAGE }, NOT_BUILT] {
            let page = Page::new(file, Duration::from_secs(5));
            let page = forwarded::around(make_sync(move |it| page.answer(&it)), proxy.clone());
            let request = Request::builder().header(header::HOST, "shop.example").finish();
            let response = page.get_response(request).await;
            assert!(response.headers()[header::ETAG].to_str().unwrap().ends_with("/base\""));
            let html = String::from_utf8(body(response).await).unwrap();
            let own = html.matches("=\"/").count();
            assert_eq!(own, html.matches("=\"/base").count(), "{html}");
            assert!(own > 0, "{html}");
            if file.path == PAGE.path {
                assert!(html.contains("name=\"base-path\" content=\"/base\""), "{html}");
                assert!(html.contains("content=\"http://shop.example/base/og.png\""), "{html}");
            }
        }
    }

    #[tokio::test]
    async fn every_answer_carries_the_policy() {
        let inner = Route::new().nest("/", Route::new());
        let page = before(with(inner), Duration::from_secs(5))
            .catch_all_error(|error| async { failure::of_framework(error) });
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
            assert_eq!(response.content_type(), Some(problem::PROBLEM_JSON), "{path}");
        }
    }
}
