//! The worker: claims work from the queue, does it, acknowledges it. Run as
//! many as you like, anywhere that reaches the stores.

use std::process::ExitCode;

use pedidos_common::{
    admin,
    config::Settings,
    process::{Error, Process},
    redact::redacted,
};
use pedidos_worker::{Worker, metrics};

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::of_program(
        "pedidos-worker",
        "Generates, enqueues and processes orders: every VIP before any NORMAL one.",
    );
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", redacted(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> Result<(), Error> {
    let id = uuid::Uuid::new_v4().to_string();
    let Some(process) = Process::start(&settings, &format!("worker:{}", &id[..8])).await? else {
        return Ok(());
    };
    metrics::begin(settings.worker.slots);
    let (controller, shutdown) = (process.controller.clone(), process.shutdown.clone());
    let (port, exporter) = (settings.worker.admin_port, process.exporter.clone());
    let ends = shutdown.clone();
    let admin = admin::bind(&settings.listener, port, controller.clone(), exporter, ends).await?;
    if controller.wait_ready(&shutdown).await {
        println!("listening on {}", admin.url);
        Worker::new(id, controller, &settings).run(shutdown).await;
    }
    admin.served.await??;
    process.end().await
}
