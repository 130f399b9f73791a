//! Liveness, readiness, metrics: for orchestrators, not part of the contract's spec.

use metrics_exporter_prometheus::PrometheusHandle;
use poem::{Response, handler, http::StatusCode, web::Data};

use crate::{App, error::Problem};

/// Looks at no store: a restart would not bring one back.
#[handler]
pub const fn livez() -> &'static str {
    "ok"
}

/// Both stores answer.
#[handler]
pub async fn readyz(app: Data<&App>) -> Response {
    match app.controller.ready().await {
        Ok(()) => Response::builder().body("ok"),
        Err(error) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Not ready", error).response(),
    }
}

/// This process' metrics, as Prometheus text.
#[handler]
pub fn metrics(exporter: Data<&PrometheusHandle>) -> Response {
    exporter.run_upkeep();
    Response::builder().content_type("text/plain; version=0.0.4").body(exporter.render())
}
