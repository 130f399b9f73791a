//! MongoDB: orders and control.

use super::scenario::Set;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Status {
    #[default]
    Pending,
    Processed,
    Dead,
    Removed,
}

/// An order, with what only the model knows.
#[expect(clippy::struct_excessive_bools, reason = "fields of a document")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Order {
    pub status: Status,
    /// `outcome.attempts`
    pub attempts: u8,
    /// `outcome.asked`: how often the receiver said `retry` by name while nobody vouched for it.
    pub asked: u8,
    /// `retriedAt`: how often a person put it back.
    pub put: u8,
    /// `outcome.batch`: the worker whose call wrote last, while that call may still ask.
    pub batch: u8,
    /// The commands that marked it as a dead letter, one bit each.
    pub marks: u8,
    /// Model only: the receiver said `ok`.
    pub served: bool,
    /// Model only, since it was put back: the receiver said `fail`.
    pub refused: bool,
    /// Model only, since it was put back: answers that may cost an attempt.
    pub answers: u8,
    /// Model only, since it was put back: `retry` by name.
    pub named: u8,
    /// Model only: a person ended it.
    pub by_person: bool,
    /// Model only: it was put back after the fence had opened.
    pub late: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Paused {
    #[default]
    No,
    ByPerson,
    ByCanary,
}

/// The orders of a run by outcome.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Figures {
    pub processed: Set,
    pub dead: Set,
    pub removed: Set,
}

impl Figures {
    pub const fn terminal(self) -> Set {
        self.processed | self.dead | self.removed
    }
}

/// Control, of one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Control {
    pub version: u8,
    pub orders_version: u8,
    /// The run has ended, with these figures.
    pub end: Option<Figures>,
    pub paused: Paused,
    /// 0: none.
    pub pause_after: u8,
    pub hold: bool,
    /// The commands about dead letters that were decided, one bit each.
    pub letters: u8,
}
