//! Imports: a list of a client's own, uploaded until it is whole, sealed, and started as a run
//! (I11). MongoDB alone; from its chunks on such a run is what the rest of this crate models.
//!
//! Two uploaders send the list of import A, resend it when they die, and may be overtaken at any
//! step; commands seal, start, discard, cancel, delete and reset. A block has one or two lines.
//!
//! | module | what it models |
//! |---|---|
//! | `imports::state` | the documents: control, `imports`, `import_blocks`, `orders`, runs |
//! | `imports::upload` | `PUT /pedidos/imports/{importId}/orders`, block by block |
//! | `imports::life` | create, seal, discard, delete, reset |
//! | `imports::start` | start, by a command or by the sweep |
//! | `imports::sweep` | the sweep |
//! | `imports::run` | the run: its chunks read what was accepted, a cancel marks it |
//!
//! # What an uploader does
//!
//! It inserts a block without looking refs up. If a ref is taken, it raises the attempt by a
//! compare-and-set on state, attempt and lines, and does the block again with the check. Its orders
//! of the first try then have a lower attempt, and are deleted where they are in the way.
//!
//! # Reads that are behind
//!
//! With `stale`, one member of the replica set stays behind at some moment, and a read of the import
//! may ask it at any later moment. Compare-and-sets act on the latest. The search found two holes
//! in the start as it was designed:
//!
//! - `StartTrustsItsRead`: a start reads that the import was started, and leaves it as it is. The
//!   read is behind, and the run has ended and been deleted since. The start sets control, and a run
//!   of deleted orders begins. Fix: a start compares and sets the import (sealed or started, to
//!   started) in every try, also if it was started.
//! - `RunDocumentReadBehind`: a start reads from a member that is behind that there is no run
//!   document. The run has ended, and a delete has looked at control and goes on. The start sets
//!   control, and the run begins again while its orders are deleted. Fix: the run document is read
//!   linearizably. The import need not be.
//!
//! # What is left out, and why that is sound
//!
//! - **Redis, replay, retry.** A run of an import differs from a generated one in the source of a
//!   chunk alone. `Scenario::imported` has them.
//! - **Import B** has one order, and no uploads: the order and the range are enough to see what the
//!   start, the sweep or the discard of one import does to the other.
//! - **The list's content.** Two lists of up to three lines stand for all: they begin alike, and
//!   then differ; a line has a `ref`, or none, or is no order at all.
//! - **Pages.** Orders are deleted one by one, which allows more.

mod broken;
mod life;
mod run;
mod start;
mod state;
mod sweep;
mod upload;

pub use self::broken::BrokenImport;
use self::state::{Behind, Import, Phase, SECOND, Stage, State, Uploader};
use crate::search::{Step, System};

/// A command about an import, sent to an API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ImportCommand {
    /// Take a new range of ids, for another import.
    Create,
    /// Change something else in control.
    Pause,
    /// Seal import A once it is whole.
    Seal,
    /// Start the run of import A.
    Start,
    /// Discard import A.
    Discard,
    /// Cancel the run of import A.
    Cancel,
    /// Another run, from its start to its end.
    Other,
    /// Delete the run of import A, its orders and the import. How control is kept from naming it
    /// again is in `deletes`.
    Delete,
    /// Delete everything.
    Reset,
    /// Start the run of import B.
    StartB,
    /// Discard import B.
    DiscardB,
}

/// A search of the protocol of imports.
#[derive(Clone, Debug)]
pub struct Imports {
    /// The list that each uploader sends: numbers of [`LINES`].
    pub lists: [&'static [u8]; UPLOADERS],
    /// How many uploaders there are.
    pub uploaders: usize,
    /// The commands, each by an API of its own, at any time.
    pub commands: Vec<ImportCommand>,
    /// How often an uploader may die and send again, in all.
    pub crashes: u8,
    /// How many answers of MongoDB may be lost.
    pub lost_answers: u8,
    /// Somebody may delete an accepted order.
    pub gone: bool,
    /// An API may die in the middle of a command; nobody repeats it.
    pub api_crashes: u8,
    /// There is an import B, which is sealed.
    pub second: bool,
    /// One member of the replica set may stay behind, and a read of the import may ask it.
    pub stale: bool,
    /// What is broken on purpose.
    pub broken: Option<BrokenImport>,
}

/// The most uploaders of a search.
pub const UPLOADERS: usize = 2;
/// The most lines of a list.
const LENGTH: usize = 4;
/// The most commands of a search.
const COMMANDS: usize = 5;

/// What a line may be: its `ref` (0: none), or no order.
#[derive(Clone, Copy, Debug)]
struct Line {
    reference: u8,
    valid: bool,
}

/// The lines that lists are made of.
const LINES: [Line; 6] = [
    Line { reference: 1, valid: true },
    Line { reference: 2, valid: true },
    Line { reference: 0, valid: false },
    // The ref of the first one, again.
    Line { reference: 1, valid: true },
    Line { reference: 0, valid: true },
    Line { reference: 3, valid: true },
];

impl Imports {
    /// These lists, one uploader each; no command and no fault.
    #[must_use]
    pub fn of(lists: &[&'static [u8]]) -> Self {
        let mut all: [&'static [u8]; UPLOADERS] = [&[]; UPLOADERS];
        all[..lists.len()].copy_from_slice(lists);
        Self {
            lists: all,
            uploaders: lists.len(),
            commands: Vec::new(),
            crashes: 0,
            lost_answers: 0,
            gone: false,
            api_crashes: 0,
            second: false,
            stale: false,
            broken: None,
        }
    }

    /// Sets the commands.
    #[must_use]
    pub fn commands(mut self, commands: &[ImportCommand]) -> Self {
        self.commands = commands.to_vec();
        self
    }

    /// Sets how often an uploader dies, how many answers are lost, how often an API dies.
    #[must_use]
    pub const fn faults(mut self, crashes: u8, lost_answers: u8, api_crashes: u8) -> Self {
        (self.crashes, self.lost_answers, self.api_crashes) = (crashes, lost_answers, api_crashes);
        self
    }

    /// Lets somebody delete an accepted order.
    #[must_use]
    pub const fn gone(mut self) -> Self {
        self.gone = true;
        self
    }

    /// Adds import B.
    #[must_use]
    pub const fn second(mut self) -> Self {
        self.second = true;
        self
    }

    /// Lets reads be stale.
    #[must_use]
    pub const fn stale(mut self) -> Self {
        self.stale = true;
        self
    }

    /// Breaks one part.
    #[must_use]
    pub const fn broken(mut self, broken: BrokenImport) -> Self {
        self.broken = Some(broken);
        self
    }

    fn is(&self, broken: BrokenImport) -> bool {
        self.broken == Some(broken)
    }
}

/// Who takes a step.
#[derive(Clone, Copy, Debug)]
pub enum ImportActor {
    /// One of the uploaders.
    Uploader(usize),
    /// The API of a command.
    Request(usize, ImportCommand),
    /// The sweep.
    Sweep,
    /// A worker.
    Worker,
    /// No process.
    Fault,
}

type Next = Vec<Step<State, ImportActor>>;

fn take(
    next: &mut Next,
    (actor, progress): (ImportActor, bool),
    state: &State,
    change: impl FnOnce(&mut State) -> &'static str,
) {
    let mut after = *state;
    let what = change(&mut after);
    next.push(Step { actor, what, progress, after });
}

impl System for Imports {
    type State = State;
    type Actor = ImportActor;

    fn first(&self) -> State {
        State::first(self)
    }

    fn steps(&self, state: &State, next: &mut Next) {
        for me in 0..self.uploaders {
            upload::steps(self, state, me, next);
        }
        for me in 0..self.commands.len() {
            life::steps(self, state, me, next);
        }
        sweep::steps(self, state, next);
        run::steps(self, state, next);
        if state.stale {
            take(next, (ImportActor::Fault, false), state, |after| {
                let (import, document) = (after.import, after.run.document);
                after.behind = Some(Behind { import, document, old: true });
                after.stale = false;
                "a member of the replica set stays behind"
            });
        }
    }

    fn violation(&self, state: &State) -> Option<&'static str> {
        let gone = matches!(state.import.stage, Stage::Absent | Stage::Discarded | Stage::Deleted);
        if state.is_running() && (gone || state.is_reset()) {
            return Some("I11: the run of an import that is gone");
        }
        let second = state.second.stage;
        let active = state.control.active && state.control.of == SECOND;
        if active && !matches!(second, Stage::Sealed | Stage::Started) {
            return Some("I11: the run of an import that is gone");
        }
        let kept = matches!(second, Stage::Sealed | Stage::Started) && !state.is_reset();
        if kept && !state.second.stored {
            return Some("I11: an order of another import was deleted");
        }
        state.bug.or_else(|| self.wrong_with(state, &state.import))
    }

    fn is_settled(&self, state: &State) -> bool {
        state.uploaders[..self.uploaders].iter().all(Uploader::is_over)
            && state.requests[..self.commands.len()].iter().all(|request| request.is_over())
            && !run::is_left(state)
            && !sweep::is_left(state)
    }

    fn violation_at_rest(&self, state: &State) -> Option<&'static str> {
        let import = &state.import;
        let stray = |i: usize| !state.orders[i].is_absent() && i >= usize::from(import.accepted);
        if import.stage != Stage::Open && (0..LENGTH).any(stray) {
            return Some("an order that was never accepted is left");
        }
        let run = &state.run;
        let refused = |uploader: &Uploader| uploader.phase == Phase::Stopped;
        let same = self.lists[..self.uploaders].windows(2).all(|pair| pair[0] == pair[1]);
        let uploaders = &state.uploaders[..self.uploaders];
        if same && import.stage == Stage::Open && uploaders.iter().all(refused) {
            return Some("I11: every upload of the list was refused");
        }
        if run.ended && run.counted.iter().sum::<u8>() != run.quantity {
            return Some("I3: the ledger of the run is not what was accepted");
        }
        None
    }

    fn describe(&self, state: &State) -> Vec<String> {
        vec![
            format!("{:?} {:?}", state.control, state.import),
            format!("{:?}", state.orders),
            format!("{:?} {:?} {:?}", state.blocks, state.run, state.second),
        ]
    }
}

impl Imports {
    fn wrong_with(&self, state: &State, import: &Import) -> Option<&'static str> {
        // What is being taken back may be half gone.
        if matches!(import.stage, Stage::Discarded | Stage::Deleted | Stage::Absent) {
            return None;
        }
        if state.is_reset() {
            return None;
        }
        let mut index = 0;
        for line in &import.chain[..usize::from(import.lines)] {
            if !upload::accepts(import.chain, *line, usize::from(line.at)) {
                continue;
            }
            let order = &state.orders[index];
            let gone = state.lost[index] && order.is_absent();
            if !gone && order.line != line.number {
                return Some("I11: an order is not that of its line");
            }
            index += 1;
        }
        if index != usize::from(import.accepted) {
            return Some("I11: a line was rejected that is an order, or the other way round");
        }
        let mut line = 0;
        while line < usize::from(import.lines) {
            let block = state.block_at(line, self);
            let count = usize::from(block.count);
            if count == 0 || block.first_line as usize != line {
                return Some("I11: the block of a committed line is not there");
            }
            let told = &block.numbers[..count];
            let committed = import.chain[line..line + count].iter().map(|line| line.number);
            if !told.iter().copied().eq(committed) {
                return Some("I11: a block is not of the lines that were committed");
            }
            line += count;
        }
        None
    }
}
