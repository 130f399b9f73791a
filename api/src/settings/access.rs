//! Who may call the API, and how often.

use std::path::PathBuf;

use pedidos_service::{config::Values, listener::HostNames};

#[derive(Debug, Clone, Default)]
pub struct AccessSettings {
    /// HOST and ALLOWED_HOSTS.
    pub names: HostNames,
    /// API_KEYS_FILE.
    pub keys_file: Option<PathBuf>,
    /// ALLOW_ANONYMOUS.
    pub allow_anonymous: bool,
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
    #[must_use]
    pub fn of(values: &Values) -> Self {
        Self {
            names: HostNames::of(values),
            keys_file: values.file("API_KEYS_FILE"),
            allow_anonymous: values.flag("ALLOW_ANONYMOUS"),
            allowed_origins: values.items("CORS_ALLOWED_ORIGINS").map(str::to_owned).collect(),
            jwt: JwtSettings::of(values),
            reads_per_minute: values.number("RATE_LIMIT_READS"),
            writes_per_minute: values.number("RATE_LIMIT_WRITES"),
        }
    }

    /// Must a caller say who they are?
    #[must_use]
    pub const fn wants_credentials(&self) -> bool {
        self.keys_file.is_some() || self.jwt.is_some()
    }

    /// Can only this machine reach what is bound?
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.names.is_loopback()
    }

    /// What is wrong with serving an API so: it would let in whoever reaches it.
    #[must_use]
    pub fn is_open_to_others(&self) -> Option<String> {
        let open = !self.wants_credentials() && !self.is_loopback() && !self.allow_anonymous;
        open.then(|| {
            format!(
                "HOST: other machines can reach {}, and no credentials are required: \
                 create a key with `pedidos key new` and name its file in API_KEYS_FILE (or set \
                 JWT_JWKS_URL), or bind 127.0.0.1, or let everybody do everything with \
                 ALLOW_ANONYMOUS=true",
                self.names.host
            )
        })
    }
}

impl JwtSettings {
    fn of(values: &Values) -> Option<Self> {
        let keys = match values.file("JWT_JWKS_FILE") {
            Some(file) => Jwks::File(file),
            None if values.is_given("JWT_JWKS_URL") => {
                Jwks::Url(values.text("JWT_JWKS_URL").to_owned())
            }
            None => return None,
        };
        let text = |name| values.text(name).to_owned();
        Some(Self {
            keys,
            issuer: text("JWT_ISSUER"),
            audience: text("JWT_AUDIENCE"),
            role_claim: text("JWT_ROLE_CLAIM"),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::HashMap;

    use pedidos_service::settings::Settings;

    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> AccessSettings {
        let mut map = HashMap::from([("MONGO_URI", "mongodb://localhost/shop")]);
        map.extend(pairs.iter().copied());
        AccessSettings::of(&Settings::read(&map).unwrap().values)
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
            let access = read(&[("HOST", host)]);
            assert_eq!(access.is_open_to_others().is_some(), open, "{host}");
            for with in [("ALLOW_ANONYMOUS", "true"), ("API_KEYS_FILE", "keys")] {
                let access = read(&[("HOST", host), with]);
                assert_eq!(access.is_open_to_others(), None, "{host} {with:?}");
            }
        }
    }

    #[test]
    fn tokens_are_taken_with_all_that_they_must_have() {
        let all = [("JWT_JWKS_FILE", "f"), ("JWT_ISSUER", "i"), ("JWT_AUDIENCE", "a")];
        let jwt = read(&all).jwt.unwrap();
        assert_eq!((jwt.keys, jwt.role_claim.as_str()), (Jwks::File("f".into()), "role"));
        assert_eq!(read(&[]).jwt, None);
        let origins = [("CORS_ALLOWED_ORIGINS", "https://a.example, http://localhost:5173")];
        assert_eq!(read(&origins).allowed_origins, ["https://a.example", "http://localhost:5173"]);
    }
}
