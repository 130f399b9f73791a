//! What every long-running process begins and ends with: logging, metrics,
//! signals, the connections to both stores.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing_appender::non_blocking::WorkerGuard;

use crate::{
    backoff::Backoff,
    config::{MongoSettings, Settings},
    control::Controller,
    logs, metrics,
    queue::Queue,
    shutdown,
    store::{Store, StoreError},
    telemetry::{self, Telemetry},
    traces::Traces,
};

/// Why a process could not begin, or end, as it should.
pub type Error = Box<dyn std::error::Error>;

/// A process that is at work.
pub struct Process {
    /// The connections to both stores.
    pub controller: Controller,
    /// Renders this process' metrics.
    pub exporter: metrics::Exporter,
    /// Cancelled by SIGTERM or SIGINT.
    pub shutdown: CancellationToken,
    traces: Option<Traces>,
    _files: Vec<WorkerGuard>,
    last_line: CancellationToken,
    shipped: JoinHandle<()>,
}

impl Process {
    /// Begins. `name` is said in every log line. Answers none if it was asked
    /// to stop before MongoDB's address could be resolved.
    ///
    /// # Errors
    /// Log files, metrics or signals are not to be had, or a setting cannot be
    /// used. A store that does not answer is no error: see
    /// [`Controller::wait_ready`].
    pub async fn start(settings: &Settings, name: &str) -> Result<Option<Self>, Error> {
        let Telemetry { lines, files, traces } = telemetry::start(&settings.logs, name)?;
        let exporter = metrics::install()?;
        let shutdown = shutdown::on_signal()?;
        let queue = Queue::connect(&settings.redis, &settings.queue)?;
        let name = &settings.queue.name;
        let Some(store) = resolve(&settings.mongo, name, &shutdown).await? else {
            return Ok(None);
        };
        let last_line = CancellationToken::new();
        let shipped = tokio::spawn(logs::ship(lines, queue.clone(), last_line.clone()));
        let controller = Controller::new(queue, store);
        Ok(Some(Self { controller, exporter, shutdown, traces, _files: files, last_line, shipped }))
    }

    /// Ends, once nothing is in hand any more: sends the last spans and log lines,
    /// then closes the connections.
    ///
    /// # Errors
    /// The task that sends log lines has panicked.
    pub async fn end(self) -> Result<(), Error> {
        if let Some(traces) = self.traces {
            traces.end().await;
        }
        self.last_line.cancel();
        self.shipped.await?;
        self.controller.queue.close().await;
        self.controller.store.close().await;
        Ok(())
    }
}

/// Prepares the connection to MongoDB. The hosts of a `mongodb+srv://` address
/// are asked of DNS, which may be as far out of reach as the server itself.
async fn resolve(
    mongo: &MongoSettings,
    queue: &str,
    shutdown: &CancellationToken,
) -> Result<Option<Store>, StoreError> {
    let mut backoff = Backoff::default();
    loop {
        let error = tokio::select! {
            connected = Store::connect(mongo, queue) => match connected {
                Err(error @ StoreError::Unavailable(_)) => error,
                connected => return connected.map(Some),
            },
            () = shutdown.cancelled() => return Ok(None),
        };
        let retry_in = backoff.after_failure();
        tracing::warn!(%error, ?retry_in, "waiting for MongoDB's address");
        tokio::select! {
            () = tokio::time::sleep(retry_in) => {}
            () = shutdown.cancelled() => return Ok(None),
        }
    }
}
