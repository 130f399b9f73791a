//! Commands, and the pause of `pauseAfter`. A compare-and-set succeeds only if nothing has changed
//! since control was read, so both are one step; what was read elsewhere is a step before.

use super::{
    broken::BrokenCall,
    documents::{Control, Paused, Status},
    scenario::{CallCommand, Calls, each},
    state::{CallActor, Next, State, take},
};

/// The steps of a command.
pub fn steps(system: &Calls, state: &State, me: usize, next: &mut Next) {
    let command = system.commands[me];
    let control = state.control;
    let begun = state.requests[me] == 1;
    if state.requests[me] == 2 || !begun && !is_due(system, state, command) {
        return;
    }
    take(next, (CallActor::Person(command), begun), state, |after| {
        after.requests[me] = 2;
        match command {
            CallCommand::Retry | CallCommand::Clean if !begun => {
                for order in after.orders.iter_mut().filter(|it| it.status == Status::Dead) {
                    order.marks |= 1 << me;
                }
                after.requests[me] = 1;
                return "marks the dead letters";
            }
            CallCommand::Fail(order) if !begun => {
                let order = &mut after.orders[usize::from(order)];
                (order.status, order.by_person) = (Status::Dead, true);
                after.requests[me] = 1;
                return "makes an order a dead letter";
            }
            // The run has ended since, and a clean of that is another matter.
            CallCommand::Clean | CallCommand::Fail(_) if control.end.is_some() => {
                return "finds that the run has ended";
            }
            CallCommand::Retry | CallCommand::Clean => {
                after.control.letters |= 1 << me;
                after.control.end = None;
                after.control.orders_version = control.version + 1;
            }
            CallCommand::Fail(_) => after.control.orders_version = control.version + 1,
            CallCommand::Pause => after.control.paused = Paused::ByPerson,
            CallCommand::Resume => resume(system, after),
            CallCommand::Lift => (after.control.hold, after.lifted) = (false, true),
            CallCommand::PauseAfter(orders) => {
                (after.control.pause_after, after.resumed) = (orders, false);
                after.canary &= orders != 0;
                after.allowed = after.allowed.max(orders);
            }
        }
        after.control.version += 1;
        "changes control"
    });
}

/// Would this command change anything now?
fn is_due(system: &Calls, state: &State, command: CallCommand) -> bool {
    let control = &state.control;
    let active = control.end.is_none();
    match command {
        CallCommand::Retry => state.with(system, Status::Dead) != 0,
        CallCommand::Clean => active && state.with(system, Status::Dead) != 0,
        CallCommand::Pause => active && control.paused == Paused::No,
        CallCommand::Resume => control.paused != Paused::No,
        CallCommand::Lift => active && control.hold,
        CallCommand::PauseAfter(_) => active && control.pause_after != 0,
        CallCommand::Fail(order) => {
            active && state.orders[usize::from(order)].status == Status::Pending
        }
    }
}

fn resume(system: &Calls, after: &mut State) {
    let by_canary = after.control.paused == Paused::ByCanary;
    after.control.paused = Paused::No;
    after.resumed |= by_canary;
    after.canary &= !by_canary;
    let all = system.is(BrokenCall::ResumeForgetsTheCanary);
    if (by_canary || all) && !system.is(BrokenCall::ResumeKeepsTheCanary) {
        after.control.pause_after = 0;
    }
}

/// `pauseAfter` is reached in this Redis, and it shows no pause yet.
pub fn is_reached(system: &Calls, state: &State) -> bool {
    let redis = &state.redis;
    let done = redis.counted.terminal().count_ones();
    let over = done as usize >= system.orders.len();
    redis.is_active()
        && redis.pause_after != 0
        && !redis.paused
        && done >= u32::from(redis.pause_after)
        && !over
}

/// The pause of `pauseAfter`: seen in Redis, then set in control.
pub fn canary(system: &Calls, state: &State, next: &mut Next) {
    const SELF: (CallActor, bool) = (CallActor::Background, true);
    let control = state.control;
    if state.watcher == 0 {
        if is_reached(system, state) {
            take(next, SELF, state, |after| {
                after.watcher = after.redis.version;
                "sees that `pauseAfter` is reached"
            });
        }
        return;
    }
    take(next, SELF, state, |after| {
        let seen = std::mem::take(&mut after.watcher);
        let blind = system.is(BrokenCall::CanaryReplacesThePause);
        let trusts = blind || system.is(BrokenCall::CanaryTrustsRedis);
        let same = control.version == seen || trusts && control.pause_after != 0;
        if control.end.is_some() || !same || control.paused != Paused::No && !blind {
            return "does not pause: control has changed since";
        }
        if control.paused == Paused::ByPerson {
            after.record("the pause of a person was replaced");
        }
        let done = each(system.all()).filter(|i| after.orders[*i].status != Status::Pending);
        if done.count() < usize::from(control.pause_after) {
            after.record("a run was paused before its number of orders was done");
        }
        if after.resumed {
            after.record("a run was paused again that a person had resumed");
        }
        let version = control.version + 1;
        after.control = Control { version, paused: Paused::ByCanary, ..control };
        "pauses the run"
    });
}
