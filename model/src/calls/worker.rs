//! A worker: claims, the chunk, and the documents of a batch. `answer` and `write` go on from there.

use super::{
    answer,
    broken::BrokenCall,
    documents::{Control, Figures, Order, Status},
    queue::{OLD, Outcome, Phase, of},
    scenario::{CallCommand, Calls, WORKERS, each},
    state::{Batch, CallActor, Fate, Loaded, Next, State, Step, Task, take, worker},
    write,
};

/// Every step that this worker may take now.
pub fn steps(system: &Calls, state: &State, me: usize, next: &mut Next) {
    match state.workers[me] {
        Task::Idle => claim(system, state, me, next),
        Task::Chunk(letters, found) => take(next, worker(me), state, |after| {
            if let Some(found) = found {
                after.redis.push(system, of(me), found);
                after.drop_token(me);
                return "pushes the chunk";
            }
            settle(system, after, letters);
            let found = figures(system, after);
            after.workers[me] = Task::Chunk(letters, Some(found));
            "settles letters and reads the chunk"
        }),
        Task::Batch(batch) => match batch.step {
            Step::Load => {
                take(next, worker(me), state, |after| load(system, after, me, batch));
            }
            Step::Send => answer::steps(system, state, me, batch, next),
            Step::Write | Step::ReadBack | Step::Ack => {
                write::steps(system, state, me, batch, next);
            }
        },
    }
}

fn claim(system: &Calls, state: &State, me: usize, next: &mut Next) {
    let redis = &state.redis;
    if !redis.is_active() {
        return;
    }
    if redis.phase == Phase::Generating && redis.chunk && !redis.paused {
        take(next, worker(me), state, |after| {
            (after.redis.chunk, after.redis.chunk_owner) = (false, of(me));
            after.workers[me] = Task::Chunk(after.redis.letters, None);
            "claims the chunk"
        });
    }
    for orders in redis.offers(system) {
        take(next, worker(me), state, |after| {
            let vouched = after.redis.grant(system, of(me), orders);
            after.exposed |= orders;
            after.workers[me] = Task::Batch(Batch { orders, vouched, ..Batch::default() });
            claimed(system, orders)
        });
    }
    let all = redis.counted.terminal() == system.all();
    // One step stands for the save, which the rest of this crate has searched.
    if redis.phase == Phase::Open && all && redis.version == state.control.version {
        take(next, worker(me), state, |after| {
            let end = Some(after.redis.counted);
            let version = after.control.version + 1;
            // `pauseAfter` ends with its run.
            after.canary = false;
            after.control = Control { version, end, pause_after: 0, ..after.control };
            "ends the run"
        });
    }
}

fn claimed(system: &Calls, orders: u8) -> &'static str {
    match (orders & system.vip != 0, orders.count_ones()) {
        (true, 1) => "claims a VIP order",
        (true, _) => "claims VIP orders",
        (false, 1) => "claims a NORMAL order",
        (false, _) => "claims NORMAL orders",
    }
}

/// `Store::settle_letters`
fn settle(system: &Calls, state: &mut State, letters: u8) {
    for i in each(system.all()) {
        let order = &mut state.orders[i];
        if order.status != Status::Dead || order.marks & letters == 0 {
            continue;
        }
        let number = (order.marks & letters).trailing_zeros() as usize;
        if system.commands[number] == CallCommand::Clean {
            order.status = Status::Removed;
            continue;
        }
        let kept = if system.is(BrokenCall::AskedIsKept) { order.asked } else { 0 };
        *order = Order {
            put: order.put + 1,
            batch: order.batch,
            served: order.served,
            asked: kept,
            late: state.opened,
            ..Default::default()
        };
    }
}

fn figures(system: &Calls, state: &State) -> Figures {
    Figures {
        processed: state.with(system, Status::Processed),
        dead: state.with(system, Status::Dead),
        removed: state.with(system, Status::Removed),
    }
}

/// Loads the documents of the batch. What is terminal is not sent.
fn load(system: &Calls, after: &mut State, me: usize, mut batch: Batch) -> &'static str {
    for i in each(batch.orders) {
        let order = after.orders[i];
        batch.loaded[i] = Loaded { attempts: order.attempts, put: order.put };
        batch.fates[i] = match order.status {
            Status::Pending => Fate::Open,
            Status::Processed => Fate::Processed,
            Status::Dead => Fate::Dead,
            Status::Removed => Fate::Removed,
        };
        if batch.fates[i] != Fate::Open {
            batch.over |= 1 << i;
        }
    }
    let sends_all = system.is(BrokenCall::SendsWhatIsTerminal);
    batch.call = if sends_all { batch.orders } else { batch.orders & !batch.over };
    batch.step = if batch.call == 0 { Step::Ack } else { Step::Send };
    after.workers[me] = Task::Batch(batch);
    "loads the documents"
}

/// A worker of the release before processors, which processes orders by itself. Its scripts refuse
/// a Redis of the second format, and it cannot read a control that has a named processor.
pub fn old(system: &Calls, state: &State, next: &mut Next) {
    const SELF: (CallActor, bool) = (CallActor::OldWorker, true);
    let refused = state.redis.second_format && !system.is(BrokenCall::FormatIsNotChecked);
    if !system.old_worker || refused {
        return;
    }
    let Some((order, written)) = state.old else {
        for orders in state.redis.offers(system).filter(|orders| orders.is_power_of_two()) {
            take(next, SELF, state, |after| {
                after.redis.grant(system, OLD, orders);
                after.old = Some((orders.trailing_zeros() as u8, false));
                "claims an order"
            });
        }
        return;
    };
    take(next, SELF, state, |after| {
        let i = usize::from(order);
        if written {
            let figures = Figures { processed: 1 << order, ..Figures::default() };
            let outcome = Outcome { figures, ..Default::default() };
            after.redis.ack(system, OLD, outcome);
            after.old = None;
            return "acks";
        }
        if after.orders[i].status == Status::Pending {
            write::process(after, i);
        }
        after.old = Some((order, true));
        "processes an order by itself"
    });
}

/// Workers in one order: they have no names.
pub fn sort(system: &Calls, state: &mut State) {
    const { assert!(WORKERS == 2, "a swap is enough") };
    let mut swapped = *state;
    swapped.workers.swap(0, 1);
    let swap = |owner: &mut u8| {
        if (of(0)..=of(1)).contains(owner) {
            *owner = of(0) + of(1) - *owner;
        }
    };
    for redis in swapped.servers() {
        redis.leases.iter_mut().for_each(swap);
        swap(&mut redis.chunk_owner);
        redis.before.swap(0, 1);
    }
    for order in &mut swapped.orders[..system.orders.len()] {
        swap(&mut order.batch);
    }
    let key = |state: &State| (state.workers, state.redis, state.saved, state.orders);
    if key(&swapped) < key(state) {
        *state = swapped;
    }
}
