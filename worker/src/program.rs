//! The program around a worker.

use std::process::ExitCode;

use pedidos_core::redact::redacted;
use pedidos_service::{
    admin,
    listener::{Budget, descriptors},
    output,
    process::{self, Error, Process},
    settings::Settings,
};

use crate::{
    metrics,
    processor::{AnyProcessor, Http, Processor, ProcessorSettings},
    settings::WorkerSettings,
    worker::Worker,
};

type Named = Option<(ProcessorSettings, Box<dyn AnyProcessor>)>;

/// A worker with a processor of one's own: `fn main() -> ExitCode { pedidos_worker::main(Mine) }`.
///
/// Reads the settings of `pedidos-worker`, from flags, the environment and `.env`, and works until it
/// is asked to stop. Takes batches of runs that name its processor (PROCESSOR_NAME), and whatever
/// else a worker does. Answers the exit code: 0 after a stop, 2 if a setting is wrong, else the kind of
/// failure.
pub fn main(processor: impl Processor) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(Some(Box::new(processor)))),
        Err(error) => {
            output::write_error(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The program `pedidos-worker`: its processor is behind PROCESSOR_URL, if that is set.
pub async fn start() -> ExitCode {
    run(None).await
}

async fn run(own: Option<Box<dyn AnyProcessor>>) -> ExitCode {
    let settings = Settings::of_program(
        "pedidos-worker",
        "Generates, enqueues and processes orders: every VIP before any NORMAL one.\n\
         `pedidos-worker verify` checks the run that has ended instead.",
    );
    let slots = WorkerSettings::of(&settings.values).slots;
    let enough = descriptors::suffice(settings.listener.max_connections, slots);
    let processor = match enough.and_then(|()| named(&settings, own)) {
        Ok(processor) => processor,
        Err(mistake) => {
            output::write_error(&redacted(&format!("error: {mistake}")));
            return ExitCode::from(2);
        }
    };
    match work(settings, processor).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::write_error(&format!("error: {}", redacted(&error.to_string())));
            process::exit_code(&error)
        }
    }
}

fn named(settings: &Settings, own: Option<Box<dyn AnyProcessor>>) -> Result<Named, String> {
    let processor = ProcessorSettings::of(&settings.values)?;
    let http = Http::new(&processor)?;
    match (own, http) {
        (Some(_), Some(_)) => {
            Err("PROCESSOR_URL: this program has a processor of its own; unset it".to_owned())
        }
        (Some(own), None) => Ok(Some((processor, own))),
        (None, Some(http)) => Ok(Some((processor, Box::new(http)))),
        (None, None) => Ok(None),
    }
}

async fn work(settings: Settings, processor: Named) -> Result<(), Error> {
    let id = uuid::Uuid::new_v4().to_string();
    let Some(process) = Process::start(&settings, &format!("worker:{}", &id[..8])).await? else {
        return Ok(());
    };
    let worker = WorkerSettings::of(&settings.values);
    metrics::init(worker.slots);
    let (controller, shutdown) = (process.controller.clone(), process.shutdown.clone());
    let (port, exporter) = (worker.admin_port, process.exporter.clone());
    let (budget, ends) = (Budget::new(settings.listener.max_connections), shutdown.clone());
    let admin =
        admin::bind(&settings.listener, port, &budget, controller.clone(), exporter, ends).await?;
    let ready = controller.wait_ready(&shutdown).await;
    if matches!(ready, Ok(true)) {
        output::print(format!("listening on {}", admin.url));
        Worker::new(id, controller, &settings, processor).run(shutdown).await;
    } else {
        shutdown.cancel();
    }
    admin.served.await?;
    process.end().await?;
    Ok(ready.map(drop)?)
}
