//! Runs: start, show, change, cancel, reset.

#![expect(clippy::too_many_arguments, reason = "an operation has the parameters of the contract")]

use pedidos_api_types::{
    commands::ResetAnswer,
    flow::{FlowChange, OnVipFailure},
    runs::RunsAnswer,
    status::Status,
};
use pedidos_core::control::{CancelOptions, RunOptions};
use pedidos_pipeline::{
    commands::{Cancel, CommandError, Generate, NewFlow},
    store::Foreign,
};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};

use super::{
    completion::run_to_completion,
    flow::{ChangeResponse, RunChoice, set},
    receipts::{DeleteResponse, delete_run},
    responses::{
        Answer, CancelResponse, GenerateResponse, ProcessResponse, ResetResponse, RunResponse,
        another_run,
    },
    tag::Tag,
};
use crate::{
    app::App,
    http::{failure::Failure, problem},
    views,
};

pub struct RunsApi;

#[OpenApi]
impl RunsApi {
    /// Start a run
    ///
    /// Generates `quantity` orders, stores them, and processes every VIP order before any NORMAL
    /// one. Answers as soon as the run is stored; follow it with `GET /pedidos`. Repeated with the
    /// same `Idempotency-Key`, it answers with the same run. A request that has the key of a run and
    /// asks for another quantity, seed or processor is refused (422).
    #[oai(
        path = "/pedidos/generate",
        method = "post",
        operation_id = "generate",
        tag = "Tag::Runs"
    )]
    async fn generate(
        &self,
        app: Data<&App>,
        /// How many orders, from 1 to MAX_ORDERS (1500000 unless configured).
        #[oai(default = "million", validator(minimum(value = "1")))]
        quantity: Query<u32>,
        /// The seed of the random orders: the same seed gives the same tiers and prices.
        #[oai(validator(minimum(value = "0"), maximum(value = "9007199254740991")))]
        seed: Query<Option<u64>>,
        /// Who processes the orders: `builtin`, or the name that workers give their processor
        /// (PROCESSOR_NAME). Default: builtin.
        #[oai(validator(max_length = 64, pattern = "^[A-Za-z0-9._-]+$"))]
        processor: Query<Option<String>>,
        /// Pause the run once so many of its orders are terminal, to look at them.
        #[oai(name = "pauseAfter", validator(minimum(value = "1"), maximum(value = "1000000000")))]
        pause_after: Query<Option<u32>>,
        /// Stop the run as ERROR once more than this share of its orders failed, in percent.
        #[oai(name = "maxFailedPercent", validator(minimum(value = "0"), maximum(value = "100")))]
        max_failed_percent: Query<Option<u32>>,
        /// Whether a dead VIP order holds the fence. Default: continue.
        #[oai(name = "onVipFailure")]
        on_vip_failure: Query<Option<OnVipFailure>>,
        /// At most 64 visible characters; the same request with the same key answers with the same run.
        #[oai(name = "Idempotency-Key", validator(max_length = 64, pattern = "^[!-~]+$"))]
        idempotency_key: Header<Option<String>>,
    ) -> Answer<GenerateResponse> {
        let idempotency_key = idempotency_key.0;
        let options = RunChoice::of(processor, pause_after, max_failed_percent, on_vip_failure);
        let options = options.or(RunOptions::BUILTIN);
        let wanted = Generate { quantity: quantity.0, seed: seed.0, idempotency_key, options };
        let controller = app.controller.clone();
        match run_to_completion(async move { controller.generate(&wanted).await }).await {
            Ok(accepted) => Ok(accepted.into()),
            Err(CommandError::Active { run_id }) => {
                Ok(GenerateResponse::Active(Json(another_run(run_id))))
            }
            Err(CommandError::KeyUsed { run_id, has }) => {
                Ok(GenerateResponse::key_used(run_id, &has))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Show the current run
    ///
    /// Phase, counts, times, throughput, ETA and the ledger, all from one instant. Without a run:
    /// phase IDLE, zeros and nulls.
    #[oai(path = "/pedidos", method = "get", operation_id = "getStatus", tag = "Tag::Runs")]
    async fn status(&self, app: Data<&App>) -> Answer<Json<Status>> {
        Ok(Json(views::status::status(&app.controller.current().await?)))
    }

    /// Cancel the active run
    ///
    /// No more work is claimed; work in flight may finish, for at most `waitTimeoutMs`; every order
    /// that is still pending becomes `cancelado`. Answers when that is done: then the counts are
    /// exact, and processed, dead and removed add up to generated. Ten seconds after
    /// `waitTimeoutMs` at the latest it answers 202, with the counts so far. With `runId` it cancels
    /// that run and no other.
    #[oai(path = "/pedidos/cancel", method = "post", operation_id = "cancel", tag = "Tag::Runs")]
    async fn cancel(
        &self,
        app: Data<&App>,
        /// Stop listing the run's dead letters.
        #[oai(default = "yes")]
        purge: Query<bool>,
        /// Hide the cancelled orders at once, and delete them an hour later.
        #[oai(name = "removePending", default = "yes")]
        remove_pending: Query<bool>,
        /// Delete the log lines in Redis.
        #[oai(name = "resetLogs", default)]
        reset_logs: Query<bool>,
        /// How long to wait for work in flight, ms.
        #[oai(
            name = "waitTimeoutMs",
            default = "ten_seconds",
            validator(minimum(value = "0"), maximum(value = "600000"))
        )]
        wait_timeout_ms: Query<u32>,
        /// How often to check whether it is done, ms; at least twice a second.
        #[oai(
            name = "pollIntervalMs",
            default = "half_a_second",
            validator(minimum(value = "10"), maximum(value = "60000"))
        )]
        poll_interval_ms: Query<u32>,
        /// The run to cancel: if another one is the current run, nothing is changed. Default: the
        /// current run.
        #[oai(name = "runId", validator(max_length = 36, pattern = "^[0-9a-f-]{36}$"))]
        run_id: Query<Option<String>>,
    ) -> Answer<CancelResponse> {
        let options = CancelOptions {
            purge: purge.0,
            remove_pending: remove_pending.0,
            reset_logs: reset_logs.0,
            wait_timeout_ms: u64::from(wait_timeout_ms.0),
            poll_interval_ms: u64::from(poll_interval_ms.0),
        };
        let (controller, only) = (app.controller.clone(), run_id.0);
        let cancel = async move { controller.cancel(&options, only.as_deref()).await };
        Ok(match run_to_completion(cancel).await? {
            Cancel::Nothing => CancelResponse::Done(Json(views::cancel::nothing())),
            Cancel::Ended(done) => CancelResponse::Done(Json(views::cancel::done(&done))),
            Cancel::Accepted(so_far) => {
                CancelResponse::Accepted(Json(views::cancel::so_far(&so_far)))
            }
            Cancel::Other { run_id } => {
                let detail = format!(
                    "run {run_id} is the current run, and was not cancelled; GET /pedidos shows it"
                );
                let title = "Another run is the current one";
                let mut problem = problem::new(StatusCode::CONFLICT, title, detail);
                problem.run_id = Some(run_id);
                CancelResponse::Other(Json(problem))
            }
        })
    }

    /// Delete everything
    ///
    /// Ends any run; empties queue, orders, metrics and history; resumes the queue. Documents that
    /// other programs wrote into the same collections are kept and counted.
    #[oai(path = "/pedidos/reset", method = "post", operation_id = "reset", tag = "Tag::Runs")]
    async fn reset(&self, app: Data<&App>) -> Answer<ResetResponse> {
        let controller = app.controller.clone();
        let (done, left) = run_to_completion(async move {
            let done = controller.reset().await?;
            // The reset is done, also if this fails.
            let left = controller.store.foreign().await;
            let left = left
                .inspect_err(|error| tracing::warn!(%error, "reset done; cannot count the documents that it kept"));
            Ok::<_, CommandError>((done, left.ok()))
        })
        .await?;
        let others = match left {
            Some(Foreign { orders, runs }) if orders + runs > 0 => format!(
                " Kept, because other programs wrote them: {orders} documents of orders, {runs} of process_runs."
            ),
            _ => String::new(),
        };
        let message = if done.complete {
            format!("Queue, orders, metrics and history are empty.{others}")
        } else {
            "Accepted. A store stopped answering: the rest is deleted within minutes of its return."
                .to_owned()
        };
        let answer = Json(ResetAnswer {
            message,
            removed_orders: done.orders,
            removed_runs: done.runs,
            left_orders: left.map(|left| left.orders),
            left_runs: left.map(|left| left.runs),
        });
        Ok(if done.complete {
            ResetResponse::Done(answer)
        } else {
            ResetResponse::Accepted(answer)
        })
    }

    /// List the runs
    ///
    /// The history, the newest first, in pages: send `nextCursor` as `cursor` to get the next page;
    /// null: there is none. An active run is shown as it is now.
    #[oai(path = "/pedidos/runs", method = "get", operation_id = "listRuns", tag = "Tag::Runs")]
    async fn runs(
        &self,
        app: Data<&App>,
        /// The most runs to list.
        #[oai(default = "twenty", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u32>,
        /// `nextCursor` of the previous page.
        #[oai(validator(max_length = 36, pattern = "^[0-9a-f-]{36}$"))]
        cursor: Query<Option<String>>,
    ) -> Answer<Json<RunsAnswer>> {
        // One more than requested shows whether there is a next page.
        let Some(mut runs) = app.controller.runs(limit.0 + 1, cursor.0.as_deref()).await? else {
            return Err(Failure::invalid(
                "cursor",
                "unknown: use the nextCursor of a page of this history",
            ));
        };
        let more = runs.len() > limit.0 as usize;
        runs.truncate(limit.0 as usize);
        let next_cursor = runs.last().filter(|_| more).map(|last| last.run_id.clone());
        let runs: Vec<_> = runs.into_iter().map(views::runs::run).collect();
        Ok(Json(RunsAnswer { limit: limit.0, count: runs.len() as u32, runs, next_cursor }))
    }

    /// Show one run
    ///
    /// From the history; an active run is shown as it is now.
    #[oai(
        path = "/pedidos/runs/:runId",
        method = "get",
        operation_id = "getRun",
        tag = "Tag::Runs"
    )]
    async fn run(
        &self,
        app: Data<&App>,
        /// The `runId` of `generate`.
        #[oai(name = "runId")]
        run_id: Path<String>,
    ) -> Answer<RunResponse> {
        Ok(match app.controller.run(&run_id.0).await? {
            Some(run) => RunResponse::Found(Json(views::runs::run(run))),
            None => RunResponse::Missing(Json(problem::new(
                StatusCode::NOT_FOUND,
                "Run not found",
                "no run has this id; GET /pedidos/runs lists the runs",
            ))),
        })
    }

    /// Change what holds a run back
    ///
    /// Of the active run: one or more of `pauseAfter`, `maxFailedPercent` and `onVipFailure`; null
    /// lifts it. A run in phase ERROR starts over from MongoDB, and is judged again.
    #[oai(
        path = "/pedidos/runs/:runId",
        method = "patch",
        operation_id = "changeRun",
        tag = "Tag::Runs"
    )]
    async fn change_run(
        &self,
        app: Data<&App>,
        /// The `runId` of `generate`.
        #[oai(name = "runId")]
        run_id: Path<String>,
        change: Json<FlowChange>,
    ) -> Answer<ChangeResponse> {
        let FlowChange { pause_after, max_failed_percent, on_vip_failure } = change.0;
        let new = NewFlow {
            pause_after: set(pause_after),
            max_failed_percent: set(max_failed_percent),
            on_vip_failure: on_vip_failure.map(Into::into),
        };
        let (controller, id) = (app.controller.clone(), run_id.0.clone());
        let changed = run_to_completion(async move { controller.set_flow(&id, new).await }).await?;
        let run = app.controller.run(&run_id.0).await?;
        Ok(match (changed, run) {
            (Some(flow), Some(run)) => {
                let mut run = views::runs::run(run);
                views::runs::show_flow(&mut run, &flow);
                ChangeResponse::Done(Json(run))
            }
            (None, Some(_)) => ChangeResponse::Ended(Json(problem::new(
                StatusCode::CONFLICT,
                "Run not active",
                "only an active run can be changed; GET /pedidos shows the current run",
            ))),
            (_, None) => ChangeResponse::Missing(Json(problem::new(
                StatusCode::NOT_FOUND,
                "Run not found",
                "no run has this id; GET /pedidos/runs lists the runs",
            ))),
        })
    }

    /// Delete a run
    ///
    /// One that has ended and is not the current one: with its orders, its dead letters, and its import
    /// with the rejects. The audit trail stays. If the API dies in the middle, workers delete the rest;
    /// repeated within an hour, it answers the same.
    #[oai(
        path = "/pedidos/runs/:runId",
        method = "delete",
        operation_id = "deleteRun",
        tag = "Tag::Runs"
    )]
    async fn delete(
        &self,
        app: Data<&App>,
        /// The `runId` of `generate`, or the `importId` of an import.
        #[oai(name = "runId")]
        run_id: Path<String>,
    ) -> Answer<DeleteResponse> {
        delete_run(&app, run_id.0).await
    }

    /// Process the orders (removed)
    ///
    /// Workers process orders by themselves. `POST /pedidos/generate` starts a run.
    #[oai(
        path = "/pedidos/process",
        method = "post",
        operation_id = "process",
        tag = "Tag::Runs",
        deprecated = true
    )]
    #[expect(clippy::unused_async, reason = "the form of a handler")]
    async fn process(&self) -> ProcessResponse {
        ProcessResponse::Gone(Json(problem::new(
            StatusCode::GONE,
            "Operation removed",
            "workers process orders by themselves; POST /pedidos/generate starts a run",
        )))
    }
}

const fn million() -> u32 {
    1_000_000
}

const fn yes() -> bool {
    true
}

const fn ten_seconds() -> u32 {
    10_000
}

const fn half_a_second() -> u32 {
    500
}

const fn twenty() -> u32 {
    20
}
