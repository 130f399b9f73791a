//! What a search of calls begins with: orders, limits, faults, and a part that is broken on
//! purpose.

use super::broken::BrokenCall;

/// The most orders of a run.
pub const ORDERS: usize = 4;
/// Workers.
pub const WORKERS: usize = 2;
/// The most commands that a search can have.
pub const COMMANDS: usize = 3;

/// Orders, one bit each.
pub type Set = u8;

/// What the receiver says to an order while it serves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OrderKind {
    /// `ok`
    Fine,
    /// `fail`
    Refused,
    /// `retry`, or nothing: whatever is sent with it is answered.
    Asks,
    /// `retry`, until it says `ok`.
    Moody,
    /// No answer that can be read, for the whole call.
    Faults,
}

/// What a person does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CallCommand {
    /// Put the dead letters back.
    Retry,
    /// Remove the dead letters.
    Clean,
    /// Stop claims.
    Pause,
    /// End the pause.
    Resume,
    /// `onVipFailure=continue`
    Lift,
    /// `pauseAfter`, to this number.
    PauseAfter(u8),
    /// End this order, which nobody can process.
    Fail(u8),
}

/// The kinds of fault that a search may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a set")]
pub struct CallFaults {
    /// A lease expires while its worker is alive.
    pub stall: bool,
    /// A worker is killed and restarted, or a process that carries out a command is.
    pub crash: bool,
    /// The answer to the write of a verdict is lost.
    pub lost_answer: bool,
    /// Redis is emptied.
    pub empty: bool,
    /// Redis goes back to an earlier state.
    pub roll_back: bool,
}

impl CallFaults {
    /// No kind.
    pub const NONE: Self =
        Self { stall: false, crash: false, lost_answer: false, empty: false, roll_back: false };
    /// Every kind.
    pub const ALL: Self =
        Self { stall: true, crash: true, lost_answer: true, empty: true, roll_back: true };
}

/// A search of calls. The run is that of an import: its orders are stored, and a named processor
/// works on them.
#[derive(Clone, Debug)]
pub struct Calls {
    /// The VIP orders.
    pub vip: Set,
    /// What the receiver says to each order.
    pub orders: Vec<OrderKind>,
    /// The orders of a call.
    pub batch: u32,
    /// `MAX_ATTEMPTS`
    pub attempts: u8,
    /// An order that is told `retry` by name, `MAX_ATTEMPTS` times, is given up (`RETRY_FOR_MS`).
    pub gives_up: bool,
    /// `onVipFailure=hold`
    pub hold: bool,
    /// `pauseAfter`; 0: none.
    pub pause_after: u8,
    /// How often the receiver goes down, and how often an answer of it is lost, in all.
    pub outages: u8,
    /// How many faults may happen.
    pub faults: u8,
    /// The kinds of those faults.
    pub kinds: CallFaults,
    /// The commands, each at any time.
    pub commands: Vec<CallCommand>,
    /// One more worker, of the release before processors.
    pub old_worker: bool,
    /// The search ends, as if that were an error, where these orders are dead and all others are
    /// processed.
    pub wanted: Option<Set>,
    /// What is broken on purpose.
    pub broken: Option<BrokenCall>,
}

impl Calls {
    /// These VIP orders, then these NORMAL ones; one to a call, one attempt, no fault.
    ///
    /// # Panics
    ///
    /// If there are too many.
    #[must_use]
    pub fn of(vip: &[OrderKind], normal: &[OrderKind]) -> Self {
        let orders = [vip, normal].concat();
        assert!(orders.len() <= ORDERS, "too many orders");
        Self {
            vip: (1 << vip.len()) - 1,
            orders,
            batch: 1,
            attempts: 1,
            gives_up: false,
            hold: false,
            pause_after: 0,
            outages: 0,
            faults: 0,
            kinds: CallFaults::NONE,
            commands: Vec::new(),
            old_worker: false,
            wanted: None,
            broken: None,
        }
    }

    /// Sets the orders of a call.
    #[must_use]
    pub const fn batch(mut self, batch: u32) -> Self {
        self.batch = batch;
        self
    }

    /// Sets `MAX_ATTEMPTS`.
    #[must_use]
    pub const fn attempts(mut self, attempts: u8) -> Self {
        self.attempts = attempts;
        self
    }

    /// Lets an order be given up that is told `retry` by name for long enough.
    #[must_use]
    pub const fn gives_up(mut self) -> Self {
        self.gives_up = true;
        self
    }

    /// Sets `onVipFailure=hold`.
    #[must_use]
    pub const fn hold(mut self) -> Self {
        self.hold = true;
        self
    }

    /// Sets `pauseAfter`.
    #[must_use]
    pub const fn pause_after(mut self, orders: u8) -> Self {
        self.pause_after = orders;
        self
    }

    /// Sets how often the receiver goes down.
    #[must_use]
    pub const fn outages(mut self, outages: u8) -> Self {
        self.outages = outages;
        self
    }

    /// Sets the number and kinds of faults.
    #[must_use]
    pub const fn faults(mut self, faults: u8, kinds: CallFaults) -> Self {
        self.faults = faults;
        self.kinds = kinds;
        self
    }

    /// Sets the commands.
    #[must_use]
    pub fn commands(mut self, commands: &[CallCommand]) -> Self {
        self.commands = commands.to_vec();
        self
    }

    /// Adds a worker of the release before processors.
    #[must_use]
    pub const fn old_worker(mut self) -> Self {
        self.old_worker = true;
        self
    }

    /// Looks for an end with these dead letters and no other.
    #[must_use]
    pub const fn wanted(mut self, dead: Set) -> Self {
        self.wanted = Some(dead);
        self
    }

    /// Breaks one part.
    #[must_use]
    pub const fn broken(mut self, broken: BrokenCall) -> Self {
        self.broken = Some(broken);
        self
    }

    pub(super) fn is(&self, broken: BrokenCall) -> bool {
        self.broken == Some(broken)
    }

    pub(super) fn all(&self) -> Set {
        (1 << self.orders.len()) - 1
    }

    /// The orders of a priority.
    pub(super) fn of_priority(&self, vip: bool) -> Set {
        if vip { self.vip } else { self.all() & !self.vip }
    }
}

/// The numbers of these orders.
pub fn each(set: Set) -> impl Iterator<Item = usize> {
    (0..ORDERS).filter(move |order| set & 1 << order != 0)
}
