//! Reads how both stores are reached, and what the queue does. Addresses of stores are
//! secrets: they may have a password in them.

use std::{fs::File, net::Ipv6Addr};

use mongodb::{
    error::ErrorKind,
    options::{Acknowledgment, ConnectionString, Tls, WriteConcern},
};
use pedidos_core::{redact::said_of, tls};
use pedidos_pipeline::settings::{MongoSettings, QueueSettings, RedisSettings};

use super::address::mistake_in;
use crate::{
    config::{Form, Reader, Values},
    listener::without_brackets,
};

/// Connections to MongoDB that a worker may use beside one for each slot: to compare, to
/// sweep, for probes.
const BESIDE_SLOTS: u32 = 8;
/// What an API may use at once, and a worker of few slots.
const LEAST_CONNECTIONS: u32 = 32;

/// Does this address mean TLS?
fn is_tls(url: &str) -> bool {
    url.starts_with("rediss") || url.starts_with("valkeys")
}

/// Reads an address of MongoDB.
fn mongo_address(uri: &str) -> Result<ConnectionString, String> {
    if !["mongodb://", "mongodb+srv://"].iter().any(|scheme| uri.starts_with(scheme)) {
        return Err("not a URL of mongodb:// or mongodb+srv://".to_owned());
    }
    if let Some(mistake) = mistake_in(uri, true) {
        return Err(mistake);
    }
    ConnectionString::parse(uri).map_err(|error| match *error.kind {
        ErrorKind::InvalidArgument { message, .. } => said_of(uri, &message),
        other => said_of(uri, &other.to_string()),
    })
}

/// A host as it stands in a URL, which wants an IPv6 address in brackets; none: it is no host.
fn in_url(host: &str) -> Option<String> {
    let bare = without_brackets(host);
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Some(format!("[{bare}]"));
    }
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    host.chars().all(fits).then(|| host.to_owned())
}

pub fn mongo(reader: &mut Reader) -> MongoSettings {
    let uri = reader.values.text("MONGO_URI").to_owned();
    if uri.is_empty() {
        reader.wrong("MONGO_URI", "required, for example mongodb://localhost:27017/ecommerce");
    } else {
        match mongo_address(&uri) {
            Ok(address) => mongo_files(reader, &address),
            Err(mistake) => reader.wrong("MONGO_URI", &mistake),
        }
    }
    let concern = reader.values.text("MONGO_WRITE_CONCERN");
    let write_concern = match (concern, concern.parse::<u32>()) {
        (name, _) if name.eq_ignore_ascii_case("majority") => {
            WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build()
        }
        (_, Ok(0)) => {
            reader.wrong(
                "MONGO_WRITE_CONCERN",
                "0 acknowledges nothing, so nothing could be counted",
            );
            WriteConcern::default()
        }
        (_, Ok(nodes)) => WriteConcern::nodes(nodes),
        (tag, Err(_)) => WriteConcern::builder().w(Acknowledgment::Custom(tag.to_owned())).build(),
    };
    let slots: u32 = reader.values.number("ORDERS_QUEUE_CONCURRENCY");
    let connections = slots.saturating_add(BESIDE_SLOTS).max(LEAST_CONNECTIONS);
    MongoSettings { uri: uri.into(), write_concern, connections }
}

/// The files that an address of MongoDB names.
fn mongo_files(reader: &mut Reader, address: &ConnectionString) {
    let Some(Tls::Enabled(tls)) = &address.tls else { return };
    for (option, file) in
        [("tlsCAFile", &tls.ca_file_path), ("tlsCertificateKeyFile", &tls.cert_key_file_path)]
    {
        let Some(file) = file else { continue };
        if let Err(error) = File::open(file) {
            reader.wrong("MONGO_URI", &format!("{option}: {}: {error}", file.display()));
        }
    }
}

pub fn redis(reader: &mut Reader) -> RedisSettings {
    let mut url = reader.values.text("REDIS_URL").to_owned();
    let name = if url.is_empty() { "REDIS_HOST" } else { "REDIS_URL" };
    if url.is_empty() {
        // Only then: Kubernetes sets REDIS_PORT for a service named redis.
        reader.check("REDIS_PORT", Form::Number(1, 65_535));
        let port: u16 = reader.values.number("REDIS_PORT");
        let Some(host) = in_url(reader.values.text("REDIS_HOST")) else {
            reader.wrong(
                "REDIS_HOST",
                "not the name or address of a host; set its port in REDIS_PORT, or a URL in \
                 REDIS_URL",
            );
            return RedisSettings::at("");
        };
        // What is wrong with the port is reported already.
        url = format!("redis://{host}:{}", port.max(1));
    }
    let known = ["redis", "rediss", "valkey", "valkeys"]
        .iter()
        .flat_map(|scheme| ["", "-cluster", "-sentinel"].map(|kind| format!("{scheme}{kind}://")))
        .any(|scheme| url.starts_with(&scheme));
    let mut settings = RedisSettings::at(&url);
    if let Some(file) = reader.values.file("REDIS_TLS_CA_FILE") {
        match tls::trusting(("REDIS_TLS_CA_FILE", &file)) {
            Ok(trusted) => settings.trusted = Some(trusted),
            Err(mistake) => reader.note(&mistake),
        }
        if !is_tls(&url) {
            let mistake = format!("only used with rediss://, and {name} is not such a URL");
            reader.wrong("REDIS_TLS_CA_FILE", &mistake);
        }
    }
    if let Some(mistake) = mistake_in(&url, false).filter(|_| known) {
        reader.wrong(name, &mistake);
    } else if !known {
        reader
            .wrong(name, "not a URL of redis://, rediss://, redis-cluster:// or redis-sentinel://");
    } else if let Err(mistake) = settings.config() {
        reader.wrong(name, &mistake);
    }
    settings
}

pub fn queue(values: &Values) -> QueueSettings {
    QueueSettings {
        name: values.text("QUEUE_NAME").to_owned(),
        batch_size: values.number("ORDERS_BATCH_SIZE"),
        chunk_size: values.number("GENERATION_CHUNK_SIZE"),
        range_size: values.number("NORMAL_ENQUEUE_BATCH_SIZE"),
        high_water: values.number("QUEUE_HIGH_WATER"),
        lease: values.millis("LEASE_MS"),
        max_dead: values.number("MAX_DEAD"),
    }
}
