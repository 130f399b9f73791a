//! The settings of what a process connects to, and of how it is connected to. Addresses
//! of stores are secrets: they may have a password in them.

use std::path::PathBuf;

use fred::types::config::Config;
use mongodb::{
    error::ErrorKind,
    options::{Acknowledgment, ConnectionString, WriteConcern},
};
use secrecy::{ExposeSecret, SecretString};
use tokio_rustls::rustls::ClientConfig;

use super::Reader;
use crate::{
    listener::ListenerSettings,
    redact::said_of,
    tls::{self, TlsSettings},
};

/// How MongoDB is reached.
#[derive(Debug, Clone)]
pub struct MongoSettings {
    /// MONGO_URI.
    pub uri: SecretString,
    /// MONGO_WRITE_CONCERN, for orders.
    pub write_concern: WriteConcern,
}

/// How Redis is reached.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// REDIS_URL, or what REDIS_HOST and REDIS_PORT come to.
    pub url: SecretString,
    /// What REDIS_TLS_CA_FILE comes to, for `rediss://`; none: whom the system trusts.
    pub trusted: Option<ClientConfig>,
}

impl RedisSettings {
    /// A server at this address, trusted if the system trusts it.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.into(), trusted: None }
    }

    /// As the driver takes it.
    ///
    /// # Errors
    /// The address cannot be used, or the system has no authorities to trust.
    pub fn config(&self) -> Result<Config, String> {
        let url = self.url.expose_secret();
        // Without its s, or the driver would want the system's authorities, too.
        let plain = match self.trusted {
            Some(_) => url.replacen("rediss", "redis", 1).replacen("valkeys", "valkey", 1),
            None => url.to_owned(),
        };
        let parsed = Config::from_url(&plain);
        let mut config = parsed.map_err(|error| said_of(url, error.details()))?;
        if let Some(trusted) = self.trusted.clone() {
            config.tls = Some(trusted.into());
        }
        Ok(config)
    }
}

/// Does this address mean TLS?
fn is_tls(url: &str) -> bool {
    url.starts_with("rediss") || url.starts_with("valkeys")
}

impl Reader<'_> {
    pub(super) fn mongo(&mut self) -> MongoSettings {
        let uri = self.text("MONGO_URI");
        if uri.is_empty() {
            self.wrong(
                "MONGO_URI: required, for example mongodb://localhost:27017/ecommerce".into(),
            );
        } else {
            let parsed = ConnectionString::parse(&uri);
            self.checked(
                "MONGO_URI",
                parsed.map_err(|error| match *error.kind {
                    ErrorKind::InvalidArgument { message, .. } => said_of(&uri, &message),
                    other => said_of(&uri, &other.to_string()),
                }),
            );
        }
        let concern = self.text("MONGO_WRITE_CONCERN");
        let write_concern = match (concern.as_str(), concern.parse::<u32>()) {
            ("majority", _) => {
                WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build()
            }
            (_, Ok(0)) => {
                self.wrong(
                    "MONGO_WRITE_CONCERN: 0 acknowledges nothing, so nothing could be counted"
                        .into(),
                );
                WriteConcern::default()
            }
            (_, Ok(nodes)) => WriteConcern::nodes(nodes),
            (tag, Err(_)) => {
                WriteConcern::builder().w(Acknowledgment::Custom(tag.to_owned())).build()
            }
        };
        MongoSettings { uri: uri.into(), write_concern }
    }

    pub(super) fn redis(&mut self) -> RedisSettings {
        let port: u16 = self.number("REDIS_PORT", 1..=65_535);
        let mut url = self.text("REDIS_URL");
        let name = if url.is_empty() { "REDIS_HOST" } else { "REDIS_URL" };
        if url.is_empty() {
            url = format!("redis://{}:{port}", self.text("REDIS_HOST"));
        }
        let known = ["redis", "rediss", "valkey", "valkeys"]
            .iter()
            .flat_map(|scheme| {
                ["", "-cluster", "-sentinel"].map(|kind| format!("{scheme}{kind}://"))
            })
            .any(|scheme| url.starts_with(&scheme));
        let mut settings = RedisSettings::at(&url);
        if let Some(file) = self.file("REDIS_TLS_CA_FILE") {
            match tls::trusting(("REDIS_TLS_CA_FILE", &file)) {
                Ok(trusted) => settings.trusted = Some(trusted),
                Err(mistake) => self.wrong(mistake),
            }
            if !is_tls(&url) {
                self.wrong(format!("REDIS_TLS_CA_FILE: for rediss:// alone, which {name} is not"));
            }
        }
        if known {
            let config = settings.config();
            self.checked(name, config);
        } else {
            self.wrong(format!(
                "{name}: not a URL of redis://, rediss://, redis-cluster:// or redis-sentinel://"
            ));
        }
        settings
    }

    /// A file that is named; none if it is not.
    fn file(&mut self, name: &str) -> Option<PathBuf> {
        Some(self.text(name)).filter(|name| !name.is_empty()).map(PathBuf::from)
    }

    pub(super) fn listener(&mut self) -> ListenerSettings {
        let files = ["TLS_CERT_FILE", "TLS_KEY_FILE"].map(|name| (name, self.file(name)));
        let client_ca = self.file("TLS_CLIENT_CA_FILE");
        let tls = match files {
            [(_, Some(certificate)), (_, Some(key))] => {
                let tls = TlsSettings { certificate, key, client_ca };
                if let Err(mistake) = tls.load() {
                    self.wrong(mistake);
                }
                Some(tls)
            }
            [(_, None), (_, None)] => {
                if client_ca.is_some() {
                    self.wrong("TLS_CLIENT_CA_FILE: without TLS_CERT_FILE there is no TLS".into());
                }
                None
            }
            [(cert, found), (key, _)] => {
                let (given, lacks) = if found.is_some() { (cert, key) } else { (key, cert) };
                self.wrong(format!("{lacks}: required, for {given} is given"));
                None
            }
        };
        ListenerSettings {
            host: self.text("HOST"),
            max_connections: self.number("MAX_CONNECTIONS", 1..=1_000_000),
            tls,
        }
    }
}
