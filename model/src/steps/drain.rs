//! An order: `worker/src/drain.rs`.

use crate::{
    queue::{self, Outcome},
    scenario::{Broken, Scenario},
    state::{State, Steps},
    store::Status,
    worker::{Drain, Task},
};

/// The next step of this worker's batch, which is one order.
pub fn steps(
    scenario: &Scenario,
    state: &State,
    me: usize,
    (run, order, step): (u8, usize, Drain),
    next: &mut Steps<'_>,
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
                    Some(_) if blind => Drain::CheckAttempts,
                    Some(outcome) => Drain::Ack(outcome),
                    None => Drain::CheckControl,
                },
            );
            "reads the order back"
        }
        Drain::CheckControl => {
            if after.store.control.wants(run) {
                to(after, Drain::CheckAttempts);
                return "the run is wanted";
            }
            after.release(scenario, me);
            "the run is not wanted: hands the lease back"
        }
        Drain::CheckAttempts => {
            let again = after.redis_of(me).attempts[order] + 1 < scenario.attempts;
            to(after, if again { Drain::Ack(Outcome::Retry) } else { Drain::MarkDead });
            "reads the number of attempts"
        }
        Drain::MarkDead => {
            let found = &mut after.store.orders[usize::from(run) - 1][order];
            if !status.is_terminal() && !scenario.is(Broken::DeadInRedisOnly) {
                (found.status, found.marks) = (Status::Dead, 0);
                // Its letter is kept apart. That of a generated run is derived again.
                found.gone |= scenario.imported && status == Status::Absent;
            }
            let seen = if scenario.is(Broken::DeadUnseen) { None } else { told(status) };
            to(after, Drain::Ack(seen.unwrap_or(Outcome::Dead)));
            "makes the order a dead letter"
        }
        Drain::Ack(outcome) => {
            let number = after.workers[me].number;
            after.redis_of(me).ack(scenario, queue::of(me), order, number, outcome);
            after.drop_token(me);
            "acks"
        }
    });
}
