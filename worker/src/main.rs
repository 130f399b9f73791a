//! The worker: claims work from the queue, does it, acknowledges it. Run as
//! many as you like, anywhere that reaches the stores.

use std::process::ExitCode;

use pedidos_common::{
    config::Settings, control::Controller, logs, metrics, queue::Queue, shutdown, store::Store,
    telemetry,
};
use pedidos_worker::{Worker, admin};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::of_program(
        "pedidos-worker",
        "Generates, enqueues and processes orders: every VIP before any NORMAL one.",
    );
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> Result<(), Box<dyn std::error::Error>> {
    let id = uuid::Uuid::new_v4().to_string();
    let telemetry = telemetry::start(&settings.logs, &format!("worker:{}", &id[..8]))?;
    let exporter = metrics::install()?;
    let shutdown = shutdown::on_signal()?;
    let queue = Queue::connect(&settings.redis, &settings.queue)?;
    let store = Store::connect(&settings.mongo, &settings.queue.name).await?;
    let controller = Controller::new(queue.clone(), store.clone());
    let last_line = CancellationToken::new();
    let shipped = tokio::spawn(logs::ship(telemetry.lines, queue.clone(), last_line.clone()));
    let admin = admin::bind(&settings, controller.clone(), exporter, shutdown.clone()).await?;

    if controller.wait_ready(&shutdown).await {
        println!("listening on http://{}", admin.address);
        Worker::new(id, controller, &settings).run(shutdown).await;
    }
    admin.served.await??;
    last_line.cancel();
    shipped.await?;
    queue.close().await;
    store.close().await;
    Ok(())
}
