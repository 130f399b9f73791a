//! Settings, from flags, the environment and `.env`, in this order. They are
//! read once, checked all together, and every mistake is reported by name.

mod access;
mod connections;

use std::{
    collections::HashMap, fmt::Display, hash::BuildHasher, ops::RangeInclusive, path::PathBuf,
    str::FromStr, time::Duration,
};

use clap::{Arg, ArgMatches, Command};

pub use self::{
    access::{AccessSettings, Jwks, JwtSettings},
    connections::{MongoSettings, RedisSettings},
};
use crate::listener::ListenerSettings;

/// One setting: its name in the environment, its default (empty: none), what
/// `--help` says of it.
type Setting = (&'static str, &'static str, &'static str);

/// Every setting there is. `--help`, `.env.example` and the checks follow it.
pub const SETTINGS: &[Setting] = &[
    ("MONGO_URI", "", "MongoDB connection string, with the database's name (required)"),
    (
        "MONGO_WRITE_CONCERN",
        "majority",
        "What acknowledges an order: majority (journaled), or a `w` as in a URI",
    ),
    ("REDIS_HOST", "localhost", "Redis host"),
    ("REDIS_PORT", "6379", "Redis port"),
    (
        "REDIS_URL",
        "",
        "Redis URL, over host and port; redis-cluster:// and redis-sentinel:// too; rediss:// is TLS",
    ),
    ("REDIS_TLS_CA_FILE", "", "Authorities trusted for rediss://, as PEM; none: the system's"),
    ("HOST", "127.0.0.1", "Address that API and worker bind"),
    ("PORT", "3000", "HTTP port of the API; 0 picks a free one"),
    (
        "ADMIN_PORT",
        "9464",
        "HTTP port of /metrics, /livez, /readyz, open to all; 0 picks a free one. A worker always \
         has it, the API if it is set",
    ),
    ("MAX_CONNECTIONS", "800", "Connections that may be open to API or worker; more are refused"),
    (
        "MAX_STREAMS",
        "512",
        "Streams of /pedidos/events that a key, or an unknown address, may have open",
    ),
    ("TLS_CERT_FILE", "", "Certificate chain of API and worker, as PEM: they speak https alone"),
    ("TLS_KEY_FILE", "", "Its private key, as PEM; both files are read again when they change"),
    ("TLS_CLIENT_CA_FILE", "", "Authorities that must have signed a client's certificate, as PEM"),
    (
        "API_KEYS_FILE",
        "",
        "File of the hashes of the API's keys (`pedidos key new`), read again when it changes",
    ),
    (
        "ALLOW_ANONYMOUS",
        "false",
        "Without keys: serve on an address that others reach, and let everybody do everything",
    ),
    (
        "ALLOWED_HOSTS",
        "",
        "Names that the API is called by, besides this machine's and HOST: a comma list",
    ),
    (
        "CORS_ALLOWED_ORIGINS",
        "",
        "Origins of web pages that may call the API, with commas; none: its own alone",
    ),
    (
        "JWT_JWKS_FILE",
        "",
        "Public keys (a JWK set) of the identity provider whose tokens are taken",
    ),
    ("JWT_JWKS_URL", "", "The same, at an https:// address"),
    ("JWT_ISSUER", "", "Issuer (`iss`) that a token must have"),
    ("JWT_AUDIENCE", "", "Audience (`aud`) that a token must have"),
    ("JWT_ROLE_CLAIM", "role", "Claim with the role, or a list of roles; a.b is b inside a"),
    (
        "RATE_LIMIT_READS",
        "6000",
        "Calls that only look which a key, or an unknown address, may make in a minute; 0: any",
    ),
    (
        "RATE_LIMIT_WRITES",
        "120",
        "Calls that change something which a key, or an unknown address, may make in a minute; 0: any",
    ),
    ("MAX_ORDERS", "1500000", "Most orders that one run may have"),
    ("GENERATION_CHUNK_SIZE", "10000", "Orders generated under one lease"),
    (
        "NORMAL_ENQUEUE_BATCH_SIZE",
        "10000",
        "Order indexes whose NORMAL orders are enqueued under one lease",
    ),
    ("ORDERS_QUEUE_CONCURRENCY", "25", "Leases that a worker works on at once"),
    ("ORDERS_BATCH_SIZE", "250", "Orders processed under one lease"),
    ("QUEUE_NAME", "orders-queue", "The queue's name; one queue owns one database"),
    ("QUEUE_HIGH_WATER", "200000", "Orders waiting, past which nothing is generated or enqueued"),
    ("LEASE_MS", "30000", "How long work is lent to a worker that is not heard of, ms"),
    ("MAX_ATTEMPTS", "5", "Attempts at an order before it is a dead letter"),
    ("MAX_DEAD", "100000", "Dead letters of a run, past which it stops as ERROR"),
    ("RETRY_BACKOFF_MS", "500", "First delay before a retry, ms; doubles, with jitter"),
    ("SHUTDOWN_GRACE_MS", "25000", "How long work may be finished after SIGTERM, ms"),
    ("BACKEND_LOGS", "true", "Write log files too, under LOG_DIR/shared/logs"),
    ("LOG_DIR", ".", "Folder of the log files"),
    ("LOG_FORMAT", "text", "Lines on standard error: text or json"),
    ("LOG_PROGRESS_EVERY_MS", "5000", "How often a worker logs its progress, ms"),
    ("LOG_MEMORY", "false", "A worker logs its memory with its progress"),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "Where a worker sends a span of each lease: http://HOST:PORT of an OpenTelemetry collector",
    ),
    ("DASHBOARD_REFRESH", "5000", "How often the dashboard polls when it has no stream, ms"),
];

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How MongoDB is reached.
    pub mongo: MongoSettings,
    /// How Redis is reached.
    pub redis: RedisSettings,
    /// What the queue does.
    pub queue: QueueSettings,
    /// What the API does.
    pub api: ApiSettings,
    /// What a worker does.
    pub worker: WorkerSettings,
    /// Where log lines go.
    pub logs: LogSettings,
    /// How API and worker are reached.
    pub listener: ListenerSettings,
    /// SHUTDOWN_GRACE_MS.
    pub shutdown_grace: Duration,
}

/// What the queue does. The same in all processes of a queue; while they differ
/// (a rolling deploy), a run keeps the sizes it was opened with.
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

/// What the API does.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// PORT.
    pub port: u16,
    /// MAX_ORDERS.
    pub max_orders: u32,
    /// DASHBOARD_REFRESH.
    pub dashboard_refresh: Duration,
    /// ADMIN_PORT, if it is set: workers have it always, the API on request.
    pub admin_port: Option<u16>,
    /// Who may call it, and how often.
    pub access: AccessSettings,
    /// MAX_STREAMS.
    pub max_streams: u32,
}

/// What a worker does.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// ADMIN_PORT.
    pub admin_port: u16,
    /// ORDERS_QUEUE_CONCURRENCY.
    pub slots: u32,
    /// MAX_ATTEMPTS.
    pub max_attempts: u32,
    /// RETRY_BACKOFF_MS.
    pub retry_backoff: Duration,
    /// LOG_PROGRESS_EVERY_MS.
    pub progress_every: Duration,
    /// LOG_MEMORY.
    pub log_memory: bool,
}

/// Where log lines go.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// The folder of the three files, if BACKEND_LOGS.
    pub files: Option<PathBuf>,
    /// LOG_FORMAT is json.
    pub json: bool,
    /// OTEL_EXPORTER_OTLP_ENDPOINT: where spans go, without the path.
    pub traces: Option<String>,
}

/// Where settings come from. A trait, so that tests use a map and never touch
/// the process' environment.
pub trait Source {
    /// The value of this name; an empty one counts as none.
    fn get(&self, name: &str) -> Option<String>;
}

impl<S: BuildHasher> Source for HashMap<&str, &str, S> {
    fn get(&self, name: &str) -> Option<String> {
        HashMap::get(self, name).map(|value| (*value).to_owned())
    }
}

/// Flags, then the environment, then `.env`.
struct Layers<'a> {
    flags: &'a ArgMatches,
    environment: fn(&str) -> Option<String>,
    file: HashMap<String, String>,
}

impl Source for Layers<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let set = |value: &String| !value.is_empty();
        self.flags
            .get_one::<String>(name)
            .cloned()
            .or_else(|| (self.environment)(name).filter(set))
            .or_else(|| self.file.get(name).cloned())
    }
}

/// Adds a flag for every setting to a command.
#[must_use]
pub fn with_flags(command: Command) -> Command {
    command.args(SETTINGS.iter().map(|(name, default, help)| {
        let long = name.to_lowercase().replace('_', "-");
        let default = match *default {
            "" => String::new(),
            default => format!(", default: {default}"),
        };
        Arg::new(*name)
            .long(long)
            .value_name("VALUE")
            .help(format!("{help} [env: {name}{default}]"))
    }))
}

impl Settings {
    /// The settings of a program that takes nothing else. Prints every mistake
    /// and ends the process with exit code 2 if there is one.
    #[must_use]
    pub fn of_program(name: &'static str, about: &'static str) -> Self {
        let command = Command::new(name).about(about).version(env!("CARGO_PKG_VERSION"));
        Self::or_exit(&with_flags(command).get_matches())
    }

    /// As [`Self::of_program`], from flags that are parsed already.
    #[must_use]
    pub fn or_exit(flags: &ArgMatches) -> Self {
        let settings = dot_env().and_then(|file| {
            Self::read(&Layers { flags, environment: |name| std::env::var(name).ok(), file })
        });
        settings.unwrap_or_else(|mistakes| {
            for mistake in mistakes {
                eprintln!("error: {mistake}");
            }
            std::process::exit(2)
        })
    }

    /// Reads and checks all settings.
    ///
    /// # Errors
    /// Every mistake, by name.
    pub fn read(source: &dyn Source) -> Result<Self, Vec<String>> {
        let mut from = Reader { source, mistakes: Vec::new() };
        let settings = Self {
            mongo: from.mongo(),
            redis: from.redis(),
            queue: QueueSettings {
                name: from.queue_name(),
                batch_size: from.number("ORDERS_BATCH_SIZE", 1..=100_000),
                chunk_size: from.number("GENERATION_CHUNK_SIZE", 1..=100_000),
                range_size: from.number("NORMAL_ENQUEUE_BATCH_SIZE", 1..=100_000),
                high_water: from.number("QUEUE_HIGH_WATER", 1..=100_000_000),
                lease: from.millis("LEASE_MS", 500..=3_600_000),
                max_dead: from.number("MAX_DEAD", 0..=10_000_000),
            },
            api: ApiSettings {
                port: from.number("PORT", 0..=65_535),
                max_orders: from.number("MAX_ORDERS", 1..=1_000_000_000),
                dashboard_refresh: from.millis("DASHBOARD_REFRESH", 250..=3_600_000),
                // What is wrong with it is said once, below.
                admin_port: source.get("ADMIN_PORT").and_then(|port| port.parse().ok()),
                access: from.access(),
                max_streams: from.number("MAX_STREAMS", 1..=1_000_000),
            },
            worker: WorkerSettings {
                admin_port: from.number("ADMIN_PORT", 0..=65_535),
                slots: from.number("ORDERS_QUEUE_CONCURRENCY", 1..=1_000),
                max_attempts: from.number("MAX_ATTEMPTS", 1..=1_000),
                retry_backoff: from.millis("RETRY_BACKOFF_MS", 1..=3_600_000),
                progress_every: from.millis("LOG_PROGRESS_EVERY_MS", 100..=3_600_000),
                log_memory: from.flag("LOG_MEMORY"),
            },
            logs: from.logs(),
            listener: from.listener(),
            shutdown_grace: from.millis("SHUTDOWN_GRACE_MS", 100..=3_600_000),
        };
        from.contradictions(&settings);
        if from.mistakes.is_empty() { Ok(settings) } else { Err(from.mistakes) }
    }
}

/// `.env` of this folder or one above it; none is as good as an empty one.
fn dot_env() -> Result<HashMap<String, String>, Vec<String>> {
    let wrong = |error: dotenvy::Error| {
        vec![match error {
            // Its own words quote the line, and that may hold a password.
            dotenvy::Error::LineParse(_, at) => {
                format!(".env cannot be read: a line makes no sense from its column {at} on")
            }
            other => format!(".env cannot be read: {other}"),
        }]
    };
    match dotenvy::dotenv_iter() {
        Ok(lines) => lines.collect::<Result<_, _>>().map_err(wrong),
        Err(error) if error.not_found() => Ok(HashMap::new()),
        Err(error) => Err(wrong(error)),
    }
}

/// Reads one setting after the other and goes on after a mistake, with a value
/// that is never used.
struct Reader<'a> {
    source: &'a dyn Source,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    fn wrong(&mut self, mistake: String) {
        self.mistakes.push(mistake);
    }

    fn text(&mut self, name: &str) -> String {
        let default =
            SETTINGS.iter().find(|(known, ..)| *known == name).map(|(_, default, _)| *default);
        debug_assert!(default.is_some(), "{name} is not in SETTINGS");
        self.source.get(name).unwrap_or_else(|| default.unwrap_or_default().to_owned())
    }

    fn number<T>(&mut self, name: &str, allowed: RangeInclusive<u64>) -> T
    where
        T: TryFrom<u64> + Default + FromStr,
    {
        let text = self.text(name);
        let value = text.parse().ok().filter(|value| allowed.contains(value));
        if value.is_none() {
            let (least, most) = (allowed.start(), allowed.end());
            self.wrong(format!("{name}: '{text}' is not a whole number from {least} to {most}"));
        }
        value.and_then(|value| T::try_from(value).ok()).unwrap_or_default()
    }

    fn millis(&mut self, name: &str, allowed: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.number(name, allowed))
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.text(name).as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            other => {
                self.wrong(format!("{name}: '{other}' is neither true nor false"));
                false
            }
        }
    }

    fn checked<T, E: Display>(&mut self, name: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.wrong(format!("{name}: {error}"))).ok()
    }

    fn queue_name(&mut self) -> String {
        let name = self.text("QUEUE_NAME");
        let fits = |c: char| c.is_ascii_graphic() && c != '{' && c != '}';
        if name.len() > 64 || !name.chars().all(fits) {
            self.wrong(format!(
                "QUEUE_NAME: '{name}' is not 1 to 64 visible ASCII characters without braces"
            ));
        }
        name
    }

    fn logs(&mut self) -> LogSettings {
        let files = self.flag("BACKEND_LOGS");
        let folder = PathBuf::from(self.text("LOG_DIR")).join("shared").join("logs");
        let json = match self.text("LOG_FORMAT").as_str() {
            "text" => false,
            "json" => true,
            other => {
                self.wrong(format!("LOG_FORMAT: '{other}' is neither text nor json"));
                false
            }
        };
        LogSettings { files: files.then_some(folder), json, traces: self.traces() }
    }

    fn traces(&mut self) -> Option<String> {
        let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let url = self.text(name);
        if url.is_empty() {
            return None;
        }
        if !url.starts_with("http://") || !crate::traces::is_endpoint(&url) {
            self.wrong(format!("{name}: '{url}' is not http://HOST:PORT"));
        }
        Some(url)
    }

    /// Values that are each allowed and together make no sense.
    fn contradictions(&mut self, settings: &Settings) {
        let queue = &settings.queue;
        let high_water = queue.high_water;
        for (name, size) in [
            ("ORDERS_BATCH_SIZE", queue.batch_size),
            ("GENERATION_CHUNK_SIZE", queue.chunk_size),
            ("NORMAL_ENQUEUE_BATCH_SIZE", queue.range_size),
        ] {
            if u64::from(size) > high_water && self.sound([name, "QUEUE_HIGH_WATER"]) {
                self.wrong(format!("{name}: {size} is more than QUEUE_HIGH_WATER, {high_water}"));
            }
        }
        let (delay, lease) = (settings.worker.retry_backoff, queue.lease);
        if delay > lease && self.sound(["RETRY_BACKOFF_MS", "LEASE_MS"]) {
            let (delay, lease) = (delay.as_millis(), lease.as_millis());
            self.wrong(format!("RETRY_BACKOFF_MS: {delay} is more than LEASE_MS, {lease}"));
        }
        let (api, admin) = (settings.api.port, settings.worker.admin_port);
        if api == admin && api != 0 && self.sound(["PORT", "ADMIN_PORT"]) {
            self.wrong(format!("ADMIN_PORT: {admin} is PORT too"));
        }
    }

    /// Is nothing wrong with either of these? A value that was not read must
    /// not be said to contradict another.
    fn sound(&self, names: [&str; 2]) -> bool {
        let about = |name: &str, mistake: &str| {
            mistake.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'))
        };
        !self.mistakes.iter().any(|mistake| names.iter().any(|name| about(name, mistake)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Result<Settings, Vec<String>> {
        let mut map: HashMap<&str, &str> =
            HashMap::from([("MONGO_URI", "mongodb://localhost/shop")]);
        map.extend(pairs.iter().copied());
        Settings::read(&map)
    }

    #[test]
    fn only_the_store_must_be_named() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.redis.url.expose_secret(), "redis://localhost:6379");
        assert_eq!(settings.queue.lease, Duration::from_secs(30));
        assert_eq!(settings.api.max_orders, 1_500_000);
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
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ];
        assert_eq!(mistakes.len(), named.len(), "{mistakes:#?}");
        for name in named {
            assert!(
                mistakes.iter().any(|mistake| mistake.starts_with(name)),
                "{name}: {mistakes:#?}"
            );
        }
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
        assert!(
            about(&[("TLS_CERT_FILE", "/no/file"), ("TLS_KEY_FILE", "/no/file")]).contains("/no/")
        );
        let ca = ("REDIS_TLS_CA_FILE", "/no/file");
        assert!(about(&[ca]).contains("rediss://"));
        assert!(about(&[ca, ("REDIS_URL", "rediss://a")]).contains("/no/file"));
    }

    #[test]
    fn origins_are_those_of_web_pages() {
        let origins = |text| read(&[("CORS_ALLOWED_ORIGINS", text)]);
        let read =
            origins("https://a.example, http://localhost:5173").unwrap().api.access.allowed_origins;
        assert_eq!(read, ["https://a.example", "http://localhost:5173"]);
        for wrong in
            ["*", "a.example", "https://a/", "https://", "null", "https://a b", "HTTPS://A"]
        {
            let mistakes = origins(wrong).unwrap_err().join("; ");
            assert!(mistakes.starts_with("CORS_ALLOWED_ORIGINS"), "{wrong}: {mistakes}");
        }
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
            let map = HashMap::from([("MONGO_URI", "mongodb://h/d"), (SETTINGS[at].0, &value)]);
            if let Err(mistakes) = Settings::read(&map) {
                prop_assert!(!mistakes.is_empty());
            }
        }
    }

    #[test]
    fn the_example_file_has_every_setting_with_its_default() {
        let example = include_str!("../../.env.example");
        for (name, default, _) in SETTINGS {
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

    #[test]
    fn a_url_wins_over_host_and_port() {
        let settings =
            read(&[("REDIS_HOST", "elsewhere"), ("REDIS_URL", "redis-cluster://a:7000")]);
        assert_eq!(settings.unwrap().redis.url.expose_secret(), "redis-cluster://a:7000");
        let settings = read(&[("REDIS_HOST", "elsewhere"), ("REDIS_PORT", "7001")]);
        assert_eq!(settings.unwrap().redis.url.expose_secret(), "redis://elsewhere:7001");
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_a_file() {
        let command = with_flags(Command::new("test"));
        let flags = command.get_matches_from(["test", "--mongo-uri", "mongodb://flag/x"]);
        let file = [("MONGO_URI", "file"), ("QUEUE_NAME", "file"), ("HOST", "file")];
        let file = file.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let environment = |name: &str| (name != "QUEUE_NAME").then(|| "environment".to_owned());
        let layers = Layers { flags: &flags, environment, file };
        assert_eq!(layers.get("MONGO_URI").as_deref(), Some("mongodb://flag/x"));
        assert_eq!(layers.get("HOST").as_deref(), Some("environment"));
        assert_eq!(layers.get("QUEUE_NAME").as_deref(), Some("file"));
    }
}
