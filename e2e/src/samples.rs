//! Every status that a test saw on its way, held against what must be so at
//! every instant, and against those before it.

use std::sync::{Mutex, PoisonError};

use pedidos_core::run::{Ledger, Phase};

use crate::status::Status;

/// The statuses that were seen, as far as later ones are held against them.
#[derive(Debug, Default)]
pub struct Samples {
    last: Mutex<Last>,
}

#[derive(Debug, Default, Clone)]
struct Last {
    status: Option<Status>,
    /// Raised when counters may start over.
    replays: u64,
    taken: u64,
}

/// What had been seen when a status was asked for.
#[derive(Debug)]
pub struct Before(Last);

impl Samples {
    /// To be called before a status is asked for: what is seen by now cannot
    /// be newer than the answer.
    pub fn before(&self) -> Before {
        Before(self.lock().clone())
    }

    pub fn take(&self, before: &Before, status: &Status) {
        at_every_instant(status);
        let mut last = self.lock();
        last.taken += 1;
        if last.replays != before.0.replays {
            return;
        }
        if let Some(earlier) = before.0.status.as_ref() {
            after(earlier, status);
        }
        last.status = Some(status.clone());
    }

    /// Redis is about to be emptied: the counters of the run start over.
    pub fn expect_replay(&self) {
        let mut last = self.lock();
        last.replays += 1;
        last.status = None;
    }

    pub fn taken(&self) -> u64 {
        self.lock().taken
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What must be so in each status by itself.
fn at_every_instant(status: &Status) {
    let check = |holds: bool, what: &str| assert!(holds, "{what}\n{:#}", status.json);
    let [vip, normal] = status.ledger.both();
    check(vip.is_balanced(), "I2: the VIP ledger does not add up");
    check(normal.is_balanced(), "I2: the NORMAL ledger does not add up");
    check(vip.deferred == 0, "a VIP order is deferred");
    check(status.fence.violations == 0, "I1: fence violations are counted");
    // Of a run that was taken up again for VIP orders after its end, NORMAL ones may be done
    // already, or wait behind the fence; they are not leased.
    let taken_up = status.fence.late_vip > 0;
    let done = if taken_up { 0 } else { normal.waiting + normal.processed + normal.dead };
    let touched = done + normal.leased + normal.delayed;
    // An ended or stopped run has no fence to open.
    if !matches!(status.phase, Phase::Aborted | Phase::Error) {
        check(touched == 0 || status.fence.open, "I1: NORMAL behind a shut fence");
    }
    if status.fence.open {
        check(vip.open() == 0, "I1: the fence is open and VIP orders are too");
    }
    check(
        status.counts.vip == vip.processed && status.counts.normal == normal.processed,
        "counts are not the ledger's",
    );
    check(
        status.progress.generated == vip.generated + normal.generated
            && status.progress.processed_total == vip.processed + normal.processed
            && status.progress.generated <= status.progress.target,
        "progress is not the ledger's",
    );
    if status.phase == Phase::Done {
        check(status.terminal() == status.progress.target, "DONE, and not every order is terminal");
    }
    if status.phase == Phase::Idle {
        check(status.run_id.is_none() && status.progress.target == 0, "IDLE, and there is a run");
    }
}

/// What must be so of two, the first of which was answered before the second
/// was asked for.
fn after(earlier: &Status, later: &Status) {
    if earlier.run_id != later.run_id || later.run_id.is_none() {
        return;
    }
    let check = |holds: bool, what: &str| {
        assert!(holds, "{what}; earlier:\n{:#}\nlater:\n{:#}", earlier.json, later.json);
    };
    check(step(earlier.phase) <= step(later.phase), "the phase went back");
    let (ended, now) = (earlier.phase, later.phase);
    check(!ended.is_ended() || ended == now, "an ended run goes on");
    let counts = |ledger: Ledger| [ledger.generated, ledger.processed, ledger.dead, ledger.removed];
    let both = earlier.ledger.both().into_iter().zip(later.ledger.both());
    for (before, after) in both {
        let mut pairs = counts(before).into_iter().zip(counts(after));
        check(pairs.all(|(b, a)| b <= a), "a counter went back");
    }
    for (before, after) in [
        (&earlier.processing.vip, &later.processing.vip),
        (&earlier.processing.normal, &later.processing.normal),
    ] {
        check(before.start.is_none() || before.start == after.start, "a first lease moved");
        // ISO-8601, so that text sorts as time; none sorts first.
        check(before.end <= after.end, "a last ack went back");
    }
}

/// Phases in the order of a run; the first two alternate.
const fn step(phase: Phase) -> u8 {
    match phase {
        Phase::Idle => 0,
        Phase::Generating | Phase::EnqueueVip => 1,
        Phase::WaitingVipDrain => 2,
        Phase::EnqueueNormal => 3,
        Phase::WaitingNormalDrain => 4,
        Phase::Done | Phase::Aborted | Phase::Error => 5,
    }
}
