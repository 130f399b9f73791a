//! Every setting there is, of every program: one `.env` serves them all, so each shows all of
//! them in `--help`, takes all of them as flags and checks them all.

use super::form::{
    self, Form,
    Form::{Checked, Flag, List, Number, Text},
};

/// Orders under one lease, at most. They are updated with one call, which must be answered
/// within its 30 s on a slow server, too: a batch of 20,000 was not, batches of 5,000 were
/// (`docs/performance.md`).
const MAX_BATCH: u64 = 5_000;

const HOUR_MS: u64 = 3_600_000;

#[derive(Debug)]
pub struct Setting {
    /// In the environment and in `.env`; the flag is the same in small letters, with dashes.
    pub name: &'static str,
    /// Empty: none.
    pub default: &'static str,
    pub form: Form,
    /// Its text in `--help`; `.env.example` says the same.
    pub help: &'static str,
}

const fn setting(
    name: &'static str,
    default: &'static str,
    form: Form,
    help: &'static str,
) -> Setting {
    Setting { name, default, form, help }
}

/// `--help`, `.env.example` and the checks follow it.
pub const SETTINGS: &[Setting] = &[
    setting(
        "MONGO_URI",
        "",
        Text,
        "MongoDB connection string, with the database's name (required)",
    ),
    setting(
        "MONGO_WRITE_CONCERN",
        "majority",
        Text,
        "Write concern of orders: majority (journaled), or a `w` as in a connection string",
    ),
    setting("REDIS_HOST", "localhost", Text, "Host of Redis"),
    setting("REDIS_PORT", "6379", Text, "Port of Redis"),
    setting(
        "REDIS_URL",
        "",
        Text,
        "URL of Redis; overrides host and port: redis://, redis-cluster://, redis-sentinel://, with \
         TLS rediss://",
    ),
    setting(
        "REDIS_TLS_CA_FILE",
        "",
        Text,
        "Certificate authorities for rediss://, as PEM; unset: those of the system",
    ),
    setting("HOST", "127.0.0.1", Text, "Address that API and worker bind"),
    setting("PORT", "3000", Number(0, 65_535), "HTTP port of the API; 0 picks a free one"),
    setting(
        "ADMIN_PORT",
        "9464",
        Number(0, 65_535),
        "HTTP port of /metrics, /livez and /readyz, without credentials; 0 picks a free one. A \
         worker always has it, the API only if it is set",
    ),
    setting(
        "MAX_CONNECTIONS",
        "800",
        Number(1, 1_000_000),
        "Most open connections of one process, on PORT and ADMIN_PORT together; an address without \
         known credentials may have a quarter of them",
    ),
    setting(
        "MAX_STREAMS",
        "512",
        Number(1, 1_000_000),
        "Most open streams of /pedidos/events for a key, or for an address without known \
         credentials; at most a quarter of MAX_CONNECTIONS, except without keys on the own machine",
    ),
    setting(
        "TLS_CERT_FILE",
        "",
        Text,
        "Certificate chain of API and worker, as PEM; with it they speak https only",
    ),
    setting(
        "TLS_KEY_FILE",
        "",
        Text,
        "Private key of TLS_CERT_FILE, as PEM; both files are read again when they change",
    ),
    setting(
        "TLS_CLIENT_CA_FILE",
        "",
        Text,
        "Certificate authorities of client certificates, as PEM; unset: clients need none",
    ),
    setting(
        "API_KEYS_FILE",
        "",
        Text,
        "File with the hashes of the API keys (`pedidos key new`), read again when it changes",
    ),
    setting(
        "ALLOW_ANONYMOUS",
        "false",
        Flag,
        "Without keys: allow everybody who reaches HOST to do everything",
    ),
    setting(
        "ALLOWED_HOSTS",
        "",
        List(form::host),
        "Host names of the API, besides this machine's and HOST, separated by commas",
    ),
    setting(
        "CORS_ALLOWED_ORIGINS",
        "",
        List(form::origin),
        "Origins of web pages that may call the API, separated by commas; unset: only its own",
    ),
    setting(
        "PUBLIC_BASE_PATH",
        "",
        Checked(form::path),
        "Path that a proxy adds before the API's own, for example /pedidos",
    ),
    setting(
        "TRUSTED_PROXIES",
        "",
        List(form::network),
        "Addresses and networks of proxies whose X-Forwarded-For, -Host and -Prefix are used, \
         separated by commas",
    ),
    setting(
        "JWT_JWKS_FILE",
        "",
        Text,
        "File with the public keys (a JWK set) of an identity provider whose tokens are accepted",
    ),
    setting("JWT_JWKS_URL", "", Checked(form::url_of_keys), "https:// URL of these keys"),
    setting("JWT_ISSUER", "", Text, "Issuer (`iss`) that a token must have"),
    setting("JWT_AUDIENCE", "", Text, "Audience (`aud`) that a token must have"),
    setting(
        "JWT_ROLE_CLAIM",
        "role",
        Text,
        "Claim with the role, or a list of roles; a.b is b inside a",
    ),
    setting(
        "RATE_LIMIT_READS",
        "6000",
        Number(0, 1_000_000),
        "Calls a minute that only read, for a key, or for an address without known credentials; 0: \
         unlimited",
    ),
    setting(
        "RATE_LIMIT_WRITES",
        "120",
        Number(0, 1_000_000),
        "Calls a minute that change something, for a key, or for an address without known \
         credentials; 0: unlimited",
    ),
    setting("MAX_ORDERS", "1500000", Number(1, 1_000_000_000), "Most orders of one run"),
    setting(
        "IMPORT_TTL_HOURS",
        "72",
        Number(1, 8_760),
        "Hours after which an import that is still open is discarded",
    ),
    setting(
        "GENERATION_CHUNK_SIZE",
        "10000",
        Number(1, 100_000),
        "Orders generated under one lease",
    ),
    setting(
        "NORMAL_ENQUEUE_BATCH_SIZE",
        "10000",
        Number(1, 100_000),
        "Order indexes whose NORMAL orders are enqueued under one lease",
    ),
    setting(
        "ORDERS_QUEUE_CONCURRENCY",
        "25",
        Number(1, 1_000),
        "Leases that a worker holds at once, each with its own connection to MongoDB unless \
         MONGO_URI names maxPoolSize",
    ),
    setting(
        "ORDERS_BATCH_SIZE",
        "250",
        Number(1, MAX_BATCH),
        "Orders processed under one lease, at most 5000",
    ),
    setting(
        "QUEUE_NAME",
        "orders-queue",
        Checked(form::queue_name),
        "Name of the queue; one queue owns one database",
    ),
    setting(
        "QUEUE_HIGH_WATER",
        "200000",
        Number(1, 100_000_000),
        "High-water mark: with so many orders waiting, nothing is generated or enqueued",
    ),
    setting(
        "LEASE_MS",
        "30000",
        Number(500, HOUR_MS),
        "How long a worker keeps a lease without a heartbeat, ms",
    ),
    setting(
        "MAX_ATTEMPTS",
        "5",
        Number(1, 1_000),
        "Attempts before an order becomes a dead letter",
    ),
    setting(
        "MAX_DEAD",
        "100000",
        Number(0, 10_000_000),
        "With more dead letters than this, a run stops as ERROR",
    ),
    setting(
        "RETRY_BACKOFF_MS",
        "500",
        Number(1, HOUR_MS),
        "First delay before a retry, ms; it doubles each time, with jitter",
    ),
    setting(
        "PROCESSOR_NAME",
        "default",
        Checked(form::processor_name),
        "Name of this worker's processor: runs that name it are for this worker",
    ),
    setting(
        "PROCESSOR_URL",
        "",
        Checked(form::url_of_processor),
        "URL that processes orders: it gets a POST for each batch; unset: the built-in processor alone",
    ),
    setting(
        "PROCESSOR_ALLOW_HTTP",
        "false",
        Flag,
        "Allow an http:// PROCESSOR_URL that is not on this machine",
    ),
    setting(
        "PROCESSOR_BATCH_SIZE",
        "100",
        Number(1, 1_000),
        "Orders of one call to the processor, at most 1000",
    ),
    setting(
        "PROCESSOR_TIMEOUT_MS",
        "",
        Number(1, 10_000),
        "How long one call to the processor may take, ms; unset, and at most: 10000, or a third of \
         LEASE_MS if that is less",
    ),
    setting(
        "PROCESSOR_SECRET",
        "",
        Text,
        "Secret that signs calls to the processor as Standard Webhooks says: whsec_ and base64",
    ),
    setting("PROCESSOR_SECRET_FILE", "", Text, "File with PROCESSOR_SECRET"),
    setting(
        "PROCESSOR_SECRET_OLD",
        "",
        Text,
        "A second secret that signs them too, while one replaces the other",
    ),
    setting("PROCESSOR_SECRET_OLD_FILE", "", Text, "File with PROCESSOR_SECRET_OLD"),
    setting(
        "PROCESSOR_AUTHORIZATION",
        "",
        Text,
        "The authorization header of calls to the processor, for example Bearer and a token",
    ),
    setting("PROCESSOR_AUTHORIZATION_FILE", "", Text, "File with PROCESSOR_AUTHORIZATION"),
    setting(
        "PROCESSOR_CA_FILE",
        "",
        Text,
        "Certificate authorities of the processor, as PEM; unset: those of the system",
    ),
    setting(
        "PROCESSOR_CLIENT_CERT_FILE",
        "",
        Text,
        "Certificate and private key that the worker shows to the processor, as PEM in one file",
    ),
    setting(
        "RETRY_FOR_MS",
        "900000",
        Number(0, 24 * HOUR_MS),
        "How long an order is answered retry, MAX_ATTEMPTS times, before it is given up though no \
         other order shows that the processor works, ms",
    ),
    setting(
        "SHUTDOWN_GRACE_MS",
        "25000",
        Number(100, HOUR_MS),
        "Time to finish work after SIGTERM, ms",
    ),
    setting("BACKEND_LOGS", "true", Flag, "Also write log files, under LOG_DIR/shared/logs"),
    setting("LOG_DIR", ".", Text, "Folder of the log files"),
    setting(
        "LOG_FORMAT",
        "text",
        Checked(form::log_format),
        "Format of log lines on standard error: text or json",
    ),
    setting(
        "RUST_LOG",
        "info,fred=warn,poem=warn",
        Checked(form::log_filter),
        "Which log lines there are: a level (off, error, warn, info, debug, trace), or TARGET=LEVEL, \
         separated by commas",
    ),
    setting(
        "LOG_PROGRESS_EVERY_MS",
        "5000",
        Number(100, HOUR_MS),
        "How often a worker logs its progress, ms",
    ),
    setting("LOG_MEMORY", "false", Flag, "Log the memory of a worker with its progress"),
    setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        Text,
        "OpenTelemetry collector to which a worker sends a span for each lease, http://HOST:PORT; \
         unset: no spans are sent",
    ),
    setting(
        "DASHBOARD_REFRESH",
        "5000",
        Number(250, HOUR_MS),
        "How often the page polls when it has no stream, ms",
    ),
];

/// The setting of this name.
pub fn named(name: &str) -> Option<&'static Setting> {
    let found = SETTINGS.iter().find(|setting| setting.name == name);
    debug_assert!(found.is_some(), "{name} is not in SETTINGS");
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_file_has_every_setting_with_its_default() {
        let example = include_str!("../../../../.env.example");
        for Setting { name, default, .. } in SETTINGS {
            let lines: Vec<_> = example
                .lines()
                .filter_map(|line| {
                    line.trim_start_matches("# ").strip_prefix(name)?.strip_prefix('=')
                })
                .collect();
            assert_eq!(lines.len(), 1, "{name}");
            assert!(default.is_empty() || lines == [*default], "{name}: {lines:?}");
        }
    }
}
