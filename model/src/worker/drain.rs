//! An order: `worker/src/drain.rs`.

use super::{Drain, Task, release};
use crate::{
    queue::{self, Outcome},
    scenario::{Broken, Scenario},
    state::{Next, State},
    store::Status,
};

/// The next step of this worker's batch, of one order.
pub fn steps(
    scenario: &Scenario,
    state: &State,
    me: usize,
    (run, order, step): (u8, usize, Drain),
    next: &mut Next,
) {
    let status = state.store.orders[usize::from(run) - 1][order].status;
    let to = |after: &mut State, step| {
        after.workers[me].task = Task::Order { run, order: order as u8, step };
    };
    let told = |status| match status {
        Status::Processed => Some(Outcome::Processed),
        Status::Dead => Some(Outcome::Dead),
        Status::Removed | Status::Cancelled => Some(Outcome::Removed),
        Status::Absent | Status::Pending => None,
    };
    if step == Drain::Mark && status == Status::Pending && state.failures > 0 {
        next.add(me, state, |after| {
            after.failures -= 1;
            to(after, Drain::ReadBack(true));
            "MongoDB refuses the update of an order"
        });
    }
    next.add(me, state, |after| match step {
        Drain::Mark => {
            let processed = after.store.process(scenario, run, order);
            let ack = Drain::Ack(Outcome::Processed);
            to(after, if processed { ack } else { Drain::ReadBack(false) });
            if scenario.vip[order] { "processes a VIP order" } else { "processes a NORMAL order" }
        }
        Drain::ReadBack(refused) => {
            let blind = refused && scenario.is(Broken::DeadUnseen);
            let blind = blind && status == Status::Processed;
            to(
                after,
                match told(status) {
                    Some(_) if blind => Drain::Judge,
                    Some(outcome) => Drain::Ack(outcome),
                    None => Drain::Look,
                },
            );
            "reads the order back"
        }
        Drain::Look => {
            if after.store.control.wants(run) {
                to(after, Drain::Judge);
                return "the run is wanted";
            }
            release(scenario, after, me);
            "the run is not wanted: hands back"
        }
        Drain::Judge => {
            let again = after.redis_of(me).attempts[order] + 1 < scenario.attempts;
            to(after, if again { Drain::Ack(Outcome::Retry) } else { Drain::Bury });
            "asks for the attempts made"
        }
        Drain::Bury => {
            let found = &mut after.store.orders[usize::from(run) - 1][order];
            if !status.is_terminal() && !scenario.is(Broken::DeadInRedisOnly) {
                (found.status, found.marks) = (Status::Dead, 0);
            }
            let seen = if scenario.is(Broken::DeadUnseen) { None } else { told(status) };
            to(after, Drain::Ack(seen.unwrap_or(Outcome::Dead)));
            "gives the order up"
        }
        Drain::Ack(outcome) => {
            let number = after.workers[me].number;
            after.redis_of(me).ack(scenario, queue::of(me), order, number, outcome);
            after.drop_token(me);
            "acks"
        }
    });
}
