//! The answers of the operations, with status and headers.

use pedidos_api_types::{
    commands::{
        CancelAnswer, CleanAnswer, GenerateAnswer, PauseAnswer, ResetAnswer, ResumeAnswer,
        RetriedAnswer,
    },
    jobs::OrderDetails,
    problem::Problem,
    runs::Run,
};
use pedidos_pipeline::commands::Accepted;
use poem::http::StatusCode;
use poem_openapi::{ApiResponse, payload::Json};

use crate::http::{failure::Failure, problem};

#[derive(Debug, ApiResponse)]
pub enum GenerateResponse {
    /// Accepted and stored: the run takes place, whatever fails.
    #[oai(status = 202)]
    Accepted(
        Json<GenerateAnswer>,
        /// The path of the run.
        #[oai(header = "Location")]
        String,
    ),
    /// Another run is active; `runId` says which.
    #[oai(status = 409, content_type = "application/problem+json")]
    Active(Json<Problem>),
    /// The `Idempotency-Key` started another run than this request asks for; `runId` says which.
    #[oai(status = 422, content_type = "application/problem+json")]
    KeyUsed(Json<Problem>),
}

impl From<Accepted> for GenerateResponse {
    fn from(accepted: Accepted) -> Self {
        let message = match (accepted.repeated, accepted.paused) {
            (true, _) => "This Idempotency-Key was used before: this is its run.",
            (_, true) => "Accepted. The queue is paused: resume it to begin the run.",
            _ => "Accepted. Follow it with GET /pedidos.",
        };
        let message = match &accepted.left {
            Some((run_id, dead)) => format!(
                "{message} Run {run_id} has {dead} dead letters left: list them with \
                 GET /pedidos/queue/jobs?types=failed&runId={run_id}."
            ),
            None => message.to_owned(),
        };
        let location = format!("/pedidos/runs/{}", accepted.run_id);
        let answer = GenerateAnswer {
            message,
            dead_letters_left: accepted.left.map_or(0, |(_, dead)| dead),
            run_id: accepted.run_id,
            quantity: accepted.quantity as u64,
            paused: accepted.paused,
        };
        Self::Accepted(Json(answer), location)
    }
}

/// What a command answers that cannot be done while this run is active.
pub fn another_run(run_id: String) -> Problem {
    let detail = format!("run {run_id} is active: wait for its end, or cancel it");
    let mut problem = problem::new(StatusCode::CONFLICT, "Another run is active", detail);
    problem.run_id = Some(run_id);
    problem
}

impl GenerateResponse {
    /// `has`: what the run of the key has that the request does not ask for.
    pub fn key_used(run_id: String, has: &str) -> Self {
        let detail = format!(
            "this Idempotency-Key started run {run_id}, which has {has}: repeat the request as it \
             was, or send another key"
        );
        let title = "Idempotency-Key used before";
        let mut problem = problem::new(StatusCode::UNPROCESSABLE_ENTITY, title, detail);
        problem.run_id = Some(run_id);
        Self::KeyUsed(Json(problem))
    }
}

#[derive(Debug, ApiResponse)]
pub enum CancelResponse {
    /// Done, or there is nothing to cancel.
    #[oai(status = 200)]
    Done(Json<CancelAnswer>),
    /// Accepted: the cancel continues, whatever fails. These are the counts so far; `GET /pedidos`
    /// shows its progress, then phase ABORTED.
    #[oai(status = 202)]
    Accepted(Json<CancelAnswer>),
    /// Another run is the current one; `runId` says which.
    #[oai(status = 409, content_type = "application/problem+json")]
    Other(Json<Problem>),
}

#[derive(Debug, ApiResponse)]
pub enum PauseResponse {
    /// No new work can be claimed.
    #[oai(status = 200)]
    Done(Json<PauseAnswer>),
    /// Accepted: Redis does not answer, and gets the change as soon as it is back.
    #[oai(status = 202)]
    Accepted(Json<PauseAnswer>),
}

#[derive(Debug, ApiResponse)]
pub enum ResumeResponse {
    /// Work can be claimed.
    #[oai(status = 200)]
    Done(Json<ResumeAnswer>),
    /// Accepted: Redis does not answer, and gets the change as soon as it is back.
    #[oai(status = 202)]
    Accepted(Json<ResumeAnswer>),
}

#[derive(Debug, ApiResponse)]
pub enum ResetResponse {
    /// Everything is deleted.
    #[oai(status = 200)]
    Done(Json<ResetAnswer>),
    /// Accepted: a store stopped answering; the rest is deleted within minutes of its return.
    #[oai(status = 202)]
    Accepted(Json<ResetAnswer>),
}

#[derive(Debug, ApiResponse)]
pub enum CleanResponse {
    /// All of them are removed.
    #[oai(status = 200)]
    Done(Json<CleanAnswer>),
    /// Only these are removed, because a store stopped answering or a limit of the queue holds the rest back: repeat the request for the rest.
    #[oai(status = 202)]
    Partly(Json<CleanAnswer>),
    /// No run of the history has this id.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
    /// Another run is active; `runId` says which.
    #[oai(status = 409, content_type = "application/problem+json")]
    Conflict(Json<Problem>),
}

#[derive(Debug, ApiResponse)]
pub enum RetryResponse {
    /// The dead letters are back in the queue.
    #[oai(status = 200)]
    Done(Json<RetriedAnswer>),
    /// No run of the history has this id.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
    /// Another run is active, or has just been started; `runId` says which.
    #[oai(status = 409, content_type = "application/problem+json")]
    Conflict(Json<Problem>),
}

#[expect(clippy::large_enum_variant, reason = "there is one for each answer")]
#[derive(Debug, ApiResponse)]
pub enum RunResponse {
    /// The run.
    #[oai(status = 200)]
    Found(Json<Run>),
    /// No run of the history has this id.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
}

#[expect(clippy::large_enum_variant, reason = "there is one for each answer")]
#[derive(Debug, ApiResponse)]
pub enum OrderResponse {
    /// The order.
    #[oai(status = 200)]
    Found(Json<OrderDetails>),
    /// No order has this id.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
}

#[derive(Debug, ApiResponse)]
pub enum ProcessResponse {
    /// Removed; the detail names the replacement.
    #[oai(status = 410, content_type = "application/problem+json")]
    Gone(Json<Problem>),
}

/// The answer of an operation, or an error that any may answer.
pub type Answer<T> = Result<T, Failure>;
