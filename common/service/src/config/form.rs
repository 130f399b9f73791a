//! What a value must look like. A check answers with what is wrong, to be reported after the
//! setting's name.

use std::net::IpAddr;

use poem::http::Uri;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::network::IpNetwork;

#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// Any text; or one that is checked where it is used.
    Text,
    Flag,
    /// A whole number, from the first to the second.
    Number(u64, u64),
    Checked(fn(&str) -> Option<String>),
    /// Values with commas between them, each of this form.
    List(fn(&str) -> Option<String>),
}

impl Form {
    pub(super) fn mistakes(self, name: &str, text: &str) -> Vec<String> {
        match self {
            Self::Text => Vec::new(),
            Self::Flag => flag(text).err().into_iter().collect(),
            Self::Number(least, most) => number(name, text, least, most).into_iter().collect(),
            Self::Checked(mistake) => mistake(text).into_iter().collect(),
            Self::List(mistake) => items(text).filter_map(mistake).collect(),
        }
    }
}

pub fn flag(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(format!("'{other}' is neither true nor false")),
    }
}

pub fn number(name: &str, text: &str, least: u64, most: u64) -> Option<String> {
    if text.parse().is_ok_and(|number| (least..=most).contains(&number)) {
        return None;
    }
    // As Kubernetes names what a service listens on, to every pod beside it.
    let hint = if text.starts_with("tcp://") {
        let service = name.trim_end_matches("_PORT").to_lowercase();
        format!(
            ": Kubernetes sets it for a service named {service}; set it in the pod, or \
             enableServiceLinks: false"
        )
    } else {
        String::new()
    };
    Some(format!("'{text}' is not a whole number from {least} to {most}{hint}"))
}

pub fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

pub fn queue_name(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_graphic() && c != '{' && c != '}';
    let is_name = (1..=64).contains(&name.len()) && name.chars().all(fits);
    (!is_name).then(|| format!("'{name}' is not 1 to 64 visible ASCII characters without braces"))
}

pub fn log_format(text: &str) -> Option<String> {
    (!matches!(text, "text" | "json")).then(|| format!("'{text}' is neither text nor json"))
}

/// A word alone is a level here. [`EnvFilter`] would take another one for a target, and hide all other
/// lines: `inof` would.
pub fn log_filter(text: &str) -> Option<String> {
    let is_known = |item: &str| item.contains(['=', '[']) || item.parse::<LevelFilter>().is_ok();
    let wrong = items(text).find(|item| !is_known(item) || EnvFilter::try_new(item).is_err())?;
    Some(format!(
        "'{wrong}' is neither a level (off, error, warn, info, debug, trace) nor TARGET=LEVEL; for \
         example info,fred=debug"
    ))
}

pub fn host(host: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_host = host.chars().all(fits) || host.parse::<IpAddr>().is_ok();
    (!is_host).then(|| format!("'{host}' is not the name of a host"))
}

/// Scheme, host in small letters, port if it is not the scheme's own; no path.
pub fn origin(origin: &str) -> Option<String> {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let fits = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-' | ':' | '[' | ']');
    let is_origin = host.is_some_and(|host| !host.is_empty() && host.chars().all(fits));
    (!is_origin).then(|| {
        format!(
            "'{origin}' is not an origin as browsers send it, for example https://shop.example \
             or http://localhost:5173"
        )
    })
}

pub fn path(text: &str) -> Option<String> {
    base_path(text).is_none().then(|| {
        "not a path of letters, digits and -._~ between /, for example /shop/pedidos".to_owned()
    })
}

pub fn network(network: &str) -> Option<String> {
    network.parse::<IpNetwork>().is_err().then(|| {
        format!("'{network}' is not an address or a network, for example 10.0.0.5 or 10.0.0.0/8")
    })
}

/// A base path as it is kept: `/base` for `base`, `/base/` and `/base`; empty for `/`. None:
/// it cannot stand before a path.
#[must_use]
pub fn base_path(text: &str) -> Option<String> {
    let text = text.trim().trim_matches('/');
    if text.is_empty() {
        return Some(String::new());
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '~');
    let is_name =
        |part: &str| !part.is_empty() && part.chars().any(|c| c != '.') && part.chars().all(fits);
    (text.len() <= 200 && text.split('/').all(is_name)).then(|| format!("/{text}"))
}

/// A key that came in the clear could be anybody's.
pub fn url_of_keys(url: &str) -> Option<String> {
    (!url.starts_with("https://") && !is_this_machine(url))
        .then(|| "not an https:// URL".to_owned())
}

/// A name that runs choose; `builtin` is taken.
pub fn processor_name(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_name = (1..=64).contains(&name.len()) && name.chars().all(fits) && name != "builtin";
    (!is_name).then(|| format!("'{name}' is not 1 to 64 letters, digits and .-_, and not builtin"))
}

pub fn url_of_processor(url: &str) -> Option<String> {
    let read = url.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
    let scheme = read.as_ref().and_then(Uri::scheme_str);
    (!matches!(scheme, Some("http" | "https"))).then(|| "not an https:// or http:// URL".to_owned())
}

/// `http://` is allowed to this machine alone. What stands before an `@` is no host.
pub(super) fn is_this_machine(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let named = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    let name = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let here =
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme_str() == Some("http") && named && here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_those_of_web_pages() {
        let list = Form::List(origin);
        let mistakes = |text| list.mistakes("CORS_ALLOWED_ORIGINS", text);
        assert!(mistakes("https://a.example, http://localhost:5173").is_empty());
        for wrong in
            ["*", "a.example", "https://a/", "https://", "null", "https://a b", "HTTPS://A"]
        {
            assert_eq!(mistakes(wrong).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn keys_come_by_https_or_from_this_machine() {
        for url in [
            "http://a.example/k",
            "http://localhost:x@other.example/",
            "http://localhost@other.example/keys",
            "http://127.0.0.1:80@other.example",
            "http://localhost.other.example/keys",
            "http://other.example#@localhost/",
            "http://localhost\\@other.example/",
        ] {
            assert!(url_of_keys(url).is_some(), "{url}");
        }
        for url in [
            "https://id.example/keys",
            "http://127.0.0.1:8080/keys",
            "http://localhost/k",
            "http://[::1]:8080/keys",
        ] {
            assert_eq!(url_of_keys(url), None, "{url}");
        }
    }

    #[test]
    fn a_log_filter_has_levels_and_targets_with_levels() {
        for right in ["info", "WARN", "off", "info, fred=debug", "a[b{c=1}]=trace", "x[span]"] {
            assert_eq!(log_filter(right), None, "{right}");
        }
        for (wrong, named) in
            [("inof", "'inof'"), ("info,loud", "'loud'"), ("info,fred=loud", "'fred=loud'")]
        {
            let mistake = log_filter(wrong).unwrap_or_default();
            assert!(mistake.starts_with(named) && mistake.contains("debug"), "{wrong}: {mistake}");
        }
    }

    #[test]
    fn a_base_path_is_kept_in_one_form() {
        for (text, kept) in [
            ("", Some("")),
            ("/", Some("")),
            ("base", Some("/base")),
            ("/base/", Some("/base")),
            ("/a/b.c", Some("/a/b.c")),
            ("/a//b", None),
            ("/a/../b", None),
            ("/a b", None),
            ("/\"><script>", None),
            ("https://host/base", None),
            ("/a?b", None),
            ("/a;b", None),
        ] {
            assert_eq!(base_path(text).as_deref(), kept, "{text}");
        }
    }
}
