//! The run of an import: what differs from a generated run is where a chunk gets its orders.

use super::{
    BrokenImport, ImportActor, Imports, LENGTH, Next,
    state::{MADE_UP, Order, SECOND, State, Status},
    take,
};

/// Is a run still to be worked on?
pub fn is_left(state: &State) -> bool {
    state.control.active
}

/// What a worker may do next, and what may happen to the orders.
pub fn steps(system: &Imports, state: &State, next: &mut Next) {
    if state.gone {
        let accepted = usize::from(state.import.accepted);
        for index in (0..accepted).filter(|index| !state.orders[*index].is_absent()) {
            take(next, (ImportActor::Fault, false), state, |after| {
                after.orders[index] = Order::default();
                (after.lost[index], after.gone) = (true, false);
                "somebody deletes an accepted order"
            });
        }
    }
    if !state.is_running() {
        if state.control.active {
            take(next, (ImportActor::Worker, true), state, other);
        }
        return;
    }
    let mut go = |change: &dyn Fn(&mut State) -> &'static str| {
        take(next, (ImportActor::Worker, true), state, change);
    };
    if !state.run.document {
        go(&|after| {
            after.run.document = true;
            "writes the run document"
        });
        return;
    }
    let quantity = usize::from(state.run.quantity);
    let past = if state.control.cancels {
        system.is(BrokenImport::CancelReadsPastAccepted)
    } else {
        system.is(BrokenImport::ChunkReadsPastAccepted)
    };
    let stored = |index: &usize| *index < quantity || !state.orders[*index].is_absent();
    let open = |index: &usize| !state.run.done[*index];
    let last = if past { LENGTH } else { quantity };
    let mut left = false;
    for index in (0..last).filter(stored).filter(open) {
        left = true;
        go(&|after| close(system, after, index));
    }
    if !left {
        go(&|after| {
            after.run.ended = true;
            (after.control.active, after.control.cancels) = (false, false);
            after.control.version += 1;
            "ends the run"
        });
    }
}

/// The run of import B, or one of no import.
fn other(after: &mut State) -> &'static str {
    if after.control.of == SECOND && !after.second.document {
        after.second.document = true;
        return "writes the run document of import B";
    }
    (after.control.active, after.control.cancels) = (false, false);
    after.control.version += 1;
    "ends the other run"
}

/// Makes an order terminal, and counts it.
fn close(system: &Imports, after: &mut State, index: usize) -> &'static str {
    let cancels = after.control.cancels;
    let order = &mut after.orders[index];
    if order.is_absent() && system.is(BrokenImport::ChunkInserts) && !cancels {
        *order = Order { line: MADE_UP, ..Order::default() };
        return "inserts an order that was not there";
    }
    after.run.done[index] = true;
    if order.is_absent() {
        after.run.counted[2] += 1;
        if !after.lost[index] {
            after.bug = Some("I11: the run has an order that is not there");
        }
        return "counts an order that is gone as dead";
    }
    let (status, counted) = if cancels { (Status::Cancelled, 1) } else { (Status::Processed, 0) };
    order.status = status;
    after.run.counted[counted] += 1;
    "makes an order terminal, and counts it"
}
