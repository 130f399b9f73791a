//! Starts and ends a long-running process: logging, metrics, signals, and the connections to both
//! stores.

use std::{process::ExitCode, time::Duration};

use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    metrics,
    output::FlushGuard,
    settings::Settings,
    shutdown,
    telemetry::{self, Telemetry},
    traces::Traces,
};
use pedidos_core::backoff::{Backoff, LogOnce};
use pedidos_pipeline::{
    commands::Controller,
    logs,
    queue::{Queue, QueueError},
    settings::MongoSettings,
    store::{Store, StoreError},
};

/// How long the end of a process waits for the last log lines to be sent, and for each
/// connection to close: a store may not answer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a process failed to start or to end.
pub type Error = Box<dyn std::error::Error>;

/// 2 if a setting is wrong, which may show only once the stores answer; else 1.
#[must_use]
pub fn exit_code(error: &Error) -> ExitCode {
    let store = matches!(error.downcast_ref(), Some(StoreError::Settings(_)));
    let queue = matches!(error.downcast_ref(), Some(QueueError::Settings(_)));
    ExitCode::from(if store || queue { 2 } else { 1 })
}

pub struct Process {
    /// Has the connections to both stores.
    pub controller: Controller,
    pub exporter: metrics::Exporter,
    /// Cancelled by SIGTERM or SIGINT.
    pub shutdown: CancellationToken,
    traces: Option<Traces>,
    _written: Vec<FlushGuard>,
    last_line: CancellationToken,
    shipped: JoinHandle<()>,
}

impl Process {
    /// `name` is in every log line. Answers none if the process is asked to stop before
    /// MongoDB's address is resolved.
    ///
    /// # Errors
    /// Log files, metrics or signals cannot be set up, or a setting cannot be used. A store
    /// that does not answer is no error: see [`Controller::wait_ready`].
    pub async fn start(settings: &Settings, name: &str) -> Result<Option<Self>, Error> {
        let Telemetry { lines, written, traces } = telemetry::start(&settings.logs, name)?;
        let exporter = metrics::install()?;
        let shutdown = shutdown::on_signal()?;
        let queue = Queue::connect(&settings.redis, &settings.queue)?;
        let name = &settings.queue.name;
        let Some(store) = resolve(&settings.mongo, name, &shutdown).await? else {
            return Ok(None);
        };
        let last_line = CancellationToken::new();
        let shipped =
            tokio::spawn(logs::ship(lines, queue.clone(), last_line.clone(), telemetry::dropped));
        let controller = Controller::new(queue, store);
        Ok(Some(Self {
            controller,
            exporter,
            shutdown,
            traces,
            _written: written,
            last_line,
            shipped,
        }))
    }

    /// Sends the last spans and log lines, then closes the connections. To be called once no
    /// work is in hand. Does not wait long for a store.
    ///
    /// # Errors
    /// The task that sends log lines has panicked.
    pub async fn end(self) -> Result<(), Error> {
        if let Some(traces) = self.traces {
            traces.end().await;
        }
        self.last_line.cancel();
        if let Ok(shipped) = timeout(CLOSE_TIMEOUT, self.shipped).await {
            shipped?;
        } else {
            tracing::warn!("Redis does not answer; the last log lines are lost there");
        }
        for closed in [self.controller.queue.close(), self.controller.store.close()] {
            if timeout(CLOSE_TIMEOUT, closed).await.is_err() {
                tracing::debug!("a store did not answer; its connection is dropped");
            }
        }
        Ok(())
    }
}

/// Prepares the connection to MongoDB. DNS resolves the hosts of a `mongodb+srv://` address, and
/// may be unreachable like the server itself.
async fn resolve(
    mongo: &MongoSettings,
    queue: &str,
    shutdown: &CancellationToken,
) -> Result<Option<Store>, StoreError> {
    let (mut backoff, mut log_once) = (Backoff::default(), LogOnce::default());
    loop {
        let error = tokio::select! {
            connected = Store::connect(mongo, queue) => match connected {
                Err(error @ StoreError::Unavailable(_)) => error,
                connected => return connected.map(Some),
            },
            () = shutdown.cancelled() => return Ok(None),
        };
        let retry_in = backoff.after_failure();
        if log_once.is_new(&error.to_string()) {
            tracing::warn!(%error, "cannot resolve MongoDB's address; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(retry_in) => {}
            () = shutdown.cancelled() => return Ok(None),
        }
    }
}
