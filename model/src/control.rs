//! The control document.

use crate::scenario::ORDERS;

/// Decisions about dead letters in their order: the mark of a command, with `REMOVE` if the
/// letters are to be removed. 0: no decision.
pub type LetterDecisions = [u8; 3];
/// Set in a decision that removes dead letters instead of retrying them.
pub const REMOVE: u8 = 0x80;

/// Orders by outcome, each as `[VIP, NORMAL]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Figures {
    pub processed: [u8; 2],
    pub dead: [u8; 2],
    /// Removed or cancelled.
    pub removed: [u8; 2],
}

impl Figures {
    pub const NONE: Self = Self { processed: [0; 2], dead: [0; 2], removed: [0; 2] };

    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        for i in 0..2 {
            self.processed[i] += other.processed[i];
            self.dead[i] += other.dead[i];
            self.removed[i] += other.removed[i];
        }
        self
    }

    #[must_use]
    pub fn total(self) -> u8 {
        [self.processed, self.dead, self.removed].iter().flatten().sum()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct End {
    /// ABORTED, not DONE.
    pub aborted: bool,
    pub figures: Figures,
    /// For each page: the attempt whose marks the figures count.
    pub stamps: Stamps,
}

/// For each page of a cancel, the attempt that counts it. A page is one order.
pub type Stamps = [u8; ORDERS];

/// How far an attempt to finish a cancel is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Progress {
    pub attempt: u8,
    /// The pages before this one are counted.
    pub page: u8,
    /// The orders on those pages.
    pub figures: Figures,
}

/// What control wants of the run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Intent {
    /// There is no run.
    #[default]
    Idle,
    Run,
    Cancel,
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Control {
    /// Every change raises it.
    pub version: u8,
    /// The version of the last command that changed orders.
    pub orders_version: u8,
    /// The current run, from 1; 0: none. Its number is also its creation time.
    pub run: u8,
    /// The command that created it; stands for the random run id.
    pub created_by: u8,
    pub intent: Intent,
    pub end: Option<End>,
    /// A person has stopped claims.
    pub paused: bool,
    /// Runs before this one are to be deleted.
    pub reset_below: u8,
    /// The newest run that ever existed.
    pub last_run: u8,
    pub letters: LetterDecisions,
    /// The last attempt to finish a cancel.
    pub attempt: u8,
    /// During a cancel: the attempt that counts each page, as far as known.
    pub stamps: Stamps,
    /// During a cancel: where the last attempt began.
    pub from: Progress,
    /// Set by a retry of a run that had ended: the command that marked its letters. 0: none.
    pub put_back: u8,
    /// The version before that retry: a Redis that has it needs no replay.
    pub base: u8,
    /// How many letters that retry put back.
    pub put: u8,
    /// The commands whose change is recorded, one bit each.
    pub changes: u8,
}

impl Control {
    /// Stands for a control document whose content no longer matters.
    pub const NONE: Self = Self {
        version: 0,
        orders_version: 0,
        run: 0,
        created_by: 0,
        intent: Intent::Idle,
        end: None,
        paused: false,
        reset_below: 0,
        last_run: 0,
        letters: [0; 3],
        attempt: 0,
        stamps: [0; ORDERS],
        from: Progress { attempt: 0, page: 0, figures: Figures::NONE },
        put_back: 0,
        base: 0,
        put: 0,
        changes: 0,
    };

    /// There is a run that has not ended.
    #[must_use]
    pub const fn active(&self) -> bool {
        matches!(self.intent, Intent::Run | Intent::Cancel)
    }

    /// The run is to be worked on.
    #[must_use]
    pub fn wants(&self, run: u8) -> bool {
        self.intent == Intent::Run && self.run == run
    }

    #[must_use]
    pub fn cancelling(&self, run: u8) -> bool {
        self.intent == Intent::Cancel && self.run == run
    }

    /// The next version, which also starts the next attempt to finish a cancel. The new attempt
    /// continues where the last one stopped.
    #[must_use]
    pub fn next_attempt(mut self, from: Progress) -> Self {
        self.version += 1;
        self.attempt += 1;
        self.from = Progress { attempt: self.attempt, ..from };
        self.stamps[usize::from(from.page)..].fill(self.attempt);
        self
    }

    /// Clears the fields that only a cancel or a retry uses.
    pub fn forget(&mut self) {
        (self.stamps, self.from) = Default::default();
        (self.put_back, self.base, self.put) = Default::default();
    }

    #[must_use]
    pub const fn next(mut self) -> Self {
        self.version += 1;
        self
    }
}

/// The bit of a decision's mark in an order's `marks`.
#[must_use]
pub const fn bit(letter: u8) -> u8 {
    1 << ((letter & !REMOVE) - 1)
}
