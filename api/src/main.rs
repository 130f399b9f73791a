//! The API: takes commands, shows status. Holds no state; run as many as you
//! like.

use std::process::ExitCode;

use pedidos_api::{App, access::Access, events::Hub, refused::Refused, routes, streams::Streams};
use pedidos_common::{
    admin,
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
    let access = match Access::open(&settings.api.access) {
        Ok(access) => access,
        Err(mistakes) => {
            for mistake in mistakes {
                eprintln!("error: {mistake}");
            }
            return ExitCode::from(2);
        }
    };
    match run(settings, access).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", redacted(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings, access: Access) -> Result<(), Error> {
    let name = format!("api:{}", &uuid::Uuid::new_v4().to_string()[..8]);
    let Some(process) = Process::start(&settings, &name).await? else { return Ok(()) };
    let (controller, shutdown) = (process.controller.clone(), process.shutdown.clone());

    // Serves from the start: /livez answers, and everything else says what is
    // missing, until the stores are there.
    let listener = Listener::bind(&settings.listener, settings.api.port).await?;
    let url = listener.url();
    let admin = match settings.api.admin_port {
        Some(port) => {
            let (exporter, ends) = (process.exporter.clone(), shutdown.clone());
            Some(admin::bind(&settings.listener, port, controller.clone(), exporter, ends).await?)
        }
        None => None,
    };
    let hub = Hub::start(controller.clone(), shutdown.clone());
    let streams = Streams::at_most(settings.api.max_streams);
    let said = access.said();
    if let Some(said) = said {
        tracing::warn!("{said}");
    }
    let app = App { controller: controller.clone(), settings: settings.api, access, hub, streams };
    let serving = Server::new_with_acceptor(Refused(listener)).run_with_graceful_shutdown(
        routes::all(app, process.exporter.clone()),
        shutdown.clone().cancelled_owned(),
        Some(settings.shutdown_grace),
    );
    let served = tokio::spawn(serving);
    if controller.wait_ready(&shutdown).await {
        // A line each: what stands behind an address may be taken for a part of it.
        println!("listening on {url}");
        if let Some(admin) = &admin {
            println!("metrics and probes on {}", admin.url);
        }
        if let Some(said) = said {
            println!("{said}");
        }
        controller.keep_current(&shutdown).await;
    }
    served.await??;
    if let Some(admin) = admin {
        admin.served.await??;
    }
    process.end().await
}
