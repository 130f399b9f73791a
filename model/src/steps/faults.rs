//! Faults, and the end of those that last.

use super::request;
use crate::{
    queue::Redis,
    request::{Request, Step},
    scenario::{ORDERS, Scenario},
    state::{Actor, State, Steps},
    store::{Order, Status},
    worker::Task,
};

/// Every fault that may happen in this state.
pub fn faults(scenario: &Scenario, state: &State, next: &mut Steps<'_>) {
    if state.faults == 0 {
        return;
    }
    let kinds = scenario.kinds;
    let mut fault = |change: &dyn Fn(&mut State) -> &'static str| {
        next.push((Actor::Fault, false), state, |after| {
            after.faults -= 1;
            change(after)
        });
    };
    for worker in 0..scenario.workers {
        if kinds.worker_crash && state.workers[worker].task != Task::Idle {
            fault(&|after| {
                after.drop_token(worker);
                "a worker dies"
            });
        }
        if kinds.split && state.stale.is_none() {
            fault(&|after| {
                after.stale = Some(after.redis);
                after.workers[worker].on_stale_master = true;
                "two masters: a worker talks to the stale one"
            });
        }
    }
    for (i, command) in scenario.commands.iter().enumerate() {
        let request = state.requests[i];
        if kinds.api_crash && request.is_busy() {
            fault(&|after| {
                after.requests[i] = Request { late: request.late, ..Request::over() };
                "an API dies"
            });
        }
        if kinds.lost_answer && request.step == Step::Set {
            for happens in [true, false] {
                fault(&|after| {
                    let wanted = request::change(scenario, &request, *command, i as u8 + 1);
                    after.requests[i] = Request {
                        step: Step::Unsure,
                        control: wanted,
                        late: (!happens).then_some(wanted),
                        ..request
                    };
                    if happens {
                        after.store.set_control(wanted);
                        return "MongoDB's answer is lost";
                    }
                    "the write times out but may still happen"
                });
            }
        }
    }
    if kinds.empty && state.redis.version > 0 {
        fault(&|after| {
            after.redis = Redis::default();
            "Redis is emptied"
        });
    }
    for vip in [true, false] {
        let waits = |order: &usize| scenario.vip[*order] == vip && state.redis.waiting[*order] > 0;
        if kinds.lose && (0..ORDERS).any(|order| waits(&order)) {
            fault(&|after| {
                for order in (0..ORDERS).filter(waits) {
                    after.redis.waiting[order] = 0;
                }
                after.redis.lost = true;
                "somebody deletes a list"
            });
        }
    }
    if kinds.roll_back && state.saved.is_none() && state.redis.version > 0 {
        fault(&|after| {
            after.saved = Some(after.redis);
            "Redis saves the state that it will go back to"
        });
    }
}

/// What may happen to the orders of an import.
pub fn of_imports(scenario: &Scenario, state: &State, next: &mut Steps<'_>) {
    let orders = &state.store.orders[0];
    let is = |order: &usize, status| orders[*order].status == status;
    for order in (0..scenario.quantity).filter(|order| is(order, Status::Pending)) {
        if state.gone > 0 && !orders[order].gone {
            next.push((Actor::Fault, false), state, |after| {
                after.gone -= 1;
                let retried = orders[order].retried;
                after.store.orders[0][order] = Order { gone: true, retried, ..Order::default() };
                "somebody deletes an order"
            });
        }
    }
    for order in (scenario.quantity..ORDERS).filter(|order| is(order, Status::Absent)) {
        if state.strays > 0 {
            next.push((Actor::Fault, false), state, |after| {
                after.strays -= 1;
                after.store.orders[0][order].status = Status::Pending;
                "an uploader wakes up, and inserts an order above what was accepted"
            });
        }
    }
}

/// Redis goes back. Saving it was counted as the fault, so this step is free.
pub fn go_back(state: &State, next: &mut Steps<'_>) {
    if let Some(saved) = state.saved {
        next.push((Actor::Fault, false), state, |after| {
            after.redis = saved;
            after.saved = None;
            "Redis goes back to the saved state"
        });
    }
}

/// The split brain ends: one master remains.
pub fn heal(state: &State, next: &mut Steps<'_>) {
    if state.stale.is_some() {
        next.push((Actor::Reconciler, true), state, |after| {
            after.stale = None;
            for worker in &mut after.workers {
                worker.on_stale_master = false;
            }
            "the stale master is gone"
        });
    }
}
