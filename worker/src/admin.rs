//! A worker's own HTTP: `/metrics` and the probes.

use std::{io, net::SocketAddr, time::Duration};

use pedidos_common::{config::Settings, control::Controller};
use poem::{
    EndpointExt, Route, Server, get, handler,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
    web::Data,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a request may still take once the worker is asked to stop.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// The listener, serving.
pub struct Admin {
    /// Where it is bound.
    pub address: SocketAddr,
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
    let at = format!("{}:{}", settings.host, settings.worker.admin_port);
    let acceptor = TcpListener::bind(&at)
        .into_acceptor()
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot bind {at}: {error}")))?;
    let address = acceptor
        .local_addr()
        .into_iter()
        .find_map(|address| address.as_socket_addr().copied())
        .ok_or_else(|| io::Error::other("not bound to an address"))?;
    let routes = Route::new()
        .at("/metrics", get(metrics))
        .at("/livez", get(livez))
        .at("/readyz", get(readyz))
        .data(exporter)
        .data(controller);
    let served = tokio::spawn(async move {
        Server::new_with_acceptor(acceptor)
            .run_with_graceful_shutdown(routes, shutdown.cancelled_owned(), Some(LAST_ANSWERS))
            .await
    });
    Ok(Admin { address, served })
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
