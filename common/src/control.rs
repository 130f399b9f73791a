//! Control, what *shall* happen: one small document in MongoDB, changed only by
//! compare-and-set on its version. Every verb of a person that must survive,
//! and the end of a run, is one such change, then its effect in Redis, then the
//! answer; any process finishes the steps that a dead one left.

mod history;
mod letters;
mod verbs;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use self::{
    letters::Clean,
    verbs::{Accepted, Cancelled, Controller, Generate, ResetDone, VerbError},
};
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
    /// What a person decided about dead letters of the run.
    #[serde(default)]
    pub letters: Vec<Letters>,
    /// Processed orders of the run that are no longer listed.
    #[serde(default)]
    pub hidden: i64,
}

/// Dead letters that carry a mark, and what a person decided about them. The mark
/// alone means nothing: it counts from the moment that control names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letters {
    /// The mark, as it is in `outcome.marks`: random, and used once.
    pub mark: String,
    /// What becomes of them.
    pub fate: Fate,
}

/// What becomes of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// It is tried again.
    Retried,
    /// It is tried again, and the fence had been open by then.
    RetriedLate,
    /// It is removed.
    Removed,
}

impl Letters {
    /// As Redis keeps them for those who carry them out.
    #[must_use]
    pub fn written(letters: &[Self]) -> String {
        let one = |letters: &Self| {
            let fate = match letters.fate {
                Fate::Retried => 'r',
                Fate::RetriedLate => 'l',
                Fate::Removed => 'x',
            };
            format!("{fate}{}", letters.mark)
        };
        letters.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    /// Reads what [`Self::written`] wrote.
    ///
    /// # Errors
    /// It is something else; the text says what.
    pub fn read(text: &str) -> Result<Vec<Self>, String> {
        let one = |word: &str| {
            let (fate, mark) = word.split_at_checked(1).unwrap_or_default();
            let fate = match fate {
                "r" => Fate::Retried,
                "l" => Fate::RetriedLate,
                "x" => Fate::Removed,
                _ => return Err(format!("letters: {text}")),
            };
            Ok(Self { mark: mark.to_owned(), fate })
        };
        text.split_whitespace().map(one).collect()
    }
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

    /// The ids of its orders.
    #[must_use]
    pub fn ids(&self) -> Range<OrderId> {
        let created = self.created_ms as u64;
        OrderId::floor(created)..OrderId::floor(created + 1)
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
    /// The attempt that counted them: who finished the cancel held control at this
    /// version, and stamped them with it. What was cancelled with another stamp, or
    /// none, came too late: a stray, outside the counts.
    #[serde(default)]
    pub attempt: i64,
    /// Its dead letters are no longer listed.
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
    /// List the run's dead letters no longer.
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
            letters: Vec::new(),
            hidden: 0,
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
        let aborted = |run: &RunSpec| {
            run.run_id == run_id && run.end.as_ref().is_some_and(|end| end.phase == Phase::Aborted)
        };
        self.is_cancelling(run_id) || self.run.as_ref().is_some_and(aborted)
    }
}
