//! The URL of an API.

use std::fmt;

use reqwest::Url;

use crate::failure::{Failure, Result};

/// The URL that is used if none is given.
pub const DEFAULT_URL: &str = "http://localhost:3000";

/// The URL as it was given. It is not parsed while clap reads it: clap would show one that is
/// wrong, and there may be a password in it.
#[derive(Clone)]
pub struct Address(String);

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        // An empty PEDIDOS_URL counts as none, as in a script that sets no variable of its own.
        Self(if text.trim().is_empty() { DEFAULT_URL } else { text.trim() }.to_owned())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Address {
    pub fn parse(&self) -> Result<Url> {
        let wrong = |what: &str| {
            Failure::Usage(format!("--url, PEDIDOS_URL: {what}; for example {DEFAULT_URL}"))
        };
        let url = Url::parse(&self.0).map_err(|error| wrong(&error.to_string()))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(url),
            _ => Err(wrong("the address must begin with http:// or https://")),
        }
    }
}

/// What all URLs of one API have in common: scheme, host, port and path. No user and password,
/// which are for a proxy before the API.
pub fn name_of(api: &Url) -> String {
    let mut api = api.clone();
    // Both fail only for a URL without a host, which has neither.
    let _removed = (api.set_username(""), api.set_password(None));
    api.set_query(None);
    api.set_fragment(None);
    api.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_empty_address_is_the_default_one() {
        assert_eq!(Address::from(" ").parse().unwrap().as_str(), "http://localhost:3000/");
    }

    #[test]
    fn a_wrong_address_is_bad_usage_and_no_password_of_it_is_shown() {
        for url in
            ["localhost:3000", "ftp://a", "http://u:SECRET", "http://u:SECRET@h:x", "http://"]
        {
            let address = Address::from(url);
            let failure = address.parse().unwrap_err();
            assert_eq!(failure.exit_code(), 2, "{url}");
            assert!(!format!("{failure} {address:?}").contains("SECRET"), "{failure}");
        }
    }
}
