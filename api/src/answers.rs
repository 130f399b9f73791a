//! What the verbs answer with.

use poem_openapi::{ApiResponse, Enum, Object, payload::Json};

use crate::{
    error::{Failure, Problem},
    history::Run,
    jobs::OrderData,
};

/// A run was accepted.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct GenerateAnswer {
    /// In words.
    pub message: String,
    /// The run.
    pub run_id: String,
    /// How many orders it has.
    pub quantity: u64,
    /// A person's pause holds it back: resume the queue for it to begin.
    pub paused: bool,
}

/// What became of a generate.
#[derive(Debug, ApiResponse)]
pub enum Generated {
    /// Accepted, and stored: it will be carried out whatever happens.
    #[oai(status = 202)]
    Accepted(
        Json<GenerateAnswer>,
        /// Where the run is.
        #[oai(header = "Location")]
        String,
    ),
    /// Another run is active; `runId` says which.
    #[oai(status = 409, content_type = "application/problem+json")]
    Active(Json<Problem>),
}

/// What a cancel came to.
#[expect(clippy::struct_excessive_bools, reason = "the contract's answer has them")]
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct CancelAnswer {
    /// A run was cancelled.
    pub aborted: bool,
    /// The queue was stopped for it; that ended with the cancel.
    pub queue_paused: bool,
    /// Orders that were pending, and are cancelled.
    pub removed_pending: u64,
    /// The run's dead letters are no longer listed.
    pub purged: bool,
    /// The log lines in Redis were forgotten.
    pub logs_reset: bool,
    /// How long work in flight was waited for, ms.
    pub waited_for_stop_ms: u64,
    /// Leases still held then; what they do no longer counts.
    pub still_active: u64,
    /// Where every order of the run is now.
    pub summary: Option<CancelSummary>,
    /// In words.
    pub message: String,
}

/// generated = processed + failed + removed + stillPending
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct CancelSummary {
    /// Orders that were stored.
    pub generated: u64,
    /// Processed before the cancel.
    pub processed: u64,
    /// Dead letters.
    pub failed: u64,
    /// Removed by a person before, or by this cancel.
    pub removed: u64,
    /// Always 0: a cancel leaves nothing pending.
    pub still_pending: u64,
}

/// What a reset deleted.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ResetAnswer {
    /// In words.
    pub message: String,
    /// Orders deleted.
    pub removed_orders: u64,
    /// Runs deleted from the history.
    pub removed_runs: u64,
}

/// The queue is paused.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct PauseAnswer {
    /// No new work can be claimed.
    pub paused: bool,
    /// As asked; a queue has one pause.
    pub global: bool,
    /// Leases still held: they are finished.
    pub in_flight: u64,
}

/// The queue goes on.
#[derive(Debug, Object)]
pub struct ResumeAnswer {
    /// Work can be claimed.
    pub resumed: bool,
    /// As asked; a queue has one pause.
    pub global: bool,
}

/// The jobs that a clean removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum CleanState {
    /// In the queue.
    Wait,
    /// In a worker's hands.
    Active,
    /// Waiting for a retry.
    Delayed,
    /// Processed: only taken off the list.
    Completed,
    /// Dead letters.
    Failed,
}

/// What a clean removed.
#[derive(Debug, Object)]
pub struct CleanAnswer {
    /// How many.
    pub removed: u64,
    /// As asked.
    pub state: CleanState,
}

/// The connections are new.
#[derive(Debug, Object)]
pub struct CloseAnswer {
    /// The old ones are closed.
    pub closed: bool,
}

/// Dead letters were put back.
#[derive(Debug, Object)]
pub struct RetriedAnswer {
    /// How many.
    pub retried: u64,
}

/// What became of a retry.
#[derive(Debug, ApiResponse)]
pub enum Retried {
    /// The dead letters are tried again.
    #[oai(status = 200)]
    Done(Json<RetriedAnswer>),
    /// Another run was started meanwhile; `runId` says which.
    #[oai(status = 409, content_type = "application/problem+json")]
    Conflict(Json<Problem>),
}

/// One run, if there is such a run.
#[derive(Debug, ApiResponse)]
pub enum RunFound {
    /// The run.
    #[oai(status = 200)]
    Found(Json<Run>),
    /// No run of the history has this id.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
}

/// One order, if there is such an order.
#[derive(Debug, ApiResponse)]
pub enum OrderFound {
    /// The order.
    #[oai(status = 200)]
    Found(Json<OrderData>),
    /// No order has this id.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
}

/// An operation that is no more.
#[derive(Debug, ApiResponse)]
pub enum Deprecated {
    /// It is no more; the detail says what is instead.
    #[oai(status = 410, content_type = "application/problem+json")]
    Gone(Json<Problem>),
}

/// What every operation answers: what it should, or why not.
pub type Answer<T> = Result<T, Failure>;
