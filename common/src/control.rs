//! Control, what *shall* happen: one small document in MongoDB, changed only by
//! compare-and-set on its version. Every verb of a person that must survive,
//! and the end of a run, is one such change, then its effect in Redis, then the
//! answer; any process finishes the steps that a dead one left.

mod verbs;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use self::verbs::{Accepted, Cancelled, Controller, Generate, ResetDone, VerbError};
use crate::{
    order::{Generator, OrderId},
    run::{Figures, Phase},
};

/// The control document of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Control {
    /// The queue's name.
    #[serde(rename = "_id")]
    pub queue: String,
    /// Raised by one with every change. Redis keeps the one it has seen.
    pub version: i64,
    /// The version of the last verb that changed orders: a Redis that is older
    /// must replay the run.
    pub orders_version: i64,
    /// The current run, active or ended.
    pub run: Option<RunSpec>,
    /// What shall become of it.
    pub intent: Intent,
    /// A person has stopped claims.
    pub paused: Option<Pause>,
    /// Orders and runs created before this are to be deleted, ms since the epoch.
    pub reset_below: i64,
    /// When the last run was created, ms since the epoch: the next is later.
    pub last_run_at: i64,
    /// The last run that ended and is in the history.
    pub last_run_id: Option<String>,
}

/// A run as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSpec {
    /// A random UUID.
    pub run_id: String,
    /// What its orders are drawn from.
    pub seed: i64,
    /// How many orders it has.
    pub quantity: i64,
    /// When it was accepted, ms since the epoch by Redis' clock.
    pub created_ms: i64,
    /// The key that a client gave, to be answered with the same run again.
    pub idempotency_key: Option<String>,
    /// How it ended.
    #[serde(rename = "final")]
    pub end: Option<End>,
}

impl RunSpec {
    /// What makes its orders.
    #[must_use]
    pub fn generator(&self) -> Generator {
        Generator::new(self.seed as u64, self.created_ms as u64)
    }

    /// The ids of its orders, in ranges that a call can walk over.
    pub fn pages(&self) -> impl Iterator<Item = Range<OrderId>> + use<> {
        self.generator().id_pages(u32::try_from(self.quantity).unwrap_or(u32::MAX))
    }
}

/// How a run ended: written once, shown ever after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// DONE or ABORTED.
    pub phase: Phase,
    /// Its counters and stamps.
    pub figures: Figures,
    /// Orders that were pending when the run was cancelled: of those removed.
    pub cancelled: i64,
    /// The queue's dead letters go with it.
    pub purge: bool,
    /// Its cancelled orders are hidden, and swept an hour later.
    pub remove_pending: bool,
}

/// What shall become of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Intent {
    /// There is none.
    Idle,
    /// It shall go on to DONE.
    Run,
    /// It shall be cancelled.
    Cancel(CancelOptions),
    /// It has ended.
    Ended,
}

impl Intent {
    /// As stored.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Run => "run",
            Self::Cancel(_) => "cancel",
            Self::Ended => "ended",
        }
    }
}

/// How a cancel is to be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelOptions {
    /// Forget the queue's dead letters too.
    pub purge: bool,
    /// Hide the orders that were pending, and delete them an hour later.
    pub remove_pending: bool,
    /// Forget the log lines that Redis holds.
    pub reset_logs: bool,
    /// How long leases may still be finished, ms.
    pub wait_timeout_ms: u64,
    /// How often that is looked at, ms.
    pub poll_interval_ms: u64,
}

/// Claims are stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Since when, ms since the epoch by Redis' clock.
    pub at: i64,
}

impl Control {
    /// What a queue begins with.
    #[must_use]
    pub fn new(queue: &str) -> Self {
        Self {
            queue: queue.to_owned(),
            version: 1,
            orders_version: 1,
            run: None,
            intent: Intent::Idle,
            paused: None,
            reset_below: 0,
            last_run_at: 0,
            last_run_id: None,
        }
    }

    /// The next version, to be changed and then compared and set.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    /// The run that has not ended, if there is one.
    #[must_use]
    pub fn active(&self) -> Option<&RunSpec> {
        self.run.as_ref().filter(|_| matches!(self.intent, Intent::Run | Intent::Cancel(_)))
    }

    /// Is this run still to be worked on?
    #[must_use]
    pub fn wants(&self, run_id: &str) -> bool {
        self.intent == Intent::Run && self.run.as_ref().is_some_and(|run| run.run_id == run_id)
    }

    /// Is this run's cancel being carried out?
    #[must_use]
    pub fn is_cancelling(&self, run_id: &str) -> bool {
        matches!(self.intent, Intent::Cancel(_))
            && self.run.as_ref().is_some_and(|run| run.run_id == run_id)
    }

    /// Is this run being cancelled, or was it? Its open orders are then marked,
    /// not deleted.
    #[must_use]
    pub fn cancels(&self, run_id: &str) -> bool {
        self.run.as_ref().is_some_and(|run| {
            run.run_id == run_id
                && (matches!(self.intent, Intent::Cancel(_))
                    || run.end.as_ref().is_some_and(|end| end.phase == Phase::Aborted))
        })
    }
}
