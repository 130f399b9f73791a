//! A chunk: `worker/src/generate.rs`.

use crate::{
    queue,
    scenario::{Broken, Scenario},
    state::{State, Steps},
    store::{OrderState, Status},
    worker::{Chunk, Task},
};

pub fn steps(scenario: &Scenario, state: &State, me: usize, next: &mut Steps<'_>) {
    let Task::Chunk { run, chunk, step, found } = state.workers[me].task else { return };
    let orders = scenario.chunk(usize::from(chunk));
    let to = |after: &mut State, step| {
        after.workers[me].task = Task::Chunk { run, chunk, step, found };
    };
    let number = state.workers[me].number;
    next.add(me, state, |after| match step {
        Chunk::Settle(letters) => {
            after.store.settle(run, orders.clone(), letters);
            to(after, Chunk::Read);
            "settles the chunk's letters"
        }
        Chunk::Read => {
            let (mut found, mut missing) = (found, false);
            for order in orders.clone() {
                let status = after.store.orders[usize::from(run) - 1][order].status;
                // Of a NORMAL order the push only needs to know whether it is terminal.
                let processed = !scenario.vip[order] && status.is_terminal();
                found[order] = if processed { OrderState::Processed } else { status.into() };
                missing |= status == Status::Absent;
            }
            let step = if missing {
                Chunk::Insert
            } else if scenario.is(Broken::StoredChunkIsPushedUnseen) {
                Chunk::Push
            } else {
                Chunk::CheckControl
            };
            after.workers[me].task = Task::Chunk { run, chunk, step, found };
            "reads the chunk"
        }
        Chunk::Insert => {
            after.store.insert(run, orders.clone());
            to(after, Chunk::CheckControl);
            "inserts the chunk"
        }
        Chunk::CheckControl => check_control(after, run, to),
        Chunk::History(cancelled, floor) => {
            let end = after.store.runs[usize::from(run) - 1].and_then(|document| document.end);
            if cancelled || end.is_some_and(|end| end.aborted) {
                to(after, Chunk::Stray);
                "the run was cancelled"
            } else if floor > run {
                to(after, Chunk::Delete(floor));
                "the run was reset"
            } else {
                after.release(scenario, me);
                "the run is over"
            }
        }
        Chunk::Stray => {
            after.store.cancel(run, orders.clone(), 0, false);
            after.release(scenario, me);
            "marks the late chunk"
        }
        Chunk::Delete(floor) => {
            after.store.delete_below(floor);
            after.release(scenario, me);
            "deletes the late chunk"
        }
        Chunk::Push => {
            let redis = after.redis_of(me);
            let slot = usize::from(chunk);
            if !redis.push_chunk(scenario, queue::of(me), slot, number, found)
                && scenario.is(Broken::StaleGeneratorDeletes)
            {
                to(after, Chunk::Undo);
                return "its push is stale";
            }
            after.drop_token(me);
            "pushes the chunk"
        }
        Chunk::Undo => {
            let pending = |i, status| orders.contains(&i) && status == Status::Pending;
            after.store.delete(run, |i, order| pending(i, order.status));
            after.drop_token(me);
            "deletes what it inserted"
        }
    });
}

/// The first read of `check_run_active`.
fn check_control(after: &mut State, run: u8, to: impl Fn(&mut State, Chunk)) -> &'static str {
    let control = after.store.control;
    if control.wants(run) {
        to(after, Chunk::Push);
        "the run is wanted"
    } else if control.cancelling(run) {
        // The cancel has not counted these orders yet, or will find that they are marked.
        to(after, Chunk::Stray);
        "the run is being cancelled"
    } else {
        let cancelled = control.run == run && control.end.is_some_and(|end| end.aborted);
        to(after, Chunk::History(cancelled, control.reset_below));
        "the run is not wanted"
    }
}
