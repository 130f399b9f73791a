//! The invariants of every state, and those of every state at rest.

use crate::{
    queue::{FREE, NOBODY, Phase, Redis, order_slot},
    scenario::{ORDERS, RUNS, Scenario},
    state::State,
    store::{Intent, Order, Status},
    worker::Task,
};

/// The violated invariant, if any.
#[must_use]
pub fn violation(scenario: &Scenario, state: &State) -> Option<&'static str> {
    let servers = [Some(&state.redis), state.stale.as_ref()];
    state.store.bug.or_else(|| {
        servers.into_iter().flatten().find_map(|redis| of_redis(scenario, state, redis))
    })
}

fn of_redis(scenario: &Scenario, state: &State, redis: &Redis) -> Option<&'static str> {
    let store = &state.store;
    let control = &store.control;
    if redis.duplicated {
        return Some("I2: an order is queued or leased twice");
    }
    if redis.fence_violated {
        return Some("I1: a NORMAL order is claimed while a VIP order is open");
    }
    if !redis.lost && !redis.adds_up(scenario) {
        return Some("I2: the ledger does not add up");
    }
    if let Some(end) = redis.end
        && redis.version == control.version
        && (control.intent != Intent::Ended
            || control.end.is_none_or(|saved| saved.figures != end.figures))
    {
        return Some("Redis shows an end that control does not have");
    }
    if redis.run == 0 || store.is_reset(redis.run) {
        return None;
    }
    let orders = &store.orders[usize::from(redis.run) - 1];
    let handed_out = |order: usize| {
        let held = redis.leases[order_slot(order)] != FREE || redis.delayed[order];
        !scenario.vip[order] && (redis.waiting[order] > 0 || held)
    };
    let open = matches!(redis.phase, Phase::EnqueueNormal | Phase::WaitingNormal);
    let vip_open = |order: usize| {
        scenario.vip[order] && !orders[order].status.is_terminal() && !orders[order].retried
    };
    if (open || (0..ORDERS).any(handed_out)) && (0..scenario.quantity).any(vip_open) {
        return Some("I1: NORMAL orders are claimable before every VIP order is terminal");
    }
    // Once a run has ended, only a Redis that is behind still counts.
    let counts = control.active() && !redis.is_over();
    if counts && redis.run == control.run && redis.version >= control.orders_version {
        let (durable, _) = store.count(scenario, redis.run, [u8::MAX; ORDERS]);
        let cancelled = |priority: usize| {
            let of = |order: &usize| usize::from(!scenario.vip[*order]) == priority;
            let gone = |order: &usize| orders[*order].status == Status::Cancelled;
            (0..scenario.quantity).filter(of).filter(gone).count() as u8
        };
        let counted = redis.figures();
        for i in 0..2 {
            if counted.processed[i] > durable.processed[i]
                || counted.dead[i] > durable.dead[i]
                || counted.removed[i] > durable.removed[i] + cancelled(i)
            {
                return Some("I3: Redis counts what MongoDB does not have");
            }
        }
    }
    None
}

/// No process has anything left to do, unless a person sends a command or something fails.
#[must_use]
pub fn is_settled(scenario: &Scenario, state: &State) -> bool {
    let control = &state.store.control;
    let rest = control.run == 0 || !control.active();
    let held = control.paused && !matches!(control.intent, Intent::Cancel);
    state.workers[..scenario.workers].iter().all(|worker| worker.task == Task::Idle)
        && state.reconciler.is_none()
        && state.stale.is_none()
        && state.requests.iter().all(|request| !request.is_busy() && request.late.is_none())
        && state.redis.version == control.version
        && state.redis.leases.iter().all(|owner| *owner != NOBODY)
        && (rest && !state.is_sweepable() || !rest && held)
        && state.store.orders.iter().flatten().all(|order| order.status != Status::Pending || held)
}

/// The invariant that a state at rest violates, if any.
#[must_use]
pub fn violation_at_rest(scenario: &Scenario, state: &State) -> Option<&'static str> {
    let store = &state.store;
    let control = &store.control;
    for run in 1..=RUNS as u8 {
        let i = usize::from(run) - 1;
        let orders = &store.orders[i];
        let there = orders.iter().any(|order| order.status != Status::Absent);
        if control.run == run && control.active() {
            continue; // held back by a pause
        }
        if store.is_reset(run) || run > control.last_run {
            // While a pause holds a later run back, nothing is swept.
            if !control.active() && (there || store.runs[i].is_some()) {
                return Some("I6: data of a run is left after its reset");
            }
            continue;
        }
        let Some(end) = store.ended[i] else {
            return Some("I5: a run was replaced and has no end");
        };
        let (figures, pending) = store.count(scenario, run, end.stamps);
        if pending && !control.active() {
            return Some("I6: an order is pending, but its run has ended");
        }
        if figures != end.figures {
            return Some("I3: the figures of the end are not those of MongoDB");
        }
        let all = !end.aborted || scenario.imported;
        if all && usize::from(figures.total()) != scenario.quantity {
            return Some("I5: a run has ended without all of its orders");
        }
        if store.runs[i].is_none_or(|document| document.end != Some(end)) {
            return Some("the history does not show the end");
        }
        let promised = |order: &Order| order.marks & store.promised != 0;
        if orders.iter().any(|order| order.status == Status::Dead && promised(order)) {
            return Some("I7: a decision about a dead letter was undone");
        }
    }
    let redis = &state.redis;
    if redis.paused != control.paused {
        return Some("Redis does not show the pause, or still shows it");
    }
    match control.intent {
        Intent::Idle if redis.phase != Phase::Idle => Some("Redis shows a run, but there is none"),
        Intent::Ended if redis.end != control.end => Some("Redis does not show the end"),
        _ => None,
    }
}
