//! How fast a run goes, and what holds it back.

use serde::{Deserialize, Serialize};

/// What all runs of the queue share. None: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Orders that all workers together claim in a second, at most; at least 1.
    pub orders_per_second: Option<i64>,
    /// Orders that are under a lease at once, at most; at least 1.
    pub max_in_flight: Option<i64>,
}

impl Limits {
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.orders_per_second.is_none() && self.max_in_flight.is_none()
    }
}

/// What a person says of a run when it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunOptions {
    /// The processor that its batches are for; none: the built-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    #[serde(default, skip_serializing_if = "Flow::is_default")]
    pub flow: Flow,
}

impl RunOptions {
    /// The name of the built-in processor.
    pub const BUILTIN_NAME: &str = "builtin";
    /// The name that a worker gives its processor unless PROCESSOR_NAME says otherwise.
    pub const DEFAULT_NAME: &str = "default";
    /// The built-in processor, and nothing that holds the run back.
    pub const BUILTIN: Self = Self { processor: None, flow: Flow::NONE };

    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::BUILTIN
    }

    /// The name of its processor.
    #[must_use]
    pub fn processor_name(&self) -> &str {
        self.processor.as_deref().unwrap_or(Self::BUILTIN_NAME)
    }
}

/// What holds one run back. A person may change it while the run is active.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    /// The canary: the run is paused once so many of its orders are terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_after: Option<i64>,
    #[serde(default)]
    pub on_vip_failure: OnVipFailure,
    /// The run stops as ERROR once more than this share of its orders failed, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failed_percent: Option<i64>,
}

impl Flow {
    const NONE: Self = Self {
        pause_after: None,
        on_vip_failure: OnVipFailure::Continue,
        max_failed_percent: None,
    };

    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Does a dead VIP order hold the fence?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnVipFailure {
    /// A dead letter is terminal: the fence opens.
    #[default]
    Continue,
    /// The fence stays shut while a VIP order is a dead letter.
    Hold,
}

impl OnVipFailure {
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Hold)
    }
}

/// Who has paused the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PausedBy {
    #[default]
    Person,
    /// The run's canary.
    PauseAfter,
}

impl PausedBy {
    /// As Redis and the API have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::PauseAfter => "pauseAfter",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
    pub(super) fn is_person(&self) -> bool {
        *self == Self::Person
    }
}
