//! What Redis shows of a run at one instant.

use pedidos_core::{
    control::{Limits, PausedBy, RunOptions, Source},
    order::{OrderId, Priority},
    run::{Figures, Ledger, Phase},
};

use super::{extend::WorkerInfo, hold::CancelProgress};

/// The queue at one instant. All of it was read in one step, so the ledger balances (I2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The Redis server's clock, ms since the epoch.
    pub now_ms: i64,
    /// The version of control that this Redis has; 0: Redis is empty.
    pub version: i64,
    pub paused: bool,
    /// Who has paused it, if it is paused.
    pub paused_by: PausedBy,
    pub limits: Limits,
    /// The last run in the history.
    pub last_run_id: Option<String>,
    /// The run, active or ended.
    pub run: Option<RunView>,
    /// Ids waiting and delayed, VIP first.
    pub(super) waiting: [u64; 2],
    pub(super) delayed: [u64; 2],
    pub(super) leased: [u64; 2],
    /// Leases of every kind.
    pub leases: u64,
    /// Workers that are alive.
    pub workers: Vec<WorkerSeen>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSeen {
    pub info: WorkerInfo,
    /// Its last heartbeat, ms since the epoch.
    pub seen_ms: i64,
}

/// The queue at one instant, and what is oldest in it.
#[derive(Debug, Clone)]
pub struct Survey {
    pub snapshot: Snapshot,
    /// Since when the oldest lease is held, ms since the epoch.
    pub oldest_lease_ms: Option<i64>,
    /// The VIP and the NORMAL order that is next to be claimed.
    pub heads: [Option<OrderId>; 2],
}

/// A run as Redis has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunView {
    pub run_id: String,
    pub seed: i64,
    /// When it was accepted, ms since the epoch.
    pub created_ms: i64,
    pub source: Source,
    pub quantity: u64,
    pub options: RunOptions,
    pub phase: Phase,
    /// The run is being cancelled, or was.
    pub aborted: bool,
    /// Why the run is in phase ERROR.
    pub error: Option<String>,
    /// When the run last made progress, ms since the epoch.
    pub progress_at: i64,
    /// When the phase last changed, ms since the epoch.
    pub phase_at: i64,
    /// The latest stamp, ms since the epoch.
    pub clock: i64,
    /// Only while a cancel is carried out.
    pub cancelling: Option<CancelProgress>,
    /// By how much the run's time is ahead of the server's clock, ms.
    pub ahead: i64,
    /// Processed orders that are no longer listed.
    pub hidden: u64,
    /// Its dead letters are no longer listed.
    pub purged: bool,
    pub figures: Figures,
}

impl Snapshot {
    #[must_use]
    pub fn cancelling(&self) -> Option<&CancelProgress> {
        self.run.as_ref()?.cancelling.as_ref()
    }

    #[must_use]
    pub fn ledger(&self, priority: Priority) -> Ledger {
        let at = priority as usize;
        Ledger {
            waiting: self.waiting[at],
            leased: self.leased[at],
            delayed: self.delayed[at],
            ..self.run.as_ref().map(|run| run.figures.ledger(priority)).unwrap_or_default()
        }
    }

    /// IDLE without a run.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.run.as_ref().map_or(Phase::Idle, |run| run.phase)
    }

    /// Processed orders that are listed.
    #[must_use]
    pub fn completed(&self) -> u64 {
        let processed: u64 =
            Priority::ALL.map(|priority| self.ledger(priority).processed).iter().sum();
        processed.saturating_sub(self.run.as_ref().map_or(0, |run| run.hidden))
    }

    /// Dead letters that are listed, by priority.
    #[must_use]
    pub fn failed(&self) -> [u64; 2] {
        let purged = self.run.as_ref().is_some_and(|run| run.purged);
        Priority::ALL.map(|priority| if purged { 0 } else { self.ledger(priority).dead })
    }

    /// 0 to 1. Orders that a cancel removed do not count as done.
    #[must_use]
    pub fn progress(&self) -> f64 {
        let Some(run) = &self.run else { return 0.0 };
        let cancelled = run.aborted || run.phase == Phase::Aborted;
        let done = |ledger: Ledger| {
            if cancelled { ledger.processed + ledger.dead } else { ledger.terminal() }
        };
        let done: u64 = Priority::ALL.map(|priority| done(self.ledger(priority))).iter().sum();
        done as f64 / run.quantity.max(1) as f64
    }

    /// Are claims stopped, and are all leases closed?
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.paused && self.leases == 0
    }

    /// The time of the run, never behind any stamp. It is ahead of the server's clock if that
    /// was set back during the run.
    #[must_use]
    pub fn clock(&self) -> i64 {
        self.run.as_ref().map_or(self.now_ms, |run| run.clock.max(self.now_ms + run.ahead))
    }

    /// For how long the run has made no progress, ms.
    #[must_use]
    pub fn silent_ms(&self) -> i64 {
        let moved = |run: &RunView| run.progress_at.max(run.phase_at);
        self.run.as_ref().map_or(0, |run| (self.clock() - moved(run)).max(0))
    }
}
