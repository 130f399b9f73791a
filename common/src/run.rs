//! The vocabulary of a run: its phases, its ledger and its figures.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::order::Priority;

/// Where a run is. Only the queue's scripts move it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// No run.
    #[default]
    Idle,
    /// Chunks are being generated and stored.
    Generating,
    /// As `Generating`; the last step pushed VIP ids.
    EnqueueVip,
    /// Everything is generated; VIP orders are still open: the fence is shut.
    WaitingVipDrain,
    /// The fence is open; NORMAL ids are being pushed.
    EnqueueNormal,
    /// Everything is pushed; some orders are still open.
    WaitingNormalDrain,
    /// Every order is terminal, and that is saved.
    Done,
    /// Cancelled, and that is saved.
    Aborted,
    /// More dead letters than allowed; waits for a person.
    Error,
}

impl Phase {
    /// All of them, in the order of a run.
    pub const ALL: [Self; 9] = [
        Self::Idle,
        Self::Generating,
        Self::EnqueueVip,
        Self::WaitingVipDrain,
        Self::EnqueueNormal,
        Self::WaitingNormalDrain,
        Self::Done,
        Self::Aborted,
        Self::Error,
    ];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "IDLE",
            Self::Generating => "GENERATING",
            Self::EnqueueVip => "ENQUEUE_VIP",
            Self::WaitingVipDrain => "WAITING_VIP_DRAIN",
            Self::EnqueueNormal => "ENQUEUE_NORMAL",
            Self::WaitingNormalDrain => "WAITING_NORMAL_DRAIN",
            Self::Done => "DONE",
            Self::Aborted => "ABORTED",
            Self::Error => "ERROR",
        }
    }

    /// May NORMAL orders be claimed?
    #[must_use]
    pub const fn fence_open(self) -> bool {
        matches!(self, Self::EnqueueNormal | Self::WaitingNormalDrain | Self::Done)
    }

    /// Has the run ended, and is that saved?
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Done | Self::Aborted)
    }

    /// Is there a run that has not ended? `Error` counts: it waits for a person.
    #[must_use]
    pub const fn is_active(self) -> bool {
        !matches!(self, Self::Idle | Self::Done | Self::Aborted)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or_else(|| format!("unknown phase '{text}'"))
    }
}

/// Where the orders of one priority are. At every instant (I2):
/// `generated = deferred + waiting + leased + delayed + processed + dead + removed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Ledger {
    /// Orders in MongoDB that are counted.
    pub generated: u64,
    /// NORMAL only: generated, not pushed yet.
    pub deferred: u64,
    /// Ids in the queue.
    pub waiting: u64,
    /// Ids under a lease.
    pub leased: u64,
    /// Ids that wait for a retry.
    pub delayed: u64,
    /// Terminal: processed.
    pub processed: u64,
    /// Terminal: dead letters.
    pub dead: u64,
    /// Terminal: removed or cancelled.
    pub removed: u64,
}

impl Ledger {
    /// Orders that nothing more will happen to.
    #[must_use]
    pub const fn terminal(&self) -> u64 {
        self.processed + self.dead + self.removed
    }

    /// Orders that are generated and not terminal.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.deferred + self.waiting + self.leased + self.delayed
    }

    /// Does the equation hold?
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.generated == self.open() + self.terminal()
    }
}

/// The counters and stamps of a run: fields of its hash in Redis, saved as they
/// are with its end, and what an ended run is shown from ever after.
///
/// Stamps are ms since the epoch by the Redis server's clock; 0: not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names say it; the units stand above")]
pub struct Figures {
    pub vip_generated: i64,
    pub vip_processed: i64,
    pub vip_dead: i64,
    pub vip_removed: i64,
    pub normal_generated: i64,
    pub normal_deferred: i64,
    pub normal_processed: i64,
    pub normal_dead: i64,
    pub normal_removed: i64,
    pub generation_start: i64,
    pub generation_end: i64,
    pub vip_start: i64,
    pub vip_end: i64,
    pub normal_start: i64,
    pub normal_end: i64,
    /// Time spent pushing, summed over workers, µs.
    pub enqueue_vip_us: i64,
    /// Time spent pushing, summed over workers, µs.
    pub enqueue_normal_us: i64,
    pub fence_opened_at: i64,
    /// NORMAL orders claimed while a VIP order was open: must stay 0.
    pub violations: i64,
    /// VIP orders put back by a person after the fence had opened.
    pub late_vip: i64,
    pub ended_at: i64,
}

impl Figures {
    /// The stamps and durations alone: all that a replay keeps of a run, for
    /// its counters start over.
    #[must_use]
    pub fn stamps(&self) -> Self {
        Self {
            generation_start: self.generation_start,
            vip_start: self.vip_start,
            vip_end: self.vip_end,
            normal_start: self.normal_start,
            normal_end: self.normal_end,
            enqueue_vip_us: self.enqueue_vip_us,
            enqueue_normal_us: self.enqueue_normal_us,
            ..Self::default()
        }
    }

    /// First chunk claimed → last chunk stored, or `now` while it goes on; ms.
    #[must_use]
    pub const fn generation_ms(&self, now: i64) -> i64 {
        window(self.generation_start, self.generation_end, now)
    }

    /// First lease → last ack of a priority, ms since the epoch; 0: not yet.
    #[must_use]
    pub const fn processing(&self, priority: Priority) -> (i64, i64) {
        match priority {
            Priority::Vip => (self.vip_start, self.vip_end),
            Priority::Normal => (self.normal_start, self.normal_end),
        }
    }

    /// The length of [`Self::processing`], ms.
    #[must_use]
    pub const fn processing_ms(&self, priority: Priority) -> i64 {
        let (start, end) = self.processing(priority);
        window(start, end, end)
    }

    /// Generation, both enqueue and both processing times added up, ms.
    #[must_use]
    pub const fn total_ms(&self, now: i64) -> i64 {
        self.generation_ms(now)
            + (self.enqueue_vip_us + self.enqueue_normal_us) / 1000
            + self.processing_ms(Priority::Vip)
            + self.processing_ms(Priority::Normal)
    }

    /// The ledger of a priority, as far as counters hold it: waiting, leased
    /// and delayed are lists, and empty once a run has ended.
    #[must_use]
    pub fn ledger(&self, priority: Priority) -> Ledger {
        let [generated, deferred, processed, dead, removed] = match priority {
            Priority::Vip => {
                [self.vip_generated, 0, self.vip_processed, self.vip_dead, self.vip_removed]
            }
            Priority::Normal => [
                self.normal_generated,
                self.normal_deferred,
                self.normal_processed,
                self.normal_dead,
                self.normal_removed,
            ],
        }
        .map(|count| u64::try_from(count).unwrap_or(0));
        Ledger { generated, deferred, processed, dead, removed, ..Ledger::default() }
    }
}

const fn window(start: i64, end: i64, now: i64) -> i64 {
    match (start, end) {
        (0, _) => 0,
        (start, 0) => {
            if now > start {
                now - start
            } else {
                0
            }
        }
        (start, end) => end - start,
    }
}
