//! Control says what *shall* happen: one small document in MongoDB, changed only by
//! compare-and-set on its version.

mod counting;
mod flow;
mod letters;
mod run;

use serde::{Deserialize, Serialize};

pub use self::{
    counting::{Attempt, Counting},
    flow::{Flow, Limits, OnVipFailure, PausedBy, RunOptions},
    letters::{LetterAction, LetterDecision, PutBack, letter_mark},
    run::{End, Retry, RunSpec, Source},
};
use crate::run::Phase;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Control {
    #[serde(rename = "_id")]
    pub queue: String,
    /// Raised by one with every change. Redis keeps the version that it was raised to.
    pub version: i64,
    /// The version of the last command that changed orders: an older Redis replays the run.
    pub orders_version: i64,
    /// The current run, active or ended.
    pub run: Option<RunSpec>,
    pub intent: Intent,
    /// Set while a person has stopped claims.
    pub paused: Option<Pause>,
    /// A reset deletes orders and runs that were created before this, ms since the epoch.
    pub reset_below: i64,
    /// When the last run or import was created, or an import started, ms since the epoch: the next
    /// one gets a later time.
    pub last_run_at: i64,
    /// The last run that ended and is in the history.
    pub last_run_id: Option<String>,
    /// What a person decided about dead letters of the run.
    #[serde(default)]
    pub letters: Vec<LetterDecision>,
    /// Processed orders of the run that are no longer listed.
    #[serde(default)]
    pub hidden: i64,
    /// A random name for each of the last changes, the latest last. A process that got no
    /// answer to its change looks for its name here.
    #[serde(default)]
    pub changes: Vec<String>,
    /// How far the cancel was when its last attempt began; none if no cancel is carried out.
    #[serde(default)]
    pub counting: Option<Counting>,
    /// The retry that took an ended run up again, if that was the last change of its orders.
    #[serde(default)]
    pub put_back: Option<PutBack>,
    /// Lifted by a person alone, and shared by all runs of the queue.
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
    /// 2 from the first import, limit or named processor on: programs that do not know them replace
    /// the whole document, and would lose what is new in it, so they must not be able to read it
    /// (I16).
    #[serde(default = "first_format", skip_serializing_if = "is_first_format")]
    pub format: i64,
}

const fn first_format() -> i64 {
    Control::FIRST_FORMAT
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
const fn is_first_format(format: &i64) -> bool {
    *format == Control::FIRST_FORMAT
}

/// What shall become of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Intent {
    #[serde(alias = "2:idle")]
    Idle,
    /// The run continues to DONE.
    #[serde(alias = "2:run")]
    Run,
    #[serde(alias = "2:cancel")]
    Cancel(CancelOptions),
    #[serde(alias = "2:ended")]
    Ended,
}

impl Intent {
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelOptions {
    /// The run's dead letters are no longer listed.
    pub purge: bool,
    /// The cancelled orders are deleted an hour later.
    pub remove_pending: bool,
    /// The log lines in Redis are deleted.
    pub reset_logs: bool,
    /// How long the cancel waits for open leases.
    pub wait_timeout_ms: u64,
    /// How often it looks whether they are closed.
    pub poll_interval_ms: u64,
}

/// A pause: no work is given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Since when, ms since the epoch by Redis' clock.
    pub at: i64,
    #[serde(default, skip_serializing_if = "PausedBy::is_person")]
    pub by: PausedBy,
}

impl Control {
    /// A change whose answer was lost is found among this many later ones; after more, its
    /// outcome is unknown.
    const CHANGES_KEPT: usize = 16;
    /// The format without imports, limits and named processors.
    pub const FIRST_FORMAT: i64 = 1;
    /// The format with them.
    pub const SECOND_FORMAT: i64 = 2;

    /// The first version of a new queue.
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
            changes: Vec::new(),
            counting: None,
            put_back: None,
            limits: Limits::default(),
            format: Self::FIRST_FORMAT,
        }
    }

    /// The kind of its intent, as it is stored: programs that do not know the format do not know
    /// the kind, and refuse the document.
    #[must_use]
    pub fn stored_kind(&self) -> String {
        match self.format {
            Self::FIRST_FORMAT => self.intent.as_str().to_owned(),
            format => format!("{format}:{}", self.intent.as_str()),
        }
    }

    /// A time for a new range of ids, or for the start of a run: after all those before it and
    /// after the last reset, ms since the epoch.
    #[must_use]
    pub fn next_time(&self, now: i64) -> i64 {
        now.max(self.last_run_at + 1).max(self.reset_below + 1)
    }

    /// Gives this change its name, before the compare-and-set.
    pub fn sign(&mut self, name: &str) {
        self.changes.push(name.to_owned());
        let surplus = self.changes.len().saturating_sub(Self::CHANGES_KEPT);
        self.changes.drain(..surplus);
    }

    /// Was that change made? `self` is of its version or of a later one. None if too many
    /// changes came after it to tell.
    #[must_use]
    pub fn has_change_of(&self, change: &Self) -> Option<bool> {
        let name = change.changes.last()?;
        let later = usize::try_from(self.version - change.version).ok()?;
        (later < Self::CHANGES_KEPT).then(|| self.changes.contains(name))
    }

    /// A copy with the next version, for a change.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    /// Makes this the current run, from its beginning.
    pub fn begin(&mut self, run: RunSpec) {
        self.orders_version = self.version;
        self.last_run_at = run.created_ms;
        self.intent = Intent::Run;
        (self.counting, self.put_back) = (None, None);
        self.letters = Vec::new();
        self.hidden = 0;
        self.lift_canary();
        if run.needs_second_format() {
            self.format = Self::SECOND_FORMAT;
        }
        self.run = Some(run);
    }

    /// A canary ends with its run; the pause of a person does not.
    pub fn lift_canary(&mut self) {
        if self.paused.as_ref().is_some_and(|pause| pause.by == PausedBy::PauseAfter) {
            self.paused = None;
        }
    }

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

    /// Is this the last attempt at the cancel of this run?
    #[must_use]
    pub fn is_counted_by(&self, run_id: &str, stamp: i64) -> bool {
        let last = self.counting.as_ref().and_then(Counting::last);
        self.is_cancelling(run_id) && last.is_some_and(|attempt| attempt.stamp == stamp)
    }

    /// Is this run being cancelled, or was it? Its open orders are marked then, not deleted.
    #[must_use]
    pub fn cancels(&self, run_id: &str) -> bool {
        let aborted = |run: &RunSpec| {
            run.run_id == run_id && run.end.as_ref().is_some_and(|end| end.phase == Phase::Aborted)
        };
        self.is_cancelling(run_id) || self.run.as_ref().is_some_and(aborted)
    }
}
