//! The settings of the queue and of its stores. Addresses of stores are secrets: there may be a
//! password in them.

use std::time::Duration;

use fred::types::config::Config;
use mongodb::options::WriteConcern;
use pedidos_core::redact::said_of;
use secrecy::{ExposeSecret, SecretString};
use tokio_rustls::rustls::ClientConfig;

/// The same in all processes of a queue. While they differ (a rolling deploy), a run keeps the
/// sizes that it was opened with.
#[derive(Debug, Clone)]
pub struct QueueSettings {
    /// QUEUE_NAME.
    pub name: String,
    /// ORDERS_BATCH_SIZE.
    pub batch_size: u32,
    /// GENERATION_CHUNK_SIZE.
    pub chunk_size: u32,
    /// NORMAL_ENQUEUE_BATCH_SIZE.
    pub range_size: u32,
    /// QUEUE_HIGH_WATER.
    pub high_water: u64,
    /// LEASE_MS.
    pub lease: Duration,
    /// MAX_DEAD.
    pub max_dead: u64,
}

/// How MongoDB is reached.
#[derive(Debug, Clone)]
pub struct MongoSettings {
    /// MONGO_URI.
    pub uri: SecretString,
    /// MONGO_WRITE_CONCERN, for orders.
    pub write_concern: WriteConcern,
    /// Connections that may be open at once, unless the URI names maxPoolSize.
    pub connections: u32,
}

/// How Redis is reached.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// REDIS_URL, or the address that REDIS_HOST and REDIS_PORT give.
    pub url: SecretString,
    /// From REDIS_TLS_CA_FILE, for `rediss://`; none: whom the system trusts.
    pub trusted: Option<ClientConfig>,
}

impl RedisSettings {
    /// Trusts whom the system trusts.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.into(), trusted: None }
    }

    /// Fails if the address cannot be used, or if the system trusts no authority.
    pub fn config(&self) -> Result<Config, String> {
        let url = self.url.expose_secret();
        // Without the s of the scheme, or the driver would load the system's authorities, too.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_password_is_never_shown(password in "[a-zA-Z0-9:@/?#%]{1,20}", port in "[a-z0-9]{0,4}") {
            let address = format!("redis://user:{password}@host:{port}/0");
            if let Err(error) = Config::from_url(&address) {
                let letters = password.split(|c: char| !c.is_alphanumeric());
                let said = said_of(&address, error.details());
                let fixed = said_of("redis://u:x@h", "x");
                for piece in letters.filter(|piece| piece.len() > 3) {
                    prop_assert!(said == fixed || !said.contains(piece), "{}", said);
                }
            }
        }
    }
}
