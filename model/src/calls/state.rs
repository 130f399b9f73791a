//! What workers hold, and the state of everything at one moment.

use super::{
    documents::{Control, Figures, Order, Status},
    queue::{Redis, of},
    scenario::{COMMANDS, CallCommand, Calls, ORDERS, Set, WORKERS, each},
};
use crate::search::Step as SearchStep;

/// What a worker loaded of an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Loaded {
    pub attempts: u8,
    pub put: u8,
}

/// What is to become of an order of a batch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Fate {
    /// Not known yet.
    #[default]
    Open,
    /// To be written: `ok`.
    Ok,
    /// To be written: `fail`.
    Fail,
    /// To be written: an attempt.
    Spend,
    /// To be written: `retry` by name, while nobody vouches for the receiver.
    Ask,
    /// To be acked.
    Processed,
    Dead,
    Removed,
    /// To be acked: an attempt was spent.
    Retry,
    /// To be acked: it failed, and no attempt was spent.
    Deferred,
    /// To be acked: given back, as it was in a call of several that faulted.
    Faulted,
    /// To be acked: given back, because its verdict was too late.
    Returned,
}

impl Fate {
    pub const fn is_verdict(self) -> bool {
        matches!(self, Self::Ok | Self::Fail | Self::Spend | Self::Ask)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Step {
    #[default]
    Load,
    Send,
    /// Write the next verdict.
    Write,
    /// The write found nothing to change: read the order.
    ReadBack,
    Ack,
}

/// A batch that a worker holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Batch {
    pub step: Step,
    pub orders: Set,
    /// The orders of the next call, and those of the call after it.
    pub call: Set,
    pub later: Set,
    /// The orders that others have vouched for since they failed last, as the claim said.
    pub vouched: Set,
    /// The receiver said `ok` or `fail` to an order of this batch.
    pub vouches: bool,
    pub loaded: [Loaded; ORDERS],
    pub fates: [Fate; ORDERS],
    /// Model only: what was terminal when it was loaded.
    pub over: Set,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Task {
    #[default]
    Idle,
    /// The only chunk: settle these letters and read it; then push what was read.
    Chunk(u8, Option<Figures>),
    Batch(Batch),
}

#[expect(clippy::struct_excessive_bools, reason = "what the model remembers")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct State {
    pub control: Control,
    pub orders: [Order; ORDERS],
    pub redis: Redis,
    /// An earlier state that Redis may go back to.
    pub saved: Option<Redis>,
    pub workers: [Task; WORKERS],
    /// The order that a worker of the release before processors holds, and whether it has written.
    pub old: Option<(u8, bool)>,
    /// How far each command is: 0 not begun, 1 half done, 2 done.
    pub requests: [u8; COMMANDS],
    /// Somebody saw in a Redis of this version that `pauseAfter` is reached; 0: nobody.
    pub watcher: u8,
    /// The receiver is down, or refuses everybody.
    pub down: bool,
    pub outages: u8,
    pub faults: u8,
    /// Model only: the fence was open at some moment.
    pub opened: bool,
    /// Model only: the hold was lifted.
    pub lifted: bool,
    /// Model only: Redis went back.
    pub went_back: bool,
    /// Model only: a pause of `pauseAfter` was ended.
    pub resumed: bool,
    /// Model only: `pauseAfter` is to stop the run.
    pub canary: bool,
    /// Model only: the orders that were leased since then, how often Redis has lost what it knew of
    /// them, and the highest number that `pauseAfter` had.
    pub exposed: Set,
    pub losses: u8,
    pub allowed: u8,
    pub bug: Option<&'static str>,
}

/// Who takes a step.
#[derive(Clone, Copy, Debug)]
pub enum CallActor {
    /// A worker.
    Worker(usize),
    /// A worker of the release before processors.
    OldWorker,
    /// A person, or the API that carries out the command.
    Person(CallCommand),
    /// What processes do beside work.
    Background,
    /// The receiver, or no process.
    Fault,
}

pub const fn worker(me: usize) -> (CallActor, bool) {
    (CallActor::Worker(me), true)
}

pub type Next = Vec<SearchStep<State, CallActor>>;

pub fn take(
    next: &mut Next,
    (actor, progress): (CallActor, bool),
    state: &State,
    change: impl FnOnce(&mut State) -> &'static str,
) {
    let mut after = *state;
    let what = change(&mut after);
    next.push(SearchStep { actor, what, progress, after });
}

impl State {
    /// The run is accepted, and Redis does not have it yet.
    pub fn first(system: &Calls) -> Self {
        let control = Control {
            version: 2,
            orders_version: 2,
            hold: system.hold,
            pause_after: system.pause_after,
            ..Control::default()
        };
        Self {
            control,
            orders: Default::default(),
            redis: Redis { version: 1, ..Redis::default() },
            saved: None,
            workers: Default::default(),
            old: None,
            requests: Default::default(),
            watcher: 0,
            down: false,
            outages: system.outages,
            faults: system.faults,
            opened: false,
            lifted: !system.hold,
            went_back: false,
            resumed: false,
            canary: system.pause_after > 0,
            exposed: 0,
            losses: 0,
            allowed: system.pause_after,
            bug: None,
        }
    }

    pub fn record(&mut self, bug: &'static str) {
        self.bug.get_or_insert(bug);
    }

    /// The orders with this status.
    pub fn with(&self, system: &Calls, status: Status) -> Set {
        let orders = self.orders.iter().enumerate().take(system.orders.len());
        let of = orders.filter(|(_, order)| order.status == status);
        of.fold(0, |set, (i, _)| set | 1 << i)
    }

    pub fn servers(&mut self) -> impl Iterator<Item = &mut Redis> {
        [Some(&mut self.redis), self.saved.as_mut()].into_iter().flatten()
    }

    /// The worker is done with its lease, or dies: no process presents this token again.
    pub fn drop_token(&mut self, me: usize) {
        self.workers[me] = Task::Idle;
        self.servers().for_each(|redis| redis.give_back(of(me)));
        for order in &mut self.orders {
            if order.batch == of(me) {
                order.batch = 0;
            }
        }
    }

    /// VIP orders that must be terminal before a NORMAL one may be worked on. A person may have put
    /// one back after the fence had opened. A Redis that went back may have opened it before.
    pub fn awaited(&self, system: &Calls) -> Set {
        let pending = self.with(system, Status::Pending) & system.vip;
        each(pending)
            .filter(|i| {
                let order = self.orders[*i];
                order.put == 0 || !order.late && !self.went_back
            })
            .fold(0, |set, i| set | 1 << i)
    }
}
