//! The API: takes commands, shows status. Holds no state; run as many as you
//! like.

use std::{io, process::ExitCode};

use pedidos_api::{App, routes};
use pedidos_common::{
    config::Settings, control::Controller, logs, metrics, queue::Queue, shutdown, store::Store,
    telemetry,
};
use poem::{
    Server,
    listener::{Acceptor, Listener, TcpListener},
};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::of_program(
        "pedidos-api",
        "Starts, shows and steers runs of orders: HTTP API with Swagger UI at /docs.",
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
    let process = format!("api:{}", &uuid::Uuid::new_v4().to_string()[..8]);
    let telemetry = telemetry::start(&settings.logs, &process)?;
    let exporter = metrics::install()?;
    let shutdown = shutdown::on_signal()?;
    let queue = Queue::connect(&settings.redis, &settings.queue)?;
    let store = Store::connect(&settings.mongo, &settings.queue.name).await?;
    let controller = Controller::new(queue.clone(), store.clone());
    let last_line = CancellationToken::new();
    let shipped = tokio::spawn(logs::ship(telemetry.lines, queue.clone(), last_line.clone()));

    // Serves from the start: /livez answers, and everything else says what is
    // missing, until the stores are there.
    let at = format!("{}:{}", settings.host, settings.api.port);
    let acceptor = TcpListener::bind(&at)
        .into_acceptor()
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot bind {at}: {error}")))?;
    let address = acceptor
        .local_addr()
        .into_iter()
        .find_map(|address| address.as_socket_addr().copied())
        .ok_or("not bound to an address")?;
    let app = App { controller: controller.clone(), settings: settings.api };
    let serving = Server::new_with_acceptor(acceptor).run_with_graceful_shutdown(
        routes::all(app, exporter),
        shutdown.clone().cancelled_owned(),
        Some(settings.shutdown_grace),
    );
    let served = tokio::spawn(serving);
    if controller.wait_ready(&shutdown).await {
        println!("listening on http://{address}");
        controller.keep_current(&shutdown).await;
    }
    served.await??;
    last_line.cancel();
    shipped.await?;
    queue.close().await;
    store.close().await;
    Ok(())
}
