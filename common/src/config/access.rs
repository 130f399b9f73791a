//! Who may call the API, and how often.

use std::{net::IpAddr, path::PathBuf};

use super::Reader;

/// Who may call the API, and how often.
#[derive(Debug, Clone, Default)]
pub struct AccessSettings {
    /// HOST: what is bound is a name of ours.
    pub host: String,
    /// API_KEYS_FILE.
    pub keys_file: Option<PathBuf>,
    /// ALLOW_ANONYMOUS.
    pub allow_anonymous: bool,
    /// ALLOWED_HOSTS, in lower case.
    pub allowed_hosts: Vec<String>,
    /// CORS_ALLOWED_ORIGINS: of web pages from elsewhere that may call it.
    pub allowed_origins: Vec<String>,
    /// JWT_JWKS_FILE or JWT_JWKS_URL, and what goes with them.
    pub jwt: Option<JwtSettings>,
    /// RATE_LIMIT_READS; 0: none.
    pub reads_per_minute: u32,
    /// RATE_LIMIT_WRITES; 0: none.
    pub writes_per_minute: u32,
}

/// Which tokens of an identity provider are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtSettings {
    /// Where the provider's public keys are.
    pub keys: Jwks,
    /// JWT_ISSUER.
    pub issuer: String,
    /// JWT_AUDIENCE.
    pub audience: String,
    /// JWT_ROLE_CLAIM.
    pub role_claim: String,
}

/// Where a provider's public keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jwks {
    /// JWT_JWKS_FILE.
    File(PathBuf),
    /// JWT_JWKS_URL.
    Url(String),
}

impl AccessSettings {
    /// Must a caller say who they are?
    #[must_use]
    pub const fn wants_credentials(&self) -> bool {
        self.keys_file.is_some() || self.jwt.is_some()
    }

    /// Can only this machine reach what is bound?
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// What is wrong with serving an API so: it would let in whoever reaches it.
    #[must_use]
    pub fn is_open_to_others(&self) -> Option<String> {
        let open = !self.wants_credentials() && !self.is_loopback() && !self.allow_anonymous;
        open.then(|| {
            format!(
                "HOST: {} can be reached from other machines, and nobody is asked who they are: \
                 make a key with `pedidos key new` and name its file in API_KEYS_FILE (or set \
                 JWT_JWKS_URL), or bind 127.0.0.1, or let everybody do everything with \
                 ALLOW_ANONYMOUS=true",
                self.host
            )
        })
    }
}

impl Reader<'_> {
    pub(super) fn access(&mut self) -> AccessSettings {
        let path = |text: String| (!text.is_empty()).then(|| PathBuf::from(text));
        let access = AccessSettings {
            host: self.text("HOST"),
            keys_file: path(self.text("API_KEYS_FILE")),
            allow_anonymous: self.flag("ALLOW_ANONYMOUS"),
            allowed_hosts: self.hosts(),
            allowed_origins: self.origins(),
            jwt: self.jwt(),
            reads_per_minute: self.number("RATE_LIMIT_READS", 0..=1_000_000),
            writes_per_minute: self.number("RATE_LIMIT_WRITES", 0..=1_000_000),
        };
        if access.allow_anonymous && access.wants_credentials() {
            self.wrong(
                "ALLOW_ANONYMOUS: with API_KEYS_FILE or JWT_JWKS_… it would make them pointless: \
                 leave out one of the two"
                    .to_owned(),
            );
        }
        access
    }

    fn hosts(&mut self) -> Vec<String> {
        let text = self.text("ALLOWED_HOSTS").to_lowercase();
        let hosts = text.split(',').map(str::trim).filter(|host| !host.is_empty());
        let hosts: Vec<_> = hosts.map(str::to_owned).collect();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        for host in &hosts {
            if !host.chars().all(fits) {
                self.wrong(format!("ALLOWED_HOSTS: '{host}' is not the name of a host"));
            }
        }
        hosts
    }

    fn origins(&mut self) -> Vec<String> {
        let text = self.text("CORS_ALLOWED_ORIGINS");
        let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let origins: Vec<String> = origins.map(str::to_owned).collect();
        for origin in origins.iter().filter(|origin| !is_origin(origin)) {
            self.wrong(format!(
                "CORS_ALLOWED_ORIGINS: '{origin}' is not an origin as browsers send it, \
                 for example https://shop.example or http://localhost:5173"
            ));
        }
        origins
    }

    fn jwt(&mut self) -> Option<JwtSettings> {
        let [file, url] = ["JWT_JWKS_FILE", "JWT_JWKS_URL"].map(|name| self.text(name));
        let [issuer, audience] = ["JWT_ISSUER", "JWT_AUDIENCE"].map(|name| self.text(name));
        let role_claim = self.text("JWT_ROLE_CLAIM");
        let keys = match (file.is_empty(), url.is_empty()) {
            (true, true) => {
                if !issuer.is_empty() || !audience.is_empty() {
                    self.wrong(
                        "JWT_ISSUER: without JWT_JWKS_FILE or JWT_JWKS_URL no token can be checked"
                            .to_owned(),
                    );
                }
                return None;
            }
            (false, false) => {
                self.wrong("JWT_JWKS_FILE: JWT_JWKS_URL is set too; one of them is enough".into());
                return None;
            }
            (false, true) => Jwks::File(file.into()),
            (true, false) => {
                // A key that came in the clear could be anybody's.
                if !url.starts_with("https://") && !is_this_machine(&url) {
                    self.wrong("JWT_JWKS_URL: not an https:// URL".to_owned());
                }
                Jwks::Url(url)
            }
        };
        for (name, value) in [("JWT_ISSUER", &issuer), ("JWT_AUDIENCE", &audience)] {
            if value.is_empty() {
                self.wrong(format!("{name}: required with JWT_JWKS_FILE and JWT_JWKS_URL"));
            }
        }
        Some(JwtSettings { keys, issuer, audience, role_claim })
    }
}

/// Scheme, host in small letters, port if it is not the scheme's own; no path.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let fits = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-' | ':' | '[' | ']');
    host.is_some_and(|host| !host.is_empty() && host.chars().all(fits))
}

/// `http://` is allowed to this machine alone.
fn is_this_machine(url: &str) -> bool {
    let host = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    name.is_some_and(|name| {
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use super::*;
    use crate::config::Settings;

    fn read(pairs: &[(&'static str, &'static str)]) -> Result<AccessSettings, Vec<String>> {
        let mut map = HashMap::from([("MONGO_URI", "mongodb://localhost/shop")]);
        map.extend(pairs.iter().copied());
        Settings::read(&map).map(|settings| settings.api.access)
    }

    #[test]
    fn only_what_this_machine_alone_can_reach_is_open_by_default() {
        for (host, open) in [
            ("127.0.0.1", false),
            ("127.8.9.1", false),
            ("::1", false),
            ("localhost", false),
            ("0.0.0.0", true),
            ("::", true),
            ("192.168.1.4", true),
            ("shop.example", true),
        ] {
            let access = read(&[("HOST", host)]).unwrap();
            assert_eq!(access.is_open_to_others().is_some(), open, "{host}");
            for with in [("ALLOW_ANONYMOUS", "true"), ("API_KEYS_FILE", "keys")] {
                let access = read(&[("HOST", host), with]).unwrap();
                assert_eq!(access.is_open_to_others(), None, "{host} {with:?}");
            }
        }
    }

    #[test]
    fn what_is_said_by_halves_or_twice_is_a_mistake() {
        let jwks = ("JWT_JWKS_FILE", "f");
        let all = [jwks, ("JWT_ISSUER", "i"), ("JWT_AUDIENCE", "a")];
        let jwt = read(&all).unwrap().jwt.unwrap();
        assert_eq!((jwt.keys, jwt.role_claim.as_str()), (Jwks::File("f".into()), "role"));
        for (wrong, named) in [
            (&[jwks][..], "JWT_AUDIENCE"),
            (&[jwks, all[1]], "JWT_AUDIENCE"),
            (&[all[1], all[2]], "JWT_ISSUER"),
            (&[jwks, all[1], all[2], ("JWT_JWKS_URL", "https://a")], "JWT_JWKS_FILE"),
            (&[all[1], all[2], ("JWT_JWKS_URL", "http://a.example/k")], "JWT_JWKS_URL"),
            (&[("ALLOW_ANONYMOUS", "true"), ("API_KEYS_FILE", "k")], "ALLOW_ANONYMOUS"),
            (&[("ALLOWED_HOSTS", "a.example, b:3000")], "ALLOWED_HOSTS"),
            (&[("RATE_LIMIT_WRITES", "-1")], "RATE_LIMIT_WRITES"),
        ] {
            let mistakes = read(wrong).unwrap_err();
            assert!(mistakes.iter().any(|m| m.starts_with(named)), "{named}: {mistakes:?}");
        }
        for url in ["https://id.example/keys", "http://127.0.0.1:8080/keys", "http://localhost/k"] {
            assert!(read(&[all[1], all[2], ("JWT_JWKS_URL", url)]).is_ok(), "{url}");
        }
        let hosts = read(&[("ALLOWED_HOSTS", " Shop.example,pedidos-api.pedidos.svc ,")]).unwrap();
        assert_eq!(hosts.allowed_hosts, ["shop.example", "pedidos-api.pedidos.svc"]);
    }
}
