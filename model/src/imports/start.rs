//! The start of an import's run, by a command or by the sweep.

use super::{
    BrokenImport, Imports,
    state::{Behind, FIRST, Request, Run, Stage, State},
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

const MEANT: [Start; 6] = [
    Start::ReadControl,
    Start::ReadImport,
    Start::SetImport,
    Start::ReadRun,
    Start::SetImport,
    Start::SetControl,
];
const CONTROL_FIRST: [Start; 5] =
    [Start::ReadControl, Start::ReadRun, Start::ReadImport, Start::SetControl, Start::SetImport];
const IMPORT_FIRST: [Start; 5] =
    [Start::ReadControl, Start::ReadImport, Start::ReadRun, Start::SetImport, Start::SetControl];

/// Every try reads control, then the import, which it compares and sets also if that was started: it
/// may have been read behind, and deleted since. Then it reads the run document: after a write that
/// a majority has, so that what it reads is not behind that write. And it compares and sets the import
/// once more: a run that was deleted before its document was read has taken the import first.
pub fn step(
    system: &Imports,
    after: &mut State,
    which: u8,
    seen: &Behind,
    request: &mut Request,
) -> &'static str {
    let order: &[Start] = if system.is(BrokenImport::StartSetsControlFirst) {
        &CONTROL_FIRST
    } else if system.is(BrokenImport::StartReadsImportFirst) {
        &IMPORT_FIRST
    } else {
        &MEANT
    };
    let Some(step) = order.get(usize::from(request.step)) else {
        let stage = stage_of(after, which);
        if *stage == Stage::Started {
            *stage = Stage::Sealed;
        }
        request.over = true;
        return "sets the import back: another run is active";
    };
    request.step += 1;
    let last = usize::from(request.step) == order.len();
    match step {
        Start::ReadControl => {
            let beside = request.by_sweep && system.is(BrokenImport::SweepStartsBesideARun);
            if after.control.active && !beside || after.is_reset() {
                request.over = true;
                return "is refused, waits or has begun: a run is active, or all was reset";
            }
            (request.version, request.last_ids) = (after.control.version, after.control.last_ids);
            "reads control"
        }
        Start::ReadRun => {
            let behind = system.is(BrokenImport::RunDocumentReadBehind) && seen.old;
            request.over = match which {
                FIRST if behind => seen.document,
                FIRST => after.run.document,
                _ => after.second.document,
            };
            "reads the run document"
        }
        Start::ReadImport => {
            let (stage, accepted) = match which {
                FIRST => (seen.import.stage, seen.import.accepted),
                _ => (after.second.stage, 1),
            };
            if !matches!(stage, Stage::Sealed | Stage::Started) || accepted == 0 {
                request.over = true;
                return "is refused: the import is not sealed, or is empty";
            }
            request.read = accepted;
            request.was_started = stage == Stage::Started;
            "reads the import"
        }
        Start::SetImport => {
            let trusts = request.was_started
                && (system.is(BrokenImport::StartTrustsItsRead)
                    || system.is(BrokenImport::StartReadsImportFirst));
            let stage = stage_of(after, which);
            if !trusts {
                if !matches!(stage, Stage::Sealed | Stage::Started) {
                    request.step = 0;
                    return "cannot set the import: it has changed";
                }
                *stage = Stage::Started;
            }
            request.over = last;
            "sets the import to started"
        }
        Start::SetControl => {
            let control = &mut after.control;
            if control.version != request.version {
                let back = control.active && system.is(BrokenImport::BusyStartSetsItBack);
                request.step = if back { order.len() as u8 } else { 0 };
                return "cannot set control: it has changed";
            }
            if control.active {
                after.bug = Some("two runs were active at once");
            }
            control.version += 1;
            (control.of, control.active, control.cancels) = (which, true, false);
            if which == FIRST {
                let document = after.run.document;
                after.run = Run { quantity: request.read, document, ..Run::default() };
            }
            request.over = last;
            "sets control: the run begins"
        }
    }
}

fn stage_of(after: &mut State, which: u8) -> &mut Stage {
    if which == FIRST { &mut after.import.stage } else { &mut after.second.stage }
}
