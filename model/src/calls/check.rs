//! What must hold in every state, and in every state at rest.

use super::{
    answer,
    documents::{Order, Paused, Status},
    people,
    queue::{Phase, of},
    scenario::{Calls, OrderKind, WORKERS, each},
    state::{State, Step, Task},
    worker,
};

pub fn violation(system: &Calls, state: &State) -> Option<&'static str> {
    state.bug.or_else(|| answer::blamed(system, state)).or_else(|| of_redis(system, state))
}

fn of_redis(system: &Calls, state: &State) -> Option<&'static str> {
    let (redis, control) = (&state.redis, &state.control);
    let [processed, dead, removed] =
        [Status::Processed, Status::Dead, Status::Removed].map(|it| state.with(system, it));
    let limit = u32::from(state.allowed) * u32::from(state.losses + 1);
    if state.canary && state.exposed.count_ones() > limit {
        return Some("`pauseAfter`: more orders were leased");
    }
    if !redis.is_active() {
        return None;
    }
    let mut seen = redis.counted.terminal();
    for place in [redis.fresh, redis.back, redis.delayed, redis.leased()] {
        if seen & place != 0 {
            return Some("I2: an order is in two places");
        }
        seen |= place;
    }
    let counted = &redis.counted;
    let not_there =
        counted.processed & !processed | counted.dead & !dead | counted.removed & !removed;
    if redis.version >= control.orders_version && not_there != 0 {
        return Some("I3: Redis counts what MongoDB does not have");
    }
    if redis.phase != Phase::Open {
        return None;
    }
    if state.awaited(system) != 0 {
        return Some("I1: NORMAL orders are claimable before every VIP order is terminal");
    }
    if !state.lifted && dead & system.vip != 0 {
        return Some("`hold`: NORMAL orders are claimable while a VIP order is dead");
    }
    None
}

/// Nothing happens any more, unless by a person or a fault: the run has ended, or is held.
pub fn is_settled(system: &Calls, state: &State) -> bool {
    let (redis, control) = (&state.redis, &state.control);
    state.workers.iter().all(|task| *task == Task::Idle)
        && state.old.is_none()
        && state.requests.iter().all(|step| *step != 1)
        && state.watcher == 0
        && !state.down
        && redis.version == control.version
        && (control.end.is_some()
            || control.paused != Paused::No
            || !people::is_reached(system, state)
                && (is_held(system, state) || is_poisoned(system, state)))
}

/// The fence waits for a person, because a VIP order is dead.
fn is_held(system: &Calls, state: &State) -> bool {
    let redis = &state.redis;
    let counted = redis.counted;
    state.control.hold
        && redis.phase == Phase::WaitingVip
        && counted.terminal() & system.vip == system.vip
        && counted.dead & system.vip != 0
}

/// What is left can only fail, and nobody vouches for the processor: a person has to end it.
fn is_poisoned(system: &Calls, state: &State) -> bool {
    let for_ever = |order: usize| match system.orders[order] {
        OrderKind::Faults => true,
        OrderKind::Asks => !system.gives_up,
        _ => false,
    };
    let left = state.redis.offers(system).fold(0, |all, set| all | set);
    left != 0 && each(left).all(for_ever)
}

pub fn violation_at_rest(system: &Calls, state: &State) -> Option<&'static str> {
    let (redis, control) = (&state.redis, &state.control);
    if redis.paused != (control.paused != Paused::No) {
        return Some("Redis does not show the pause, or still shows it");
    }
    let decided = |order: &usize| {
        let order = state.orders[*order];
        order.status == Status::Dead && order.marks & control.letters != 0
    };
    if control.paused == Paused::No && each(system.all()).any(|order| decided(&order)) {
        return Some("I7: a decision about a dead letter was undone");
    }
    let end = control.end?;
    let with = |status| state.with(system, status);
    if end.terminal() != system.all()
        || end.processed != with(Status::Processed)
        || end.dead != with(Status::Dead)
        || end.removed != with(Status::Removed)
    {
        return Some("I3: the figures of the end are not those of MongoDB");
    }
    if system.wanted.is_some_and(|dead| end.dead == dead && end.processed == system.all() & !dead) {
        return Some("found what is wanted");
    }
    None
}

/// One form for all states that can be followed by the same states.
pub fn canonical(system: &Calls, state: &mut State) {
    state.opened |= state.redis.phase == Phase::Open;
    for order in &mut state.orders {
        // Nothing changes it any more, or asks for more.
        if matches!(order.status, Status::Processed | Status::Removed) {
            *order = Order { status: order.status, ..Default::default() };
        }
    }
    if !state.canary {
        (state.exposed, state.losses, state.allowed) = (0, 0, 0);
    }
    state.resumed &= state.control.pause_after != 0;
    state.losses = state.losses.min(system.orders.len() as u8);
    for me in 0..WORKERS {
        let acks = match state.workers[me] {
            Task::Batch(batch) => batch.step == Step::Ack,
            Task::Chunk(_, found) => found.is_some(),
            Task::Idle => false,
        };
        let owner = of(me);
        let held = state.servers().any(|it| it.held_by(owner) != 0 || it.chunk_owner == owner);
        if acks && !held {
            state.drop_token(me);
        }
    }
    worker::sort(system, state);
}
