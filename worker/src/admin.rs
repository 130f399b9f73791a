//! A worker's own HTTP: `/metrics` and the probes.

use std::{io, time::Duration};

use pedidos_common::{config::Settings, control::Controller, listener::Listener};
use poem::{EndpointExt, Route, Server, get, handler, http::StatusCode, web::Data};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a request may still take once the worker is asked to stop.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// The listener, serving.
pub struct Admin {
    /// Where it is bound.
    pub url: String,
    /// Ends with the process.
    pub served: JoinHandle<io::Result<()>>,
}

/// Renders this process' metrics.
pub type Exporter = metrics_exporter_prometheus::PrometheusHandle;

/// Binds HOST:ADMIN_PORT and serves until shutdown.
///
/// # Errors
/// The address cannot be bound.
pub async fn bind(
    settings: &Settings,
    controller: Controller,
    exporter: Exporter,
    shutdown: CancellationToken,
) -> io::Result<Admin> {
    let listener = Listener::bind(&settings.listener, settings.worker.admin_port).await?;
    let url = listener.url();
    let routes = Route::new()
        .at("/metrics", get(metrics))
        .at("/livez", get(livez))
        .at("/readyz", get(readyz))
        .data(exporter)
        .data(controller);
    let served = tokio::spawn(async move {
        Server::new_with_acceptor(listener)
            .run_with_graceful_shutdown(routes, shutdown.cancelled_owned(), Some(LAST_ANSWERS))
            .await
    });
    Ok(Admin { url, served })
}

#[handler]
fn metrics(exporter: Data<&Exporter>) -> String {
    exporter.run_upkeep();
    exporter.render()
}

/// Looks at no store: a restart would not bring one back.
#[handler]
const fn livez() -> &'static str {
    "ok"
}

#[handler]
async fn readyz(controller: Data<&Controller>) -> (StatusCode, String) {
    match controller.ready().await {
        Ok(()) => (StatusCode::OK, "ok".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error),
    }
}
