//! A chunk: `worker/src/generate.rs`.

use std::ops::Range;

use crate::{
    queue,
    scenario::{Broken, ORDERS, Scenario},
    state::{State, Steps},
    store::{Order, OrderState, Status},
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
            let stored = &after.store.orders[usize::from(run) - 1];
            let (found, missing) = read(scenario, stored, &orders);
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
        Chunk::CheckControl if scenario.imported && !after.store.control.wants(run) => {
            after.release(scenario, me);
            "the run is not wanted, and the chunk inserted nothing that is to be corrected"
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

/// What the chunk's range holds, and whether orders are to be inserted.
fn read(
    scenario: &Scenario,
    stored: &[Order; ORDERS],
    orders: &Range<usize>,
) -> ([OrderState; ORDERS], bool) {
    let by_documents = matches!(
        scenario.broken,
        Some(Broken::PriorityOfTheDocument | Broken::ChunkCountsDocuments)
    );
    let past = scenario.is(Broken::ChunkReadsPastAccepted);
    let (mut found, mut missing) = ([OrderState::Unread; ORDERS], false);
    for (order, Order { status, .. }) in stored.iter().enumerate() {
        let absent = *status == Status::Absent;
        let above = past && order >= scenario.quantity && !absent;
        if !orders.contains(&order) && !above {
            continue;
        }
        // Of a NORMAL order the push only needs to know whether it is terminal.
        let terminal = !scenario.vip[order] && status.is_terminal();
        found[order] = match *status {
            Status::Absent if by_documents => OrderState::Gone,
            _ if terminal => OrderState::Processed,
            status => status.into(),
        };
        missing |= absent;
    }
    // What is missing from an import is gone. Who drains it finds no document.
    (found, missing && (!scenario.imported || scenario.is(Broken::ImportedChunkInserts)))
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
