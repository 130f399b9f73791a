//! How fast the queue goes, what holds a run back, and the processor of a run.

use pedidos_core::control;
use poem_openapi::{Enum, Object, types::MaybeUndefined};
use serde::{Deserialize, Serialize};

/// The limits of the queue; null: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Orders that all workers together claim in a second, at most.
    pub orders_per_second: Option<u64>,
    /// Orders that are under a lease at once, at most.
    pub max_in_flight: Option<u64>,
}

/// A change of the limits: a limit that is left out stays, null lifts it.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct LimitsChange {
    /// Orders that all workers together claim in a second, at most.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000000")))]
    pub orders_per_second: MaybeUndefined<i64>,
    /// Orders that are under a lease at once, at most.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000000")))]
    pub max_in_flight: MaybeUndefined<i64>,
}

/// A change of what holds a run back: an option that is left out stays, null lifts it.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct FlowChange {
    /// Pause the run once so many of its orders are terminal.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000000")))]
    pub pause_after: MaybeUndefined<i64>,
    /// Stop the run as ERROR once more than this share of its orders failed, in percent.
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    pub max_failed_percent: MaybeUndefined<i64>,
    /// Whether a dead VIP order holds the fence.
    pub on_vip_failure: Option<OnVipFailure>,
}

/// Does a dead VIP order hold the fence?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum OnVipFailure {
    /// The fence opens once every VIP order is terminal.
    #[default]
    Continue,
    /// The fence stays shut while a VIP order is a dead letter.
    Hold,
}

impl From<control::OnVipFailure> for OnVipFailure {
    fn from(policy: control::OnVipFailure) -> Self {
        match policy {
            control::OnVipFailure::Continue => Self::Continue,
            control::OnVipFailure::Hold => Self::Hold,
        }
    }
}

impl From<OnVipFailure> for control::OnVipFailure {
    fn from(policy: OnVipFailure) -> Self {
        match policy {
            OnVipFailure::Continue => Self::Continue,
            OnVipFailure::Hold => Self::Hold,
        }
    }
}

/// Who has paused the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum PausedBy {
    /// A person.
    Person,
    /// The `pauseAfter` of the run.
    PauseAfter,
}

impl From<control::PausedBy> for PausedBy {
    fn from(by: control::PausedBy) -> Self {
        match by {
            control::PausedBy::Person => Self::Person,
            control::PausedBy::PauseAfter => Self::PauseAfter,
        }
    }
}

/// The processor of the run.
#[derive(Debug, Clone, Default, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ProcessorState {
    /// `builtin`, or the name that workers give theirs.
    pub name: String,
    /// The state of the breakers of the workers that have it: closed if one is.
    pub state: BreakerState,
    /// Since when.
    pub since: Option<String>,
    /// The last fault of it.
    pub last_error: Option<String>,
    /// Workers that are alive and have it.
    pub workers: u64,
}

/// A breaker stops calls while its processor is at fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum BreakerState {
    /// Calls are made.
    Closed,
    /// No call is made for a while.
    Open,
    /// One call is made, to see whether it works again.
    HalfOpen,
    /// No worker has the processor, or there is no run.
    #[default]
    None,
}

/// The order that holds the fence: its calls fault, alone, and no other order vouches for the
/// processor.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct HeldOrder {
    /// Its id.
    pub id: String,
    /// Since when.
    pub since: String,
    /// The last fault.
    pub error: String,
}

/// An order that a person has ended.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct FailAnswer {
    /// Its id.
    pub id: String,
    /// Its status: `falhou`.
    pub status: String,
}
