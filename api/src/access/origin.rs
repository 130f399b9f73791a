//! Where a call comes from. A web page from elsewhere can make its reader's browser call the API,
//! with that browser's cookie or from inside its network:
//!
//! - under our address, from its own (CSRF): `Origin` and `Sec-Fetch-Site` show it, and calls that
//!   change something are refused;
//! - under its own name, which it makes point to us (DNS rebinding): `Host` shows it.

use std::net::IpAddr;

use crate::settings::AccessSettings;
use poem::http::{HeaderMap, Method, Uri, header, uri::Authority};

/// Why a call is refused for where it comes from.
#[derive(Debug)]
pub struct ForeignCall {
    pub title: &'static str,
    pub detail: String,
}

impl ForeignCall {
    const fn host(detail: String) -> Self {
        Self { title: "Host not allowed", detail }
    }

    const fn origin(detail: String) -> Self {
        Self { title: "Origin not allowed", detail }
    }
}

/// None: the call may come from there.
#[must_use]
pub fn foreign(
    settings: &AccessSettings,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Option<ForeignCall> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => {
            return Some(ForeignCall::host("the request has two Host headers".to_owned()));
        }
        (Some(host), None) => Some(host.to_str().unwrap_or_default()),
        // HTTP/2 has it in the address; HTTP/1.0 may lack it, and no browser speaks that.
        (None, _) => uri.authority().map(Authority::as_str),
    };
    if let Some(host) = host
        && !is_ours(settings, host)
    {
        return Some(ForeignCall::host(format!(
            "'{}' is not a name of this API; if it is, add it to ALLOWED_HOSTS",
            shortened(host)
        )));
    }
    if method.is_safe() {
        return None;
    }
    elsewhere(settings, headers, host.unwrap_or_default())
}

/// Is this one of our names? Where credentials are asked for, a foreign name gains nothing: the
/// browser has no key to send, and its cookie belongs to the name under which it was set. There,
/// names are refused only once `ALLOWED_HOSTS` has some.
fn is_ours(settings: &AccessSettings, host: &str) -> bool {
    let any = settings.names.allowed.is_empty() && settings.wants_credentials();
    let is_name = || {
        let host = host.parse::<Authority>();
        host.is_ok_and(|host| host.host().trim_matches(['[', ']']).parse::<IpAddr>().is_err())
    };
    settings.names.include(host) || any && is_name()
}

/// Was a browser made to call us by a page from elsewhere?
fn elsewhere(settings: &AccessSettings, headers: &HeaderMap, host: &str) -> Option<ForeignCall> {
    let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(origin) = value("origin") {
        if settings.allowed_origins.iter().any(|allowed| allowed == origin) {
            return None;
        }
        // Whether it was http or https, a proxy before us may have changed.
        let place = origin.split_once("://").map_or("", |(_, place)| place);
        if place.is_empty() || !same_place(place, host) {
            return Some(ForeignCall::origin(format!(
                "the request comes from a page of '{}', and this is '{}': to allow that page, add \
                 its origin to CORS_ALLOWED_ORIGINS; if a proxy changes Host, have it pass Host \
                 on, or add it to TRUSTED_PROXIES",
                shortened(origin),
                shortened(host)
            )));
        }
    }
    match value("sec-fetch-site") {
        Some("cross-site") => Some(ForeignCall::origin(
            "the request comes from a page of another site: to allow that page, add its origin \
             to CORS_ALLOWED_ORIGINS"
                .to_owned(),
        )),
        _ => None,
    }
}

/// Are these the same host and port? A default port may be left out of either.
fn same_place(one: &str, other: &str) -> bool {
    let bare = |place: &str| {
        let place = place.to_lowercase();
        let place = place.strip_suffix(":80").or_else(|| place.strip_suffix(":443"));
        place.map(str::to_owned)
    };
    let one = bare(one).unwrap_or_else(|| one.to_lowercase());
    let other = bare(other).unwrap_or_else(|| other.to_lowercase());
    one == other
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use pedidos_service::listener::HostNames;

    use super::*;

    fn settings(host: &str, keys: bool, names: &[&str]) -> AccessSettings {
        AccessSettings {
            names: HostNames {
                host: host.to_owned(),
                allowed: names.iter().map(|name| (*name).to_owned()).collect(),
            },
            keys_file: keys.then(|| "keys".into()),
            ..AccessSettings::default()
        }
    }

    fn refused(settings: &AccessSettings, method: Method, headers: &[(&str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap())
        });
        foreign(settings, &method, &Uri::from_static("/"), &headers.collect()).is_some()
    }

    #[test]
    fn a_name_that_is_not_ours_is_refused() {
        let open = settings("127.0.0.1", false, &["shop.example", "10.0.0.9", "fd00::9"]);
        for (host, is_refused) in [
            ("localhost:3000", false),
            ("LOCALHOST", false),
            ("localhost.:3000", false),
            ("api.localhost", false),
            ("127.0.0.1:3000", false),
            ("127.1.2.3", false),
            ("[::1]:3000", false),
            ("shop.example:8080", false),
            ("evil.example", true),
            ("evil.example:3000", true),
            ("shop.example.evil", true),
            ("127.0.0.1.evil.example", true),
            ("localhost.evil.example", true),
            ("10.0.0.1:3000", true),
            ("10.0.0.9:3000", false),
            ("[fd00::9]", false),
            ("", true),
            ("a b", true),
            ("localhost@evil.example", true),
        ] {
            for method in [Method::GET, Method::POST] {
                let refused = refused(&open, method, &[("host", host)]);
                assert_eq!(refused, is_refused, "{host}");
            }
        }
        assert!(!refused(&open, Method::GET, &[]), "no browser leaves Host out");
    }

    #[test]
    fn beyond_loopback_addresses_cannot_be_rebound_and_names_are_listed() {
        let open = settings("0.0.0.0", false, &[]);
        assert!(!refused(&open, Method::GET, &[("host", "10.43.0.17")]));
        assert!(refused(&open, Method::GET, &[("host", "pedidos-api.pedidos.svc")]));
        let keyed = settings("0.0.0.0", true, &[]);
        assert!(!refused(&keyed, Method::GET, &[("host", "pedidos-api.pedidos.svc")]));
        let listed = settings("0.0.0.0", true, &["pedidos-api.pedidos.svc"]);
        assert!(!refused(&listed, Method::GET, &[("host", "pedidos-api.pedidos.svc")]));
        assert!(refused(&listed, Method::GET, &[("host", "evil.example")]));
    }

    #[test]
    fn a_page_from_elsewhere_may_look_and_not_touch() {
        let open = settings("127.0.0.1", false, &["shop.example"]);
        for (host, name, value, is_refused) in [
            ("localhost:3000", "origin", "http://localhost:3000", false),
            ("shop.example", "origin", "https://shop.example", false),
            ("shop.example:443", "origin", "https://shop.example", false),
            ("localhost:3000", "origin", "http://localhost:8080", true),
            ("localhost:3000", "origin", "http://127.0.0.1:3000", true),
            ("localhost:3000", "origin", "https://evil.example", true),
            ("localhost:3000", "origin", "http://localhost:3000.evil.example", true),
            ("localhost:3000", "origin", "null", true),
            ("localhost:3000", "origin", "", true),
            ("localhost:3000", "origin", "localhost:3000", true),
            ("localhost:3000", "sec-fetch-site", "cross-site", true),
            ("localhost:3000", "sec-fetch-site", "same-origin", false),
            ("localhost:3000", "sec-fetch-site", "none", false),
        ] {
            let headers = [("host", host), (name, value)];
            for method in [Method::POST, Method::DELETE, Method::PUT] {
                assert_eq!(refused(&open, method, &headers), is_refused, "{host} {name}: {value}");
            }
            assert!(!refused(&open, Method::GET, &headers), "{host} {name}: {value}");
        }
    }

    #[test]
    fn a_refusal_names_the_setting_that_would_help() {
        let open = settings("127.0.0.1", false, &[]);
        for (host, name, value, setting) in [
            ("shop.example", "accept", "*/*", "ALLOWED_HOSTS"),
            ("10.0.0.1", "accept", "*/*", "ALLOWED_HOSTS"),
            ("localhost", "origin", "https://shop.example", "CORS_ALLOWED_ORIGINS"),
            ("localhost", "origin", "https://shop.example", "TRUSTED_PROXIES"),
            ("localhost", "sec-fetch-site", "cross-site", "CORS_ALLOWED_ORIGINS"),
        ] {
            let headers = [("host", host), (name, value)].map(|(name, value)| {
                (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap())
            });
            let headers = headers.into_iter().collect();
            let why = foreign(&open, &Method::POST, &Uri::from_static("/"), &headers).unwrap();
            assert!(why.detail.contains(setting), "{host} {name}: {why:?}");
        }
    }

    #[test]
    fn pages_of_the_allow_list_may_touch_and_no_others() {
        let mut listed = settings("127.0.0.1", false, &[]);
        listed.allowed_origins = vec!["https://shop.example".to_owned()];
        for (origin, is_refused) in [
            ("https://shop.example", false),
            ("http://shop.example", true),
            ("https://shop.example.evil", true),
            ("https://shop.example:8443", true),
            ("null", true),
        ] {
            let headers =
                [("host", "localhost:3000"), ("origin", origin), ("sec-fetch-site", "cross-site")];
            assert_eq!(refused(&listed, Method::POST, &headers), is_refused, "{origin}");
        }
        let silent = [("host", "localhost:3000"), ("sec-fetch-site", "cross-site")];
        assert!(refused(&listed, Method::POST, &silent), "nobody says which page it was");
    }
}
