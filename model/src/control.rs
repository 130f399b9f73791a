//! The control document.

/// Decisions about dead letters, in their order: a verb's mark, and `REMOVE` if they
/// are to be removed. 0: none.
pub type Letters = [u8; 3];
/// See [`Letters`].
pub const REMOVE: u8 = 0x80;

/// Orders by what became of them, VIP and NORMAL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Figures {
    /// Processed.
    pub processed: [u8; 2],
    /// Dead letters.
    pub dead: [u8; 2],
    /// Removed or cancelled.
    pub removed: [u8; 2],
}

impl Figures {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u8 {
        [self.processed, self.dead, self.removed].iter().flatten().sum()
    }
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct End {
    /// ABORTED, not DONE.
    pub aborted: bool,
    /// Its figures.
    pub figures: Figures,
    /// The attempt whose marks they count.
    pub stamp: u8,
}

/// What shall become of the run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Intent {
    /// There is none.
    #[default]
    Idle,
    /// It shall go on.
    Run,
    /// It shall be cancelled.
    Cancel,
    /// It has ended.
    Ended,
}

/// The control document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Control {
    /// Raised with every change.
    pub version: u8,
    /// The version of the last verb that changed orders.
    pub orders_version: u8,
    /// The current run, from 1; 0: none. Its number is its creation time, too.
    pub run: u8,
    /// The verb that asked for it: what a random run id is for.
    pub created_by: u8,
    /// What shall become of it.
    pub intent: Intent,
    /// How it ended.
    pub end: Option<End>,
    /// A person has stopped claims.
    pub paused: bool,
    /// Runs before this are to be deleted.
    pub reset_below: u8,
    /// The last run there was.
    pub last_run: u8,
    /// What was decided about its dead letters.
    pub letters: Letters,
    /// The last attempt to finish a cancel.
    pub attempt: u8,
}

impl Control {
    /// Of no version: none that there is.
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
    };

    /// There is a run that has not ended.
    #[must_use]
    pub const fn active(&self) -> bool {
        matches!(self.intent, Intent::Run | Intent::Cancel)
    }

    /// This run is to be worked on.
    #[must_use]
    pub fn wants(&self, run: u8) -> bool {
        self.intent == Intent::Run && self.run == run
    }

    /// This run is being cancelled.
    #[must_use]
    pub fn cancelling(&self, run: u8) -> bool {
        self.intent == Intent::Cancel && self.run == run
    }

    /// The next version, and with it the next attempt to finish a cancel.
    #[must_use]
    pub const fn next_attempt(mut self) -> Self {
        self.version += 1;
        self.attempt += 1;
        self
    }

    /// The next version, to be changed.
    #[must_use]
    pub const fn next(mut self) -> Self {
        self.version += 1;
        self
    }
}

/// A letter's mark, as it is in an order's `marks`.
#[must_use]
pub const fn bit(letter: u8) -> u8 {
    1 << ((letter & !REMOVE) - 1)
}
