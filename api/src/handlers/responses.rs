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
use poem_openapi::{ApiResponse, payload::Json};

use crate::http::failure::Failure;

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
