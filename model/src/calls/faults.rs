//! Faults, and `Controller::sync`.

use super::{
    queue::{Redis, of},
    scenario::{Calls, WORKERS},
    state::{CallActor, Next, State, Task, take},
};

/// Every fault that may happen now.
pub fn faults(system: &Calls, state: &State, next: &mut Next) {
    if let Some(saved) = state.saved {
        // To save it was the fault.
        take(next, (CallActor::Fault, false), state, |after| {
            after.redis = saved;
            (after.saved, after.went_back) = (None, true);
            after.losses += 1;
            "Redis goes back to the saved state"
        });
    }
    if state.faults == 0 {
        return;
    }
    let kinds = system.kinds;
    let mut fault = |change: &dyn Fn(&mut State) -> &'static str| {
        take(next, (CallActor::Fault, false), state, |after| {
            after.faults -= 1;
            change(after)
        });
    };
    for me in 0..WORKERS {
        let holds = state.redis.held_by(of(me)) != 0 || state.redis.chunk_owner == of(me);
        if kinds.stall && holds {
            fault(&|after| {
                after.redis.give_back(of(me));
                "a worker stops, and its lease expires"
            });
        }
        if kinds.crash && state.workers[me] != Task::Idle {
            fault(&|after| {
                after.drop_token(me);
                "a worker dies"
            });
        }
    }
    for request in 0..system.commands.len() {
        if kinds.crash && state.requests[request] == 1 {
            fault(&|after| {
                after.requests[request] = 2;
                "an API dies"
            });
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
            "Redis saves the state that it will go back to"
        });
    }
}

/// Redis is behind control, and adopts it. For a broken variant: a minute passes.
pub fn background(system: &Calls, state: &State, next: &mut Next) {
    const SELF: (CallActor, bool) = (CallActor::Background, true);
    let control = state.control;
    if state.redis.version < control.version {
        take(next, SELF, state, |after| {
            after.losses += u8::from(after.redis.adopt(system, &control));
            "Redis is behind, and adopts control"
        });
    }
    if state.redis.minute {
        take(next, SELF, state, |after| {
            after.servers().for_each(|redis| redis.minute = false);
            "a minute passes"
        });
    }
}
