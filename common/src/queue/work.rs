//! The vocabulary of work: what is claimed, under which token, and what became of it.

use std::{ops::Range, time::Duration};

use crate::{
    control::Letters,
    order::{OrderId, Priority},
    run::Phase,
};

/// The name of a lease, made by its claimer: 128 random bits, so that neither
/// another worker nor a Redis that went back in time can give it twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token(pub(super) String);

impl Token {
    /// A new one, from the operating system's randomness.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// As Redis holds it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What `claim` answered.
#[derive(Debug)]
pub enum Claim {
    /// This Redis knows less of control than the caller: compare first.
    Behind,
    /// Nothing to do; ask again after this time, or when an event arrives.
    Wait(Duration),
    /// Work, under a lease.
    Work(Lease),
}

/// Work under a lease: close it with a push, an ack or a release before its
/// deadline, or it is given to another.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Its name.
    pub token: Token,
    /// The run it belongs to.
    pub run_id: String,
    /// The run's seed.
    pub seed: u64,
    /// The run's creation time, ms since the epoch.
    pub created_ms: u64,
    /// The version of control that Redis had.
    pub version: i64,
    /// When it was granted, ms since the epoch by Redis' clock: what a worker stamps comes
    /// from here, for its own clock may be hours off.
    pub since_ms: i64,
    /// The run has been replayed: NORMAL orders may be terminal before they are pushed.
    pub replay: bool,
    /// What a person decided about dead letters of the run.
    pub letters: Vec<Letters>,
    /// Where the run was.
    pub phase: Phase,
    /// What is to be done.
    pub work: Work,
}

/// What a lease is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Make sure these orders are stored, then push the VIP ones.
    Generate(Range<u32>),
    /// Process these orders.
    Drain(Priority, Vec<OrderId>),
    /// Push the NORMAL orders among these.
    Enqueue(Range<u32>),
    /// Write the run's end, or carry out its cancel.
    Save,
}

impl Work {
    /// The kinds there are, in the order of a run.
    pub const KINDS: [&str; 5] = ["generate", "vip", "enqueue", "normal", "save"];

    /// What kind of work it is, as the queue's scripts name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Generate(_) => "generate",
            Self::Drain(Priority::Vip, _) => "vip",
            Self::Enqueue(_) => "enqueue",
            Self::Drain(Priority::Normal, _) => "normal",
            Self::Save => "save",
        }
    }

    /// How many orders it is about; of a range to enqueue, the VIP ones too.
    #[must_use]
    pub const fn size(&self) -> usize {
        match self {
            Self::Generate(indexes) | Self::Enqueue(indexes) => {
                (indexes.end - indexes.start) as usize
            }
            Self::Drain(_, ids) => ids.len(),
            Self::Save => 0,
        }
    }
}

/// What became of a batch; everything not named was processed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Ids to try again, and after how long.
    pub retry: Vec<(OrderId, Duration)>,
    /// Ids that are dead letters, in MongoDB already.
    pub dead: Vec<OrderId>,
    /// Ids that turned out to be removed or cancelled.
    pub removed: Vec<OrderId>,
    /// Ids that go back where they came from as they are.
    pub returned: Vec<OrderId>,
}

/// What the store was found to hold of the orders of a push.
#[derive(Debug, Default)]
pub struct Push {
    /// Ids still to be processed, in order.
    pub todo: Vec<OrderId>,
    /// Orders that are dead letters already.
    pub dead: u64,
    /// Orders that were processed already.
    pub processed: u64,
    /// Orders that were removed already.
    pub removed: u64,
    /// VIP orders among all these that were put back after the fence had opened.
    pub late: u64,
}

/// What closing a lease came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Counted once; the phase after it.
    Counted(Phase),
    /// The lease was gone: nothing changed. *Stale means stop, never delete.*
    Stale,
}

/// What is to be taken out of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// Orders that wait.
    Waiting,
    /// Orders that wait for a retry.
    Delayed,
    /// Orders that have been in a worker's hands since before this time, ms
    /// since the epoch by Redis' clock: its lease ends.
    Active {
        /// The time.
        before: i64,
    },
}

/// A part of a page of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jobs {
    /// A chunk that is being generated, since when (ms since the epoch).
    Chunk(Range<u32>, i64),
    /// Orders of a priority; in hand since when, 0 if they are not.
    Orders(Priority, Vec<OrderId>, i64),
}

/// The states that Redis keeps a list of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Orders that wait; VIP first.
    Waiting,
    /// Orders that wait for a retry; VIP first.
    Delayed,
    /// Work in hand, the oldest first.
    Active,
}
