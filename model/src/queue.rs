//! Redis: the scripts of `common/src/queue/*.lua`, each one atomic step.

mod work;

use crate::{
    scenario::{Broken, ORDERS, Scenario},
    store::{Control, End, Figures, Intent, Letters},
};

/// Who presents a token: no two leases have the same one, so it is its holder that tells
/// them apart. [`NOBODY`]: its holder is gone or has given it up.
pub type Owner = u8;
/// There is no lease.
pub const FREE: Owner = 0;
/// A lease that no process will ever close.
pub const NOBODY: Owner = 1;
/// The lease of a worker.
#[must_use]
pub const fn of(worker: usize) -> Owner {
    worker as u8 + 2
}

/// What a lease is for: a chunk, the range, an order. Each has one lease at most.
pub const SLOTS: usize = 2 * ORDERS + 1;
/// The lease of a range: there is one, of all orders.
pub const RANGE: usize = ORDERS;
/// The lease of an order.
#[must_use]
pub const fn order_slot(order: usize) -> usize {
    ORDERS + 1 + order
}
/// The end: of it there may be several leases, see [`Redis::savers`].
pub const SAVE: usize = SLOTS;

/// Where a run is; `ENQUEUE_VIP` is as `GENERATING`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Phase {
    /// No run.
    #[default]
    Idle,
    /// Chunks are generated.
    Generating,
    /// The fence is shut.
    WaitingVip,
    /// The fence is open.
    EnqueueNormal,
    /// Everything is pushed.
    WaitingNormal,
    /// DONE or ABORTED.
    Ended,
}

/// Counters of a priority.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Ledger {
    /// Counted chunks have so many.
    pub generated: u8,
    /// NORMAL ones that are not pushed yet.
    pub deferred: u8,
    /// Processed, dead, removed.
    pub ended: [u8; 3],
}

/// One server's state.
#[expect(clippy::struct_excessive_bools, reason = "fields of a hash")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Redis {
    /// The version of control; 0: empty.
    pub version: u8,
    /// The run.
    pub run: u8,
    /// Where it is.
    pub phase: Phase,
    /// How it ended.
    pub end: Option<End>,
    /// Claims are stopped.
    pub paused: bool,
    /// It is being cancelled.
    pub aborted: bool,
    /// Its end is to be saved (1), or being saved (2).
    pub saving: u8,
    /// It was replayed: NORMAL orders may be terminal.
    pub replay: bool,
    /// What was decided about dead letters.
    pub letters: Letters,
    /// Chunks to be generated, a bit each: fresh or handed back.
    pub chunks: u8,
    /// Chunks counted.
    pub chunks_done: u8,
    /// The range is to be pushed.
    pub range: bool,
    /// It is pushed.
    pub range_done: bool,
    /// How often an order is in the list of those that wait.
    pub waiting: [u8; ORDERS],
    /// Orders that wait for a retry.
    pub delayed: [bool; ORDERS],
    /// Attempts made.
    pub attempts: [u8; ORDERS],
    /// The leases.
    pub leases: [Owner; SLOTS],
    /// Who has a lease of the end, a bit each: a cancel that is adopted gives out another.
    pub savers: u8,
    /// Their numbers, if tokens are numbers.
    pub numbers: [u8; SLOTS],
    /// The last number.
    pub counter: u8,
    /// VIP, NORMAL.
    pub ledger: [Ledger; 2],
    /// The model's: an order was queued or leased twice.
    pub twice: bool,
}

/// What became of an order under a lease.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// Processed.
    Processed,
    /// A dead letter.
    Dead,
    /// Removed or cancelled.
    Removed,
    /// It is tried again.
    Retry,
}

impl Redis {
    /// The run has ended, or there is none.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Ended)
    }

    /// `adopt.lua`.
    pub fn adopt(&mut self, scenario: &Scenario, control: &Control) {
        let had = self.version;
        if control.version <= had {
            return;
        }
        let counter = self.counter;
        if control.run == 0 {
            *self = Self { counter, ..Self::default() };
        } else if self.run != control.run || had < control.orders_version {
            *self = Self {
                run: control.run,
                phase: Phase::Generating,
                chunks: (1 << scenario.chunks) - 1,
                range: true,
                counter,
                ..Self::default()
            };
        }
        self.version = control.version;
        self.paused = control.paused;
        self.letters = control.letters;
        if control.intent == Intent::Cancel && !self.aborted {
            // Also while somebody has the end of the run in hand: that comes to nothing.
            self.aborted = true;
            self.saving = 1;
        } else if let (Intent::Ended, Some(end)) = (control.intent, control.end) {
            // The script keeps more than this, but nobody reads it: what follows is a replay.
            *self = Self {
                version: self.version,
                run: self.run,
                phase: Phase::Ended,
                end: Some(end),
                paused: self.paused,
                counter: self.counter,
                twice: self.twice,
                ledger: [0, 1].map(|i| {
                    let Figures { processed, dead, removed } = end.figures;
                    let ended = [processed[i], dead[i], removed[i]];
                    Ledger { generated: ended.iter().sum(), deferred: 0, ended }
                }),
                ..Self::default()
            };
        }
    }

    /// A part of `claim.lua`: `grant`.
    pub fn grant(&mut self, scenario: &Scenario, slot: usize, owner: Owner) {
        if slot == SAVE {
            self.savers |= 1 << owner;
            return;
        }
        self.twice |= self.leases[slot] != FREE;
        self.leases[slot] = owner;
        if scenario.is(Broken::TokenIsACounter) {
            self.counter += 1;
            self.numbers[slot] = self.counter;
        }
    }

    /// A part of `prelude.lua`: `give_back`.
    pub fn give_back(&mut self, slot: usize) {
        match slot {
            RANGE => self.range = true,
            chunk if chunk < RANGE => self.chunks |= 1 << chunk,
            order => self.queue(order - order_slot(0)),
        }
        self.close(slot);
    }

    /// The same for a lease of the end.
    pub fn give_back_end(&mut self, scenario: &Scenario, owner: Owner) {
        if self.savers & (1 << owner) != 0 {
            self.savers &= !(1 << owner);
            if !scenario.is(Broken::SaveIsNotHandedBack) {
                self.saving = 1;
            }
        }
    }

    /// Nobody will present the tokens of this owner again.
    pub fn disown(&mut self, owner: Owner) {
        for holder in &mut self.leases {
            if *holder == owner {
                *holder = NOBODY;
            }
        }
        if self.savers & (1 << owner) != 0 {
            self.savers = self.savers & !(1 << owner) | (1 << NOBODY);
        }
    }

    /// Fields that nobody will read before a replay sets them again.
    pub fn forget_unread(&mut self) {
        if self.aborted {
            (self.chunks, self.range) = (0, false);
        }
        if self.aborted || self.phase != Phase::Generating {
            self.letters = Letters::default();
        }
        if self.aborted || self.range_done {
            self.replay = false;
        }
    }

    /// The leases of nobody expire.
    pub fn expire(&mut self, scenario: &Scenario) {
        for slot in 0..SLOTS {
            if self.leases[slot] == NOBODY {
                self.give_back(slot);
            }
        }
        if self.end_is_held_by_one() {
            self.give_back_end(scenario, NOBODY);
        }
    }

    /// The end has one lease, and nothing will make it two: whether that is given back now
    /// or later makes no difference to the others.
    #[must_use]
    pub fn end_is_held_by_one(&self) -> bool {
        self.aborted && self.saving == 2 && self.savers.is_power_of_two()
    }

    fn close(&mut self, slot: usize) {
        self.leases[slot] = FREE;
        self.numbers[slot] = 0;
    }

    fn queue(&mut self, order: usize) {
        self.twice |= self.waiting[order] > 0;
        self.waiting[order] += 1;
    }

    /// The lease that a token names. `number`: of a worker whose token is one.
    fn lease(&self, scenario: &Scenario, owner: Owner, slot: usize, number: u8) -> Option<usize> {
        if scenario.is(Broken::TokenIsACounter) {
            return (0..SLOTS).find(|i| self.leases[*i] != FREE && self.numbers[*i] == number);
        }
        if scenario.is(Broken::AckWithoutToken) {
            return (self.leases[slot] != FREE).then_some(slot);
        }
        (0..SLOTS).find(|i| self.leases[*i] == owner)
    }

    /// `release`: `reclaim.lua` with a token.
    pub fn release(&mut self, scenario: &Scenario, owner: Owner, slot: usize, number: u8) {
        if slot == SAVE {
            self.give_back_end(scenario, owner);
        } else if let Some(slot) = self.lease(scenario, owner, slot, number) {
            self.give_back(slot);
        }
    }

    /// No order of this priority is waiting, leased or delayed.
    #[must_use]
    pub fn settled(&self, scenario: &Scenario, vip: bool) -> bool {
        (0..ORDERS).all(|order| scenario.vip[order] != vip || self.idle(order))
    }

    fn idle(&self, order: usize) -> bool {
        self.waiting[order] == 0 && self.leases[order_slot(order)] == FREE && !self.delayed[order]
    }

    /// A part of `prelude.lua`: the only place where a run moves on by itself.
    pub fn advance(&mut self, scenario: &Scenario) {
        if self.phase == Phase::Generating && usize::from(self.chunks_done) == scenario.chunks {
            self.phase = Phase::WaitingVip;
        }
        if self.phase == Phase::WaitingVip
            && !scenario.is(Broken::FenceInTwoSteps)
            && self.settled(scenario, true)
        {
            self.phase = Phase::EnqueueNormal;
        }
        if self.phase == Phase::EnqueueNormal && self.range_done {
            self.phase = Phase::WaitingNormal;
        }
        if self.phase == Phase::WaitingNormal && self.saving == 0 && self.all_idle() {
            self.saving = 1;
            if scenario.is(Broken::DoneBeforeItIsSaved) {
                self.end = Some(End { aborted: false, figures: self.figures(), stamp: 0 });
            }
        }
    }

    /// No order is waiting, leased or delayed.
    #[must_use]
    pub fn all_idle(&self) -> bool {
        (0..ORDERS).all(|order| self.idle(order))
    }

    /// The counters.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let [vip, normal] = self.ledger.map(|ledger| ledger.ended);
        let of = |i: usize| [vip[i], normal[i]];
        Figures { processed: of(0), dead: of(1), removed: of(2) }
    }

    /// I2: each counted order is in exactly one place.
    #[must_use]
    pub fn adds_up(&self, scenario: &Scenario) -> bool {
        let places = |vip: bool| {
            let orders = (0..ORDERS).filter(move |order| scenario.vip[*order] == vip);
            orders.fold(0, |sum, order| {
                let leased = u8::from(self.leases[order_slot(order)] != FREE);
                sum + self.waiting[order] + leased + u8::from(self.delayed[order])
            })
        };
        [true, false].into_iter().zip(self.ledger).all(|(vip, ledger)| {
            ledger.generated == ledger.deferred + ledger.ended.iter().sum::<u8>() + places(vip)
        })
    }
}
