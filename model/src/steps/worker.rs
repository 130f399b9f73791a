//! The steps of a worker slot: claim, do, ack. Each step is one call to a store; the worker
//! may freeze for any time between two of them.

use super::{chunk, claim, drain};
use crate::{
    ending::{Ending, StepResult},
    queue,
    scenario::{Broken, Scenario},
    state::{State, Steps},
    store::Intent,
    worker::Task,
};

/// Every step that this worker may take now.
pub fn steps(scenario: &Scenario, state: &State, me: usize, next: &mut Steps<'_>) {
    let task = state.workers[me].task;
    match task {
        Task::Idle => claim::steps(scenario, state, me, next),
        Task::Chunk { .. } => chunk::steps(scenario, state, me, next),
        Task::Range { run, read, found } => next.add(me, state, |after| {
            if read {
                let mut found = found;
                for order in (0..scenario.quantity).filter(|order| !scenario.vip[*order]) {
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
                after.workers[me].task = Task::End(Ending::cancel(scenario, control, false));
                "reads control: finishes the cancel"
            } else if control.wants(run) {
                after.workers[me].task = Task::Sum(run, control);
                "reads control: the run is to end"
            } else {
                after.release(scenario, me);
                "reads control: it names another run; hands the lease back"
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
                || usize::from(redis.figures().total()) != scenario.quantity
            {
                after.release(scenario, me);
                return "Redis is behind or incomplete: hands the lease back";
            }
            after.workers[me].task = Task::End(Ending::done(control, redis.figures()));
            "reads the figures from Redis"
        }),
        Task::End(ending) => next.add(me, state, |after| {
            let mut redis = *after.redis_of(me);
            let came = ending.go(scenario, &mut after.store, &mut redis);
            *after.redis_of(me) = redis;
            match came {
                StepResult::Continue(ending, what) => {
                    after.workers[me].task = Task::End(ending);
                    what
                }
                StepResult::Ended(what) => {
                    after.redis_of(me).adopt(scenario, &ending.control, 0);
                    after.drop_token(me);
                    what
                }
                StepResult::Lost(what) => {
                    after.release(scenario, me);
                    what
                }
            }
        }),
    }
}
