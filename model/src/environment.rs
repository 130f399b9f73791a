//! What happens beside workers and verbs: comparing control with Redis, giving expired
//! leases back, sweeping; and faults.

mod broken;
mod faults;

use crate::{
    queue::{FREE, NOBODY, Redis, SAVE, SLOTS, of},
    scenario::{Broken, ORDERS, RUNS, Scenario, WORKERS},
    state::{Keeper, Next, State, Who},
    store::{Intent, Status},
    verb,
    worker::{self, Task},
};

/// Every step that may be taken from this state.
pub fn steps(scenario: &Scenario, state: &State, next: &mut Next) {
    for me in 0..scenario.workers {
        worker::steps(scenario, state, me, next);
    }
    for me in 0..scenario.asks.len() {
        verb::steps(scenario, state, me, next);
    }
    compare(scenario, state, next);
    reclaim(scenario, state, next);
    sweep(scenario, state, next);
    broken::fence_in_two_steps(scenario, state, next);
    broken::sweep_by_missing_run(scenario, state, next);
    faults::faults(scenario, state, next);
    faults::go_back(state, next);
    faults::heal(state, next);
    for step in &mut next.0 {
        step.after.canonical(scenario);
    }
}

/// `Controller::sync`: at once, and by a process that may freeze between its steps.
fn compare(scenario: &Scenario, state: &State, next: &mut Next) {
    const SELF: (Who, bool) = (Who::Keeper, true);
    let by_state = scenario.is(Broken::RunDocumentByState);
    let control = state.store.control;
    if state.redis.version < control.version {
        next.push(SELF, state, |after| {
            after.store.ensure_run(&control, by_state);
            after.redis.adopt(scenario, &control);
            "compares: Redis is behind, and is told"
        });
    }
    if state.stale.is_some_and(|stale| stale.version < control.version) {
        next.push(SELF, state, |after| {
            after.store.ensure_run(&control, by_state);
            if let Some(stale) = &mut after.stale {
                stale.adopt(scenario, &control);
            }
            "compares: the stale master is behind, and is told"
        });
    }
    // To freeze is a fault. It does harm only to a Redis that is behind, or will be.
    let behind = state.redis.version < control.version;
    let falls = scenario.kinds.empty || scenario.kinds.roll_back;
    let freezes = scenario.kinds.stall && state.faults > 0 && (behind || falls);
    match state.keeper {
        None if freezes => {
            next.push((Who::Fault, false), state, |after| {
                after.faults -= 1;
                after.keeper = Some(Keeper { control, ensured: false });
                "who compares reads control, and freezes"
            });
        }
        None => {}
        Some(keeper) if state.redis.version >= keeper.control.version => {
            next.push(SELF, state, |after| {
                after.keeper = None;
                "who froze finds that Redis is not behind"
            });
        }
        Some(keeper) => next.push(SELF, state, |after| {
            if keeper.ensured {
                after.redis.adopt(scenario, &keeper.control);
                after.keeper = None;
                return "who froze tells Redis";
            }
            after.store.ensure_run(&keeper.control, by_state);
            after.keeper = Some(Keeper { ensured: true, ..keeper });
            "who froze makes sure of the run document"
        }),
    }
}

/// `reclaim.lua`: expired leases and due retries. The lease of a worker that goes on does
/// not expire by itself; but on a server that it does not talk to it does.
fn reclaim(scenario: &Scenario, state: &State, next: &mut Next) {
    const SELF: (Who, bool) = (Who::Keeper, true);
    fn server(state: &mut State, astray: bool) -> Option<&mut Redis> {
        if astray { state.stale.as_mut() } else { Some(&mut state.redis) }
    }
    for stale in [false, true] {
        let Some(redis) = (if stale { state.stale } else { Some(state.redis) }) else { continue };
        let leases = (0..SLOTS).map(|slot| (slot, redis.leases[slot]));
        let ends = (NOBODY..=of(WORKERS))
            .map(|owner| (SAVE, if redis.savers & (1 << owner) == 0 { FREE } else { owner }));
        for (slot, owner) in leases.chain(ends).filter(|(_, owner)| *owner != FREE) {
            let holder = (0..scenario.workers).find(|worker| of(*worker) == owner);
            let kept = holder.is_some_and(|worker| state.workers[worker].astray == stale);
            if kept && (!scenario.kinds.stall || state.faults == 0) {
                continue;
            }
            let who = if kept { (Who::Fault, false) } else { SELF };
            next.push(who, state, |after| {
                after.faults -= u8::from(kept);
                if let Some(redis) = server(after, stale) {
                    if slot == SAVE {
                        redis.give_back_end(scenario, owner);
                    } else {
                        redis.give_back(slot);
                    }
                }
                if kept { "a worker freezes, and its lease expires" } else { "a lease expires" }
            });
        }
        for order in (0..ORDERS).filter(|order| redis.delayed[*order]) {
            next.push(SELF, state, |after| {
                if let Some(redis) = server(after, stale) {
                    redis.delayed[order] = false;
                    redis.waiting[order] += 1;
                }
                "a retry is due"
            });
        }
    }
}

/// `Controller::sweep`.
fn sweep(scenario: &Scenario, state: &State, next: &mut Next) {
    let control = state.store.control;
    let other = scenario.is(Broken::SweepByMissingRun);
    if other || !state.redis.is_over() || control.active() || !state.is_sweepable() {
        return;
    }
    next.push((Who::Keeper, true), state, |after| {
        let store = &mut after.store;
        store.delete_below(control.reset_below);
        store.delete_runs_below(control.reset_below);
        if control.run > 0 && control.end.is_some() {
            store.settle(control.run, 0..ORDERS, control.letters);
        }
        for run in 1..=RUNS as u8 {
            let history = store.runs[usize::from(run) - 1];
            if history.is_some_and(|run| run.end.is_some_and(|end| end.aborted)) {
                store.cancel(run, 0..ORDERS, 0, false);
            }
        }
        "sweeps"
    });
}

/// Everything has come to rest, and will stay so if no person asks and nothing fails.
#[must_use]
pub fn is_settled(scenario: &Scenario, state: &State) -> bool {
    let control = &state.store.control;
    let rest = control.run == 0 || !control.active();
    let held = control.paused && !matches!(control.intent, Intent::Cancel);
    state.workers[..scenario.workers].iter().all(|worker| worker.task == Task::Idle)
        && state.keeper.is_none()
        && state.stale.is_none()
        && state.verbs.iter().all(|verb| !verb.is_busy() && verb.late.is_none())
        && state.redis.version == control.version
        && state.redis.leases.iter().all(|owner| *owner != NOBODY)
        && (rest && !state.is_sweepable() || !rest && held)
        && state.store.orders.iter().flatten().all(|order| order.status != Status::Pending || held)
}
