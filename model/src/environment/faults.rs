//! Faults, and how those that last come to an end.

use crate::{
    queue::Redis,
    scenario::{Ask, Scenario},
    state::{Next, State, Who},
    verb::{self, Verb},
    worker::Task,
};

/// Every fault that may happen now.
pub fn faults(scenario: &Scenario, state: &State, next: &mut Next) {
    if state.faults == 0 {
        return;
    }
    let kinds = scenario.kinds;
    let mut fault = |change: &dyn Fn(&mut State) -> &'static str| {
        next.push((Who::Fault, false), state, |after| {
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
                after.workers[worker].astray = true;
                "two masters: a worker talks to the stale one"
            });
        }
    }
    for (i, ask) in scenario.asks.iter().enumerate() {
        let verb = state.verbs[i];
        if kinds.api_crash && verb.is_busy() {
            fault(&|after| {
                after.verbs[i] = Verb { late: verb.late, ..Verb::over() };
                "an API dies"
            });
        }
        if kinds.lost_answer && *ask == Ask::Generate && verb.step == verb::Step::Set {
            for happens in [true, false] {
                fault(&|after| {
                    let wanted = verb::change(scenario, &verb, *ask, i as u8 + 1);
                    after.verbs[i] = Verb {
                        step: verb::Step::Unsure,
                        control: wanted,
                        late: (!happens).then_some(wanted),
                        ..verb
                    };
                    if happens {
                        after.store.set_control(wanted);
                        return "the answer of MongoDB is lost";
                    }
                    "the write is on its way, and the wait for it is over"
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
    if kinds.roll_back && state.saved.is_none() && state.redis.version > 0 {
        fault(&|after| {
            after.saved = Some(after.redis);
            "Redis is saved, and will go back to this"
        });
    }
}

/// The fault was counted when Redis was saved: of what is saved in vain nothing comes.
pub fn go_back(state: &State, next: &mut Next) {
    if let Some(saved) = state.saved {
        next.push((Who::Fault, false), state, |after| {
            after.redis = saved;
            after.saved = None;
            "Redis is as it was when it was saved"
        });
    }
}

/// Two masters: in the end there is one.
pub fn heal(state: &State, next: &mut Next) {
    if state.stale.is_some() {
        next.push((Who::Keeper, true), state, |after| {
            after.stale = None;
            for worker in &mut after.workers {
                worker.astray = false;
            }
            "the stale master is gone"
        });
    }
}
