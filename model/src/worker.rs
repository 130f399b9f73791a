//! A worker slot: claim, do, ack. Each step is one call to a store; between any two of
//! them it may freeze for as long as it likes.

mod chunk;
mod drain;

use crate::{
    closing::{Came, Closing},
    queue::{self, Outcome, Phase, RANGE, SAVE, order_slot},
    scenario::{Broken, ORDERS, Scenario},
    state::{Next, State},
    store::{Control, Found, Intent, Letters},
};

/// What a chunk's generator does next (`generate.rs`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Chunk {
    /// Settle what was decided about its dead letters.
    Settle(Letters),
    /// Read its range.
    Read,
    /// Insert what is missing.
    Insert,
    /// Is the run still wanted?
    Look,
    /// Its cancel is being carried out: wait for it.
    Wait,
    /// It is not wanted; control said whether it was cancelled, and what was reset. What does
    /// the history say?
    History(bool, u8),
    /// Mark what it inserted as strays.
    Stray,
    /// Delete what is below this run.
    Delete(u8),
    /// Push the VIP orders.
    Push,
    /// Built wrong: delete what it inserted.
    Undo,
}

/// What becomes of an order next (`drain.rs`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Drain {
    /// Mark it processed.
    Mark,
    /// Ask what it is, after a refusal or not.
    ReadBack(bool),
    /// Is the run still wanted?
    Look,
    /// How many attempts were made?
    Judge,
    /// Make it a dead letter.
    Bury,
    /// Close the lease.
    Ack(Outcome),
}

/// What a worker has in hand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Task {
    /// Nothing.
    #[default]
    Idle,
    /// A chunk.
    Chunk {
        /// The run.
        run: u8,
        /// Which chunk.
        chunk: u8,
        /// The next step.
        step: Chunk,
        /// What its range held.
        found: [Found; ORDERS],
    },
    /// The range of NORMAL orders.
    Range {
        /// The run.
        run: u8,
        /// It is still to be read.
        read: bool,
        /// What it held.
        found: [Found; ORDERS],
    },
    /// An order.
    Order {
        /// The run.
        run: u8,
        /// Which order.
        order: u8,
        /// The next step.
        step: Drain,
    },
    /// The end: control is to be read.
    Save(u8),
    /// The end: Redis is to be read.
    Sum(u8, Control),
    /// The end, on its way.
    Close(Closing),
}

/// A worker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Worker {
    /// What it has in hand.
    pub task: Task,
    /// It talks to the stale master.
    pub astray: bool,
    /// Its token, if tokens are numbers.
    pub number: u8,
}

impl Task {
    /// The lease that it works under.
    #[must_use]
    pub fn slot(&self) -> usize {
        match self {
            Self::Chunk { chunk, .. } => usize::from(*chunk),
            Self::Range { .. } => RANGE,
            Self::Order { order, .. } => order_slot(usize::from(*order)),
            Self::Idle | Self::Save(_) | Self::Sum(..) | Self::Close(_) => SAVE,
        }
    }
}

/// Every step that this worker may take now.
pub fn steps(scenario: &Scenario, state: &State, me: usize, next: &mut Next) {
    let task = state.workers[me].task;
    match task {
        Task::Idle => claim(scenario, state, me, next),
        Task::Chunk { .. } => chunk::steps(scenario, state, me, next),
        Task::Range { run, read, found } => next.add(me, state, |after| {
            if read {
                let mut found = found;
                for order in (0..ORDERS).filter(|order| !scenario.vip[*order]) {
                    found[order] = after.store.orders[usize::from(run) - 1][order].status.into();
                }
                after.workers[me].task = Task::Range { run, read: false, found };
                return "reads the range";
            }
            let number = after.workers[me].number;
            after.redis_of(me).push_normal(scenario, queue::of(me), number, found);
            after.drop_token(me);
            "pushes the NORMAL orders"
        }),
        Task::Order { run, order, step } => {
            drain::steps(scenario, state, me, (run, usize::from(order), step), next);
        }
        Task::Save(run) => next.add(me, state, |after| {
            let control = after.store.control;
            if control.intent == Intent::Cancel {
                after.workers[me].task = Task::Close(Closing::cancel(scenario, control, false));
                "reads control: finishes the cancel"
            } else if control.wants(run) {
                after.workers[me].task = Task::Sum(run, control);
                "reads control: the run is to end"
            } else {
                release(scenario, after, me);
                "reads control: the run is another; hands back"
            }
        }),
        Task::Sum(run, control) => next.add(me, state, |after| {
            let redis = *after.redis_of(me);
            let open = !redis.all_idle() || redis.ledger[1].deferred > 0;
            let behind =
                redis.version != control.version && !scenario.is(Broken::SaveFromAnOlderRedis);
            if redis.run != run
                || redis.is_over()
                || open
                || behind
                || usize::from(redis.figures().total()) != ORDERS
            {
                release(scenario, after, me);
                return "Redis does not add up: hands back";
            }
            after.workers[me].task = Task::Close(Closing::done(control, redis.figures()));
            "reads the figures from Redis"
        }),
        Task::Close(closing) => next.add(me, state, |after| match closing.go(scenario, after) {
            Came::On(closing, what) => {
                after.workers[me].task = Task::Close(closing);
                what
            }
            Came::Ended(what) => {
                after.redis_of(me).adopt(scenario, &closing.control);
                after.drop_token(me);
                what
            }
            Came::Lost(what) => {
                release(scenario, after, me);
                what
            }
        }),
    }
}

fn release(scenario: &Scenario, state: &mut State, me: usize) {
    let (slot, number) = (state.workers[me].task.slot(), state.workers[me].number);
    state.redis_of(me).release(scenario, queue::of(me), slot, number);
    state.drop_token(me);
}

/// `claim.lua`. Which of the waiting orders and chunks is left open: that is more than the
/// lists allow.
fn claim(scenario: &Scenario, state: &State, me: usize, next: &mut Next) {
    let redis = if state.workers[me].astray { state.stale } else { Some(state.redis) };
    let Some(redis) = redis.filter(|redis| redis.version > 0) else { return };
    let run = redis.run;
    let grant = |after: &mut State, slot, task| {
        after.redis_of(me).grant(scenario, slot, queue::of(me));
        let number = after.redis_of(me).numbers.get(slot).copied().unwrap_or(0);
        after.workers[me].task = task;
        after.workers[me].number = number;
    };
    if redis.saving == 1 && !redis.is_over() {
        next.add(me, state, |after| {
            after.redis_of(me).saving = 2;
            grant(after, SAVE, Task::Save(run));
            "claims the end"
        });
        return;
    }
    if redis.is_over() || redis.aborted || redis.paused {
        return;
    }
    if redis.phase == Phase::Generating {
        for chunk in (0..scenario.chunks).filter(|chunk| redis.chunks & (1 << chunk) != 0) {
            next.add(me, state, |after| {
                after.redis_of(me).chunks &= !(1 << chunk);
                let settle = redis.letters[0] != 0;
                let step = if settle { Chunk::Settle(redis.letters) } else { Chunk::Read };
                let found = Default::default();
                let task = Task::Chunk { run, chunk: chunk as u8, step, found };
                grant(after, chunk, task);
                "claims a chunk"
            });
        }
    }
    if redis.phase == Phase::EnqueueNormal && redis.range {
        next.add(me, state, |after| {
            after.redis_of(me).range = false;
            let read = redis.replay;
            grant(after, RANGE, Task::Range { run, read, found: Default::default() });
            "claims the range"
        });
    }
    for order in (0..ORDERS).filter(|order| redis.waiting[*order] > 0) {
        next.add(me, state, |after| {
            after.redis_of(me).waiting[order] -= 1;
            let task = Task::Order { run, order: order as u8, step: Drain::Mark };
            grant(after, order_slot(order), task);
            if scenario.vip[order] { "claims a VIP order" } else { "claims a NORMAL order" }
        });
    }
}
