//! The API: takes commands, shows status. Holds no state; run as many as you
//! like.

use std::process::ExitCode;

use pedidos_api::{App, events::Hub, refused::Refused, routes, streams::Streams};
use pedidos_common::{
    config::Settings,
    listener::Listener,
    process::{Error, Process},
    redact::redacted,
};
use poem::Server;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::of_program(
        "pedidos-api",
        "Starts, shows and steers runs of orders: HTTP API with Swagger UI at /docs.",
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
    let name = format!("api:{}", &uuid::Uuid::new_v4().to_string()[..8]);
    let Some(process) = Process::start(&settings, &name).await? else { return Ok(()) };
    let (controller, shutdown) = (process.controller.clone(), process.shutdown.clone());

    // Serves from the start: /livez answers, and everything else says what is
    // missing, until the stores are there.
    let listener = Listener::bind(&settings.listener, settings.api.port).await?;
    let url = listener.url();
    let hub = Hub::start(controller.clone(), shutdown.clone());
    let streams = Streams::at_most(settings.api.max_streams);
    let app = App { controller: controller.clone(), settings: settings.api, hub, streams };
    let serving = Server::new_with_acceptor(Refused(listener)).run_with_graceful_shutdown(
        routes::all(app, process.exporter.clone()),
        shutdown.clone().cancelled_owned(),
        Some(settings.shutdown_grace),
    );
    let served = tokio::spawn(serving);
    if controller.wait_ready(&shutdown).await {
        println!("listening on {url}");
        controller.keep_current(&shutdown).await;
    }
    served.await??;
    process.end().await
}
