//! The background steps of broken variants.

use crate::{
    queue::{FREE, Phase, order_slot},
    scenario::{Broken, ORDERS, RUNS, Scenario},
    state::{Actor, State, Steps},
};

/// A process reads the lists, then the leases, then opens the fence.
pub fn fence_in_two_steps(scenario: &Scenario, state: &State, next: &mut Steps<'_>) {
    let shut = state.redis.phase == Phase::WaitingVip;
    if !scenario.is(Broken::FenceInTwoSteps) || !shut && state.observed == 0 {
        return;
    }
    next.push((Actor::Reconciler, true), state, |after| {
        let vip = (0..ORDERS).filter(|order| scenario.vip[*order]);
        if after.observed == 0 {
            let queued = |order| state.redis.waiting[order] > 0 || state.redis.delayed[order];
            after.observed = u8::from(!vip.clone().any(queued));
            return "reads the lists of VIP orders";
        }
        after.observed = 0;
        let leased = |order| state.redis.leases[order_slot(order)] != FREE;
        if shut && !vip.clone().any(leased) {
            after.redis.phase = Phase::EnqueueNormal;
            after.redis.advance(scenario);
            return "reads the leases of VIP orders and opens the fence";
        }
        "reads the leases of VIP orders"
    });
}

/// A sweep reads the history, then deletes the orders of runs that are not in it.
pub fn sweep_by_missing_run(scenario: &Scenario, state: &State, next: &mut Steps<'_>) {
    if !scenario.is(Broken::SweepByMissingRun) {
        return;
    }
    next.push((Actor::Reconciler, false), state, |after| {
        if after.observed == 0 {
            let runs = state.store.runs.iter().enumerate();
            after.observed =
                runs.fold(1, |mask, (i, run)| mask | u8::from(run.is_some()) << (i + 1));
            return "a sweep reads the history";
        }
        for run in 1..=RUNS as u8 {
            if after.observed & 1 << run == 0 {
                after.store.delete(run, |_, _| true);
            }
        }
        after.observed = 0;
        "a sweep deletes the orders of runs that are not in it"
    });
}
