//! What a worker holds.

use crate::{
    ending::Ending,
    queue::{Outcome, RANGE, SAVE, order_slot},
    scenario::ORDERS,
    store::{Control, LetterDecisions, OrderState},
};

/// The next step of a chunk (`generate.rs`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Chunk {
    /// Carry out the decisions about its dead letters.
    Settle(LetterDecisions),
    /// Read its range.
    Read,
    /// Insert what is missing.
    Insert,
    /// Check that control still wants the run.
    CheckControl,
    /// Control does not want the run. Read the history. The fields say whether control shows a
    /// cancel, and below which run a reset deletes.
    History(bool, u8),
    /// Mark the inserted orders as strays.
    Stray,
    /// Delete what is below this run.
    Delete(u8),
    /// Push the VIP orders.
    Push,
    /// For a broken variant: delete what it inserted.
    Undo,
}

/// The next step of an order (`drain.rs`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Drain {
    /// Mark it processed.
    Mark,
    /// Read it back; true: after a refusal.
    ReadBack(bool),
    /// Check that control still wants the run.
    CheckControl,
    /// Read the number of attempts.
    CheckAttempts,
    /// Make it a dead letter.
    MarkDead,
    /// Close the lease.
    Ack(Outcome),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Task {
    #[default]
    Idle,
    Chunk {
        run: u8,
        chunk: u8,
        step: Chunk,
        /// The orders that its range held.
        found: [OrderState; ORDERS],
    },
    /// The range of NORMAL orders.
    Range {
        run: u8,
        /// It is still to be read.
        read: bool,
        found: [OrderState; ORDERS],
    },
    Order {
        run: u8,
        order: u8,
        step: Drain,
    },
    /// The end of the run: read control.
    Save(u8),
    /// The end of the run: read Redis.
    Sum(u8, Control),
    /// The end of the run: carry it out.
    End(Ending),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Worker {
    pub task: Task,
    /// It talks to the stale master.
    pub on_stale_master: bool,
    /// Its token, where tokens are numbers.
    pub number: u8,
}

impl Task {
    /// The lease that it works under.
    #[must_use]
    pub fn slot(&self) -> usize {
        match self {
            Self::Chunk { chunk, .. } => usize::from(*chunk),
            Self::Range { .. } => RANGE,
            Self::Order { order, .. } => order_slot(usize::from(*order)),
            Self::Idle | Self::Save(_) | Self::Sum(..) | Self::End(_) => SAVE,
        }
    }
}
