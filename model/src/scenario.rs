//! What a search begins with: sizes, commands, faults, and a part that is broken on purpose.

/// Orders of a run.
pub const ORDERS: usize = 2;
/// The most runs that a search can have.
pub const RUNS: usize = 2;
/// The most workers that a search can have.
pub const WORKERS: usize = 3;
/// The most commands that a search can have.
pub const COMMANDS: usize = 3;

/// A command that a person sends to an API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Command {
    /// Start a run.
    Generate,
    /// Cancel the run.
    Cancel,
    /// Delete everything.
    Reset,
    /// Stop claims.
    Pause,
    /// End the pause.
    Resume,
    /// Process the dead letters again.
    Retry,
    /// Remove the dead letters.
    Clean,
}

/// The kinds of fault that a search may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a set")]
pub struct Faults {
    /// A lease expires while its worker is alive.
    pub stall: bool,
    /// A worker is killed and restarted.
    pub worker_crash: bool,
    /// An API is killed while it carries out a command, and no client repeats the command.
    pub api_crash: bool,
    /// The answer to a command's compare-and-set is lost. The write happens before that, later or
    /// never.
    pub lost_answer: bool,
    /// Redis is emptied.
    pub empty: bool,
    /// Redis goes back to an earlier state.
    pub roll_back: bool,
    /// There are two masters: one worker talks to the old one for a while.
    pub split: bool,
    /// Somebody deletes the list of waiting VIP orders or of waiting NORMAL orders.
    pub lose: bool,
}

impl Faults {
    /// No kind.
    pub const NONE: Self = Self {
        stall: false,
        worker_crash: false,
        api_crash: false,
        lost_answer: false,
        empty: false,
        roll_back: false,
        split: false,
        lose: false,
    };
    /// All kinds, except that somebody deletes lists.
    pub const ALL: Self = Self {
        stall: true,
        worker_crash: true,
        api_crash: true,
        lost_answer: true,
        empty: true,
        roll_back: true,
        split: true,
        lose: false,
    };
    /// The kinds that concern processes and their calls.
    pub const PROCESSES: Self =
        Self { stall: true, worker_crash: true, api_crash: true, lost_answer: true, ..Self::NONE };
}

/// A part of the protocol that is broken on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// The fence is checked in two steps, outside the script that opens it.
    FenceInTwoSteps,
    /// The fence only checks the lists.
    FenceByLists,
    /// Nobody compares the lists with the ledger.
    LossIsNotSeen,
    /// An ack names its work instead of a token.
    AckWithoutToken,
    /// Tokens are numbers that Redis counts up.
    TokenIsACounter,
    /// A worker whose push is stale deletes what it inserted.
    StaleGeneratorDeletes,
    /// A cancel deletes pending orders.
    CancelDeletes,
    /// A retry makes dead letters pending before it sets control.
    RetryClearsBefore,
    /// A retry sets control before it makes dead letters pending.
    RetryClearsAfter,
    /// A run document is written over a newer one.
    RunDocumentByState,
    /// The ack that makes the last order terminal shows DONE.
    DoneBeforeItIsSaved,
    /// A sweep deletes orders whose run has no document.
    SweepByMissingRun,
    /// A dead letter is counted in Redis and not written to MongoDB.
    DeadInRedisOnly,
    /// A save that failed is not handed back.
    SaveIsNotHandedBack,
    /// A process that finishes a cancel starts no attempt and does not stamp its marks.
    FinishersShareMarks,
    /// A process that finishes a cancel starts an attempt but does not stamp its marks.
    AttemptsDoNotStamp,
    /// A successor in a cancel uses the progress of any attempt.
    ProgressOfAnyAttempt,
    /// The end names the last attempt for all pages, also for those that others counted.
    OneStampForAllPages,
    /// Redis queues those orders of a retry that are still pending, and does not replay.
    PatchOfWhatIsLeft,
    /// Redis queues the retry of an active run without a replay.
    PatchOfARunThatGoesOn,
    /// Waiting NORMAL orders are granted in any phase.
    ClaimIgnoresTheFence,
    /// A command whose answer was lost checks the version of control, not whether its own change is
    /// recorded.
    LostAnswerByVersion,
    /// Control is not checked before the push of a chunk that another worker had stored.
    StoredChunkIsPushedUnseen,
    /// The end is computed from a Redis that may be behind control.
    SaveFromAnOlderRedis,
    /// An order is counted dead although it could not be marked, or was processed after all.
    DeadUnseen,
    /// A chunk of an import inserts what is missing, as that of a generated run does.
    ImportedChunkInserts,
    /// A chunk of an import reads beyond what was accepted.
    ChunkReadsPastAccepted,
    /// A cancel of an import marks and counts beyond what was accepted.
    CancelReadsPastAccepted,
    /// A chunk of an import takes the priority of an order from its document.
    PriorityOfTheDocument,
    /// A chunk of an import counts the documents that it reads.
    ChunkCountsDocuments,
    /// The dead letter of an order that is gone is written as an order, which a retry puts back.
    LetterMakesAnOrderUp,
    /// A cancel passes over orders that are gone.
    CancelPassesWhatIsGone,
}

/// The parameters of a search.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The commands. Each has a client and an API of its own. They begin in this order, at any
    /// time, also before the previous one is done.
    pub commands: Vec<Command>,
    /// A run is accepted already, but Redis does not have it yet.
    pub accepted: bool,
    /// Which orders of a run are VIP.
    pub vip: [bool; ORDERS],
    /// Chunks of a run: one for both orders, or one for each.
    pub chunks: usize,
    /// Workers.
    pub workers: usize,
    /// How many faults may happen.
    pub faults: u8,
    /// The kinds of those faults.
    pub kinds: Faults,
    /// How many updates of orders MongoDB may refuse.
    pub failures: u8,
    /// Attempts before an order becomes a dead letter.
    pub attempts: u8,
    /// The run is that of an import: its orders are there from the start, and no chunk inserts.
    pub imported: bool,
    /// The orders of the run. What lies above in an import was never accepted.
    pub quantity: usize,
    /// How many pending orders of the import somebody may delete.
    pub gone: u8,
    /// How many orders an uploader that had stopped may insert above what was accepted.
    pub strays: u8,
    /// What is broken on purpose.
    pub broken: Option<Broken>,
}

impl Scenario {
    /// One VIP and one NORMAL order in a chunk each, two workers, no commands, no faults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            commands: Vec::new(),
            accepted: true,
            vip: [true, false],
            chunks: 2,
            workers: 2,
            faults: 0,
            kinds: Faults::ALL,
            failures: 0,
            attempts: 1,
            imported: false,
            quantity: ORDERS,
            gone: 0,
            strays: 0,
            broken: None,
        }
    }

    /// Sets the commands.
    #[must_use]
    pub fn commands(mut self, commands: &[Command]) -> Self {
        self.commands = commands.to_vec();
        self
    }

    /// Puts both orders into one chunk.
    #[must_use]
    pub const fn one_chunk(mut self) -> Self {
        self.chunks = 1;
        self
    }

    /// Sets the number and kinds of faults.
    #[must_use]
    pub const fn faults(mut self, faults: u8, kinds: Faults) -> Self {
        self.faults = faults;
        self.kinds = kinds;
        self
    }

    /// Sets how many updates are refused, and the attempts before an order becomes a dead letter.
    #[must_use]
    pub const fn failures(mut self, failures: u8, attempts: u8) -> Self {
        self.failures = failures;
        self.attempts = attempts;
        self
    }

    /// Makes it the run of an import. Only a generated run has the command `Generate`.
    #[must_use]
    pub const fn imported(mut self) -> Self {
        self.imported = true;
        self
    }

    /// Lets somebody delete a pending order of the import.
    #[must_use]
    pub const fn gone(mut self) -> Self {
        self.gone = 1;
        self
    }

    /// Of the import, only the first order was accepted. The other one is inserted late, by an
    /// uploader that had stopped.
    #[must_use]
    pub const fn stray(mut self) -> Self {
        (self.quantity, self.chunks, self.strays) = (1, 1, 1);
        self
    }

    /// Breaks one part.
    #[must_use]
    pub const fn broken(mut self, broken: Broken) -> Self {
        self.broken = Some(broken);
        self
    }

    pub(crate) fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    pub(crate) fn chunk(&self, chunk: usize) -> std::ops::Range<usize> {
        let size = self.quantity / self.chunks;
        chunk * size..(chunk + 1) * size
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self::new()
    }
}
