//! Redis: the scripts of `common/pipeline/src/queue/*.lua`, each one atomic step.

mod work;

use crate::{
    scenario::{Broken, ORDERS, Scenario},
    store::{Control, End, Figures, Intent, LetterDecisions, Progress},
};

/// The holder of a lease's token. It stands for the token, because no two leases have the same
/// token. [`NOBODY`]: the holder is gone or has given it up.
pub type Owner = u8;
/// No lease.
pub const FREE: Owner = 0;
/// A lease that no process will close.
pub const NOBODY: Owner = 1;
#[must_use]
pub const fn of(worker: usize) -> Owner {
    worker as u8 + 2
}

/// What a lease is for: a chunk, the range or an order. Each has at most one lease.
pub const SLOTS: usize = 2 * ORDERS + 1;
/// The lease of the only range, which has all orders.
pub const RANGE: usize = ORDERS;
#[must_use]
pub const fn order_slot(order: usize) -> usize {
    ORDERS + 1 + order
}
/// The lease of the run's end. There may be several, see [`Redis::savers`].
pub const SAVE: usize = SLOTS;

/// The phase of a run; here `ENQUEUE_VIP` is `GENERATING`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Phase {
    #[default]
    Idle,
    Generating,
    /// The fence is shut.
    WaitingVip,
    /// The fence is open.
    EnqueueNormal,
    WaitingNormal,
    /// DONE or ABORTED.
    Ended,
}

/// The counters of one priority.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Ledger {
    /// Orders of the counted chunks.
    pub generated: u8,
    /// NORMAL orders that are not pushed yet.
    pub deferred: u8,
    /// Processed, dead, removed.
    pub ended: [u8; 3],
}

/// The state of one server.
#[expect(clippy::struct_excessive_bools, reason = "fields of a hash")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Redis {
    /// The version of control; 0: empty.
    pub version: u8,
    pub run: u8,
    pub phase: Phase,
    pub end: Option<End>,
    pub paused: bool,
    /// The run is being cancelled.
    pub aborted: bool,
    /// 1: the end can be claimed. 2: it is claimed.
    pub saving: u8,
    /// The run was replayed: NORMAL orders may be terminal.
    pub replay: bool,
    pub letters: LetterDecisions,
    /// Chunks to be generated, new or handed back, one bit each.
    pub chunks: u8,
    pub chunks_done: u8,
    /// The range is to be pushed.
    pub range: bool,
    pub range_done: bool,
    /// How often each order is in the waiting list.
    pub waiting: [u8; ORDERS],
    /// Orders that wait for a retry.
    pub delayed: [bool; ORDERS],
    pub attempts: [u8; ORDERS],
    pub leases: [Owner; SLOTS],
    /// Workers with a lease of the end, one bit each: a cancel that is adopted grants another one.
    pub savers: u8,
    /// The tokens, where tokens are numbers.
    pub numbers: [u8; SLOTS],
    /// The last such number.
    pub counter: u8,
    /// VIP, NORMAL.
    pub ledger: [Ledger; 2],
    /// How far a cancel is.
    pub progress: Progress,
    /// Model only: an order was queued or leased twice.
    pub duplicated: bool,
    /// Model only: a list was deleted, so the ledger does not add up.
    pub lost: bool,
    /// Model only: a NORMAL order was granted while a VIP order was open.
    pub fence_violated: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    Processed,
    Dead,
    /// Removed or cancelled.
    Removed,
    /// To be tried again.
    Retry,
}

impl Redis {
    /// The run has ended, or there is none.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Ended)
    }

    /// `adopt.lua`. `patch`: the orders that a retry put back, see [`Store::put_back`].
    ///
    /// [`Store::put_back`]: crate::store::Store::put_back
    pub fn adopt(&mut self, scenario: &Scenario, control: &Control, patch: u8) {
        let had = self.version;
        if control.version <= had {
            return;
        }
        let counter = self.counter;
        let goes_on = scenario.is(Broken::PatchOfARunThatGoesOn) && self.phase != Phase::Idle;
        if control.run == 0 {
            *self = Self { counter, ..Self::default() };
        } else if patch != 0
            && self.run == control.run
            && had == control.base
            && (self.phase == Phase::Ended || goes_on)
        {
            self.put_back(scenario, patch);
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
            // Also while a worker saves the end of the run: its compare-and-set fails.
            self.aborted = true;
            self.saving = 1;
            // A push under these leases has no effect, so the cancel does not wait for them.
            self.leases[..=RANGE].fill(FREE);
            self.numbers[..=RANGE].fill(0);
        } else if let (Intent::Ended, Some(end)) = (control.intent, control.end) {
            // The script keeps more, but nothing reads it: a replay follows.
            *self = Self {
                version: self.version,
                run: self.run,
                phase: Phase::Ended,
                end: Some(end),
                paused: self.paused,
                counter: self.counter,
                duplicated: self.duplicated,
                fence_violated: self.fence_violated,
                ledger: [0, 1].map(|i| {
                    let Figures { processed, dead, removed } = end.figures;
                    let ended = [processed[i], dead[i], removed[i]];
                    Ledger { generated: ended.iter().sum(), deferred: 0, ended }
                }),
                ..Self::default()
            };
        }
    }

    /// Part of `adopt.lua`: queues the dead letters of a run that had ended.
    fn put_back(&mut self, scenario: &Scenario, patch: u8) {
        if self.phase == Phase::Ended {
            self.end = None;
            self.phase = Phase::WaitingVip;
            self.chunks_done = scenario.chunks as u8;
            self.range_done = true;
        }
        for order in (0..ORDERS).filter(|order| patch & 1 << order != 0) {
            let [_, dead, _] = &mut self.ledger[usize::from(!scenario.vip[order])].ended;
            *dead = dead.saturating_sub(1);
            self.queue(order);
        }
        self.advance(scenario);
    }

    /// Part of `claim.lua`: `grant`.
    pub fn grant(&mut self, scenario: &Scenario, slot: usize, owner: Owner) {
        if slot == SAVE {
            self.savers |= 1 << owner;
            return;
        }
        let normal = slot > RANGE && !scenario.vip[slot - order_slot(0)];
        self.fence_violated |= normal && !self.all_terminal(scenario, true);
        self.duplicated |= self.leases[slot] != FREE;
        self.leases[slot] = owner;
        if scenario.is(Broken::TokenIsACounter) {
            self.counter += 1;
            self.numbers[slot] = self.counter;
        }
    }

    /// Part of `prelude.lua`: `give_back`.
    pub fn give_back(&mut self, slot: usize) {
        match slot {
            RANGE => self.range = true,
            chunk if chunk < RANGE => self.chunks |= 1 << chunk,
            order => self.queue(order - order_slot(0)),
        }
        self.close(slot);
    }

    /// `give_back` for a lease of the end.
    pub fn give_back_end(&mut self, scenario: &Scenario, owner: Owner) {
        if self.savers & (1 << owner) != 0 {
            self.savers &= !(1 << owner);
            if !scenario.is(Broken::SaveIsNotHandedBack) {
                self.saving = 1;
            }
        }
    }

    /// No process will present the tokens of this owner again.
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

    /// Clears fields that nothing reads before a replay sets them again.
    pub fn forget_unread(&mut self) {
        if self.aborted {
            (self.chunks, self.range) = (0, false);
        }
        if self.aborted || self.phase != Phase::Generating {
            self.letters = LetterDecisions::default();
        }
        if self.aborted || self.range_done {
            self.replay = false;
        }
    }

    /// Expires the leases that no process holds.
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

    /// The end has one lease and no step can add one: it makes no difference whether it is given
    /// back now or later.
    #[must_use]
    pub fn end_is_held_by_one(&self) -> bool {
        self.aborted && self.saving == 2 && self.savers.is_power_of_two()
    }

    fn close(&mut self, slot: usize) {
        self.leases[slot] = FREE;
        self.numbers[slot] = 0;
    }

    fn queue(&mut self, order: usize) {
        self.duplicated |= self.waiting[order] > 0;
        self.waiting[order] += 1;
    }

    /// The lease that a token names. `number`: the token, where tokens are numbers.
    fn lease(&self, scenario: &Scenario, owner: Owner, slot: usize, number: u8) -> Option<usize> {
        if scenario.is(Broken::TokenIsACounter) {
            return (0..SLOTS).find(|i| self.leases[*i] != FREE && self.numbers[*i] == number);
        }
        if scenario.is(Broken::AckWithoutToken) {
            return (self.leases[slot] != FREE).then_some(slot);
        }
        (0..SLOTS).find(|i| self.leases[*i] == owner)
    }

    /// `reclaim.lua` with a token.
    pub fn release(&mut self, scenario: &Scenario, owner: Owner, slot: usize, number: u8) {
        if slot == SAVE {
            self.give_back_end(scenario, owner);
        } else if let Some(slot) = self.lease(scenario, owner, slot, number) {
            self.give_back(slot);
        }
    }

    /// Every order of this priority is terminal, by the ledger and by the lists.
    #[must_use]
    pub fn all_terminal(&self, scenario: &Scenario, vip: bool) -> bool {
        let ledger = &self.ledger[usize::from(!vip)];
        let open = ledger.generated - ledger.deferred - ledger.ended.iter().sum::<u8>();
        (open == 0 || scenario.is(Broken::FenceByLists))
            && (0..ORDERS).all(|order| scenario.vip[order] != vip || self.idle(order))
    }

    fn idle(&self, order: usize) -> bool {
        self.waiting[order] == 0 && self.leases[order_slot(order)] == FREE && !self.delayed[order]
    }

    /// Part of `prelude.lua`: the only place where a run changes its phase by itself.
    pub fn advance(&mut self, scenario: &Scenario) {
        if self.phase == Phase::Generating && usize::from(self.chunks_done) == scenario.chunks {
            self.phase = Phase::WaitingVip;
        }
        if self.phase == Phase::WaitingVip
            && !scenario.is(Broken::FenceInTwoSteps)
            && self.all_terminal(scenario, true)
        {
            self.phase = Phase::EnqueueNormal;
        }
        if self.phase == Phase::EnqueueNormal && self.range_done {
            self.phase = Phase::WaitingNormal;
        }
        let both = || [true, false].into_iter().all(|vip| self.all_terminal(scenario, vip));
        if self.phase == Phase::WaitingNormal && self.saving == 0 && both() {
            self.saving = 1;
            if scenario.is(Broken::DoneBeforeItIsSaved) {
                self.end =
                    Some(End { aborted: false, figures: self.figures(), stamps: [0; ORDERS] });
            }
        }
    }

    /// No order is waiting, leased or delayed.
    #[must_use]
    pub fn all_idle(&self) -> bool {
        (0..ORDERS).all(|order| self.idle(order))
    }

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
