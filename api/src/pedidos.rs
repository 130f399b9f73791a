//! The handlers: each is a call of `Controller` or `Queue`, and its answer.

use pedidos_common::{
    control::{CancelOptions, Generate, VerbError},
    logs,
};
use poem::{Request, http::StatusCode, web::Data};
use poem_openapi::{
    OpenApi, Tags,
    param::{Header, Query},
    payload::Json,
};

use crate::{
    App,
    answers::{
        Answer, CancelAnswer, GenerateAnswer, Generated, Level, LogLines, LogsAnswer, PauseAnswer,
        ResetAnswer, ResumeAnswer,
    },
    error::{Failure, Mistake, Problem},
    status::{QueueStatus, Status},
};

#[derive(Tags)]
enum Tag {
    /// Start, follow, cancel, forget.
    Runs,
    /// The queue itself.
    Queue,
    /// What was said.
    Logs,
}

/// The operations under `/pedidos`.
pub struct Pedidos;

#[OpenApi]
impl Pedidos {
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
        request: &Request,
        /// How many orders, from 1 to MAX_ORDERS (1500000 unless configured).
        #[oai(default = "million", validator(minimum(value = "1")))]
        quantity: Query<u32>,
        /// What the orders are drawn from; the same seed draws the same tiers and prices.
        #[oai(validator(minimum(value = "0"), maximum(value = "9007199254740991")))]
        seed: Query<Option<u64>>,
        /// At most 64 visible characters; the same key answers with the same run.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Header<Option<String>>,
    ) -> Answer<Generated> {
        // Read by itself: what is no text would not be in the parameter.
        drop(idempotency_key);
        let idempotency_key = key_of(request)
            .map_err(|mistake| Failure::Invalid(Json(Problem::invalid(vec![mistake]))))?;
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
        /// Forget the queue's dead letters too.
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
        /// How often to look whether it is done, ms.
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
                message: "There is no active run to cancel.".to_owned(),
            }));
        };
        let removed = done.end.cancelled as u64;
        Ok(Json(CancelAnswer {
            aborted: true,
            queue_paused: true,
            removed_pending: removed,
            purged: done.end.purge,
            logs_reset: options.reset_logs,
            waited_for_stop_ms: done.waited.as_millis() as u64,
            still_active: done.still_active,
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
    #[oai(
        path = "/pedidos/queue/status",
        method = "get",
        operation_id = "getQueueStatus",
        tag = "Tag::Queue"
    )]
    async fn queue_status(&self, app: Data<&App>) -> Answer<Json<QueueStatus>> {
        Ok(Json(QueueStatus::of(&app.controller.current().await?)))
    }

    /// Show the last log lines
    ///
    /// Of every API and worker process, oldest first, each with its time, level
    /// and process.
    #[oai(path = "/pedidos/logs", method = "get", operation_id = "getLogs", tag = "Tag::Logs")]
    async fn logs(
        &self,
        app: Data<&App>,
        /// How many lines at most.
        #[oai(default = "five_hundred", validator(minimum(value = "1"), maximum(value = "5000")))]
        lines: Query<u32>,
        /// Only lines of this level.
        level: Query<Option<Level>>,
        /// Only lines after this cursor of an earlier answer.
        #[oai(validator(max_length = 41, pattern = r"^[0-9]{1,20}-[0-9]{1,20}$"))]
        after: Query<Option<String>>,
    ) -> Answer<Json<LogsAnswer>> {
        let level = level.0.map(|level| match level {
            Level::Info => tracing::Level::INFO,
            Level::Warn => tracing::Level::WARN,
            Level::Error => tracing::Level::ERROR,
        });
        let queue = &app.controller.queue;
        let tail = logs::tail(queue, lines.0 as usize, level, after.0.as_deref()).await?;
        let mut sorted = LogLines::default();
        for line in tail.lines {
            match line.level {
                tracing::Level::ERROR => &mut sorted.error_messages,
                tracing::Level::WARN => &mut sorted.warn_messages,
                _ => &mut sorted.log_messages,
            }
            .push(line.text);
        }
        Ok(Json(LogsAnswer { logs: sorted, cursor: tail.cursor }))
    }
}

/// The Idempotency-Key of a request, if it has one.
fn key_of(request: &Request) -> Result<Option<String>, Mistake> {
    const NAME: &str = "Idempotency-Key";
    let mut given = request.headers().get_all(NAME).iter();
    let Some(key) = given.next() else { return Ok(None) };
    let fits = |key: &[u8]| (1..=64).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    let detail = match key.to_str() {
        _ if given.next().is_some() => "given more than once",
        Ok(text) if fits(key.as_bytes()) => return Ok(Some(text.to_owned())),
        _ => "not 1 to 64 visible ASCII characters",
    };
    Err(Mistake { name: NAME.to_owned(), detail: detail.to_owned() })
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

const fn five_hundred() -> u32 {
    500
}
