//! Handlers: liveness, readiness, metrics, for orchestrators and Prometheus.

use pedidos_common::metrics::{CONTENT_TYPE, Exporter};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi,
    payload::{Json, PlainText, Response},
};

use crate::{
    App,
    error::{Failure, Problem},
    gauges,
    openapi::Tag,
};

/// Is it alive, is it ready, what has it done?
pub struct Probes;

/// Whether this replica can do its work.
#[derive(ApiResponse)]
enum Ready {
    /// Both stores answer.
    #[oai(status = 200)]
    Yes(PlainText<&'static str>),
    /// A store does not answer; the detail says which.
    #[oai(status = 503, content_type = "application/problem+json")]
    No(
        Json<Problem>,
        /// Seconds after which to try again.
        #[oai(header = "Retry-After")]
        u64,
    ),
}

#[expect(clippy::unused_async, reason = "the form of a handler")]
#[OpenApi]
impl Probes {
    /// Is this replica alive?
    ///
    /// Looks at no store: a restart would not bring one back.
    #[oai(path = "/livez", method = "get", operation_id = "getLiveness", tag = "Tag::Operation")]
    async fn livez(&self) -> PlainText<&'static str> {
        PlainText("ok")
    }

    /// Is this replica ready?
    ///
    /// Both stores answer within a second.
    #[oai(path = "/readyz", method = "get", operation_id = "getReadiness", tag = "Tag::Operation")]
    async fn readyz(&self, app: Data<&App>) -> Ready {
        match app.controller.ready().await {
            Ok(()) => Ready::Yes(PlainText("ok")),
            Err(error) => Ready::No(
                Json(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Not ready", error)),
                Failure::RETRY_AFTER,
            ),
        }
    }

    /// Show the metrics of this replica and of the queue
    ///
    /// As Prometheus reads them. Without Redis, those of the queue are left out, and
    /// `pedidos_store_up` says so.
    #[oai(path = "/metrics", method = "get", operation_id = "getMetrics", tag = "Tag::Operation")]
    async fn metrics(
        &self,
        app: Data<&App>,
        exporter: Data<&Exporter>,
    ) -> Response<PlainText<String>> {
        let queue = gauges::of_queue(&app.controller).await.into_string();
        Response::new(PlainText(exporter.render() + &queue)).header("Content-Type", CONTENT_TYPE)
    }
}
