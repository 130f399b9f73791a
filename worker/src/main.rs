//! The worker: claims work from the queue, does it, acknowledges it. Any number of them may run,
//! anywhere that reaches the stores.

mod read_collection;
mod verify;

use std::process::ExitCode;

use pedidos_core::redact::redacted;
use pedidos_service::{
    admin,
    listener::{Budget, descriptors},
    output,
    process::{self, Error, Process},
    settings::Settings,
};
use pedidos_worker::{Worker, metrics, settings::WorkerSettings};

#[tokio::main]
async fn main() -> ExitCode {
    if verify::is_requested() {
        return verify::main().await;
    }
    if read_collection::is_requested() {
        return read_collection::main().await;
    }
    let settings = Settings::of_program(
        "pedidos-worker",
        "Generates, enqueues and processes orders: every VIP before any NORMAL one.\n\
         `pedidos-worker verify` checks the run that has ended instead.",
    );
    let slots = WorkerSettings::of(&settings.values).slots;
    if let Err(mistake) = descriptors::suffice(settings.listener.max_connections, slots) {
        eprintln!("error: {mistake}");
        return ExitCode::from(2);
    }
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::write_error(&format!("error: {}", redacted(&error.to_string())));
            process::exit_code(&error)
        }
    }
}

async fn run(settings: Settings) -> Result<(), Error> {
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
        Worker::new(id, controller, &settings).run(shutdown).await;
    } else {
        shutdown.cancel();
    }
    admin.served.await?;
    process.end().await?;
    Ok(ready.map(drop)?)
}
