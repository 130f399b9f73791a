//! Liveness, readiness and metrics, for orchestrators and Prometheus.

use pedidos_api_types::problem::Problem;
use pedidos_service::metrics::{CONTENT_TYPE, Exporter};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi,
    payload::{Json, PlainText, Response},
};

use super::tag::Tag;
use crate::{app::App, http::problem, views::queue_metrics};

pub struct ProbesApi;

#[derive(ApiResponse)]
enum ReadinessResponse {
    /// Both stores accept writes, and agree.
    #[oai(status = 200)]
    Yes(PlainText<&'static str>),
    /// A store accepts no writes, or the two do not agree; the detail says which, and why.
    #[oai(status = 503, content_type = "application/problem+json")]
    No(
        Json<Problem>,
        /// Seconds until the next try.
        #[oai(header = "Retry-After")]
        u64,
    ),
}

#[expect(clippy::unused_async, reason = "the form of a handler")]
#[OpenApi]
impl ProbesApi {
    /// Check that this replica is alive
    ///
    /// Asks no store: a restart would not bring one back.
    #[oai(path = "/livez", method = "get", operation_id = "getLiveness", tag = "Tag::Operation")]
    async fn livez(&self) -> PlainText<&'static str> {
        PlainText("ok")
    }

    /// Check that this replica is ready
    ///
    /// Both stores accept a write within a second, acknowledged as orders are, and both have the
    /// same version of control. The stores are asked at most twice a second.
    #[oai(path = "/readyz", method = "get", operation_id = "getReadiness", tag = "Tag::Operation")]
    async fn readyz(&self, app: Data<&App>) -> ReadinessResponse {
        match app.controller.ready().await {
            Ok(()) => ReadinessResponse::Yes(PlainText("ok")),
            Err(error) => ReadinessResponse::No(
                Json(problem::new(StatusCode::SERVICE_UNAVAILABLE, "Not ready", error)),
                problem::RETRY_AFTER,
            ),
        }
    }

    /// Show the metrics of this replica and of the queue
    ///
    /// In the format of Prometheus. Without Redis, those of the queue are left out, and
    /// `pedidos_store_up` shows it.
    #[oai(path = "/metrics", method = "get", operation_id = "getMetrics", tag = "Tag::Operation")]
    async fn metrics(
        &self,
        app: Data<&App>,
        exporter: Data<&Exporter>,
    ) -> Response<PlainText<String>> {
        let queue = queue_metrics::of_queue(&app.controller).await.into_string();
        Response::new(PlainText(exporter.render() + &queue)).header("Content-Type", CONTENT_TYPE)
    }
}
