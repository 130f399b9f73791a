//! Writes log lines to standard error, to three files, and to the stream in Redis that has the
//! lines of all processes. Code that logs never waits: lines that a destination cannot take are
//! dropped and counted.

use std::{
    fmt::{self, Write},
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use tokio::sync::mpsc;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    EnvFilter, Layer, fmt as stderr, layer::Context, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{
    config::Reader,
    output::{FlushGuard, Writer},
    rotate::{KEPT, MAX_SIZE, Rotating},
    traces::{Traces, is_endpoint},
};
use pedidos_core::{
    redact::redacted,
    time::{iso, now_ms},
};
use pedidos_pipeline::logs::Line;

/// Lines that may wait to be sent to Redis.
const BACKLOG: usize = 4_096;

/// Where log lines and spans go.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// The folder of the three files, if BACKEND_LOGS.
    pub files: Option<PathBuf>,
    /// LOG_FORMAT is json.
    pub json: bool,
    /// RUST_LOG: which lines there are.
    pub filter: String,
    /// OTEL_EXPORTER_OTLP_ENDPOINT: where spans go, without the path.
    pub traces: Option<String>,
}

impl LogSettings {
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let values = &reader.values;
        let folder = PathBuf::from(values.text("LOG_DIR")).join("shared").join("logs");
        let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let traces = Some(values.text(name).to_owned()).filter(|url| !url.is_empty());
        let (files, json) = (values.flag("BACKEND_LOGS"), values.text("LOG_FORMAT") == "json");
        // Without spaces, which a filter does not take.
        let filter = values.items("RUST_LOG").collect::<Vec<_>>().join(",");
        if let Some(url) = &traces
            && !(url.starts_with("http://") && is_endpoint(url))
        {
            reader.wrong(name, &format!("'{url}' is not http://HOST:PORT"));
        }
        Self { files: files.then_some(folder), json, filter, traces }
    }
}

/// Counts lines that were not kept.
pub(crate) fn dropped(lines: u64) {
    metrics::counter!(crate::metrics::LOG_LINES_DROPPED).increment(lines);
}

pub struct Telemetry {
    /// To be given to [`pedidos_pipeline::logs::ship`].
    pub lines: mpsc::Receiver<Line>,
    /// To be kept for as long as lines are written.
    pub written: Vec<FlushGuard>,
    /// To be ended with the process.
    pub traces: Option<Traces>,
}

/// `process` is in every line.
///
/// # Errors
/// The log files cannot be written (LOG_DIR is named), or spans cannot be sent to such an
/// address.
pub fn start(settings: &LogSettings, process: &str) -> io::Result<Telemetry> {
    let (sender, lines) = mpsc::channel(BACKLOG);
    let (terminal, flush) = Writer::start("stderr", io::stderr())?;
    let mut written = vec![flush];
    let files = match &settings.files {
        Some(folder) => Some(Files::open(folder, &mut written)?),
        None => None,
    };
    let filter = EnvFilter::try_new(&settings.filter).map_err(io::Error::other)?;
    let terminal = stderr::layer()
        .with_writer(move || Redacted(terminal.clone()))
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
    Ok(Telemetry { lines, written, traces })
}

/// Warnings and errors have files of their own.
struct Files {
    log: Writer,
    warn: Writer,
    errors: Writer,
}

impl Files {
    fn open(folder: &Path, written: &mut Vec<FlushGuard>) -> io::Result<Self> {
        let named = |path: &Path, error: &io::Error| {
            let path = path.display();
            let text = format!(
                "LOG_DIR: {path}: {error}; set it to a folder that can be written, or set \
                 BACKEND_LOGS=false"
            );
            io::Error::new(error.kind(), text)
        };
        std::fs::create_dir_all(folder).map_err(|error| named(folder, &error))?;
        let mut open = |name: &str| {
            let path = folder.join(name);
            let file =
                Rotating::open(&path, MAX_SIZE, KEPT).map_err(|error| named(&path, &error))?;
            let (writer, flush) = Writer::start(name, file)?;
            written.push(flush);
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
        file.line(format!("{}\n", line.text).into_bytes());
    }
}

/// Standard error, without passwords. It is written whole lines.
struct Redacted(Writer);

impl io::Write for Redacted {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.line(redacted(&String::from_utf8_lossy(line)).into_owned().into_bytes());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes one line of text of every event.
struct Lines {
    process: String,
    sender: mpsc::Sender<Line>,
    files: Option<Files>,
}

/// The name of a request's span.
pub const REQUEST: &str = "request";

/// The fields of a request's span, which are added to every line within. Those of a lease's span
/// are in JSON lines alone.
struct RequestFields(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != REQUEST {
            return;
        }
        let mut text = Text(String::new());
        attributes.record(&mut text);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(RequestFields(text.0));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let level = *event.metadata().level();
        let now = iso(now_ms());
        let mut text = Text(format!("{now} {level} {} ", self.process));
        event.record(&mut text);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<RequestFields>() {
                text.0.push_str(&fields.0);
            }
        }
        let line = Line { level, text: redacted(&text.0).into_owned() };
        if let Some(files) = &self.files {
            files.write(&line);
        }
        if self.sender.try_send(line).is_err() {
            dropped(1);
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
