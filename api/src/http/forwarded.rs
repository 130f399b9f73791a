//! A proxy before the API may put a path before ours (PUBLIC_BASE_PATH), and one of
//! TRUSTED_PROXIES says who called it, under which name, and below which path. This layer removes
//! all of that from a request and puts it back into the answer, so that nothing within need know.
//!
//! A path with `/` at its end is the path without.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::settings::ProxySettings;
use pedidos_service::config::base_path;
use poem::{
    Endpoint, EndpointExt, Request, Response, Result,
    http::{
        HeaderMap, HeaderValue, Uri, header,
        uri::{Parts, PathAndQuery},
    },
};

use super::request::{self, ForwardedFor, ForwardedPrefix, peer};

const FOR: &str = "x-forwarded-for";
const HOST: &str = "x-forwarded-host";
const PREFIX: &str = "x-forwarded-prefix";

/// What our own paths begin with: a base path that begins so, the proxy must remove.
const OWN: [&str; 3] = ["/pedidos", "/docs", "/assets"];

/// Prefixes for which [`PerPrefix`] keeps what it made.
const PREFIXES_KEPT: usize = 16;

/// The outermost layer.
pub fn around<E: Endpoint<Output = Response> + 'static>(
    inner: E,
    proxy: ProxySettings,
) -> impl Endpoint<Output = Response> {
    let proxy = Arc::new(proxy);
    inner.around(move |inner, mut request: Request| {
        let proxy = Arc::clone(&proxy);
        async move {
            let prefix = unwrap_proxy(&proxy, &mut request);
            let mut response = inner.get_response(request).await;
            if !prefix.is_empty() {
                add_prefix(&prefix, response.headers_mut());
            }
            Ok(response)
        }
    })
}

/// Makes of a request what it would be without a proxy, and returns the prefix.
fn unwrap_proxy(proxy: &ProxySettings, request: &mut Request) -> String {
    let mut prefix = None;
    if let Some(peer) = peer(request).filter(|peer| proxy.trusts(*peer)) {
        let client = caller(proxy, peer, request.headers());
        request.set_data(ForwardedFor(client));
        prefix = forwarded_prefix(request.headers());
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = host.and_then(|host| host.split(',').next()?.trim().parse().ok());
        if let Some(host) = host {
            request.headers_mut().insert(header::HOST, host);
        }
    }
    let prefix = prefix.unwrap_or_else(|| proxy.base_path.clone());
    let path = own_path(request.uri().path(), &prefix);
    if path != request.uri().path()
        && let Some(uri) = with_path(request.uri(), path)
    {
        *request.uri_mut() = uri;
    }
    if !prefix.is_empty() {
        request.set_data(ForwardedPrefix(prefix.clone()));
    }
    prefix
}

/// The last address that is no proxy of ours.
fn caller(proxy: &ProxySettings, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let lines = headers.get_all(FOR).iter().filter_map(|line| line.to_str().ok());
    let addresses: Vec<_> = lines.flat_map(|line| line.split(',')).collect();
    let mut caller = peer;
    for address in addresses.into_iter().rev().map(address) {
        // No proxy of ours wrote what stands before an invalid address.
        let Some(address) = address else { break };
        caller = address;
        if !proxy.trusts(address) {
            break;
        }
    }
    caller
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || SocketAddr::from_str(text).ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port)
}

/// The prefixes of all proxies, the outermost first.
fn forwarded_prefix(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(PREFIX).iter().map(|line| line.to_str().ok());
    let parts: Option<Vec<_>> = lines.map(|line| Some(line?.split(',').map(base_path))).collect();
    let parts: Option<Vec<String>> = parts?.into_iter().flatten().collect();
    parts.filter(|parts| !parts.is_empty()).map(|parts| parts.concat())
}

/// The path without the prefix, if the proxy left it there, and without `/` at its end.
fn own_path<'a>(path: &'a str, prefix: &str) -> &'a str {
    let is_own = OWN.iter().any(|own| {
        prefix.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let within = Some(path)
        .filter(|_| !prefix.is_empty() && !is_own)
        .and_then(|path| path.strip_prefix(prefix))
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match within.unwrap_or(path).trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = Parts::from(uri.clone());
    parts.path_and_query = Some(PathAndQuery::from_str(&target).ok()?);
    Uri::from_parts(parts).ok()
}

/// Adds the prefix to `Location`, and to the path of a cookie: others may use the same host. A
/// cookie whose name begins with `__Host-` has no other path than `/`.
fn add_prefix(prefix: &str, headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        let Ok(text) = value.to_str() else { continue };
        let text = if name == header::LOCATION && text.starts_with('/') {
            format!("{prefix}{text}")
        } else if name == header::SET_COOKIE && !text.starts_with("__Host-") {
            text.replacen("; Path=/;", &format!("; Path={prefix};"), 1)
        } else {
            continue;
        };
        if let Ok(text) = HeaderValue::from_str(&text) {
            *value = text;
        }
    }
}

/// An endpoint that differs by prefix, made once for each.
pub struct PerPrefix<E, F> {
    make: F,
    made: Mutex<HashMap<String, Arc<E>>>,
}

impl<E, F: Fn(&str) -> E> PerPrefix<E, F> {
    pub fn of(make: F) -> Self {
        Self { make, made: Mutex::default() }
    }

    fn for_prefix(&self, prefix: &str) -> Arc<E> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = made.get(prefix) {
            return Arc::clone(there);
        }
        if made.len() >= PREFIXES_KEPT {
            made.clear();
        }
        let new = Arc::new((self.make)(prefix));
        made.insert(prefix.to_owned(), Arc::clone(&new));
        new
    }
}

impl<E, F> Endpoint for PerPrefix<E, F>
where
    E: Endpoint<Output = Response>,
    F: Fn(&str) -> E + Send + Sync,
{
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let own = self.for_prefix(request::prefix(&request));
        own.call(request).await
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use poem::{
        Body, RequestParts,
        endpoint::make_sync,
        http::{self, uri::Scheme},
        web::{LocalAddr, RemoteAddr},
    };

    use super::*;

    fn proxy(base_path: &str, trusted: &[&str]) -> ProxySettings {
        let trusted = trusted.iter().map(|network| network.parse().unwrap()).collect();
        ProxySettings { base_path: base_path.to_owned(), trusted }
    }

    fn request(path: &str, headers: &[(&str, &str)]) -> Request {
        let from: SocketAddr = "10.0.0.1:4711".parse().unwrap();
        let mut request = http::Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let (local, remote) = (LocalAddr::default(), RemoteAddr(from.into()));
        let parts = RequestParts::from((parts, local, remote, Scheme::HTTP));
        Request::from_parts(parts, Body::empty())
    }

    #[test]
    fn a_path_is_ours_with_and_without_what_stands_before_it() {
        for (path, prefix, own) in [
            ("/", "", "/"),
            ("/pedidos/", "", "/pedidos"),
            ("/pedidos//", "", "/pedidos"),
            ("/base/pedidos", "", "/base/pedidos"),
            ("/base", "/base", "/"),
            ("/base/", "/base", "/"),
            ("/base/pedidos/runs/", "/base", "/pedidos/runs"),
            ("/pedidos/runs", "/base", "/pedidos/runs"),
            ("/based/pedidos", "/base", "/based/pedidos"),
            ("/a/b/docs", "/a/b", "/docs"),
            // A proxy must remove these: they cannot be headers from our own.
            ("/pedidos/runs", "/pedidos", "/pedidos/runs"),
            ("/pedidos/x/docs", "/pedidos/x", "/pedidos/x/docs"),
            ("/pedidos-x/docs", "/pedidos-x", "/docs"),
        ] {
            assert_eq!(own_path(path, prefix), own, "{path} {prefix}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_says_who_called_it_and_where() {
        let headers = [
            ("x-forwarded-for", "203.0.113.9, 198.51.100.7:81"),
            ("x-forwarded-for", "10.0.0.2"),
            ("x-forwarded-host", "shop.example"),
            ("x-forwarded-prefix", "/shop, /pedidos/"),
        ];
        for (trusted, caller, host, prefix) in [
            (&["10.0.0.0/8"][..], "198.51.100.7", Some("shop.example"), "/shop/pedidos"),
            (&["10.0.0.1"], "10.0.0.2", Some("shop.example"), "/shop/pedidos"),
            (&["10.0.0.0/8", "198.51.100.7"], "203.0.113.9", Some("shop.example"), "/shop/pedidos"),
            (&["10.0.0.2"], "10.0.0.1", None, "/base"),
            (&[], "10.0.0.1", None, "/base"),
        ] {
            let mut request = request("/pedidos/?a=b", &headers);
            let found = unwrap_proxy(&proxy("/base", trusted), &mut request);
            assert_eq!(found, prefix, "{trusted:?}");
            assert_eq!(request::prefix(&request), prefix, "{trusted:?}");
            assert_eq!(request::client_ip(&request).unwrap().to_string(), caller, "{trusted:?}");
            assert_eq!(request.header(header::HOST), host, "{trusted:?}");
            assert_eq!(request.uri(), "/pedidos?a=b");
        }
    }

    #[test]
    fn what_makes_no_sense_is_not_believed() {
        let proxy = proxy("/base", &["10.0.0.1"]);
        for (value, caller) in [
            ("", "10.0.0.1"),
            ("unknown", "10.0.0.1"),
            ("203.0.113.9, unknown, 198.51.100.7", "198.51.100.7"),
            ("[2001:db8::1]:99", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            let mut request = request("/", &[("x-forwarded-for", value)]);
            unwrap_proxy(&proxy, &mut request);
            assert_eq!(request::client_ip(&request).unwrap().to_string(), caller, "{value}");
        }
        for value in ["/a//b", "\"><script>", "//evil.example", "https://evil.example", "/a/.."] {
            let mut request = request("/", &[("x-forwarded-prefix", value)]);
            let prefix = unwrap_proxy(&proxy, &mut request);
            // A path of a host's name is a path.
            assert!(["/base", "/evil.example"].contains(&prefix.as_str()), "{value}: {prefix}");
        }
    }

    #[tokio::test]
    async fn what_a_client_asks_for_next_has_the_prefix_before_it() {
        for (base, location, path) in
            [("", "/pedidos/runs/1", "/"), ("/base", "/base/pedidos/runs/1", "/base")]
        {
            let inner = make_sync(|_| {
                let response = Response::builder().header("location", "/pedidos/runs/1");
                let response = response.header("set-cookie", "a=b; Path=/; HttpOnly");
                response.header("set-cookie", "__Host-a=b; Path=/; Secure").body(())
            });
            let api = around(inner, proxy(base, &[]));
            let response = api.get_response(request("/", &[])).await;
            assert_eq!(response.headers()[header::LOCATION], location);
            let cookies: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().collect();
            let own = format!("a=b; Path={path}; HttpOnly");
            assert_eq!(cookies, [own.as_str(), "__Host-a=b; Path=/; Secure"]);
        }
    }

    #[test]
    fn what_differs_by_prefix_is_made_once_for_each_and_not_without_end() {
        let made = Mutex::new(0);
        let all = PerPrefix::of(|_: &str| *made.lock().unwrap() += 1);
        for _ in 0..3 {
            all.for_prefix("");
            all.for_prefix("/base");
        }
        assert_eq!(*made.lock().unwrap(), 2);
        (0..1_000).for_each(|nth| drop(all.for_prefix(&format!("/{nth}"))));
        assert!(all.made.lock().unwrap().len() <= PREFIXES_KEPT);
    }
}
