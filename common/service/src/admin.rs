//! Serves `/metrics` and the probes on ADMIN_PORT, without authentication. Metrics are served
//! only under a name of the process: else a web page could read them under a name of its own
//! that it makes point here (DNS rebinding). Probes are served under any name.

use std::{io, time::Duration};

use futures_util::future::BoxFuture;
use poem::{
    EndpointExt, Request, Response, Route, get, handler,
    http::{StatusCode, header},
    web::Data,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    listener::{self, Budget, HostNames, Listener, ListenerSettings, Port},
    metrics::{CONTENT_TYPE, Exporter},
};
use pedidos_pipeline::commands::Controller;

/// How long answers may still take once the process is asked to stop.
const GRACE: Duration = Duration::from_secs(1);

pub struct Admin {
    pub url: String,
    /// Ends with the process.
    pub served: JoinHandle<()>,
}

/// Binds HOST and this port, and serves until shutdown. `budget` is the one of the process.
///
/// # Errors
/// It cannot be bound, or the certificate cannot be used.
pub fn bind<'a>(
    settings: &'a ListenerSettings,
    port: u16,
    budget: &'a Budget,
    controller: Controller,
    exporter: Exporter,
    shutdown: CancellationToken,
) -> BoxFuture<'a, io::Result<Admin>> {
    Box::pin(async move {
        let open = settings.open_to_all();
        let listener = Listener::bind(&open, port, Port::Admin, budget.clone()).await?;
        let url = listener.url();
        let mut routes = Route::new();
        // As at the API, a slash at the end is the same path.
        for slash in ["", "/"] {
            routes = routes
                .at(format!("/metrics{slash}"), get(metrics))
                .at(format!("/livez{slash}"), get(livez))
                .at(format!("/readyz{slash}"), get(readyz));
        }
        let routes = routes.data(exporter).data(settings.names.clone()).data(controller);
        let served = tokio::spawn(listener::serve(listener, routes, shutdown, GRACE));
        Ok(Admin { url, served })
    })
}

#[handler]
fn metrics(request: &Request, names: Data<&HostNames>, exporter: Data<&Exporter>) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    // A request without one is not a browser's.
    let host = hosts.next().map(|host| host.to_str().unwrap_or_default());
    if host.is_some_and(|host| !names.include(host)) || hosts.next().is_some() {
        let detail = "metrics are served under a plain address, localhost, HOST and the names in \
                      ALLOWED_HOSTS: add the name to ALLOWED_HOSTS";
        let body = serde_json::json!({
            "type": "about:blank", "title": "Host not allowed", "status": 403, "detail": detail,
        });
        return Response::builder()
            .status(StatusCode::FORBIDDEN)
            .content_type("application/problem+json")
            .body(body.to_string());
    }
    Response::builder().content_type(CONTENT_TYPE).body(exporter.render())
}

/// Asks no store: a restart of this process would not bring one back.
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
