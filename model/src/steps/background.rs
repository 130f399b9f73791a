//! What processes do beside work and commands: compare control with Redis, give expired leases
//! back, sweep.

use crate::{
    queue::{FREE, NOBODY, Redis, SAVE, SLOTS, of},
    scenario::{Broken, ORDERS, RUNS, Scenario, WORKERS},
    state::{Actor, Reconciler, State, Steps},
    store::{Order, Status},
};

/// `Controller::sync`, in one step, or by a process that may stop between its steps.
pub fn compare(scenario: &Scenario, state: &State, next: &mut Steps<'_>) {
    const SELF: (Actor, bool) = (Actor::Reconciler, true);
    let by_state = scenario.is(Broken::RunDocumentByState);
    let control = state.store.control;
    if state.redis.version < control.version {
        next.push(SELF, state, |after| {
            after.store.ensure_run(&control, by_state);
            let patch = after.store.put_back(scenario, &control);
            after.redis.adopt(scenario, &control, patch);
            "compares: Redis is behind, adopts control"
        });
    }
    if state.stale.is_some_and(|stale| stale.version < control.version) {
        next.push(SELF, state, |after| {
            after.store.ensure_run(&control, by_state);
            let patch = after.store.put_back(scenario, &control);
            if let Some(stale) = &mut after.stale {
                stale.adopt(scenario, &control, patch);
            }
            "compares: the stale master is behind, adopts control there"
        });
    }
    // To stop is a fault. It can only do harm while Redis is behind, or if Redis can fall behind.
    let behind = state.redis.version < control.version;
    let falls = scenario.kinds.empty || scenario.kinds.roll_back;
    let freezes = scenario.kinds.stall && state.faults > 0 && (behind || falls);
    match state.reconciler {
        None if freezes => {
            next.push((Actor::Fault, false), state, |after| {
                after.faults -= 1;
                after.reconciler = Some(Reconciler { control, ensured: false, patch: 0 });
                "the reconciler reads control and stops"
            });
        }
        None => {}
        Some(reconciler) if state.redis.version >= reconciler.control.version => {
            next.push(SELF, state, |after| {
                after.reconciler = None;
                "the reconciler wakes up: Redis is not behind"
            });
        }
        Some(reconciler) => next.push(SELF, state, |after| {
            if reconciler.ensured {
                after.redis.adopt(scenario, &reconciler.control, reconciler.patch);
                after.reconciler = None;
                return "the reconciler wakes up: adopts its control";
            }
            after.store.ensure_run(&reconciler.control, by_state);
            let patch = after.store.put_back(scenario, &reconciler.control);
            after.reconciler = Some(Reconciler { ensured: true, patch, ..reconciler });
            "the reconciler wakes up: writes the run document and settles its letters"
        }),
    }
}

/// `reclaim.lua`: expired leases and due retries. The lease of a live worker expires only by a
/// fault, but on a server that the worker does not talk to it expires by itself.
pub fn reclaim(scenario: &Scenario, state: &State, next: &mut Steps<'_>) {
    const SELF: (Actor, bool) = (Actor::Reconciler, true);
    fn server(state: &mut State, on_stale_master: bool) -> Option<&mut Redis> {
        if on_stale_master { state.stale.as_mut() } else { Some(&mut state.redis) }
    }
    for stale in [false, true] {
        let Some(redis) = (if stale { state.stale } else { Some(state.redis) }) else { continue };
        let leases = (0..SLOTS).map(|slot| (slot, redis.leases[slot]));
        let ends = (NOBODY..=of(WORKERS))
            .map(|owner| (SAVE, if redis.savers & (1 << owner) == 0 { FREE } else { owner }));
        for (slot, owner) in leases.chain(ends).filter(|(_, owner)| *owner != FREE) {
            let holder = (0..scenario.workers).find(|worker| of(*worker) == owner);
            let kept = holder.is_some_and(|worker| state.workers[worker].on_stale_master == stale);
            if kept && (!scenario.kinds.stall || state.faults == 0) {
                continue;
            }
            let actor = if kept { (Actor::Fault, false) } else { SELF };
            next.push(actor, state, |after| {
                after.faults -= u8::from(kept);
                if let Some(redis) = server(after, stale) {
                    if slot == SAVE {
                        redis.give_back_end(scenario, owner);
                    } else {
                        redis.give_back(slot);
                    }
                }
                if kept { "a worker stops, and its lease expires" } else { "a lease expires" }
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

/// Deletes what an uploader inserted above what was accepted.
pub fn sweep_strays(scenario: &Scenario, state: &State, next: &mut Steps<'_>) {
    let [orders, ..] = state.store.orders;
    if orders[scenario.quantity..].iter().any(|order| order.status != Status::Absent) {
        next.push((Actor::Reconciler, true), state, |after| {
            after.store.orders[0][scenario.quantity..].fill(Order::default());
            "sweeps an order that was never accepted"
        });
    }
}

/// `Controller::sweep`.
pub fn sweep(scenario: &Scenario, state: &State, next: &mut Steps<'_>) {
    let control = state.store.control;
    let other = scenario.is(Broken::SweepByMissingRun);
    if other || !state.redis.is_over() || control.active() || !state.is_sweepable() {
        return;
    }
    next.push((Actor::Reconciler, true), state, |after| {
        let store = &mut after.store;
        store.delete_below(control.reset_below);
        store.delete_runs_below(control.reset_below);
        if control.run > 0 && control.end.is_some() {
            store.settle(control.run, 0..ORDERS, control.letters);
        }
        for run in 1..=RUNS as u8 {
            let history = store.runs[usize::from(run) - 1];
            if history.is_some_and(|run| run.end.is_some_and(|end| end.aborted)) {
                store.cancel(run, 0..scenario.quantity, 0, false);
            }
        }
        "sweeps"
    });
}
