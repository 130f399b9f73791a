//! What a search begins with: sizes, verbs, faults, and what is built wrong on purpose.

/// Orders of a run.
pub const ORDERS: usize = 2;
/// Runs that there may be.
pub const RUNS: usize = 2;
/// Workers that there may be.
pub const WORKERS: usize = 3;
/// Verbs that there may be.
pub const VERBS: usize = 3;

/// What a person asks an API for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ask {
    /// Start a run.
    Generate,
    /// Cancel it.
    Cancel,
    /// Forget everything.
    Reset,
    /// Stop claims.
    Pause,
    /// Lift the pause.
    Resume,
    /// Try the dead letters again.
    Retry,
    /// Remove the dead letters.
    Clean,
}

/// The kinds of fault that a search may draw from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a set")]
pub struct Faults {
    /// A lease expires while its worker goes on.
    pub stall: bool,
    /// A worker is killed, and started again.
    pub worker_crash: bool,
    /// An API is killed in the middle of a verb, which then nobody finishes.
    pub api_crash: bool,
    /// The answer to a generate's compare-and-set is lost; the write happens before
    /// that, later, or never.
    pub lost_answer: bool,
    /// Redis is emptied.
    pub empty: bool,
    /// Redis goes back to a moment before.
    pub roll_back: bool,
    /// A second master: one worker talks to the old one until that ends.
    pub split: bool,
}

impl Faults {
    /// None of them.
    pub const NONE: Self = Self {
        stall: false,
        worker_crash: false,
        api_crash: false,
        lost_answer: false,
        empty: false,
        roll_back: false,
        split: false,
    };
    /// All of them.
    pub const ALL: Self = Self {
        stall: true,
        worker_crash: true,
        api_crash: true,
        lost_answer: true,
        empty: true,
        roll_back: true,
        split: true,
    };
    /// Those of processes.
    pub const PROCESSES: Self =
        Self { stall: true, worker_crash: true, api_crash: true, lost_answer: true, ..Self::NONE };
}

/// One thing built wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// The fence is looked at in two steps, outside the script that opens it.
    FenceInTwoSteps,
    /// An ack names its work, and no token.
    AckWithoutToken,
    /// Tokens are numbers that Redis counts up.
    TokenIsACounter,
    /// Who finds its push stale deletes what it inserted.
    StaleGeneratorDeletes,
    /// A cancel deletes what is pending.
    CancelDeletes,
    /// Dead letters are made pending, and then control is set.
    RetryClearsBefore,
    /// Control is set, and then dead letters are made pending.
    RetryClearsAfter,
    /// A run document is written whatever the version of the one that is there.
    RunDocumentByState,
    /// The ack that makes everything terminal shows DONE.
    DoneBeforeItIsSaved,
    /// A sweep deletes orders whose run has no document.
    SweepByMissingRun,
    /// A dead letter is counted in Redis, and not written to MongoDB.
    DeadInRedisOnly,
    /// A save that came to nothing is not handed back.
    SaveIsNotHandedBack,
    /// Who finishes a cancel takes no attempt, and its marks are everybody's.
    FinishersShareMarks,
    /// Who finishes a cancel takes an attempt, and its marks are everybody's all the same.
    AttemptsDoNotStamp,
    /// Control is not looked at before the push of a chunk that another had stored.
    StoredChunkIsPushedUnseen,
    /// The end is computed from a Redis that may be behind control.
    SaveFromAnOlderRedis,
    /// An order that could not be marked dead, or is processed after all, is counted dead.
    DeadUnseen,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What is asked for, each by a client and API of its own: in this order they
    /// begin, at any time, also while the one before is not done.
    pub asks: Vec<Ask>,
    /// A run is accepted already, and Redis does not know it yet.
    pub accepted: bool,
    /// Which orders of a run are VIP.
    pub vip: [bool; ORDERS],
    /// Chunks that the orders of a run are generated in: one, or one an order.
    pub chunks: usize,
    /// Workers.
    pub workers: usize,
    /// Faults that may happen.
    pub faults: u8,
    /// Of these kinds.
    pub kinds: Faults,
    /// How many updates of orders MongoDB may refuse.
    pub failures: u8,
    /// Attempts before an order is given up.
    pub attempts: u8,
    /// What is built wrong.
    pub broken: Option<Broken>,
}

impl Scenario {
    /// One VIP order and one NORMAL, a chunk each, two workers, no verbs, no faults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            asks: Vec::new(),
            accepted: true,
            vip: [true, false],
            chunks: 2,
            workers: 2,
            faults: 0,
            kinds: Faults::ALL,
            failures: 0,
            attempts: 1,
            broken: None,
        }
    }

    /// With these verbs.
    #[must_use]
    pub fn ask(mut self, asks: &[Ask]) -> Self {
        self.asks = asks.to_vec();
        self
    }

    /// With both orders in one chunk.
    #[must_use]
    pub const fn one_chunk(mut self) -> Self {
        self.chunks = 1;
        self
    }

    /// With so many faults of these kinds.
    #[must_use]
    pub const fn faults(mut self, faults: u8, kinds: Faults) -> Self {
        self.faults = faults;
        self.kinds = kinds;
        self
    }

    /// With so many refused updates, and attempts before an order is given up.
    #[must_use]
    pub const fn failures(mut self, failures: u8, attempts: u8) -> Self {
        self.failures = failures;
        self.attempts = attempts;
        self
    }

    /// Built wrong.
    #[must_use]
    pub const fn broken(mut self, broken: Broken) -> Self {
        self.broken = Some(broken);
        self
    }

    pub(crate) fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    /// The orders of a chunk.
    pub(crate) fn chunk(&self, chunk: usize) -> std::ops::Range<usize> {
        let size = ORDERS / self.chunks;
        chunk * size..(chunk + 1) * size
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self::new()
    }
}
