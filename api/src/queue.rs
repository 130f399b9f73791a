//! Handlers: the queue itself. Each is a call of `Controller` or `Queue`, and its answer.

use std::time::Duration;

use pedidos_common::control::{Clean, VerbError};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};

use crate::{
    App,
    answers::{
        Answer, CleanAnswer, CleanState, CloseAnswer, OrderFound, PauseAnswer, ResumeAnswer,
        Retried, RetriedAnswer,
    },
    error::{Failure, Problem},
    health::{Health, HealthAnswer},
    jobs::{self, JobsAnswer, Page},
    openapi::Tag,
    status::QueueStatus,
};

/// Pause, look into, clean the queue.
pub struct Queue;

/// How long Redis may take to answer before it is called unhealthy.
const RESPONSIVE: Duration = Duration::from_secs(2);

#[OpenApi]
impl Queue {
    /// Pause the queue
    ///
    /// When this answers, no new work can be claimed; `inFlight` says how many
    /// leases are still being finished. `GET /pedidos/queue/status` says
    /// `paused` when that is 0. Survives restarts; `reset` lifts it.
    #[oai(
        path = "/pedidos/queue/pause",
        method = "post",
        operation_id = "pauseQueue",
        tag = "Tag::Queue"
    )]
    async fn pause(
        &self,
        app: Data<&App>,
        /// Taken and echoed: a queue has one pause.
        #[oai(default = "yes")]
        global: Query<bool>,
    ) -> Answer<Json<PauseAnswer>> {
        let in_flight = app.controller.pause().await?;
        Ok(Json(PauseAnswer { paused: true, global: global.0, in_flight }))
    }

    /// Resume the queue
    ///
    /// Lifts a person's pause: work can be claimed again when this answers.
    #[oai(
        path = "/pedidos/queue/resume",
        method = "post",
        operation_id = "resumeQueue",
        tag = "Tag::Queue"
    )]
    async fn resume(
        &self,
        app: Data<&App>,
        /// Taken and echoed: a queue has one pause.
        #[oai(default = "yes")]
        global: Query<bool>,
    ) -> Answer<Json<ResumeAnswer>> {
        app.controller.resume().await?;
        Ok(Json(ResumeAnswer { resumed: true, global: global.0 }))
    }

    /// Show what the queue holds
    ///
    /// The orders by state, and the ledger: where every order of the run is, by
    /// priority. It adds up at every instant.
    #[oai(
        path = "/pedidos/queue/status",
        method = "get",
        operation_id = "getQueueStatus",
        tag = "Tag::Queue"
    )]
    async fn queue_status(&self, app: Data<&App>) -> Answer<Json<QueueStatus>> {
        Ok(Json(QueueStatus::of(&app.controller.current().await?)))
    }

    /// Say whether all is well
    ///
    /// `error` (phase ERROR), `aborted`, `paused`, `degraded` (dead letters, stuck, or
    /// a run with no worker alive), else `healthy`. With Redis out of reach:
    /// `unhealthy`, with status 503.
    #[oai(
        path = "/pedidos/health/queue",
        method = "get",
        operation_id = "getQueueHealth",
        tag = "Tag::Queue"
    )]
    async fn health(&self, app: Data<&App>) -> Answer<HealthAnswer> {
        let queue = &app.controller.queue;
        let seen = async {
            match app.controller.current().await {
                // MongoDB is away and control was not compared: Redis has an answer still.
                Err(VerbError::Store(_) | VerbError::StaleStore { .. }) => {
                    queue.snapshot().await.map_err(VerbError::from)
                }
                seen => seen,
            }
        };
        Ok(match tokio::time::timeout(RESPONSIVE, seen).await {
            Ok(Ok(snapshot)) => HealthAnswer::Told(Json(Health::of(&snapshot, queue.lease_time()))),
            Ok(Err(error)) => HealthAnswer::unhealthy(&error.to_string()),
            Err(_) => HealthAnswer::unhealthy(&format!("no answer within {RESPONSIVE:?}")),
        })
    }

    /// List the jobs of some states
    ///
    /// `start`..`end` is inclusive and counts within each state. `waiting` are the ids in
    /// the queue, VIP first; not the deferred NORMAL orders. `active` has the longest
    /// in hand first, and the chunks that are being generated. `completed` and `failed`
    /// are in order of id, of the current run.
    #[oai(
        path = "/pedidos/queue/jobs",
        method = "get",
        operation_id = "listJobs",
        tag = "Tag::Queue"
    )]
    async fn jobs(
        &self,
        app: Data<&App>,
        /// A comma list of waiting, active, delayed, completed, failed.
        #[oai(
            default = "waiting",
            validator(
                max_length = 60,
                pattern = "^(waiting|active|delayed|completed|failed)(,(waiting|active|delayed|completed|failed))*$"
            )
        )]
        types: Query<String>,
        /// The first of each state.
        #[oai(default, validator(minimum(value = "0"), maximum(value = "2147483647")))]
        start: Query<u32>,
        /// The last of each state, counted too; 10000 at most for `completed`, and 10000
        /// after `start` at most.
        #[oai(default = "fifty", validator(minimum(value = "0"), maximum(value = "2147483647")))]
        end: Query<u32>,
        /// Show each order, too.
        #[oai(name = "includeData", default = "yes")]
        include_data: Query<bool>,
    ) -> Answer<Json<JobsAnswer>> {
        let page = Page::read(&types.0, start.0, end.0, include_data.0)
            .map_err(|mistakes| Failure::Invalid(Json(Problem::invalid(mistakes))))?;
        Ok(Json(jobs::list(&app.controller, &page).await?))
    }

    /// Show one order
    ///
    /// As it is stored, of whatever run, in whatever state.
    #[oai(
        path = "/pedidos/orders/:id",
        method = "get",
        operation_id = "getOrder",
        tag = "Tag::Queue"
    )]
    async fn order(
        &self,
        app: Data<&App>,
        /// The order's id, as a listing of jobs named it.
        id: Path<String>,
    ) -> Answer<OrderFound> {
        Ok(jobs::order(&app.controller, &id.0).await?.map_or_else(
            || {
                OrderFound::Missing(Json(Problem::new(
                    StatusCode::NOT_FOUND,
                    "No such order",
                    "no order has this id; GET /pedidos/queue/jobs lists them",
                )))
            },
            |order| OrderFound::Found(Json(order)),
        ))
    }

    /// Remove the jobs of a state
    ///
    /// Orders become `removido` and count as removed. `active` first takes them out of
    /// the workers' hands. `completed` only takes them off the list: what is processed
    /// stays processed. `failed` replays an active run, which takes time.
    #[oai(
        path = "/pedidos/queue/clean",
        method = "post",
        operation_id = "cleanQueue",
        tag = "Tag::Queue"
    )]
    async fn clean(
        &self,
        app: Data<&App>,
        /// Which jobs.
        #[oai(default = "wait")]
        state: Query<CleanState>,
        /// Only those that have been stored (wait, delayed), in hand (active), processed
        /// or given up for at least so long, ms.
        #[oai(default, validator(minimum(value = "0"), maximum(value = "9007199254740991")))]
        grace: Query<u64>,
        /// How many at most; all, if not given.
        #[oai(validator(minimum(value = "1"), maximum(value = "9007199254740991")))]
        limit: Query<Option<u64>>,
    ) -> Answer<Json<CleanAnswer>> {
        let what = match state.0 {
            CleanState::Wait => Clean::Wait,
            CleanState::Active => Clean::Active,
            CleanState::Delayed => Clean::Delayed,
            CleanState::Completed => Clean::Completed,
            CleanState::Failed => Clean::Failed,
        };
        let limit = limit.0.unwrap_or(u64::MAX);
        let removed = app.controller.clean(what, grace.0 as i64, limit).await?;
        Ok(Json(CleanAnswer { removed, state: state.0 }))
    }

    /// Put dead letters back
    ///
    /// Those of the current run, to be tried again with all their attempts. The run is
    /// replayed for it: counters start over and end exact; a run that was DONE goes on.
    #[oai(
        path = "/pedidos/queue/retry-failed",
        method = "post",
        operation_id = "retryFailed",
        tag = "Tag::Queue"
    )]
    async fn retry_failed(
        &self,
        app: Data<&App>,
        /// How many at most; all, if not given.
        #[oai(validator(minimum(value = "1"), maximum(value = "9007199254740991")))]
        limit: Query<Option<u64>>,
        /// Only this order.
        #[oai(validator(
            max_length = 36,
            pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
        ))]
        id: Query<Option<String>>,
    ) -> Answer<Retried> {
        let only = match id.0.as_deref().map(str::parse) {
            Some(Err(_)) => return Err(Failure::invalid("id", "it is no order's id")),
            Some(Ok(id)) => Some(id),
            None => None,
        };
        match app.controller.retry_failed(limit.0.unwrap_or(u64::MAX), only).await {
            Ok(retried) => Ok(Retried::Done(Json(RetriedAnswer { retried }))),
            Err(VerbError::Active { run_id }) => {
                let detail = format!("run {run_id} was started meanwhile");
                let mut problem = Problem::new(StatusCode::CONFLICT, "Another run", detail);
                problem.run_id = Some(run_id);
                Ok(Retried::Conflict(Json(problem)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Renew the connections to Redis
    ///
    /// Of this replica: new ones are opened, calls in flight end on the old ones, and
    /// those are closed. Nothing of the queue changes.
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
