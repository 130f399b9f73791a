//! From the creation of an import to its end, and the sweep.

use super::{
    BrokenImport, ImportActor, ImportCommand, Imports, LENGTH, Next,
    state::{Block, Order, Request, Run, Stage, State},
    take,
};

/// The steps of a start, in the order in which they are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    ReadControl,
    ReadRun,
    ReadImport,
    SetImport,
    SetControl,
}

const MEANT: [Start; 5] =
    [Start::ReadControl, Start::ReadRun, Start::ReadImport, Start::SetImport, Start::SetControl];
const CONTROL_FIRST: [Start; 5] =
    [Start::ReadControl, Start::ReadRun, Start::ReadImport, Start::SetControl, Start::SetImport];
const IMPORT_FIRST: [Start; 5] =
    [Start::ReadControl, Start::ReadImport, Start::ReadRun, Start::SetImport, Start::SetControl];

/// What the API of a command may do next.
pub fn steps(system: &Imports, state: &State, me: usize, next: &mut Next) {
    let (command, request) = (system.commands[me], state.requests[me]);
    if request.over {
        return;
    }
    let actor = ImportActor::Request(me, command);
    if request.step > 0 && state.api_crashes > 0 {
        take(next, (ImportActor::Fault, false), state, |after| {
            after.api_crashes -= 1;
            after.requests[me].over = true;
            "an API dies in the middle of a command"
        });
    }
    if request.step == 0 && !may_begin(system, state, command) {
        return;
    }
    take(next, (actor, true), state, |after| {
        let mut request = after.requests[me];
        let what = match command {
            ImportCommand::Create => create(system, after, &mut request),
            ImportCommand::Pause => pause(after, &mut request),
            ImportCommand::Seal => seal(system, after, &mut request),
            ImportCommand::Start => start(system, after, &mut request),
            ImportCommand::Discard => discard(after, &mut request),
            ImportCommand::Cancel => cancel(after, &mut request),
            ImportCommand::Other => other(after, &mut request),
            ImportCommand::Delete => delete(system, after, &mut request),
            ImportCommand::Reset => reset(after, &mut request),
        };
        after.requests[me] = request;
        what
    });
}

/// A client asks when it makes sense: to seal what is whole, to start what was sealed.
fn may_begin(system: &Imports, state: &State, command: ImportCommand) -> bool {
    let uploading = state.uploaders[..system.uploaders].iter().any(|one| !one.is_over());
    let sealing = state.waits_for(system, ImportCommand::Seal);
    match command {
        ImportCommand::Seal => is_whole(system, state) || !uploading,
        ImportCommand::Start => state.import.stage != Stage::Open || !(uploading || sealing),
        ImportCommand::Other => !state.control.active,
        ImportCommand::Delete => state.run.ended || !(uploading || sealing || state.is_running()),
        _ => true,
    }
}

fn is_whole(system: &Imports, state: &State) -> bool {
    let lines = usize::from(state.import.lines);
    system.lists[..system.uploaders].iter().any(|list| list.len() == lines)
}

fn read(after: &State, request: &mut Request) {
    (request.version, request.last_ids) = (after.control.version, after.control.last_ids);
}

fn create(system: &Imports, after: &mut State, request: &mut Request) -> &'static str {
    if request.step == 0 {
        read(after, request);
        request.step = 1;
        return "reads control";
    }
    let control = &mut after.control;
    let by_last_run = system.is(BrokenImport::CreateByLastRun);
    let same = if by_last_run {
        control.last_ids == request.last_ids
    } else {
        control.version == request.version
    };
    if !same {
        request.step = 0;
        return "cannot take its ids: control has changed";
    }
    control.last_ids = request.last_ids + 1;
    if !by_last_run {
        control.version += 1;
    }
    let given = 1 << control.last_ids;
    if after.given & given != 0 {
        after.bug = Some("I11: two imports have the same range of ids");
    }
    after.given |= given;
    request.over = true;
    "takes a range of ids"
}

/// Any other change of control replaces the document that it has read.
fn pause(after: &mut State, request: &mut Request) -> &'static str {
    if request.step == 0 {
        read(after, request);
        request.step = 1;
        return "reads control";
    }
    if after.control.version != request.version {
        request.step = 0;
        return "cannot set control: it has changed";
    }
    after.control.version += 1;
    after.control.last_ids = request.last_ids;
    request.over = true;
    "sets control"
}

fn seal(system: &Imports, after: &mut State, request: &mut Request) -> &'static str {
    if request.step == 0 {
        if after.import.stage != Stage::Open || after.is_reset() || !is_whole(system, after) {
            request.over = true;
            return "is refused: there is nothing to seal";
        }
        (request.step, request.read, request.version) =
            (1, after.import.attempt, after.import.lines);
        return "reads the import";
    }
    let import = &mut after.import;
    let same = import.attempt == request.read && import.lines == request.version;
    if import.stage != Stage::Open || !same {
        request.step = 0;
        return "cannot seal: the import has changed";
    }
    import.stage = Stage::Sealed;
    request.over = true;
    "seals"
}

/// Every try reads control, then the run document, then the import.
fn start(system: &Imports, after: &mut State, request: &mut Request) -> &'static str {
    let order = if system.is(BrokenImport::StartSetsControlFirst) {
        CONTROL_FIRST
    } else if system.is(BrokenImport::StartReadsImportFirst) {
        IMPORT_FIRST
    } else {
        MEANT
    };
    let again = |request: &mut Request| request.step = 0;
    let step = order[usize::from(request.step)];
    request.step += 1;
    match step {
        Start::ReadControl => {
            if after.control.active || after.is_reset() {
                request.over = true;
                return "is refused, or has begun: a run is active, or all was reset";
            }
            read(after, request);
            "reads control"
        }
        Start::ReadRun => {
            request.over = after.run.document;
            "reads the run document"
        }
        Start::ReadImport => {
            let stage = after.import.stage;
            if !matches!(stage, Stage::Sealed | Stage::Started) || after.import.accepted == 0 {
                request.over = true;
                return "is refused: the import is not sealed, or is empty";
            }
            request.read = after.import.accepted;
            request.was_started = stage == Stage::Started;
            "reads the import"
        }
        Start::SetImport => {
            if !request.was_started && after.import.stage != Stage::Sealed {
                again(request);
                return "cannot set the import: it has changed";
            }
            if !request.was_started {
                after.import.stage = Stage::Started;
            }
            request.over = usize::from(request.step) == order.len();
            "sets the import to started, unless it was"
        }
        Start::SetControl => {
            if after.control.version != request.version {
                again(request);
                return "cannot set control: it has changed";
            }
            let control = &mut after.control;
            control.version += 1;
            (control.is_of_import, control.active, control.cancels) = (true, true, false);
            after.run =
                Run { quantity: request.read, document: after.run.document, ..Run::default() };
            request.over = usize::from(request.step) == order.len();
            "sets control: the run begins"
        }
    }
}

/// Deletes what is left of the import's orders, then of its blocks. Answers whether that is all.
fn delete_rest(after: &mut State) -> bool {
    if let Some(order) = after.orders.iter_mut().find(|order| !order.is_absent()) {
        *order = Order::default();
        return false;
    }
    after.blocks = [Block::default(); LENGTH];
    true
}

fn discard(after: &mut State, request: &mut Request) -> &'static str {
    if request.step == 0 {
        let leaves = matches!(after.import.stage, Stage::Open | Stage::Sealed);
        if leaves {
            after.import.stage = Stage::Discarded;
        }
        (request.step, request.over) = (1, !leaves);
        return "sets the import to discarded, or is refused";
    }
    request.over = delete_rest(after);
    "deletes what was imported"
}

fn cancel(after: &mut State, request: &mut Request) -> &'static str {
    request.over = true;
    if !after.is_running() {
        return "has nothing to cancel";
    }
    after.control.cancels = true;
    after.control.version += 1;
    "sets control: the run is cancelled"
}

fn other(after: &mut State, request: &mut Request) -> &'static str {
    let control = &mut after.control;
    if request.step == 0 {
        if control.active {
            return "waits";
        }
        (control.is_of_import, control.active, control.cancels) = (false, true, false);
        control.version += 1;
        request.step = 1;
        return "another run begins";
    }
    control.active = false;
    control.version += 1;
    request.over = true;
    "the other run ends"
}

fn delete(system: &Imports, after: &mut State, request: &mut Request) -> &'static str {
    let run_first = system.is(BrokenImport::DeleteTakesRunFirst);
    match request.step {
        0 => {
            request.over = after.control.is_of_import || !after.run.document;
            request.step = if run_first { 3 } else { 1 };
            "reads control and the run, or is refused"
        }
        1 => {
            if after.import.stage == Stage::Started {
                after.import.stage = Stage::Deleted;
            }
            request.step = 2;
            "sets the import to deleted"
        }
        2 => {
            if delete_rest(after) {
                request.step = 3;
                request.over = run_first;
            }
            "deletes the orders of the run"
        }
        _ => {
            after.run.document = false;
            request.step = 1;
            request.over = !run_first;
            "deletes the run document"
        }
    }
}

fn reset(after: &mut State, request: &mut Request) -> &'static str {
    if request.step == 0 {
        let control = &mut after.control;
        control.reset_below = control.last_ids + 1;
        (control.is_of_import, control.active, control.cancels) = (false, false, false);
        control.version += 1;
        request.step = 1;
        return "sets control: everything is reset";
    }
    if delete_rest(after) {
        after.import.stage = Stage::Absent;
        after.run = Run::default();
        request.over = true;
    }
    "deletes everything"
}

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
fn is_half_started(state: &State) -> bool {
    !is_gone(state)
        && state.import.stage == Stage::Started
        && !state.run.document
        && !state.control.active
}

/// Is there something for the sweep?
pub fn is_left(state: &State) -> bool {
    (0..LENGTH).any(|index| is_stray(state, index))
        || is_half_started(state)
        || state.sweep.step > 0
        || state.import.stage == Stage::Deleted && state.run.document
        || state.is_reset() && state.import.stage != Stage::Absent
}

/// Deletes what never existed or is gone, and finishes what others began.
pub fn sweep(system: &Imports, state: &State, next: &mut Next) {
    let mut go = |change: &dyn Fn(&mut State) -> &'static str| {
        take(next, (ImportActor::Sweep, true), state, change);
    };
    for index in (0..LENGTH).filter(|index| is_stray(state, *index)) {
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
            "finishes a reset"
        });
    }
    if is_half_started(state) || state.sweep.step > 0 {
        go(&|after| {
            let mut request = after.sweep;
            let what = start(system, after, &mut request);
            after.sweep = if request.over { Request::default() } else { request };
            what
        });
    }
}
