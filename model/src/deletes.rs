//! The delete of a run: an ended run, its orders and its import, while others make it the current run
//! again, start its import, or write its document late.
//!
//! One run of the history has ended, and control names another one. Commands delete it, make it the
//! current run again to retry its dead letters, start its import once more, and begin another run. A
//! process that was frozen holds a control that named the run, and still writes the run document of
//! that control.
//!
//! | module | what it models |
//! |---|---|
//! | `deletes::state` | control, the run document, the import, whether there are orders |
//! | `deletes::steps` | `common/pipeline/src/commands`: `delete_run.rs`, `reopen.rs`, `imports/start.rs`, the sweep |
//!
//! # How it is kept safe
//!
//! The delete marks the run document with the version of control that it has read. Whoever holds an older
//! control cannot replace the document any more, for a document of a later version stays. Then it compares
//! and sets control. A process that has made the run the current one before has changed control, and the
//! delete is refused. One that comes later finds the mark. Only then is anything deleted. The document
//! stays, marked, until nobody can be frozen any longer, and the import, `deleted`, almost as long.
//!
//! To make a run the current one again, a process writes the run document to read it: a member of the
//! replica set that is behind might not have the mark.
//!
//! # What is left out, and why that is sound
//!
//! - **Redis.** No step reads it. What it shows follows control.
//! - **Orders one by one.** A delete that has deleted some is one that has deleted all: no step looks at
//!   how many there are.
//! - **Reset.** It deletes what lies below it, marked or not, and again, as long as that is there.

mod state;
mod steps;

use self::state::{Import, Named, Request, State};
use crate::search::{Step, System};

/// A command about the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeleteCommand {
    /// Delete the run.
    Delete,
    /// Make it the current run again, and retry its dead letters.
    Reopen,
    /// Start its import, which was started before.
    Start,
    /// Begin another run.
    Other,
}

/// A part of the delete that is broken on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokenDelete {
    /// Control is read, and not compared and set.
    ControlIsNotSet,
    /// Control is set before the run document is marked.
    ControlFirst,
    /// The mark leaves the version of the run document as it was.
    MarkKeepsVersion,
    /// A process that makes the run the current one again believes what a read says.
    ReopenTrustsItsRead,
    /// The import is set to deleted before control.
    ImportFirst,
    /// The run document is deleted with the orders.
    NoTombstone,
    /// A start does not count a marked run document as one.
    StartSkipsMarked,
}

/// The most commands of a search.
const COMMANDS: usize = 4;
/// The most processes that hold an older control.
const HELD: usize = 2;

/// A search of the delete of a run.
#[expect(clippy::struct_excessive_bools, reason = "what may happen in it")]
#[derive(Clone, Debug)]
pub struct Deletes {
    /// The commands, each by an API of its own, at any time.
    pub commands: Vec<DeleteCommand>,
    /// The run is that of an import.
    pub imported: bool,
    /// How many APIs may die in the middle of a command; nobody repeats it.
    pub crashes: u8,
    /// A process holds the control that named the run when it ended.
    pub held: bool,
    /// A process may hold a later control that names the run.
    pub holds: bool,
    /// A worker that was frozen may insert an order of the run.
    pub late: bool,
    /// A member of the replica set may stay behind.
    pub stale: bool,
    /// What is broken on purpose.
    pub broken: Option<BrokenDelete>,
}

impl Deletes {
    /// These commands about a generated run, and a process that holds an older control.
    #[must_use]
    pub fn of(commands: &[DeleteCommand]) -> Self {
        Self {
            commands: commands.to_vec(),
            imported: false,
            crashes: 0,
            held: true,
            holds: false,
            late: false,
            stale: false,
            broken: None,
        }
    }

    /// Makes the run that of an import.
    #[must_use]
    pub const fn imported(mut self) -> Self {
        self.imported = true;
        self
    }

    /// Lets so many APIs die.
    #[must_use]
    pub const fn crashes(mut self, crashes: u8) -> Self {
        self.crashes = crashes;
        self
    }

    /// Lets a process hold a later control that names the run.
    #[must_use]
    pub const fn holds(mut self) -> Self {
        self.holds = true;
        self
    }

    /// Lets a worker insert an order late.
    #[must_use]
    pub const fn late(mut self) -> Self {
        self.late = true;
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
    pub const fn broken(mut self, broken: BrokenDelete) -> Self {
        self.broken = Some(broken);
        self
    }

    fn is(&self, broken: BrokenDelete) -> bool {
        self.broken == Some(broken)
    }
}

/// Who takes a step.
#[derive(Clone, Copy, Debug)]
pub enum DeleteActor {
    /// The API of a command.
    Request(usize, DeleteCommand),
    /// A process that compares control with Redis, and makes sure of the run document.
    Sync,
    /// A worker.
    Worker,
    /// The sweep.
    Sweep,
    /// A process that was frozen.
    Frozen,
    /// No process.
    Fault,
}

type Next = Vec<Step<State, DeleteActor>>;

impl System for Deletes {
    type State = State;
    type Actor = DeleteActor;

    fn first(&self) -> State {
        State::first(self)
    }

    fn steps(&self, state: &State, next: &mut Next) {
        for me in 0..self.commands.len() {
            steps::command(self, state, me, next);
        }
        steps::background(self, state, next);
        steps::sweep(self, state, next);
        steps::faults(state, next);
    }

    fn violation(&self, state: &State) -> Option<&'static str> {
        let gone = !state.stored || matches!(state.import, Import::Deleted | Import::Gone);
        if state.control.of == Named::Run && gone {
            return Some("I15: control names a run that is deleted");
        }
        state.bug
    }

    fn is_settled(&self, state: &State) -> bool {
        let requests = &state.requests[..self.commands.len()];
        let is_marked = state.document.is_some_and(|document| document.marked);
        let named = state.control.of == Named::Run;
        let is_behind =
            named && state.document.is_none_or(|document| document.version < state.control.version);
        requests.iter().all(|request| request.over)
            && state.sweep == Request::default()
            && state.held == [0; HELD]
            && !(state.control.active || is_marked || is_behind || state.late)
            && state.import != Import::Deleted
    }

    fn violation_at_rest(&self, state: &State) -> Option<&'static str> {
        let is_there = state.document.is_some();
        if is_there && (!state.stored || matches!(state.import, Import::Deleted | Import::Gone)) {
            return Some("a deleted run is in the history");
        }
        if !is_there && state.stored {
            return Some("orders of a deleted run are left");
        }
        None
    }

    fn describe(&self, state: &State) -> Vec<String> {
        let State { control, document, import, stored, .. } = state;
        vec![format!("{control:?} {document:?} {import:?} stored: {stored}")]
    }
}
