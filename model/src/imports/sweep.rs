//! The sweep: deletes what never existed or is gone, and finishes what others began.

use super::{
    BrokenImport, ImportActor, Imports, LENGTH, Next, start,
    state::{FIRST, Order, Request, Run, SECOND, Second, Stage, State},
    take,
};

/// Is the import there no more, or on its way out?
fn is_gone(state: &State) -> bool {
    matches!(state.import.stage, Stage::Absent | Stage::Discarded | Stage::Deleted)
        || state.is_reset()
}

fn is_stray(state: &State, index: usize) -> bool {
    let kept = !is_gone(state) && state.import.stage != Stage::Open;
    let above = kept && index >= usize::from(state.import.accepted);
    !state.orders[index].is_absent() && (above || is_gone(state))
}

/// A start that set the import, and never control.
fn is_half_started(state: &State, which: u8) -> bool {
    let (import_is, document) = match which {
        FIRST => (state.import.stage, state.run.document),
        _ => (state.second.stage, state.second.document),
    };
    let begun = state.control.active && state.control.of == which;
    import_is == Stage::Started && !document && !state.is_reset() && !begun
}

/// May the sweep finish that start now? Not while a run is active.
fn may_finish(system: &Imports, state: &State, which: u8) -> bool {
    let beside = system.is(BrokenImport::SweepStartsBesideARun);
    is_half_started(state, which) && (!state.control.active || beside)
}

/// Is there something for the sweep?
pub fn is_left(state: &State) -> bool {
    (0..LENGTH).any(|index| is_stray(state, index))
        || [FIRST, SECOND].iter().any(|which| is_half_started(state, *which))
        || state.sweep.iter().any(|start| start.step > 0)
        || state.second.stored && gone_second(state)
        || state.import.stage == Stage::Deleted && state.run.document
        || state.is_reset() && state.import.stage != Stage::Absent
}

/// Deletes what never existed or is gone, and finishes what others began.
pub fn steps(system: &Imports, state: &State, next: &mut Next) {
    let mut go = |change: &dyn Fn(&mut State) -> &'static str| {
        take(next, (ImportActor::Sweep, true), state, change);
    };
    // It looks in the ranges of what was sealed or discarded, not where orders are pending.
    let fooled = system.is(BrokenImport::SweepLooksAtOneImport)
        && state.second.stored
        && state.second.stage == Stage::Sealed;
    for index in (0..LENGTH).filter(|index| is_stray(state, *index) && !fooled) {
        go(&|after| {
            after.orders[index] = Order::default();
            "deletes an order that does not exist any more"
        });
    }
    let empty = state.orders.iter().all(|order| order.is_absent());
    if empty && state.import.stage == Stage::Deleted && state.run.document {
        go(&|after| {
            after.run.document = false;
            "deletes the run document of a deleted import"
        });
    }
    if empty && state.is_reset() && state.import.stage != Stage::Absent {
        go(&|after| {
            (after.import.stage, after.run) = (Stage::Absent, Run::default());
            after.second = Second::default();
            "finishes a reset"
        });
    }
    if gone_second(state) && state.second.stored {
        go(&|after| {
            after.second.stored = false;
            "deletes the order of import B"
        });
    }
    for which in [FIRST, SECOND] {
        let mine = usize::from(which - FIRST);
        if !may_finish(system, state, which) && state.sweep[mine].step == 0 {
            continue;
        }
        for seen in state.answers() {
            go(&|after| {
                let mut request = Request { by_sweep: true, ..after.sweep[mine] };
                let what = start::step(system, after, which, &seen, &mut request);
                after.sweep[mine] = if request.over { Request::default() } else { request };
                what
            });
        }
    }
}

fn gone_second(state: &State) -> bool {
    state.second.stage == Stage::Discarded || state.is_reset()
}
