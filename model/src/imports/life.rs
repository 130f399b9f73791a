//! From the creation of an import to its end.

use super::{
    BrokenImport, ImportActor, ImportCommand, Imports, LENGTH, Next, start,
    state::{Behind, Block, FIRST, Import, Order, Request, SECOND, Stage, State},
    take,
};

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
    let reads = matches!(command, ImportCommand::Seal | ImportCommand::Start);
    for seen in state.answers().take(if reads { 2 } else { 1 }) {
        take(next, (actor, true), state, |after| step(system, after, me, &seen));
    }
}

fn step(system: &Imports, after: &mut State, me: usize, seen: &Behind) -> &'static str {
    let mut request = after.requests[me];
    let what = match system.commands[me] {
        ImportCommand::Create => create(system, after, &mut request),
        ImportCommand::Pause => pause(after, &mut request),
        ImportCommand::Seal => seal(system, after, &seen.import, &mut request),
        ImportCommand::Start => start::step(system, after, FIRST, seen, &mut request),
        ImportCommand::StartB => start::step(system, after, SECOND, seen, &mut request),
        ImportCommand::Discard => discard(system, after, &mut request),
        ImportCommand::DiscardB => discard_second(after, &mut request),
        ImportCommand::Cancel => cancel(after, &mut request),
        ImportCommand::Other => other(after, &mut request),
        ImportCommand::Delete => delete(system, after, &mut request),
        ImportCommand::Reset => reset(after, &mut request),
    };
    after.requests[me] = request;
    what
}

/// A client asks when it makes sense: to seal what is whole, to start what was sealed.
fn may_begin(system: &Imports, state: &State, command: ImportCommand) -> bool {
    let uploading = state.uploaders[..system.uploaders].iter().any(|one| !one.is_over());
    let sealing = state.waits_for(system, ImportCommand::Seal);
    match command {
        ImportCommand::Seal => is_whole(system, &state.import) || !uploading,
        ImportCommand::Start => state.import.stage != Stage::Open || !(uploading || sealing),
        ImportCommand::Other => !state.control.active,
        ImportCommand::Delete => state.run.ended || !(uploading || sealing || state.is_running()),
        _ => true,
    }
}

fn is_whole(system: &Imports, import: &Import) -> bool {
    let lines = usize::from(import.lines);
    system.lists[..system.uploaders].iter().any(|list| list.len() == lines)
}

/// Reads control.
pub fn read(after: &State, request: &mut Request) {
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

fn seal(system: &Imports, after: &mut State, seen: &Import, request: &mut Request) -> &'static str {
    if request.step == 0 {
        if seen.stage != Stage::Open || after.is_reset() || !is_whole(system, seen) {
            request.over = true;
            return "is refused: there is nothing to seal";
        }
        (request.step, request.read, request.version) = (1, seen.attempt, seen.lines);
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

/// Deletes what is left of the import's orders, then of its blocks. Answers whether that is all.
fn delete_rest(after: &mut State) -> bool {
    if let Some(order) = after.orders.iter_mut().find(|order| !order.is_absent()) {
        *order = Order::default();
        return false;
    }
    after.blocks = [Block::default(); LENGTH];
    true
}

fn discard(system: &Imports, after: &mut State, request: &mut Request) -> &'static str {
    if request.step == 0 {
        let leaves = matches!(after.import.stage, Stage::Open | Stage::Sealed);
        if leaves {
            after.import.stage = Stage::Discarded;
        }
        (request.step, request.over) = (1, !leaves);
        return "sets the import to discarded, or is refused";
    }
    request.over = delete_rest(after);
    if system.is(BrokenImport::DiscardHasNoEnd) {
        after.second.stored = false;
    }
    "deletes what was imported"
}

fn discard_second(after: &mut State, request: &mut Request) -> &'static str {
    if request.step == 0 {
        let leaves = after.second.stage == Stage::Sealed;
        if leaves {
            after.second.stage = Stage::Discarded;
        }
        (request.step, request.over) = (1, !leaves);
        return "sets import B to discarded, or is refused";
    }
    after.second.stored = false;
    request.over = true;
    "deletes the order of import B"
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
    if control.active {
        return "waits";
    }
    (control.of, control.active, control.cancels) = (0, true, false);
    control.version += 1;
    request.over = true;
    "another run begins"
}

fn delete(system: &Imports, after: &mut State, request: &mut Request) -> &'static str {
    let run_first = system.is(BrokenImport::DeleteTakesRunFirst);
    match request.step {
        0 => {
            request.over = after.control.of == FIRST || !after.run.document;
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
        (control.of, control.active, control.cancels) = (0, false, false);
        control.version += 1;
        request.step = 1;
        return "sets control: everything is reset";
    }
    if delete_rest(after) {
        after.import.stage = Stage::Absent;
        (after.run, after.second) = Default::default();
        request.over = true;
    }
    "deletes everything"
}
