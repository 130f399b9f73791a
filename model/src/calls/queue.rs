//! Redis: the scripts, each one atomic step.

use super::{
    broken::BrokenCall,
    documents::{Control, Figures, Paused},
    scenario::{Calls, ORDERS, Set, WORKERS, each},
};

/// The holder of a lease's token, which stands for the token; 0: nobody.
pub type Owner = u8;

pub const fn of(worker: usize) -> Owner {
    worker as u8 + 1
}

/// The worker of the release before processors.
pub const OLD: Owner = WORKERS as u8 + 1;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Phase {
    #[default]
    Idle,
    Generating,
    /// The fence is shut.
    WaitingVip,
    /// The fence is open.
    Open,
    Ended,
}

/// What a worker says of its batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    pub figures: Figures,
    /// Failed, with an attempt or without, and tried again later.
    pub delayed: Set,
    /// Given back to the head of the list.
    pub returned: Set,
    /// Given back because their call of several faulted.
    pub faulted: Set,
    /// The receiver said `ok` or `fail` to an order of this batch.
    pub vouches: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "fields of a hash")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Redis {
    /// 0: empty.
    pub version: u8,
    pub phase: Phase,
    /// The format is that of programs that know processors.
    pub second_format: bool,
    /// The chunk is to be claimed.
    pub chunk: bool,
    pub chunk_owner: Owner,
    /// Waiting, for the first time.
    pub fresh: Set,
    /// Waiting at the head of the list, given back.
    pub back: Set,
    pub delayed: Set,
    pub leases: [Owner; ORDERS],
    pub counted: Figures,
    pub paused: bool,
    pub pause_after: u8,
    pub hold: bool,
    pub letters: u8,
    /// Orders that failed alone, and those of them for which a call vouched that was claimed since.
    pub failed: Set,
    pub vouched: Set,
    /// Of the lease of each worker: what had failed before it was claimed, and not since.
    pub before: [Set; WORKERS],
    /// For a broken variant: some order succeeded within the last minute.
    pub minute: bool,
}

impl Redis {
    pub fn leased(&self) -> Set {
        (0..ORDERS).filter(|i| self.leases[*i] != 0).fold(0, |set, i| set | 1 << i)
    }

    pub fn is_active(&self) -> bool {
        self.version > 0 && !matches!(self.phase, Phase::Idle | Phase::Ended)
    }

    /// The orders that this worker holds.
    pub fn held_by(&self, owner: Owner) -> Set {
        (0..ORDERS).filter(|i| self.leases[*i] == owner).fold(0, |set, i| set | 1 << i)
    }

    /// `adopt.lua`. Answers whether what it knew of the run is lost.
    pub fn adopt(&mut self, system: &Calls, control: &Control) -> bool {
        if control.version <= self.version {
            return false;
        }
        let first = self.version == 1;
        let replay = self.version < control.orders_version;
        let kept = *self;
        if replay {
            *self = Self { phase: Phase::Generating, chunk: true, ..Self::default() };
        }
        self.version = control.version;
        self.second_format = true;
        self.paused = control.paused != Paused::No;
        self.letters = control.letters;
        let in_redis_alone = |broken| system.is(broken) && !first;
        self.hold =
            if in_redis_alone(BrokenCall::HoldInRedisAlone) { kept.hold } else { control.hold };
        self.pause_after = if in_redis_alone(BrokenCall::CanaryInRedisAlone) {
            kept.pause_after
        } else {
            control.pause_after
        };
        if let Some(end) = control.end {
            let (version, second_format) = (self.version, self.second_format);
            let paused = self.paused;
            let phase = Phase::Ended;
            *self = Self { version, second_format, paused, phase, counted: end, ..Self::default() };
        } else if !system.is(BrokenCall::AdoptDoesNotAdvance) {
            self.advance(system);
        }
        replay && !first
    }

    /// Part of `prelude.lua`: the only place where a run changes its phase by itself.
    pub fn advance(&mut self, system: &Calls) {
        if self.phase == Phase::Generating && !self.chunk && self.chunk_owner == 0 {
            self.phase = Phase::WaitingVip;
        }
        let held = self.hold
            && self.counted.dead & system.vip != 0
            && !system.is(BrokenCall::FenceIgnoresTheHold);
        let all = self.counted.terminal() & system.vip == system.vip;
        if self.phase == Phase::WaitingVip && all && !held {
            self.phase = Phase::Open;
        }
    }

    /// Part of `claim.lua`: `pauseAfter` leaves room for so many orders of the list.
    fn room(&self, system: &Calls) -> u32 {
        let known = if system.is(BrokenCall::CanaryCountsTerminalAlone) {
            self.counted.terminal()
        } else {
            self.counted.terminal() | self.leased() | self.delayed
        };
        match self.pause_after {
            0 => u32::MAX,
            limit => u32::from(limit).saturating_sub(known.count_ones()),
        }
    }

    /// The batches that `claim.lua` may give out: retries that are due, at any moment; or the head
    /// of the list, where what was given back comes first.
    pub fn offers(&self, system: &Calls) -> impl Iterator<Item = Set> {
        let redis = *self;
        let shut = !redis.is_active() || redis.paused;
        let room = redis.room(system);
        let fence = redis.phase != Phase::Open && !system.is(BrokenCall::ClaimIgnoresTheFence);
        let (batch, normal) = (system.batch, system.of_priority(false));
        (1..=system.all()).filter(move |set| {
            let (set, size) = (*set, set.count_ones());
            let priority = if set & normal == 0 { !normal } else { normal };
            let mixed = set & !priority != 0;
            if shut || mixed || size > batch || priority == normal && fence {
                return false;
            }
            let back = redis.back & priority;
            let head = set & !back == 0 || back & !set == 0;
            let waits = set & !(redis.fresh | redis.back) == 0;
            set & !redis.delayed == 0 || waits && head && size <= room
        })
    }

    /// Part of `claim.lua`. Answers which of these orders others have vouched for.
    pub fn grant(&mut self, system: &Calls, owner: Owner, orders: Set) -> Set {
        for list in [&mut self.fresh, &mut self.back, &mut self.delayed] {
            *list &= !orders;
        }
        for order in each(orders) {
            self.leases[order] = owner;
        }
        if let Some(before) = self.before.get_mut(usize::from(owner) - 1) {
            *before = self.failed;
        }
        if system.is(BrokenCall::VouchedByTheLastMinute) {
            return if self.minute { orders } else { 0 };
        }
        self.vouched & orders
    }

    /// Part of `prelude.lua`: `give_back`.
    pub fn give_back(&mut self, owner: Owner) {
        self.back |= self.close(owner);
        if self.chunk_owner == owner {
            (self.chunk_owner, self.chunk) = (0, true);
        }
    }

    fn close(&mut self, owner: Owner) -> Set {
        let held = self.held_by(owner);
        for order in each(held) {
            self.leases[order] = 0;
        }
        if let Some(before) = self.before.get_mut(usize::from(owner) - 1) {
            *before = 0;
        }
        held
    }

    /// `push_chunk.lua`, and `push_normal.lua`: NORMAL orders wait behind the fence.
    pub fn push(&mut self, system: &Calls, owner: Owner, found: Figures) {
        if self.chunk_owner != owner {
            return;
        }
        self.chunk_owner = 0;
        self.counted = found;
        self.fresh = system.all() & !found.terminal();
        self.advance(system);
    }

    /// `ack.lua`
    pub fn ack(&mut self, system: &Calls, owner: Owner, outcome: Outcome) {
        if self.held_by(owner) == 0 {
            return;
        }
        let before = self.before.get(usize::from(owner) - 1).copied().unwrap_or_default();
        self.close(owner);
        self.counted.processed |= outcome.figures.processed;
        self.counted.dead |= outcome.figures.dead;
        self.counted.removed |= outcome.figures.removed;
        self.delayed |= outcome.delayed;
        self.back |= outcome.returned | outcome.faulted;
        if outcome.vouches {
            let by_ack = system.is(BrokenCall::VouchedByTheAck);
            self.vouched |= if by_ack { self.failed } else { before & self.failed };
            self.minute = system.is(BrokenCall::VouchedByTheLastMinute);
        }
        let all = system.is(BrokenCall::BatchFaultIsHeldAgainstAll);
        let failures = outcome.delayed | if all { outcome.faulted } else { 0 };
        let over = self.counted.terminal();
        self.failed = (self.failed | failures) & !over;
        self.vouched &= !failures & !over;
        for before in &mut self.before {
            *before &= !failures & !over;
        }
        self.advance(system);
    }
}
