//! What each process may do next.

use super::{
    BrokenDelete, DeleteActor, DeleteCommand, Deletes, HELD, Next,
    state::{Document, Import, Named, Request, State},
};
use crate::search::Step;

fn take(
    next: &mut Next,
    (actor, progress): (DeleteActor, bool),
    state: &State,
    change: impl FnOnce(&mut State) -> &'static str,
) {
    let mut after = *state;
    let what = change(&mut after);
    next.push(Step { actor, what, progress, after });
}

/// What the API of a command may do next.
pub fn command(system: &Deletes, state: &State, me: usize, next: &mut Next) {
    let (command, request) = (system.commands[me], state.requests[me]);
    if request.over || command == DeleteCommand::Other && request.step == 0 && state.control.active
    {
        return;
    }
    if request.step > 0 && state.crashes > 0 && command != DeleteCommand::Other {
        take(next, (DeleteActor::Fault, false), state, |after| {
            after.crashes -= 1;
            after.requests[me] = Request { over: true, ..Request::default() };
            "an API dies in the middle of a command"
        });
    }
    let trusts = command == DeleteCommand::Reopen
        && request.step == 1
        && system.is(BrokenDelete::ReopenTrustsItsRead);
    let reads = [Some(state.document), state.behind.filter(|_| trusts)];
    for seen in reads.into_iter().flatten() {
        take(next, (DeleteActor::Request(me, command), true), state, |after| {
            let mut request = after.requests[me];
            let what = match command {
                DeleteCommand::Delete => delete(system, after, &mut request, false),
                DeleteCommand::Reopen => reopen(after, &mut request, seen),
                DeleteCommand::Start => start(system, after, &mut request),
                DeleteCommand::Other => other(after, &mut request),
            };
            if request.over {
                request = Request { over: true, ..Request::default() };
            }
            after.requests[me] = request;
            what
        });
    }
}

/// `Controller::delete_run`, also as the sweep calls it.
fn delete(
    system: &Deletes,
    after: &mut State,
    request: &mut Request,
    by_sweep: bool,
) -> &'static str {
    const READ: u8 = 0;
    const MARK: u8 = 1;
    const SET: u8 = 2;
    const IMPORT: u8 = 3;
    const ORDERS: u8 = 4;
    /// Of broken variants alone.
    const IMPORT_FIRST: u8 = 5;
    let control_first = system.is(BrokenDelete::ControlFirst);
    match request.step {
        READ => {
            let marked = after.document.is_some_and(|document| document.marked);
            if after.control.of == Named::Run || after.document.is_none() || by_sweep && !marked {
                request.over = true;
                return "is refused: it is the current run, or there is none";
            }
            request.version = after.control.version;
            request.step = match system.broken {
                Some(BrokenDelete::ImportFirst) => IMPORT_FIRST,
                Some(BrokenDelete::ControlFirst) => SET,
                _ => MARK,
            };
            "reads control, then the run document"
        }
        IMPORT_FIRST => {
            delete_import(after);
            request.step = MARK;
            "sets the import to deleted"
        }
        MARK => {
            let Some(document) = after.document.filter(|it| it.version <= request.version) else {
                request.step = READ;
                return "cannot mark the run document: it is gone, or a later one";
            };
            let keeps = system.is(BrokenDelete::MarkKeepsVersion);
            let version = if keeps { document.version } else { request.version };
            after.document = Some(Document { version, marked: true });
            let is_last = control_first || system.is(BrokenDelete::ControlIsNotSet);
            request.step = if is_last { IMPORT } else { SET };
            "marks the run document"
        }
        SET => {
            if after.control.version != request.version {
                request.step = READ;
                return "cannot set control: it has changed";
            }
            after.control.version += 1;
            request.version += u8::from(control_first);
            request.step = if control_first { MARK } else { IMPORT };
            "sets control"
        }
        IMPORT => {
            delete_import(after);
            request.step = ORDERS;
            "sets the import to deleted"
        }
        _ => {
            after.stored = false;
            if system.is(BrokenDelete::NoTombstone) {
                after.document = None;
            }
            request.over = true;
            "deletes the orders"
        }
    }
}

fn delete_import(after: &mut State) {
    if after.import == Import::Started {
        after.import = Import::Deleted;
    }
}

/// `Controller::reopen`, then the decision about the dead letters. `seen`: what the run document is by
/// what it has read; as it is meant, that read is a write.
fn reopen(after: &mut State, request: &mut Request, seen: Option<Document>) -> &'static str {
    let control = after.control;
    match request.step {
        0 if control.of == Named::Run => {
            request.step = 3;
            "finds that it is the current run"
        }
        0 if control.active => {
            request.over = true;
            "is refused: another run is active"
        }
        0 => {
            (request.step, request.version) = (1, control.version);
            "reads control"
        }
        1 => {
            if seen.is_none_or(|document| document.marked) {
                request.over = true;
                return "is refused: there is no such run";
            }
            request.step = 2;
            "reads the run document, by a write"
        }
        2 if control.version != request.version => {
            request.step = 0;
            "cannot set control: it has changed"
        }
        2 => {
            (after.control.of, after.control.active) = (Named::Run, false);
            after.control.version += 1;
            request.step = 3;
            "makes it the current run again"
        }
        3 if control.of != Named::Run || control.active => {
            request.over = true;
            "is refused: another run is the current one, or this one is active"
        }
        3 => {
            (request.step, request.version) = (4, control.version);
            "reads control"
        }
        _ if control.version != request.version => {
            request.step = 3;
            "cannot set control: it has changed"
        }
        _ => {
            after.control.active = true;
            after.control.version += 1;
            request.over = true;
            "puts its dead letters back"
        }
    }
}

/// `Controller::start_import`, of an import that was started before.
fn start(system: &Deletes, after: &mut State, request: &mut Request) -> &'static str {
    let control = after.control;
    match request.step {
        0 => {
            request.over = control.active;
            (request.step, request.version) = (1, control.version);
            "reads control"
        }
        1 => {
            request.over = after.import != Import::Started;
            request.step = 2;
            "reads and sets the import, or is refused"
        }
        2 => {
            let skips = system.is(BrokenDelete::StartSkipsMarked);
            request.over = after.document.is_some_and(|document| !(skips && document.marked));
            request.step = 3;
            "reads whether it has run"
        }
        3 => {
            request.step = if after.import == Import::Started { 4 } else { 0 };
            "sets the import again"
        }
        _ if control.version != request.version => {
            request.step = 0;
            "cannot set control: it has changed"
        }
        _ => {
            (after.control.of, after.control.active) = (Named::Run, true);
            after.control.version += 1;
            after.bug = Some("I11: a run began again from its import");
            request.over = true;
            "begins the run"
        }
    }
}

/// `Controller::generate`: the run document of the run that it replaces is there before.
fn other(after: &mut State, request: &mut Request) -> &'static str {
    let control = after.control;
    match request.step {
        0 => {
            (request.step, request.version) = (1, control.version);
            "reads control"
        }
        _ if control.version != request.version => {
            request.step = 0;
            "cannot set control: it has changed"
        }
        1 => {
            if control.of == Named::Run {
                after.save(control.version);
            }
            request.step = 2;
            "makes sure of the run document that it replaces"
        }
        _ => {
            (after.control.of, after.control.active) = (Named::Other, true);
            after.control.version += 1;
            request.over = true;
            "begins another run"
        }
    }
}

/// What happens by itself.
pub fn background(system: &Deletes, state: &State, next: &mut Next) {
    let control = state.control;
    let named = control.of == Named::Run;
    let is_written = state.document.is_some_and(|it| it.version >= control.version && !it.marked);
    if named && !is_written {
        take(next, (DeleteActor::Sync, true), state, |after| {
            after.save(control.version);
            "makes sure of the run document"
        });
    }
    if control.active && (!named || is_written) {
        take(next, (DeleteActor::Worker, true), state, |after| {
            after.control.active = false;
            after.control.version += 1;
            "ends the run"
        });
    }
    for slot in 0..HELD {
        let version = state.held[slot];
        if version == 0 {
            continue;
        }
        take(next, (DeleteActor::Frozen, true), state, |after| {
            after.save(version);
            after.held[slot] = 0;
            "writes the run document of an older control"
        });
        take(next, (DeleteActor::Frozen, true), state, |after| {
            after.held[slot] = 0;
            "dies"
        });
    }
    if state.late {
        take(next, (DeleteActor::Frozen, true), state, |after| {
            (after.stored, after.late) = (after.stored || !system.imported, false);
            "inserts an order late"
        });
        take(next, (DeleteActor::Frozen, true), state, |after| {
            after.late = false;
            "dies"
        });
    }
}

/// The sweep finishes deletes, and forgets what was deleted once nobody can be frozen any more.
pub fn sweep(system: &Deletes, state: &State, next: &mut Next) {
    let marked = state.document.is_some_and(|document| document.marked);
    let named = state.control.of == Named::Run;
    let is_left = state.stored || state.import == Import::Started;
    if state.sweep.step > 0 || marked && !named && is_left {
        take(next, (DeleteActor::Sweep, true), state, |after| {
            let mut request = after.sweep;
            let what = delete(system, after, &mut request, true);
            after.sweep = if request.over { Request::default() } else { request };
            what
        });
    }
    if state.import == Import::Deleted && state.stored {
        take(next, (DeleteActor::Sweep, true), state, |after| {
            after.stored = false;
            "deletes the orders of a deleted import"
        });
    }
    let begun = |request: &Request| !request.over && request.step > 0;
    let is_frozen = state.held != [0; HELD] || state.late || state.requests.iter().any(begun);
    if marked && !named && !is_left && !is_frozen && state.sweep.step == 0 {
        take(next, (DeleteActor::Sweep, true), state, |after| {
            if after.import == Import::Deleted {
                after.import = Import::Gone;
                return "forgets the import";
            }
            after.document = None;
            "forgets the run"
        });
    }
}

/// What may go wrong.
pub fn faults(state: &State, next: &mut Next) {
    let free = state.held.iter().position(|version| *version == 0);
    if let Some(slot) = free.filter(|_| state.holds && state.control.of == Named::Run) {
        take(next, (DeleteActor::Fault, false), state, |after| {
            after.held[slot] = after.control.version;
            after.holds = false;
            "a process is frozen with this control"
        });
    }
    if state.stale {
        take(next, (DeleteActor::Fault, false), state, |after| {
            (after.behind, after.stale) = (Some(after.document), false);
            "a member of the replica set stays behind"
        });
    }
}
