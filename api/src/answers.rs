//! What the verbs answer with.

use poem_openapi::{ApiResponse, Enum, Object, payload::Json};

use crate::error::{Failure, Problem};

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
    /// The queue's dead letters were forgotten too.
    pub purged: bool,
    /// The log lines in Redis were forgotten.
    pub logs_reset: bool,
    /// How long work in flight was waited for, ms.
    pub waited_for_stop_ms: u64,
    /// Leases still held then; what they do no longer counts.
    pub still_active: u64,
    /// In words.
    pub message: String,
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

/// A level of log lines.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum Level {
    /// What went well.
    Info,
    /// What went wrong and was mended.
    Warn,
    /// What went wrong.
    Error,
}

/// Log lines of all processes, with the run's times.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LogsAnswer {
    /// The lines.
    pub logs: LogLines,
    /// Give it as `after` to get what comes after these lines.
    pub cursor: String,
}

/// Lines by level, oldest first.
#[derive(Debug, Default, Object)]
#[oai(rename_all = "camelCase")]
pub struct LogLines {
    /// Level info and below.
    pub log_messages: Vec<String>,
    /// Level warn.
    pub warn_messages: Vec<String>,
    /// Level error.
    pub error_messages: Vec<String>,
}

/// What every operation answers: what it should, or why not.
pub type Answer<T> = Result<T, Failure>;
