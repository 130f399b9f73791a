//! The health of the queue.

use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use crate::{
    flow::HeldOrder,
    status::{Phase, QueueCounts},
};

/// The health of the queue, and the reasons.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// The overall state.
    pub status: HealthStatus,
    /// When the health was checked.
    pub timestamp: String,
    /// What the queue holds.
    pub queue: QueueHealth,
    /// The state of the run.
    pub processor: ProcessorHealth,
    /// The checks behind the status.
    pub checks: Checks,
    /// Why Redis does not answer, why the run is in phase ERROR, or what holds it up.
    pub error: Option<String>,
    /// The order that holds the fence, if one does.
    #[serde(default)]
    pub held_order: Option<HeldOrder>,
}

/// The overall state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// No check fails.
    Healthy,
    /// There are dead letters, the run is stuck or held by an order, or no worker is alive for it.
    Degraded,
    /// The queue is paused.
    Paused,
    /// The last run was cancelled, or is being cancelled.
    Aborted,
    /// The run has more dead letters than allowed.
    Error,
    /// Redis does not answer.
    Unhealthy,
}

/// What the queue holds.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct QueueHealth {
    /// Redis answers.
    pub connected: bool,
    #[oai(flatten)]
    #[serde(flatten)]
    pub counts: QueueCounts,
}

/// The state of the run.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ProcessorHealth {
    /// The phase of the run.
    pub phase: Phase,
    /// The run is active.
    pub is_processing: bool,
    /// Time spent pushing VIP ids, summed over workers.
    pub enqueue_vip_time_ms: u64,
    /// Time spent pushing NORMAL ids, summed over workers.
    pub enqueue_normal_time_ms: u64,
    /// The run is being cancelled.
    pub aborting: bool,
}

/// The checks behind the status.
#[expect(clippy::struct_excessive_bools, reason = "the contract's answer has them")]
#[derive(Debug, Clone, Default, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    /// Redis answered in time.
    pub queue_responsive: bool,
    /// There are dead letters.
    pub has_failed_jobs: bool,
    /// Work waits, and there has been no progress for longer than a lease; or orders are leased
    /// and no run is active.
    pub is_stuck: bool,
    /// The run was cancelled, or is being cancelled.
    pub aborted: bool,
    /// A worker is alive.
    pub has_workers: bool,
    /// The processor of the run takes calls: a worker has it, and the breaker of one is not open.
    #[serde(default)]
    pub processor: bool,
}
