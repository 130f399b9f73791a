//! The documents in MongoDB, and what each process holds.

use super::{BrokenImport, COMMANDS, ImportCommand, Imports, LENGTH, UPLOADERS};

/// Where an import is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Stage {
    /// There is none any more.
    Absent,
    #[default]
    Open,
    Sealed,
    Started,
    Discarded,
    Deleted,
}

/// A line that was committed, and its place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Committed {
    /// Its number among the lines, plus one; 0: none.
    pub number: u8,
    pub at: u8,
}

/// The number of import A, and of its range of ids.
pub const FIRST: u8 = 1;
/// The number of import B.
pub const SECOND: u8 = 2;

/// The document of import A.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Import {
    pub stage: Stage,
    pub attempt: u8,
    pub lines: u8,
    pub accepted: u8,
    /// What the hash of the list stands for.
    pub chain: [Committed; LENGTH],
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Status {
    #[default]
    Pending,
    Processed,
    Cancelled,
}

/// An order of import A.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Order {
    /// The line that it was made of, plus one; 0: there is no order.
    pub line: u8,
    pub attempt: u8,
    pub status: Status,
}

/// An order that a chunk made up.
pub const MADE_UP: u8 = u8::MAX;

impl Order {
    pub const fn is_absent(self) -> bool {
        self.line == 0
    }
}

/// A block of lines, as its document has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Block {
    pub attempt: u8,
    pub first_line: u8,
    /// Lines; 0: there is no block.
    pub count: u8,
    pub numbers: [u8; 2],
}

/// What control has of runs and ranges.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Control {
    pub version: u8,
    /// The last range of ids that was given. Import A has the first.
    pub last_ids: u8,
    /// Ranges below were reset.
    pub reset_below: u8,
    /// The import whose run is the current one; 0: none.
    pub of: u8,
    pub active: bool,
    pub cancels: bool,
}

/// The run of import A.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Run {
    /// It has a document.
    pub document: bool,
    /// What control says it has.
    pub quantity: u8,
    /// Terminal as: processed, cancelled, dead.
    pub counted: [u8; 3],
    /// Whose order was counted.
    pub done: [bool; LENGTH],
    pub ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Phase {
    /// It has not begun, or died and sends again.
    #[default]
    Compare,
    Raise,
    /// An insert found its ref taken: raise the attempt, and do the block again.
    RaiseAgain,
    /// The answer with its attempt was lost, and it reads the number back.
    ReadBack,
    /// Is the ref of this line of the block taken?
    Check,
    /// Deletes the order of a lower attempt at this index, then checks again.
    DeleteOfRef(u8),
    Insert,
    /// Deletes the order of a lower attempt in its place, then inserts.
    DeleteInPlace,
    Document,
    Commit,
    /// The answer was lost.
    Confirm,
    /// It is whole.
    Whole,
    /// Refused.
    Stopped,
}

/// A request that uploads the list.
#[expect(clippy::struct_excessive_bools, reason = "what a request remembers")]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Uploader {
    pub phase: Phase,
    pub attempt: u8,
    /// As it was committed when this block began.
    pub lines: u8,
    pub accepted: u8,
    /// Lines of this block, and the one it is at.
    pub count: u8,
    pub at: u8,
    /// Lines of the block that are no orders.
    pub rejects: [bool; 2],
    /// The refs of this block are checked, because one of them was taken when it was inserted.
    pub checks: bool,
    /// An insert of this block has found its ref taken.
    pub collided: bool,
    /// It has decided by a read that was behind.
    pub stale: bool,
    /// It was refused because of such a read, and its client sends again. It reads what is latest.
    pub again: bool,
}

impl Uploader {
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Whole | Phase::Stopped)
    }

    /// The index of the order of the line that it is at.
    pub fn index(&self) -> usize {
        let before = &self.rejects[..usize::from(self.at)];
        usize::from(self.accepted) + before.iter().filter(|reject| !**reject).count()
    }
}

/// Import B, of one order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Second {
    pub stage: Stage,
    /// Its order is there.
    pub stored: bool,
    /// Its run has a document.
    pub document: bool,
}

/// What a read may answer that is not the latest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Behind {
    pub import: Import,
    /// The run has a document.
    pub document: bool,
    /// It is not the latest.
    pub old: bool,
}

/// How far a command is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Request {
    pub step: u8,
    /// Control as it was read.
    pub version: u8,
    pub last_ids: u8,
    pub over: bool,
    /// What else it has read.
    pub read: u8,
    /// Of a start: the import was started when it was read.
    pub was_started: bool,
    /// Of a start: the sweep finishes it.
    pub by_sweep: bool,
}

impl Request {
    pub const fn is_over(self) -> bool {
        self.over
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct State {
    pub control: Control,
    pub import: Import,
    pub blocks: [Block; LENGTH],
    pub orders: [Order; LENGTH],
    /// Accepted orders that somebody deleted.
    pub lost: [bool; LENGTH],
    pub run: Run,
    pub uploaders: [Uploader; UPLOADERS],
    pub requests: [Request; COMMANDS],
    pub second: Second,
    /// The starts that the sweep finishes, of either import.
    pub sweep: [Request; 2],
    /// What a member of the replica set that is behind still answers.
    pub behind: Option<Behind>,
    /// Ranges of ids that were given, a bit each.
    pub given: u8,
    /// Faults that may still happen.
    pub crashes: u8,
    pub lost_answers: u8,
    pub api_crashes: u8,
    pub gone: bool,
    pub stale: bool,
    pub bug: Option<&'static str>,
}

impl State {
    pub fn first(system: &Imports) -> Self {
        let control = Control {
            version: 1,
            last_ids: if system.second { SECOND } else { FIRST },
            reset_below: 0,
            of: 0,
            active: false,
            cancels: false,
        };
        let stage = if system.second { Stage::Sealed } else { Stage::Absent };
        Self {
            control,
            import: Import::default(),
            blocks: Default::default(),
            orders: Default::default(),
            lost: Default::default(),
            run: Run::default(),
            uploaders: Default::default(),
            requests: Default::default(),
            second: Second { stage, stored: system.second, document: false },
            sweep: Default::default(),
            behind: None,
            given: 1 << FIRST | u8::from(system.second) << SECOND,
            crashes: system.crashes,
            lost_answers: system.lost_answers,
            api_crashes: system.api_crashes,
            gone: system.gone,
            stale: system.stale,
            bug: None,
        }
    }

    /// Was import A reset?
    pub const fn is_reset(&self) -> bool {
        self.control.reset_below > 1
    }

    /// Its run is the current one, and active.
    pub const fn is_running(&self) -> bool {
        self.control.of == FIRST && self.control.active
    }

    /// What a read of import A and of its run may answer.
    pub fn answers(&self) -> impl Iterator<Item = Behind> + use<> {
        let now = Behind { import: self.import, document: self.run.document, old: false };
        [Some(now), self.behind].into_iter().flatten()
    }

    /// The block that begins with this line.
    pub fn block_at(&self, line: usize, system: &Imports) -> Block {
        if system.is(BrokenImport::BlocksByIndex) {
            let told = self.blocks.iter().find(|block| usize::from(block.first_line) == line);
            return told.copied().filter(|block| block.count > 0).unwrap_or_default();
        }
        self.blocks[line]
    }

    /// The index of the order that has this ref.
    pub fn of_ref(&self, reference: u8) -> Option<usize> {
        let has = |line: u8| {
            line != 0
                && line != MADE_UP
                && super::LINES[usize::from(line - 1)].reference == reference
        };
        (reference != 0).then(|| self.orders.iter().position(|order| has(order.line))).flatten()
    }

    /// A command that has not begun: is there one of this kind?
    pub fn waits_for(&self, system: &Imports, command: ImportCommand) -> bool {
        let mut commands = system.commands.iter().zip(&self.requests);
        commands.any(|(asked, request)| *asked == command && !request.over)
    }
}
