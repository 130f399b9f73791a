//! Handlers: runs. Each is a call of `Controller`, and its answer.

use pedidos_common::control::{CancelOptions, Generate, VerbError};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};

use crate::{
    App,
    answers::{
        Answer, CancelAnswer, CancelSummary, Deprecated, GenerateAnswer, Generated, ResetAnswer,
        RunFound,
    },
    error::{Failure, Problem},
    history::{Run, RunsAnswer},
    openapi::Tag,
    status::Status,
};

/// Start, follow, cancel, forget.
pub struct Runs;

#[OpenApi]
impl Runs {
    /// Start a run
    ///
    /// Generates `quantity` orders, stores them, and processes every VIP one
    /// before any NORMAL one. Answers as soon as the run is stored; follow it
    /// with `GET /pedidos`. With an `Idempotency-Key`, asking again answers
    /// with the same run.
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
        /// What the orders are drawn from; the same seed draws the same tiers and prices.
        #[oai(validator(minimum(value = "0"), maximum(value = "9007199254740991")))]
        seed: Query<Option<u64>>,
        /// At most 64 visible characters; the same key answers with the same run.
        #[oai(name = "Idempotency-Key", validator(max_length = 64, pattern = "^[!-~]+$"))]
        idempotency_key: Header<Option<String>>,
    ) -> Answer<Generated> {
        let idempotency_key = idempotency_key.0;
        let wanted = Generate { quantity: quantity.0, seed: seed.0, idempotency_key };
        match app.controller.generate(&wanted).await {
            Ok(accepted) => {
                let message = match (accepted.repeated, accepted.paused) {
                    (true, _) => "This key was used before: this is its run.",
                    (_, true) => "Accepted. The queue is paused: resume it for the run to begin.",
                    _ => "Accepted. Follow it with GET /pedidos.",
                };
                let location = format!("/pedidos/runs/{}", accepted.run_id);
                Ok(Generated::Accepted(
                    Json(GenerateAnswer {
                        message: message.to_owned(),
                        run_id: accepted.run_id,
                        quantity: accepted.quantity as u64,
                        paused: accepted.paused,
                    }),
                    location,
                ))
            }
            Err(VerbError::Active { run_id }) => {
                let detail = format!("run {run_id} is active; wait for its end, or cancel it");
                let mut problem = Problem::new(StatusCode::CONFLICT, "A run is active", detail);
                problem.run_id = Some(run_id);
                Ok(Generated::Active(Json(problem)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Show the current run
    ///
    /// Phase, counts, times, throughput, ETA and the ledger, all read at one
    /// instant. Without a run: phase IDLE, zeros and nulls.
    #[oai(path = "/pedidos", method = "get", operation_id = "getStatus", tag = "Tag::Runs")]
    async fn status(&self, app: Data<&App>) -> Answer<Json<Status>> {
        Ok(Json(Status::of(&app.controller.current().await?)))
    }

    /// Cancel the active run
    ///
    /// Claims stop at once; work in flight may finish, for at most
    /// `waitTimeoutMs`; every order that is still pending is marked
    /// `cancelado`. Counts are exact when this answers: processed, dead and
    /// removed add up to what was generated.
    #[oai(path = "/pedidos/cancel", method = "post", operation_id = "cancel", tag = "Tag::Runs")]
    async fn cancel(
        &self,
        app: Data<&App>,
        /// List the run's dead letters no longer.
        #[oai(default = "yes")]
        purge: Query<bool>,
        /// Hide the cancelled orders at once, and delete them an hour later.
        #[oai(name = "removePending", default = "yes")]
        remove_pending: Query<bool>,
        /// Forget the log lines in Redis.
        #[oai(name = "resetLogs", default)]
        reset_logs: Query<bool>,
        /// How long to wait for work in flight, ms.
        #[oai(
            name = "waitTimeoutMs",
            default = "ten_seconds",
            validator(minimum(value = "0"), maximum(value = "600000"))
        )]
        wait_timeout_ms: Query<u32>,
        /// How often to look whether it is done, ms; twice a second at least.
        #[oai(
            name = "pollIntervalMs",
            default = "half_a_second",
            validator(minimum(value = "10"), maximum(value = "60000"))
        )]
        poll_interval_ms: Query<u32>,
    ) -> Answer<Json<CancelAnswer>> {
        let options = CancelOptions {
            purge: purge.0,
            remove_pending: remove_pending.0,
            reset_logs: reset_logs.0,
            wait_timeout_ms: u64::from(wait_timeout_ms.0),
            poll_interval_ms: u64::from(poll_interval_ms.0),
        };
        let Some(done) = app.controller.cancel(&options).await? else {
            return Ok(Json(CancelAnswer {
                aborted: false,
                queue_paused: false,
                removed_pending: 0,
                purged: false,
                logs_reset: false,
                waited_for_stop_ms: 0,
                still_active: 0,
                summary: None,
                message: "There is no active run to cancel.".to_owned(),
            }));
        };
        let removed = done.end.cancelled as u64;
        let figures = &done.end.figures;
        let summary = CancelSummary {
            generated: (figures.vip_generated + figures.normal_generated) as u64,
            processed: (figures.vip_processed + figures.normal_processed) as u64,
            failed: (figures.vip_dead + figures.normal_dead) as u64,
            removed: (figures.vip_removed + figures.normal_removed) as u64,
            still_pending: 0,
        };
        Ok(Json(CancelAnswer {
            aborted: true,
            queue_paused: true,
            removed_pending: removed,
            purged: done.end.purge,
            logs_reset: options.reset_logs,
            waited_for_stop_ms: done.waited.as_millis() as u64,
            still_active: done.still_active,
            summary: Some(summary),
            message: format!("Run {} is cancelled; {removed} orders were pending.", done.run_id),
        }))
    }

    /// Forget everything
    ///
    /// Ends any run; empties queue, orders, metrics and history. Lifts a pause.
    #[oai(path = "/pedidos/reset", method = "post", operation_id = "reset", tag = "Tag::Runs")]
    async fn reset(&self, app: Data<&App>) -> Answer<Json<ResetAnswer>> {
        let done = app.controller.reset().await?;
        Ok(Json(ResetAnswer {
            message: "Queue, orders, metrics and history are empty.".to_owned(),
            removed_orders: done.orders,
            removed_runs: done.runs,
        }))
    }

    /// List the runs
    ///
    /// The history, the newest first, a page at a time: give `nextCursor` as `cursor`
    /// to get the next page; null says that there is none. A run that goes on is
    /// shown as it stands.
    #[oai(path = "/pedidos/runs", method = "get", operation_id = "listRuns", tag = "Tag::Runs")]
    async fn runs(
        &self,
        app: Data<&App>,
        /// How many at most.
        #[oai(default = "twenty", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u32>,
        /// `nextCursor` of the page before.
        #[oai(validator(max_length = 36, pattern = "^[0-9a-f-]{36}$"))]
        cursor: Query<Option<String>>,
    ) -> Answer<Json<RunsAnswer>> {
        // One more than asked for tells whether there is a next page.
        let Some(mut runs) = app.controller.runs(limit.0 + 1, cursor.0.as_deref()).await? else {
            return Err(Failure::invalid("cursor", "no page of this history ended with it"));
        };
        let more = runs.len() > limit.0 as usize;
        runs.truncate(limit.0 as usize);
        let next_cursor = runs.last().filter(|_| more).map(|last| last.run_id.clone());
        let runs: Vec<Run> = runs.into_iter().map(Run::from).collect();
        Ok(Json(RunsAnswer { limit: limit.0, count: runs.len() as u32, runs, next_cursor }))
    }

    /// Show one run
    ///
    /// As the history has it; one that goes on as it stands now.
    #[oai(
        path = "/pedidos/runs/:runId",
        method = "get",
        operation_id = "getRun",
        tag = "Tag::Runs"
    )]
    async fn run(
        &self,
        app: Data<&App>,
        /// The run, as `generate` named it.
        #[oai(name = "runId")]
        run_id: Path<String>,
    ) -> Answer<RunFound> {
        Ok(match app.controller.run(&run_id.0).await? {
            Some(run) => RunFound::Found(Json(run.into())),
            None => RunFound::Missing(Json(Problem::new(
                StatusCode::NOT_FOUND,
                "No such run",
                "no run of the history has this id; GET /pedidos/runs lists them",
            ))),
        })
    }

    /// Formerly: process the orders
    ///
    /// Workers process orders by themselves: `POST /pedidos/generate` is all it takes.
    #[oai(
        path = "/pedidos/process",
        method = "post",
        operation_id = "process",
        tag = "Tag::Runs",
        deprecated = true
    )]
    #[expect(clippy::unused_async, reason = "the form of a handler")]
    async fn process(&self) -> Deprecated {
        Deprecated::Gone(Json(Problem::new(
            StatusCode::GONE,
            "Gone",
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
