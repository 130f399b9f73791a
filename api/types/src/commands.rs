//! Answers of the commands.

use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// A run was accepted.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct GenerateAnswer {
    /// A message for people.
    pub message: String,
    /// The run.
    pub run_id: String,
    /// How many orders it has.
    pub quantity: u64,
    /// The queue is paused: resume it for the run to begin.
    #[serde(default)]
    pub paused: bool,
    /// Dead letters of the run that this one replaces. They can still be listed, retried and removed
    /// by its `runId`.
    #[serde(default)]
    pub dead_letters_left: u64,
}

/// The result of a cancel.
#[expect(clippy::struct_excessive_bools, reason = "the contract's answer has them")]
#[derive(Debug, Clone, Default, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase", default)]
pub struct CancelAnswer {
    /// A run was cancelled.
    pub aborted: bool,
    /// The queue was stopped for the cancel, and continues after it.
    pub queue_paused: bool,
    /// Pending orders that are now cancelled.
    pub removed_pending: u64,
    /// The run's dead letters are no longer listed.
    pub purged: bool,
    /// The log lines in Redis were deleted.
    pub logs_reset: bool,
    /// How long the cancel waited for work in flight, ms.
    pub waited_for_stop_ms: u64,
    /// Some work was still in flight then; its results no longer count.
    pub still_active: bool,
    /// The leases of that work.
    pub leases_held: u64,
    /// The orders of the run by state.
    pub summary: Option<CancelSummary>,
    /// A message for people.
    pub message: String,
}

/// generated = processed + failed + removed + stillPending
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct CancelSummary {
    /// Orders stored in MongoDB.
    pub generated: u64,
    /// Processed before the cancel.
    pub processed: u64,
    /// Dead letters.
    pub failed: u64,
    /// Removed before by a clean, or by this cancel.
    pub removed: u64,
    /// Not cancelled yet: 0 once the cancel is done.
    pub still_pending: u64,
}

/// The result of a reset.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ResetAnswer {
    /// A message for people.
    pub message: String,
    /// Orders deleted.
    pub removed_orders: u64,
    /// Runs deleted from the history.
    pub removed_runs: u64,
    /// Documents of other programs in the collection orders, which are kept; null: not counted.
    pub left_orders: Option<u64>,
    /// Documents of other programs in the collection process_runs, which are kept; null: not
    /// counted.
    pub left_runs: Option<u64>,
}

/// The queue is paused.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct PauseAnswer {
    /// No new work can be claimed.
    pub paused: bool,
    /// As requested; a queue has one pause.
    pub global: bool,
    /// Leases that are still held: their work is finished. Null: Redis does not answer.
    pub in_flight: Option<u64>,
}

/// The queue is resumed.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct ResumeAnswer {
    /// Work can be claimed.
    pub resumed: bool,
    /// As requested; a queue has one pause.
    pub global: bool,
}

/// The jobs that a clean removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum CleanState {
    /// In the queue.
    Wait,
    /// Leased by a worker.
    Active,
    /// Waiting for a retry.
    Delayed,
    /// Processed: only hidden from the list.
    Completed,
    /// Dead letters.
    Failed,
}

/// The result of a clean.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct CleanAnswer {
    /// Jobs removed.
    pub removed: u64,
    /// With `state=failed`: dead letters that match, also beyond the limit; else null.
    #[serde(default)]
    pub matched: Option<u64>,
    /// As requested.
    pub state: CleanState,
}

/// The connections are renewed.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct CloseAnswer {
    /// The old ones are closed.
    pub closed: bool,
}

/// Dead letters were put back into the queue.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct RetriedAnswer {
    /// Dead letters put back.
    pub retried: u64,
    /// Dead letters that match, also beyond the limit. Some of them may stay, because MongoDB refuses
    /// to change them.
    #[serde(default)]
    pub matched: u64,
}
