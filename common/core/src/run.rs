//! The phases, the ledger and the figures of a run.

use std::{fmt, ops::AddAssign, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::order::Priority;

/// The phase of a run. Only the queue's scripts change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    #[default]
    Idle,
    /// Chunks are being generated and stored.
    Generating,
    /// As `Generating`, while the last step pushed VIP ids.
    EnqueueVip,
    /// Everything is generated. VIP orders are still open, so the fence is shut.
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

    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Done | Self::Aborted)
    }

    /// `Error` counts as active: it waits for a person.
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

/// How many orders of one priority are where. At every instant (I2):
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
    pub processed: u64,
    pub dead: u64,
    /// Terminal: removed or cancelled.
    pub removed: u64,
}

impl Ledger {
    #[must_use]
    pub const fn terminal(&self) -> u64 {
        self.processed + self.dead + self.removed
    }

    #[must_use]
    pub const fn open(&self) -> u64 {
        self.deferred + self.waiting + self.leased + self.delayed
    }

    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.generated == self.open() + self.terminal()
    }
}

/// The counters and stamps of a run: fields of its hash in Redis, which are saved with its end.
///
/// Stamps are ms since the epoch by the Redis server's clock; 0: not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
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
    /// The stamps and durations alone: a replay keeps them, and starts the counters over.
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

    /// With the times of the run's first end: a retry after it is recorded apart, and changes
    /// none of them.
    #[must_use]
    pub fn with_times_of(self, first: &Self) -> Self {
        Self {
            generation_start: first.generation_start,
            generation_end: first.generation_end,
            vip_start: first.vip_start,
            vip_end: first.vip_end,
            normal_start: first.normal_start,
            normal_end: first.normal_end,
            enqueue_vip_us: first.enqueue_vip_us,
            enqueue_normal_us: first.enqueue_normal_us,
            fence_opened_at: first.fence_opened_at,
            ended_at: first.ended_at,
            ..self
        }
    }

    /// From the first chunk claimed to the last chunk stored, or to `now` while it is active; ms.
    /// A cancel ends it.
    #[must_use]
    pub const fn generation_ms(&self, now: i64) -> i64 {
        let end = if self.generation_end == 0 { self.ended_at } else { self.generation_end };
        window(self.generation_start, end, now)
    }

    /// The times of the first lease and of the last ack of a priority, ms since the epoch; 0:
    /// not yet.
    #[must_use]
    pub const fn processing(&self, priority: Priority) -> (i64, i64) {
        match priority {
            Priority::Vip => (self.vip_start, self.vip_end),
            Priority::Normal => (self.normal_start, self.normal_end),
        }
    }

    #[must_use]
    pub const fn processing_ms(&self, priority: Priority) -> i64 {
        let (start, end) = self.processing(priority);
        window(start, end, end)
    }

    /// The sum of the generation, both enqueue and both processing times, ms.
    #[must_use]
    pub const fn total_ms(&self, now: i64) -> i64 {
        self.generation_ms(now)
            + (self.enqueue_vip_us + self.enqueue_normal_us) / 1000
            + self.processing_ms(Priority::Vip)
            + self.processing_ms(Priority::Normal)
    }

    /// What counters hold of the ledger of a priority: waiting, leased and delayed are the
    /// lengths of lists, which are empty once a run has ended.
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

/// Never negative, whatever the clocks did.
const fn window(start: i64, end: i64, now: i64) -> i64 {
    let end = if end == 0 { now } else { end };
    if start == 0 || end < start { 0 } else { end - start }
}

/// Orders of a run by priority and status, as MongoDB has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub processed: i64,
    pub dead: i64,
    /// Removed by a person.
    pub removed: i64,
    /// Cancelled with the run.
    pub cancelled: i64,
    pub pending: i64,
}

impl Counts {
    #[must_use]
    pub const fn terminal(&self) -> i64 {
        self.processed + self.dead + self.removed + self.cancelled
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.processed += other.processed;
        self.dead += other.dead;
        self.removed += other.removed;
        self.cancelled += other.cancelled;
        self.pending += other.pending;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_is_negative_and_generation_ends_with_its_run() {
        assert_eq!(window(0, 5, 9), 0);
        assert_eq!(window(2, 5, 9), 3);
        assert_eq!(window(2, 0, 9), 7);
        assert_eq!(window(5, 2, 9), 0);
        assert_eq!(window(9, 0, 5), 0);
        let cancelled = Figures { generation_start: 10, ended_at: 25, ..Figures::default() };
        assert_eq!((cancelled.generation_ms(99), cancelled.total_ms(99)), (15, 15));
        let done = Figures { generation_end: 20, ..cancelled };
        assert_eq!(done.generation_ms(99), 10);
    }
}
