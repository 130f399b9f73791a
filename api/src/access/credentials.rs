//! The credentials of a request, before they are checked.

use poem::{Request, http::header};

use super::cookie;
use crate::http::request::is_secure;

/// The header that a key may be in, instead of `Authorization`.
pub const KEY_HEADER: &str = "x-api-key";

/// Without `Debug`: it has keys in it.
#[derive(Clone)]
pub enum Credentials {
    None,
    /// A key or a token.
    Bearer(String),
    /// The cookie of a browser that signed in.
    Cookie(String),
    /// What is wrong with them.
    Malformed(&'static str),
    /// More than one session cookie.
    ManyCookies,
}

impl Credentials {
    /// `Authorization: Bearer` counts before the header of keys, and that before a cookie; a wrong
    /// one is not made good by another that is right. Other schemes are for a proxy in front.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let headers = request.headers();
        let mut foreign_scheme = false;
        for (name, has_scheme) in [(header::AUTHORIZATION.as_str(), true), (KEY_HEADER, false)] {
            let mut given = headers.get_all(name).iter();
            let (Some(value), more) = (given.next(), given.next()) else { continue };
            if more.is_some() {
                return Self::Malformed("the request has more than one key or token");
            }
            let Ok(text) = value.to_str().map(str::trim) else {
                return Self::Malformed(
                    "the key or token has characters that are not visible ASCII",
                );
            };
            if !has_scheme {
                return Self::Bearer(text.to_owned());
            }
            let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
            if !scheme.eq_ignore_ascii_case("bearer") {
                foreign_scheme = true;
                continue;
            }
            if rest.trim().is_empty() {
                return Self::Malformed(BEARER);
            }
            return Self::Bearer(rest.trim().to_owned());
        }
        let mut cookies = cookie::all(headers, is_secure(request));
        match (cookies.next(), cookies.next()) {
            (Some(_), Some(_)) => Self::ManyCookies,
            (Some(cookie), None) => Self::Cookie(cookie.to_owned()),
            (None, _) if foreign_scheme => Self::Malformed(BEARER),
            (None, _) => Self::None,
        }
    }

    #[must_use]
    pub const fn is_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_) | Self::ManyCookies)
    }
}

const BEARER: &str = "Authorization must be Bearer, then a space and a key or token";
