//! The queue: pause, resume, show, list, clean, retry.

#![expect(clippy::too_many_arguments, reason = "an operation has the parameters of the contract")]

use std::time::Duration;

use pedidos_api_types::{
    commands::{CleanAnswer, CleanState, CloseAnswer, PauseAnswer, ResumeAnswer, RetriedAnswer},
    health::Health,
    jobs::{JobsAnswer, OrderPriority},
    problem::Problem,
    status::QueueStatus,
};
use pedidos_pipeline::{
    commands::{Clean, CommandError, Retried},
    store::LetterFilter,
};
use poem::{Request, http::StatusCode, web::Data};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};

use super::{
    completion::run_to_completion,
    responses::{
        Answer, CleanResponse, OrderResponse, PauseResponse, ResumeResponse, RetryResponse,
        another_run,
    },
    tag::Tag,
};
use crate::{
    access::caller::Caller,
    app::App,
    http::{failure::Failure, long_answer::LongAnswer, problem},
    jobs::{self, page::Page, writer},
    views,
};

pub struct QueueApi;

/// How long Redis may take to answer before the queue is unhealthy.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

#[OpenApi]
impl QueueApi {
    /// Pause the queue
    ///
    /// When this answers, no new work can be claimed; `inFlight` is the number of leases whose work
    /// is still being finished. `GET /pedidos/queue/status` shows `paused` when it is 0. The pause
    /// survives restarts; `reset` ends it.
    #[oai(
        path = "/pedidos/queue/pause",
        method = "post",
        operation_id = "pauseQueue",
        tag = "Tag::Queue"
    )]
    async fn pause(
        &self,
        app: Data<&App>,
        /// Accepted and returned: a queue has one pause.
        #[oai(default = "yes")]
        global: Query<bool>,
    ) -> Answer<PauseResponse> {
        let controller = app.controller.clone();
        let in_flight = run_to_completion(async move { controller.pause().await }).await?;
        let answer = Json(PauseAnswer { paused: true, global: global.0, in_flight });
        Ok(if in_flight.is_some() {
            PauseResponse::Done(answer)
        } else {
            PauseResponse::Accepted(answer)
        })
    }

    /// Resume the queue
    ///
    /// Ends a pause: work can be claimed again when this answers.
    #[oai(
        path = "/pedidos/queue/resume",
        method = "post",
        operation_id = "resumeQueue",
        tag = "Tag::Queue"
    )]
    async fn resume(
        &self,
        app: Data<&App>,
        /// Accepted and returned: a queue has one pause.
        #[oai(default = "yes")]
        global: Query<bool>,
    ) -> Answer<ResumeResponse> {
        let controller = app.controller.clone();
        let resumed = run_to_completion(async move { controller.resume().await }).await?;
        let answer = Json(ResumeAnswer { resumed: true, global: global.0 });
        Ok(if resumed { ResumeResponse::Done(answer) } else { ResumeResponse::Accepted(answer) })
    }

    /// Show what the queue holds
    ///
    /// The orders by state, and the ledger: the orders of the run by priority and state. It balances
    /// at every instant.
    #[oai(
        path = "/pedidos/queue/status",
        method = "get",
        operation_id = "getQueueStatus",
        tag = "Tag::Queue"
    )]
    async fn queue_status(&self, app: Data<&App>) -> Answer<Json<QueueStatus>> {
        Ok(Json(views::status::queue_status(&app.controller.current().await?)))
    }

    /// Show the health of the queue
    ///
    /// `error` (phase ERROR), `aborted`, `paused`, `degraded` (dead letters, stuck, an order that holds
    /// the run, or a run with no worker alive), else `healthy`; `unhealthy` if Redis does not answer,
    /// also with status 200. Orchestrators use `/readyz`.
    #[oai(
        path = "/pedidos/health/queue",
        method = "get",
        operation_id = "getQueueHealth",
        tag = "Tag::Queue"
    )]
    async fn health(&self, app: Data<&App>) -> Answer<Json<Health>> {
        let queue = &app.controller.queue;
        let seen = async {
            match app.controller.current().await {
                // MongoDB does not answer, so control is not compared; Redis still answers.
                Err(CommandError::Store(_) | CommandError::StaleStore { .. }) => {
                    queue.snapshot().await.map_err(CommandError::from)
                }
                seen => seen,
            }
        };
        Ok(Json(match tokio::time::timeout(HEALTH_TIMEOUT, seen).await {
            Ok(Ok(snapshot)) => views::health::health(&snapshot, queue.lease_time()),
            Ok(Err(error)) => views::health::unhealthy(&error.to_string()),
            Err(_) => views::health::unhealthy(&format!(
                "Redis does not answer within {HEALTH_TIMEOUT:?}"
            )),
        }))
    }

    /// List jobs by state
    ///
    /// `start`..`end` is inclusive and counts within each state. `waiting` are the ids in the queue,
    /// VIP first; not the deferred NORMAL orders. `active` has the oldest leases first, and the
    /// chunks that are being generated. `completed` and `failed` are in order of id, of the current
    /// run; `failed` of any run with `runId`. A long page is sent while it is read; only a few are
    /// sent at once, and a request beyond that waits, then gets 503.
    #[oai(
        path = "/pedidos/queue/jobs",
        method = "get",
        operation_id = "listJobs",
        tag = "Tag::Queue"
    )]
    async fn jobs(
        &self,
        app: Data<&App>,
        /// Comma-separated: waiting, active, delayed, completed, failed; spaces may follow a comma.
        #[oai(
            default = "waiting",
            validator(
                max_length = 80,
                pattern = "^(waiting|active|delayed|completed|failed)(, *(waiting|active|delayed|completed|failed))*$"
            )
        )]
        types: Query<String>,
        /// The first job of each state.
        #[oai(default, validator(minimum(value = "0"), maximum(value = "2147483647")))]
        start: Query<u32>,
        /// The last job of each state, inclusive; at most 10000 for `completed`, and at most 10000
        /// after `start`.
        #[oai(default = "fifty", validator(minimum(value = "0"), maximum(value = "2147483647")))]
        end: Query<u32>,
        /// Include the orders.
        #[oai(name = "includeData", default = "yes")]
        include_data: Query<bool>,
        /// With `types=failed`: the run whose dead letters to list. Default: the current run.
        #[oai(name = "runId", validator(max_length = 36, pattern = "^[0-9a-f-]{36}$"))]
        run_id: Query<Option<String>>,
        caller: Data<&Caller>,
        request: &Request,
    ) -> Answer<LongAnswer<JobsAnswer>> {
        let page = Page::read(&types.0, start.0, end.0, include_data.0)
            .and_then(|page| page.of_run(run_id.0))
            .map_err(|mistakes| Failure::Invalid(Json(problem::invalid(mistakes))))?;
        let permit = app.long_answers.permit(caller.client(request)).await?;
        let controller = app.controller.clone();
        writer::answer(page, permit, |page, jobs| jobs::list(controller, page, jobs)).await
    }

    /// Show one order
    ///
    /// As it is stored, of any run and in any state, with its history: attempts, retries, verdicts
    /// that came too late, and how it ended.
    #[oai(
        path = "/pedidos/orders/:id",
        method = "get",
        operation_id = "getOrder",
        tag = "Tag::Queue"
    )]
    async fn order(
        &self,
        app: Data<&App>,
        /// The order's id, from the list of jobs.
        id: Path<String>,
    ) -> Answer<OrderResponse> {
        Ok(jobs::order(&app.controller, &id.0).await?.map_or_else(
            || {
                OrderResponse::Missing(Json(problem::new(
                    StatusCode::NOT_FOUND,
                    "Order not found",
                    "no order has this id; GET /pedidos/queue/jobs lists the orders",
                )))
            },
            |order| OrderResponse::Found(Json(order)),
        ))
    }

    /// Remove jobs by state
    ///
    /// Orders become `removido` and count as removed. `active` first ends the workers' leases.
    /// `completed` only hides the orders from the list: they stay processed. `failed` replays an
    /// active run, which takes time.
    #[oai(
        path = "/pedidos/queue/clean",
        method = "post",
        operation_id = "cleanQueue",
        tag = "Tag::Queue"
    )]
    async fn clean(
        &self,
        app: Data<&App>,
        /// The state of the jobs.
        #[oai(default = "wait")]
        state: Query<CleanState>,
        /// Only jobs that were stored (wait, delayed), leased (active), processed or became dead
        /// letters at least this long ago, ms.
        #[oai(default, validator(minimum(value = "0"), maximum(value = "9007199254740991")))]
        grace: Query<u64>,
        /// The most jobs to change. Default: all.
        #[oai(validator(minimum(value = "1"), maximum(value = "9007199254740991")))]
        limit: Query<Option<u64>>,
        /// With `state=failed`: the ended run whose dead letters to remove; it becomes the current
        /// run again. Default: the current run.
        #[oai(name = "runId", validator(max_length = 36, pattern = "^[0-9a-f-]{36}$"))]
        run_id: Query<Option<String>>,
        /// Only orders of this priority.
        priority: Query<Option<OrderPriority>>,
        /// With `state=failed`: only dead letters whose error has this text in it, to the letter.
        #[oai(name = "errorContains", validator(max_length = 256, pattern = "^[^\\x00]+$"))]
        error_contains: Query<Option<String>>,
    ) -> Answer<CleanResponse> {
        let what = match state.0 {
            CleanState::Wait => Clean::Wait,
            CleanState::Active => Clean::Active,
            CleanState::Delayed => Clean::Delayed,
            CleanState::Completed => Clean::Completed,
            CleanState::Failed => Clean::Failed,
        };
        let limit = limit.0.unwrap_or(u64::MAX);
        let only_failed =
            [("runId", run_id.0.is_some()), ("errorContains", error_contains.0.is_some())];
        for (name, is_given) in only_failed {
            if is_given && what != Clean::Failed {
                return Err(Failure::invalid(name, "only allowed with state=failed"));
            }
        }
        let filter = letter_filter(priority, error_contains);
        let (controller, grace) = (app.controller.clone(), grace.0 as i64);
        let cleaned = run_to_completion(async move {
            match run_id.0 {
                Some(run_id) => controller.clean_failed_of(&run_id, grace, limit, &filter).await,
                None => controller.clean(what, grace, limit, &filter).await.map(Some),
            }
        });
        let cleaned = match cleaned.await {
            Ok(Some(cleaned)) => cleaned,
            Ok(None) => return Ok(CleanResponse::Missing(Json(run_not_found()))),
            Err(CommandError::Active { run_id }) => {
                return Ok(CleanResponse::Conflict(Json(another_run(run_id))));
            }
            Err(error) => return Err(error.into()),
        };
        let (removed, matched) = (cleaned.removed, cleaned.matched);
        let answer = Json(CleanAnswer { removed, matched, state: state.0 });
        Ok(if cleaned.complete {
            CleanResponse::Done(answer)
        } else {
            CleanResponse::Partly(answer)
        })
    }

    /// Retry dead letters
    ///
    /// Puts them back into the queue with all their attempts. A run that was DONE continues with
    /// them alone; an active run is replayed: its counters start over and end exact.
    #[oai(
        path = "/pedidos/queue/retry-failed",
        method = "post",
        operation_id = "retryFailed",
        tag = "Tag::Queue"
    )]
    async fn retry_failed(
        &self,
        app: Data<&App>,
        /// The most jobs to change. Default: all.
        #[oai(validator(minimum(value = "1"), maximum(value = "9007199254740991")))]
        limit: Query<Option<u64>>,
        /// Only this order.
        #[oai(validator(
            max_length = 36,
            pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
        ))]
        id: Query<Option<String>>,
        /// The ended run whose dead letters to retry; it becomes the current run again. Default: the
        /// current run.
        #[oai(name = "runId", validator(max_length = 36, pattern = "^[0-9a-f-]{36}$"))]
        run_id: Query<Option<String>>,
        /// Only dead letters of this priority.
        priority: Query<Option<OrderPriority>>,
        /// Only dead letters whose error has this text in it, to the letter.
        #[oai(name = "errorContains", validator(max_length = 256, pattern = "^[^\\x00]+$"))]
        error_contains: Query<Option<String>>,
    ) -> Answer<RetryResponse> {
        let only = match id.0.as_deref().map(str::parse) {
            Some(Err(_)) => return Err(Failure::invalid("id", "not the id of an order")),
            Some(Ok(id)) => Some(id),
            None => None,
        };
        let filter = letter_filter(priority, error_contains);
        let (controller, limit) = (app.controller.clone(), limit.0.unwrap_or(u64::MAX));
        let retried = run_to_completion(async move {
            controller.retry_failed(limit, only, run_id.0.as_deref(), &filter).await
        });
        match retried.await {
            Ok(Some(Retried { matched, retried })) => {
                Ok(RetryResponse::Done(Json(RetriedAnswer { retried, matched })))
            }
            Ok(None) => Ok(RetryResponse::Missing(Json(run_not_found()))),
            Err(CommandError::Active { run_id }) => {
                Ok(RetryResponse::Conflict(Json(another_run(run_id))))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Renew the connections to Redis
    ///
    /// Of this replica: it opens new connections, finishes calls in flight on the old ones, and
    /// closes those. The queue does not change.
    #[oai(
        path = "/pedidos/queue/close",
        method = "post",
        operation_id = "closeQueue",
        tag = "Tag::Queue"
    )]
    async fn close(&self, app: Data<&App>) -> Answer<Json<CloseAnswer>> {
        app.controller.queue.renew().await?;
        Ok(Json(CloseAnswer { closed: true }))
    }
}

fn letter_filter(
    priority: Query<Option<OrderPriority>>,
    error_contains: Query<Option<String>>,
) -> LetterFilter {
    LetterFilter { priority: priority.0.map(Into::into), error_contains: error_contains.0 }
}

fn run_not_found() -> Problem {
    let detail = "no ended run has this id; GET /pedidos/runs lists the runs";
    problem::new(StatusCode::NOT_FOUND, "Run not found", detail)
}

const fn yes() -> bool {
    true
}

const fn fifty() -> u32 {
    50
}

const fn wait() -> CleanState {
    CleanState::Wait
}

fn waiting() -> String {
    "waiting".to_owned()
}
