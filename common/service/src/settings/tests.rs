#![allow(clippy::unwrap_used)]

use std::{collections::HashMap, path::PathBuf};

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::config::{SETTINGS, Setting};

fn read(pairs: &[(&'static str, &'static str)]) -> Result<Settings, Vec<String>> {
    let mut map: HashMap<&str, &str> = HashMap::from([("MONGO_URI", "mongodb://localhost/shop")]);
    map.extend(pairs.iter().copied());
    Settings::read(&map)
}

#[test]
fn only_the_store_must_be_named() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.redis.url.expose_secret(), "redis://localhost:6379");
    assert_eq!(settings.queue.lease, Duration::from_secs(30));
    assert_eq!(settings.values.number::<u32>("MAX_ORDERS"), 1_500_000);
    assert_eq!(settings.mongo.write_concern.journal, Some(true));
    assert_eq!(settings.logs.files.unwrap(), PathBuf::from("./shared/logs"));
}

#[test]
fn every_mistake_is_reported_at_once_and_by_name() {
    let mistakes = read(&[
        ("MONGO_URI", "http://localhost"),
        ("MONGO_WRITE_CONCERN", "0"),
        ("REDIS_URL", "localhost:6379"),
        ("PORT", "65536"),
        ("MAX_ORDERS", "1e6"),
        ("LEASE_MS", "-1"),
        ("LOG_MEMORY", "yes"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "loud"),
        ("QUEUE_NAME", "a{b}"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318"),
    ])
    .unwrap_err();
    let named = [
        "MONGO_URI",
        "MONGO_WRITE_CONCERN",
        "REDIS_URL",
        "QUEUE_NAME",
        "LEASE_MS",
        "PORT",
        "MAX_ORDERS",
        "LOG_MEMORY",
        "LOG_FORMAT",
        "RUST_LOG",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];
    assert_eq!(mistakes.len(), named.len(), "{mistakes:#?}");
    for name in named {
        assert!(mistakes.iter().any(|mistake| mistake.starts_with(name)), "{name}: {mistakes:#?}");
    }
}

#[test]
fn a_batch_that_no_call_can_end_in_time_is_refused() {
    let mistakes = read(&[("ORDERS_BATCH_SIZE", "20000")]).unwrap_err().join("; ");
    assert!(mistakes.contains("'20000'") && mistakes.contains("1 to 5000"), "{mistakes}");
    assert_eq!(read(&[("ORDERS_BATCH_SIZE", "5000")]).unwrap().queue.batch_size, 5_000);
}

#[test]
fn every_slot_can_have_a_connection() {
    let connections =
        |slots| read(&[("ORDERS_QUEUE_CONCURRENCY", slots)]).unwrap().mongo.connections;
    assert_eq!(["1", "25", "100", "1000"].map(connections), [32, 33, 108, 1_008]);
}

#[test]
fn values_that_contradict_each_other_are_mistakes() {
    let about = |pairs: &[(&'static str, &'static str)]| read(pairs).unwrap_err().join("; ");
    assert!(about(&[("QUEUE_HIGH_WATER", "9999")]).contains("GENERATION_CHUNK_SIZE: 10000"));
    assert!(
        about(&[("LEASE_MS", "500"), ("RETRY_BACKOFF_MS", "501")]).contains("RETRY_BACKOFF_MS")
    );
    assert!(about(&[("PORT", "4000"), ("ADMIN_PORT", "4000")]).contains("ADMIN_PORT"));
    assert!(read(&[("PORT", "0"), ("ADMIN_PORT", "0")]).is_ok());
}

#[test]
fn what_belongs_together_is_given_together() {
    let about = |pairs: &[(&'static str, &'static str)]| read(pairs).unwrap_err().join("; ");
    assert!(about(&[("TLS_CERT_FILE", "/x")]).contains("TLS_KEY_FILE"));
    assert!(about(&[("TLS_KEY_FILE", "/x")]).contains("TLS_CERT_FILE"));
    assert!(about(&[("TLS_CLIENT_CA_FILE", "/x")]).contains("TLS_CERT_FILE"));
    assert!(about(&[("TLS_CERT_FILE", "/no/file"), ("TLS_KEY_FILE", "/no/file")]).contains("/no/"));
    let ca = ("REDIS_TLS_CA_FILE", "/no/file");
    assert!(about(&[ca]).contains("rediss://"));
    assert!(about(&[ca, ("REDIS_URL", "rediss://a")]).contains("/no/file"));
}

#[test]
fn a_password_is_in_no_mistake_and_in_no_debug_output() {
    for (name, address) in [
        ("MONGO_URI", "mongodb://u:hunter2@h:x/d"),
        ("MONGO_URI", "mongodb://u:hun/ter2@h/d"),
        ("MONGO_URI", "mongodb://u:hunter2@h/d?tls=maybe"),
        ("MONGO_URI", "http://u:hunter2@h/d"),
        ("REDIS_URL", "http://u:hunter2@h/d"),
        ("REDIS_URL", "redis://u:hunter2@h:x"),
        ("REDIS_URL", "redis://u:hun/ter2@h"),
    ] {
        let said = read(&[(name, address)]).unwrap_err().join("; ");
        assert!(!said.contains("hun") && !said.contains("ter2"), "{address}: {said}");
    }
    let settings =
        read(&[("MONGO_URI", "mongodb://u:hunter2@h/d"), ("REDIS_URL", "redis://u:hunter2@h")]);
    assert!(!format!("{settings:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn no_value_is_too_strange(at in 0..SETTINGS.len(), value in "\\PC{0,60}|[0-9]{0,30}") {
        let map = HashMap::from([("MONGO_URI", "mongodb://h/d"), (SETTINGS[at].name, &value)]);
        if let Err(mistakes) = Settings::read(&map) {
            prop_assert!(!mistakes.is_empty());
        }
    }
}

#[test]
fn a_url_wins_over_host_and_port() {
    let settings = read(&[("REDIS_HOST", "elsewhere"), ("REDIS_URL", "redis-cluster://a:7000")]);
    assert_eq!(settings.unwrap().redis.url.expose_secret(), "redis-cluster://a:7000");
    let settings = read(&[("REDIS_HOST", "elsewhere"), ("REDIS_PORT", "7001")]);
    assert_eq!(settings.unwrap().redis.url.expose_secret(), "redis://elsewhere:7001");
}

/// What is wrong, in one text.
fn joined(pairs: &[(&'static str, &'static str)]) -> Result<Settings, String> {
    read(pairs).map_err(|mistakes| mistakes.join("; "))
}

fn redis(pairs: &[(&'static str, &'static str)]) -> Result<String, String> {
    joined(pairs).map(|settings| settings.redis.url.expose_secret().to_owned())
}

#[test]
fn a_host_of_redis_may_be_an_ipv6_address_and_no_url() {
    for (host, url) in [
        ("::1", "redis://[::1]:6379"),
        ("[::1]", "redis://[::1]:6379"),
        ("fd00::7", "redis://[fd00::7]:6379"),
        ("redis_1.svc", "redis://redis_1.svc:6379"),
    ] {
        assert_eq!(redis(&[("REDIS_HOST", host)]).unwrap(), url);
    }
    for host in ["redis:6379", "redis://:SECRET@h", ":SECRET@h", "a b", "[h]", "a/b", "u@h"] {
        let mistake = redis(&[("REDIS_HOST", host)]).unwrap_err();
        assert!(mistake.starts_with("REDIS_HOST: ") && mistake.contains("REDIS_URL"), "{mistake}");
        let once = mistake.matches("REDIS_HOST: ").count() == 1;
        assert!(once && !mistake.contains("SECRET"), "{mistake}");
    }
    assert_eq!(joined(&[("HOST", "[::1]")]).unwrap().listener.names.host, "::1");
}

#[test]
fn what_kubernetes_sets_for_a_service_named_redis_disturbs_no_url() {
    let port = ("REDIS_PORT", "tcp://10.0.0.1:6379");
    let url = ("REDIS_URL", "redis://redis:6379");
    assert_eq!(redis(&[port, url]).unwrap(), "redis://redis:6379");
    let mistake = redis(&[port]).unwrap_err();
    assert!(mistake.contains("a service named redis; set it in the pod"), "{mistake}");
    let mistake = redis(&[("ADMIN_PORT", "tcp://10.0.0.1:80")]).unwrap_err();
    assert!(mistake.contains("a service named admin"), "{mistake}");
}

#[test]
fn empty_is_unset_whatever_it_is() {
    for empty in ["", " ", "\n"] {
        for Setting { name, default, .. } in SETTINGS {
            if *name != "MONGO_URI" {
                assert!(joined(&[(name, empty)]).is_ok(), "{name} {default}");
            }
        }
        let settings = joined(&[("QUEUE_NAME", empty), ("MONGO_WRITE_CONCERN", empty)]).unwrap();
        assert_eq!(settings.queue.name, "orders-queue");
        assert_eq!(settings.mongo.write_concern.journal, Some(true));
        assert!(joined(&[("MONGO_URI", empty)]).unwrap_err().contains("MONGO_URI: required"));
    }
}

#[test]
fn a_file_that_an_address_names_must_be_there() {
    let uri = "mongodb://h/d?tls=true&tlsCAFile=/no/file&tlsCertificateKeyFile=/no/other";
    let mistake = joined(&[("MONGO_URI", uri)]).unwrap_err();
    assert!(mistake.contains("MONGO_URI: tlsCAFile: /no/file: "), "{mistake}");
    assert!(mistake.contains("MONGO_URI: tlsCertificateKeyFile: /no/other: "), "{mistake}");
}

#[test]
fn what_is_wrong_is_said_once_with_what_would_be_right() {
    for (name, address, said) in [
        ("MONGO_URI", "mongodb://u:SE/CRET@h/d", "percent-encode / as %2F"),
        ("MONGO_URI", "mongodb://u:SECRET", "@ and the host are missing"),
        ("MONGO_URI", "u:SECRET@h/d", "mongodb://"),
        ("REDIS_URL", "redis://:SE/CRET@h", "percent-encode / as %2F"),
        ("REDIS_URL", "redis://u:12#SECRET@h", "percent-encode # as %23"),
        ("REDIS_URL", "redis://u:SECRET", "@ and the host are missing"),
        ("REDIS_URL", "redis://::1:6379", "brackets"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://u:SECRET@h", "http://HOST:PORT"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://u:SECRET", "http://HOST:PORT"),
        ("CORS_ALLOWED_ORIGINS", "https://u:SECRET@h", "origin"),
    ] {
        let mistake = joined(&[(name, address)]).unwrap_err();
        assert!(mistake.starts_with(&format!("{name}: ")), "{address}: {mistake}");
        assert!(mistake.contains(said), "{address}: {mistake}");
        assert!(!mistake.contains("CRET") && !mistake.contains("; MONGO"), "{address}: {mistake}");
        assert_eq!(mistake.matches(name).count(), 1, "{mistake}");
    }
}

#[test]
fn what_is_said_by_halves_or_twice_is_a_mistake() {
    let jwks = ("JWT_JWKS_FILE", "f");
    let all = [jwks, ("JWT_ISSUER", "i"), ("JWT_AUDIENCE", "a")];
    assert!(read(&all).is_ok());
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
    let hosts = read(&[("ALLOWED_HOSTS", " Shop.example,pedidos-api.pedidos.svc ,")]).unwrap();
    assert_eq!(hosts.listener.names.allowed, ["shop.example", "pedidos-api.pedidos.svc"]);
}
