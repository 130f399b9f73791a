//! Where a call comes from. A web page from elsewhere can make its reader's browser call
//! us, with the cookie of that browser or from the inside of its network:
//!
//! - under our address, from its own: `Origin` and `Sec-Fetch-Site` give it away, and calls
//!   that would change something are refused;
//! - under its own name, which it lets point to us (DNS rebinding): `Host` gives it away.

use std::net::IpAddr;

use pedidos_common::config::AccessSettings;
use poem::http::{HeaderMap, Method, Uri, header, uri::Authority};

/// What is wrong with where a call comes from; none: nothing is.
#[must_use]
pub fn foreign(
    settings: &AccessSettings,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Option<String> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => return Some("there are two Host headers".to_owned()),
        (Some(host), None) => Some(host.to_str().unwrap_or_default()),
        // HTTP/2 has it in the address; HTTP/1.0 may lack it, and no browser speaks that.
        (None, _) => uri.authority().map(Authority::as_str),
    };
    if let Some(host) = host
        && !is_ours(settings, host)
    {
        return Some(format!(
            "this API is not called '{}'; ALLOWED_HOSTS says what it is called",
            shortened(host)
        ));
    }
    if method.is_safe() {
        return None;
    }
    elsewhere(settings, headers, host.unwrap_or_default())
}

/// Is this one of our names?
///
/// With a name, a page can point to us; with a plain address it cannot. So of addresses only
/// those are refused that cannot be ours: others than loopback's, if that is what is bound.
/// And where callers have to say who they are, a foreign name gains nothing: the browser has
/// no key to send, and its cookie belongs to the name under which it was set. There, names
/// are only refused once `ALLOWED_HOSTS` has some.
fn is_ours(settings: &AccessSettings, host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.is_loopback() || !settings.is_loopback();
    }
    name == "localhost"
        || name.ends_with(".localhost")
        || name == settings.host.to_lowercase()
        || settings.allowed_hosts.contains(&name)
        || settings.allowed_hosts.is_empty() && settings.wants_credentials()
}

/// What gives away that a browser was made to call us from elsewhere.
fn elsewhere(settings: &AccessSettings, headers: &HeaderMap, host: &str) -> Option<String> {
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(origin) = said("origin") {
        if settings.allowed_origins.iter().any(|allowed| allowed == origin) {
            return None;
        }
        // Whether it was http or https, a proxy before us may have changed.
        let place = origin.split_once("://").map_or("", |(_, place)| place);
        if place.is_empty() || !same_place(place, host) {
            return Some(format!("it comes from a page of '{}'", shortened(origin)));
        }
    }
    match said("sec-fetch-site") {
        Some("cross-site") => Some("the browser says that it comes from another site".to_owned()),
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
    use super::*;

    fn settings(host: &str, keys: bool, names: &[&str]) -> AccessSettings {
        AccessSettings {
            host: host.to_owned(),
            keys_file: keys.then(|| "keys".into()),
            allowed_hosts: names.iter().map(|name| (*name).to_owned()).collect(),
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
        let open = settings("127.0.0.1", false, &["shop.example"]);
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
