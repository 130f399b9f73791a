//! What a process serves to those who look after it, on a port of its own and open to all
//! who reach it: `/metrics` and the probes.

use std::{io, time::Duration};

use poem::{EndpointExt, Response, Route, Server, get, handler, http::StatusCode, web::Data};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    control::Controller,
    listener::{Listener, ListenerSettings},
    metrics::{CONTENT_TYPE, Exporter},
};

/// How long a request may still take once the worker is asked to stop.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// The listener, serving.
pub struct Admin {
    /// Where it is bound.
    pub url: String,
    /// Ends with the process.
    pub served: JoinHandle<io::Result<()>>,
}

/// Binds HOST and this port, and serves until shutdown.
///
/// # Errors
/// It cannot be bound, or the certificate cannot be used.
pub async fn bind(
    settings: &ListenerSettings,
    port: u16,
    controller: Controller,
    exporter: Exporter,
    shutdown: CancellationToken,
) -> io::Result<Admin> {
    let listener = Listener::bind(&settings.open_to_all(), port).await?;
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
fn metrics(exporter: Data<&Exporter>) -> Response {
    Response::builder().content_type(CONTENT_TYPE).body(exporter.render())
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
