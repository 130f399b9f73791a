//! The status of a run, and what the queue holds.

use pedidos_core::{control, run};
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use crate::flow::{BreakerState, Limits, OnVipFailure, PausedBy, ProcessorState};

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    Idle,
    Generating,
    EnqueueVip,
    WaitingVipDrain,
    EnqueueNormal,
    WaitingNormalDrain,
    Done,
    Aborted,
    Error,
}

/// Where the orders of a run come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum RunSource {
    /// The generator.
    #[default]
    Generated,
    /// An import, which has the id of the run.
    Import,
}

/// Everything about the current run. Times are ISO-8601 UTC, durations ms.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// First chunk claimed → last chunk stored.
    pub generation_time_ms: u64,
    /// Time spent pushing VIP ids, summed over workers.
    pub enqueue_vip_time_ms: u64,
    /// Time spent pushing NORMAL ids, summed over workers.
    pub enqueue_normal_time_ms: u64,
    /// When each priority was processed.
    pub processing: Processing,
    /// Generation, both enqueue and both processing times added up.
    pub total_time_ms: u64,
    /// Accepted → end, or now.
    pub wall_clock_ms: u64,
    /// Orders processed successfully.
    pub counts: PerPriority,
    /// Where the run is.
    pub phase: Phase,
    /// The queue is paused.
    #[serde(default)]
    pub paused: bool,
    /// Who has paused it; null: it is not paused.
    #[serde(default)]
    pub paused_by: Option<PausedBy>,
    /// The limits of the queue.
    #[serde(default)]
    pub limits: Limits,
    /// The processor of the run.
    #[serde(default)]
    pub processor: ProcessorState,
    /// Pauses the run once so many of its orders are terminal.
    #[serde(default)]
    pub pause_after: Option<u64>,
    /// Stops the run as ERROR once more than this share of its orders failed, in percent.
    #[serde(default)]
    pub max_failed_percent: Option<u64>,
    /// Whether a dead VIP order holds the fence.
    #[serde(default)]
    pub on_vip_failure: OnVipFailure,
    /// The id of the current run, active or ended.
    pub run_id: Option<String>,
    /// Where its orders come from.
    #[serde(default)]
    pub source: Option<RunSource>,
    /// The id of the last run saved to the history.
    pub last_run_id: Option<String>,
    /// Orders per second.
    pub throughput: Throughput,
    /// The estimated time left.
    pub eta: Eta,
    /// Orders generated and processed so far.
    pub progress: Progress,
    /// Orders by priority and state.
    pub ledger: Ledgers,
    /// Keeps NORMAL orders back until every VIP order is terminal.
    pub fence: Fence,
    /// The workers that are alive.
    pub workers: Workers,
    /// The progress of a cancel, while one is carried out.
    pub cancelling: Option<Cancelling>,
}

/// The progress of a cancel.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct Cancelling {
    /// Orders that are marked `cancelado`.
    pub marked: u64,
    /// Orders that were not terminal when the cancel began.
    pub of: u64,
}

/// When each priority was processed.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct Processing {
    /// VIP orders.
    pub vip: Window,
    /// NORMAL orders.
    pub normal: Window,
}

/// First lease → last ack of a priority.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// The first lease.
    pub start: Option<String>,
    /// The last ack so far.
    pub end: Option<String>,
    /// From start to end.
    pub time_ms: u64,
    /// Orders processed.
    pub count: u64,
}

/// A number for each priority.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct PerPriority {
    /// VIP orders.
    pub vip: u64,
    /// NORMAL orders.
    pub normal: u64,
}

/// Orders per second over each priority's window.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct Throughput {
    /// VIP orders over their window.
    pub vip: f64,
    /// NORMAL orders over their window.
    pub normal: f64,
    /// All orders over both windows.
    pub overall: f64,
}

/// The estimated time left.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Eta {
    /// Until the end; null while there is no estimate.
    pub estimated_ms: Option<u64>,
    /// (processed + dead + removed) / target; of a cancelled run (processed + dead) / target.
    pub progress_percent: f64,
}

/// The progress of a run, in orders.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// To be generated.
    pub target: u64,
    /// Generated.
    pub generated: u64,
    /// Processed.
    pub processed_total: u64,
}

/// Orders by priority and state.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct Ledgers {
    /// VIP orders.
    pub vip: Ledger,
    /// NORMAL orders.
    pub normal: Ledger,
}

/// generated = deferred + waiting + leased + delayed + processed + dead + removed
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct Ledger {
    /// Stored in MongoDB.
    pub generated: u64,
    /// NORMAL orders that are not in the queue yet.
    pub deferred: u64,
    /// In the queue.
    pub waiting: u64,
    /// Leased by a worker.
    pub leased: u64,
    /// Waiting for a retry.
    pub delayed: u64,
    /// Processed.
    pub processed: u64,
    /// Dead letters.
    pub dead: u64,
    /// Removed by a clean, or cancelled.
    pub removed: u64,
}

/// Keeps NORMAL orders back until every VIP order is terminal.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Fence {
    /// Every VIP order is terminal: NORMAL orders may be claimed.
    pub open: bool,
    /// The last ack of a VIP order.
    pub last_vip_at: Option<String>,
    /// The first lease of a NORMAL order.
    pub first_normal_at: Option<String>,
    /// NORMAL orders claimed while a VIP order was not terminal: always 0.
    pub violations: u64,
    /// VIP orders that were retried after the fence had opened.
    pub late_vip: u64,
}

/// The workers that are alive.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct Workers {
    /// Workers with a heartbeat in the last seconds.
    pub alive: u64,
    /// Leases that the workers may hold at once.
    pub slots: u64,
    /// Leases that the workers hold.
    pub busy: u64,
    /// The workers; the first 100.
    #[serde(default)]
    pub list: Vec<Worker>,
}

/// One worker that is alive.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// Made at its start; its log lines have it.
    pub id: String,
    /// The machine it runs on.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// The version of its program.
    pub version: String,
    /// Leases that the worker may hold at once.
    pub slots: u32,
    /// Leases that the worker holds.
    pub busy: u32,
    /// The name of its processor; null: it has the built-in one alone.
    #[serde(default)]
    pub processor: Option<String>,
    /// The breaker of its processor.
    #[serde(default)]
    pub breaker: BreakerState,
    /// The last heartbeat. A new heartbeat alone sends no `progress` event.
    pub last_seen: String,
}

/// What the queue holds.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct QueueCounts {
    /// Ids in the queue; not the deferred NORMAL orders.
    pub waiting: u64,
    /// Orders leased by workers.
    pub active: u64,
    /// Orders processed, less those hidden from the list.
    pub completed: u64,
    /// Dead letters that are listed.
    pub failed: u64,
    /// Orders waiting for a retry.
    pub delayed: u64,
    /// The queue is paused and nothing is in flight.
    pub paused: bool,
}

/// What the queue holds, and the orders by state.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct QueueStatus {
    #[oai(flatten)]
    #[serde(flatten)]
    pub counts: QueueCounts,
    /// Orders by priority and state.
    pub ledger: Ledgers,
}

impl From<run::Phase> for Phase {
    fn from(phase: run::Phase) -> Self {
        match phase {
            run::Phase::Idle => Self::Idle,
            run::Phase::Generating => Self::Generating,
            run::Phase::EnqueueVip => Self::EnqueueVip,
            run::Phase::WaitingVipDrain => Self::WaitingVipDrain,
            run::Phase::EnqueueNormal => Self::EnqueueNormal,
            run::Phase::WaitingNormalDrain => Self::WaitingNormalDrain,
            run::Phase::Done => Self::Done,
            run::Phase::Aborted => Self::Aborted,
            run::Phase::Error => Self::Error,
        }
    }
}

impl From<Phase> for run::Phase {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Idle => Self::Idle,
            Phase::Generating => Self::Generating,
            Phase::EnqueueVip => Self::EnqueueVip,
            Phase::WaitingVipDrain => Self::WaitingVipDrain,
            Phase::EnqueueNormal => Self::EnqueueNormal,
            Phase::WaitingNormalDrain => Self::WaitingNormalDrain,
            Phase::Done => Self::Done,
            Phase::Aborted => Self::Aborted,
            Phase::Error => Self::Error,
        }
    }
}

impl From<control::Source> for RunSource {
    fn from(source: control::Source) -> Self {
        match source {
            control::Source::Generated => Self::Generated,
            control::Source::Import => Self::Import,
        }
    }
}

impl From<run::Ledger> for Ledger {
    fn from(ledger: run::Ledger) -> Self {
        let run::Ledger { generated, deferred, waiting, leased, delayed, processed, dead, removed } =
            ledger;
        Self { generated, deferred, waiting, leased, delayed, processed, dead, removed }
    }
}

impl From<Ledger> for run::Ledger {
    fn from(ledger: Ledger) -> Self {
        let Ledger { generated, deferred, waiting, leased, delayed, processed, dead, removed } =
            ledger;
        Self { generated, deferred, waiting, leased, delayed, processed, dead, removed }
    }
}
