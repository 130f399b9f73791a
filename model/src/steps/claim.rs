//! A claim: `claim.lua`, and the repair of a Redis that has lost orders.

use crate::{
    queue::{self, Phase, RANGE, SAVE, order_slot},
    scenario::{Broken, ORDERS, Scenario},
    state::{State, Steps},
    store::Intent,
    worker::{Chunk, Drain, Task},
};

/// `claim.lua`. Any waiting order and any chunk may be granted, which allows more than the lists
/// do.
pub fn steps(scenario: &Scenario, state: &State, me: usize, next: &mut Steps<'_>) {
    let redis = if state.workers[me].on_stale_master { state.stale } else { Some(state.redis) };
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
    let nothing_yet = next.0.len();
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
    let fence = matches!(redis.phase, Phase::EnqueueNormal | Phase::WaitingNormal);
    let open = fence || scenario.is(Broken::ClaimIgnoresTheFence);
    let claimable = |order: &usize| redis.waiting[*order] > 0 && (open || scenario.vip[*order]);
    for order in (0..ORDERS).filter(claimable) {
        next.add(me, state, |after| {
            after.redis_of(me).waiting[order] -= 1;
            let task = Task::Order { run, order: order as u8, step: Drain::Mark };
            grant(after, order_slot(order), task);
            if scenario.vip[order] { "claims a VIP order" } else { "claims a NORMAL order" }
        });
    }
    if next.0.len() == nothing_yet && !redis.adds_up(scenario) {
        repair(scenario, state, me, redis.version, next);
    }
}

/// `Controller::repair`, in one step with the claim that found the loss: if control changes in
/// between, the repair has no effect.
fn repair(scenario: &Scenario, state: &State, me: usize, version: u8, next: &mut Steps<'_>) {
    let control = state.store.control;
    let same = control.version == version && control.intent == Intent::Run;
    if same && !scenario.is(Broken::LossIsNotSeen) {
        next.add(me, state, |after| {
            let mut replayed = control.next();
            replayed.orders_version = replayed.version;
            after.store.set_control(replayed);
            "finds that Redis has lost orders: replays the run"
        });
    }
}
