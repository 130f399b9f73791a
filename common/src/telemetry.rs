//! Where a process' log lines go: standard error, the three files of the seeds,
//! and the stream in Redis in which the lines of all processes meet. Nothing
//! that logs ever waits for any of them: what they cannot take is dropped, and
//! the drop is counted.

use std::{
    fmt::{self, Write},
    io::{self, IsTerminal},
    path::Path,
};

use time::{OffsetDateTime, format_description::FormatItem, macros::format_description};
use tokio::sync::mpsc;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer, fmt as stderr, layer::Context, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{
    config::LogSettings,
    logs::Line,
    redact::redacted,
    rotate::{FULL, KEPT, Rotating},
    traces::Traces,
};

/// Lines that may wait to be sent to Redis.
const BACKLOG: usize = 4_096;

/// ISO-8601, UTC, milliseconds: the one format for times as text.
const TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A time as text.
///
/// `ms`: since the epoch.
#[must_use]
pub fn iso(ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|time| time.format(TIME).ok())
        .unwrap_or_default()
}

/// What logging needs to go on.
pub struct Telemetry {
    /// To be given to [`crate::logs::ship`].
    pub lines: mpsc::Receiver<Line>,
    /// To be kept as long as files are to be written.
    pub files: Vec<WorkerGuard>,
    /// To be ended with the process.
    pub traces: Option<Traces>,
}

/// Starts logging. `process` names this one in every line.
///
/// # Errors
/// The log files cannot be written, or spans cannot be sent to such an address.
pub fn start(settings: &LogSettings, process: &str) -> io::Result<Telemetry> {
    let (sender, lines) = mpsc::channel(BACKLOG);
    let mut guards = Vec::new();
    let files = match &settings.files {
        Some(folder) => Some(Files::open(folder, &mut guards)?),
        None => None,
    };
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,fred=warn,poem=warn"));
    let terminal = stderr::layer()
        .with_writer(|| Redacted(io::stderr()))
        .with_target(false)
        .with_ansi(io::stderr().is_terminal());
    let terminal = if settings.json { terminal.json().boxed() } else { terminal.boxed() };
    let lines_of_all = Lines { process: process.to_owned(), sender, files };
    let traces = settings.traces.as_deref().map(|url| Traces::to(url, process)).transpose()?;
    tracing_subscriber::registry()
        // RUST_LOG is about lines; spans are sent whatever it says.
        .with(terminal.and_then(lines_of_all).with_filter(filter))
        .with(traces.as_ref().map(Traces::layer))
        .try_init()
        .map_err(io::Error::other)?;
    Ok(Telemetry { lines, files: guards, traces })
}

/// The three files of the seeds.
struct Files {
    log: NonBlocking,
    warn: NonBlocking,
    errors: NonBlocking,
}

impl Files {
    fn open(folder: &Path, guards: &mut Vec<WorkerGuard>) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut open = |name: &str| {
            let file = Rotating::open(&folder.join(name), FULL, KEPT)?;
            let (writer, guard) = tracing_appender::non_blocking(file);
            guards.push(guard);
            io::Result::Ok(writer)
        };
        Ok(Self {
            log: open("log.messages")?,
            warn: open("warn.messages")?,
            errors: open("errors.messages")?,
        })
    }

    fn write(&self, line: &Line) {
        let file = match line.level {
            Level::ERROR => &self.errors,
            Level::WARN => &self.warn,
            _ => &self.log,
        };
        // The writer only queues: it has no error to give.
        let _queued =
            io::Write::write_all(&mut file.clone(), format!("{}\n", line.text).as_bytes());
    }
}

/// Standard error, without passwords. Whole lines are written to it.
struct Redacted(io::Stderr);

impl io::Write for Redacted {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(redacted(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Makes one line of text of every event.
struct Lines {
    process: String,
    sender: mpsc::Sender<Line>,
    files: Option<Files>,
}

/// The span of a request.
pub const REQUEST: &str = "request";

/// What the span of a request says of itself: it is added to every line within. What those
/// of leases say is in JSON lines alone.
struct Within(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != REQUEST {
            return;
        }
        let mut text = Text(String::new());
        attributes.record(&mut text);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Within(text.0));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let level = *event.metadata().level();
        let now = OffsetDateTime::now_utc().format(TIME).unwrap_or_default();
        let mut text = Text(format!("{now} {level} {} ", self.process));
        event.record(&mut text);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(within) = span.extensions().get::<Within>() {
                text.0.push_str(&within.0);
            }
        }
        let line = Line { level, text: redacted(&text.0).into_owned() };
        if let Some(files) = &self.files {
            files.write(&line);
        }
        if self.sender.try_send(line).is_err() {
            metrics::counter!(crate::metrics::LOG_LINES_DROPPED).increment(1);
        }
    }
}

/// The message, then `field=value` for the rest.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _written = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
