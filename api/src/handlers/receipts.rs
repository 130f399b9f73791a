//! What became of the orders of a run, and the end of what is kept of it.

#![expect(clippy::too_many_arguments, reason = "an operation has the parameters of the contract")]

use pedidos_api_types::{
    jobs::{OrderPriority, OrderStatus},
    problem::Problem,
    runs::{DeleteRunAnswer, Delimiter, ExportFormat},
};
use pedidos_core::{list, order::OrderId};
use pedidos_pipeline::{
    commands::DeleteRun,
    receipt::{Receipt, ReceiptError, ReceiptFilter},
};
use poem::{Body, Request, http::StatusCode, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::{Binary, Json},
};

use super::{completion::run_to_completion, responses::Answer, tag::Tag};
use crate::{
    access::caller::Caller,
    app::App,
    exports,
    http::{failure::Failure, problem},
};

pub struct ReceiptsApi;

#[derive(ApiResponse)]
pub enum ExportResponse {
    /// A JSON object a line.
    #[oai(status = 200, content_type = "application/x-ndjson")]
    Ndjson(
        Binary<Body>,
        /// The name of a file.
        #[oai(header = "Content-Disposition")]
        String,
    ),
    /// CSV with a header line.
    #[oai(status = 200, content_type = "text/csv")]
    Csv(
        Binary<Body>,
        /// The name of a file.
        #[oai(header = "Content-Disposition")]
        String,
    ),
    /// No run of the history has this id.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
}

#[derive(Debug, ApiResponse)]
pub enum DeleteResponse {
    /// Nothing of the run is left.
    #[oai(status = 200)]
    Done(Json<DeleteRunAnswer>),
    /// No run of the history has this id.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
    /// It is the current run, active or not.
    #[oai(status = 409, content_type = "application/problem+json")]
    Current(Json<Problem>),
}

#[OpenApi]
impl ReceiptsApi {
    /// Download the orders of a run
    ///
    /// Every order in order of id, with what became of it. What a list knows comes back as it came, so
    /// that what failed can be mended and imported again; fields that begin with `pedidos_` are ours,
    /// and a list ignores them. The lines of a run that has ended add up to its ledger. The answer is
    /// sent while it is read, and one that breaks off is not whole: ask for the rest with `after`. Only
    /// a few are sent at once; a request beyond that waits, then gets 503.
    #[oai(
        path = "/pedidos/runs/:runId/orders",
        method = "get",
        operation_id = "exportOrders",
        tag = "Tag::Runs"
    )]
    async fn export(
        &self,
        app: Data<&App>,
        /// The `runId` of `generate`, or the `importId` of an import.
        #[oai(name = "runId")]
        run_id: Path<String>,
        /// Only orders with this status.
        status: Query<Option<OrderStatus>>,
        /// Only orders of this priority.
        priority: Query<Option<OrderPriority>>,
        /// How the orders are written.
        #[oai(default = "ndjson")]
        format: Query<ExportFormat>,
        /// With `format=csv`: what stands between the cells. Default: comma.
        delimiter: Query<Option<Delimiter>>,
        /// Only the orders behind the one with this id, which is the last that you have; CSV then has
        /// no header line, so that it can be added to what you have.
        #[oai(validator(
            max_length = 36,
            pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
        ))]
        after: Query<Option<String>>,
        caller: Data<&Caller>,
        request: &Request,
    ) -> Answer<ExportResponse> {
        let written = match (format.0, delimiter.0) {
            (ExportFormat::Ndjson, None) => list::ExportFormat::Ndjson,
            (ExportFormat::Ndjson, Some(_)) => {
                return Err(Failure::invalid("delimiter", "only allowed with format=csv"));
            }
            (ExportFormat::Csv, Some(Delimiter::Semicolon)) => list::ExportFormat::SemicolonCsv,
            (ExportFormat::Csv, _) => list::ExportFormat::Csv,
        };
        let unknown = || Failure::invalid("after", "no order of this run has such an id");
        let after = after.0.as_deref().map(str::parse::<OrderId>).transpose();
        let after = after.map_err(|_| unknown())?;
        let filter = ReceiptFilter {
            status: status.0.map(OrderStatus::as_str),
            priority: priority.0.map(Into::into),
        };
        let permit = app.exports.permit(caller.client(request)).await?;
        let receipt = Receipt::of(&app.controller.store, &run_id.0, filter, after).await?;
        let Some(receipt) = receipt else { return Ok(ExportResponse::Missing(not_found())) };
        if after.is_some_and(|after| !receipt.ids().contains(&after)) {
            return Err(unknown());
        }
        let body = match exports::body(receipt, written, after.is_some(), permit).await {
            Ok(body) => Binary(body),
            Err(ReceiptError::Gone) => return Ok(ExportResponse::Missing(not_found())),
            Err(ReceiptError::Store(error)) => return Err(error.into()),
        };
        let named = |kind: &str| format!("attachment; filename=\"orders-{}.{kind}\"", run_id.0);
        Ok(match format.0 {
            ExportFormat::Ndjson => ExportResponse::Ndjson(body, named("ndjson")),
            ExportFormat::Csv => ExportResponse::Csv(body, named("csv")),
        })
    }
}

/// Deletes a run, until nothing of it is left, and says what came of it.
pub async fn delete_run(app: &App, run_id: String) -> Answer<DeleteResponse> {
    let (controller, id) = (app.controller.clone(), run_id.clone());
    let deleted = run_to_completion(async move { controller.delete_run(&id).await }).await?;
    let why = match deleted {
        DeleteRun::Deleted(removed_orders) => {
            let answer = DeleteRunAnswer { deleted: true, removed_orders };
            return Ok(DeleteResponse::Done(Json(answer)));
        }
        DeleteRun::NotFound => return Ok(DeleteResponse::Missing(not_found())),
        DeleteRun::Current { active: true } => "is active: wait for its end, or cancel it",
        DeleteRun::Current { active: false } => {
            "is the current one: it can be deleted once another one has begun"
        }
    };
    let detail = format!("run {run_id} {why}; POST /pedidos/reset deletes everything");
    let mut problem = problem::new(StatusCode::CONFLICT, "Run is the current one", detail);
    problem.run_id = Some(run_id);
    Ok(DeleteResponse::Current(Json(problem)))
}

fn not_found() -> Json<Problem> {
    let detail = "no run has this id; GET /pedidos/runs lists the runs";
    Json(problem::new(StatusCode::NOT_FOUND, "Run not found", detail))
}

const fn ndjson() -> ExportFormat {
    ExportFormat::Ndjson
}
