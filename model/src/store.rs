//! MongoDB: orders, run documents and control. It never loses an acknowledged write.

use std::ops::Range;

pub use crate::control::{
    Control, End, Figures, Intent, LetterDecisions, Progress, REMOVE, Stamps, bit,
};
use crate::scenario::{Broken, ORDERS, RUNS, Scenario};

/// Set in every patch, so that an empty patch differs from no patch.
pub const PATCH: u8 = 0x80;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Status {
    /// There is no document.
    #[default]
    Absent,
    /// `pendente`
    Pending,
    /// `processado`
    Processed,
    /// `falhou`
    Dead,
    /// `removido`
    Removed,
    /// `cancelado`
    Cancelled,
}

impl Status {
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Absent | Self::Pending)
    }
}

/// An order's state as a worker found it before a push.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum OrderState {
    /// Not read, or not part of this push.
    #[default]
    Unread,
    /// Still to be processed.
    Todo,
    Processed,
    Dead,
    /// Removed or cancelled.
    Removed,
    /// In broken variants: it has no document.
    Gone,
}

impl From<Status> for OrderState {
    fn from(status: Status) -> Self {
        match status {
            Status::Absent | Status::Pending => Self::Todo,
            Status::Processed => Self::Processed,
            Status::Dead => Self::Dead,
            Status::Removed | Status::Cancelled => Self::Removed,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Order {
    pub status: Status,
    /// If cancelled: the attempt that marked it; 0: a stray.
    pub stamp: u8,
    /// It was a dead letter and a retry put it back.
    pub retried: bool,
    /// The commands that marked it as a dead letter to be decided on.
    pub marks: u8,
    /// The last command that put it back.
    pub put: u8,
    /// Somebody deleted its document, which nobody can derive again. If it is dead, its letter is
    /// kept apart.
    pub gone: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RunDocument {
    /// The version of control that its writer had.
    pub version: u8,
    /// `None`: the run is active.
    pub end: Option<End>,
}

/// MongoDB, with fields that only the model needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Store {
    pub control: Control,
    /// The orders of each run.
    pub orders: [[Order; ORDERS]; RUNS],
    /// The history.
    pub runs: [Option<RunDocument>; RUNS],
    /// Model only: the last end that control recorded for each run.
    pub ended: [Option<End>; RUNS],
    /// Model only: the marks of all decisions that control ever recorded.
    pub promised: u8,
    /// Model only: the first error found.
    pub bug: Option<&'static str>,
}

impl Store {
    pub(crate) fn record_bug(&mut self, bug: &'static str) {
        self.bug.get_or_insert(bug);
    }

    pub(crate) fn is_reset(&self, run: u8) -> bool {
        run < self.control.reset_below
    }

    /// `Store::set_control`.
    pub fn set_control(&mut self, next: Control) -> bool {
        let now = self.control;
        if now.version + 1 != next.version {
            return false;
        }
        if next.run != now.run && next.run != 0 && now.active() {
            self.record_bug("two runs were active at once");
        }
        self.control = next;
        if next.run != 0 {
            self.ended[usize::from(next.run) - 1] = next.end;
        }
        for letter in next.letters.into_iter().filter(|letter| *letter != 0) {
            self.promised |= bit(letter);
        }
        true
    }

    /// `Store::ensure_run` with `save_run`: writes the run document for this control, unless there
    /// is a newer one. `by_state`: also over a newer one.
    pub fn ensure_run(&mut self, control: &Control, by_state: bool) {
        if control.run == 0 {
            return;
        }
        let run = usize::from(control.run) - 1;
        let wanted = RunDocument { version: control.version, end: control.end };
        let before = self.runs[run];
        if let Some(found) = before {
            if found.version > wanted.version && !by_state {
                return;
            }
            if found.end.is_some() && found.end == self.ended[run] && found.end != wanted.end {
                self.record_bug("a run document that shows an end was changed");
            }
        }
        self.runs[run] = Some(wanted);
    }

    /// `Store::insert_orders`: existing orders stay as they are.
    pub fn insert(&mut self, run: u8, orders: Range<usize>) {
        for order in &mut self.orders[usize::from(run) - 1][orders] {
            if order.status == Status::Absent {
                order.status = Status::Pending;
            }
        }
    }

    /// `Store::settle_letters`.
    pub fn settle(&mut self, run: u8, orders: Range<usize>, letters: LetterDecisions) {
        for letter in letters.into_iter().filter(|letter| *letter != 0) {
            for order in &mut self.orders[usize::from(run) - 1][orders.clone()] {
                if order.status != Status::Dead || order.marks & bit(letter) == 0 {
                    continue;
                }
                if letter & REMOVE == 0 {
                    let (status, put, gone) = (Status::Pending, letter, order.gone);
                    *order = Order { status, put, retried: true, gone, ..Order::default() };
                } else {
                    order.status = Status::Removed;
                }
            }
        }
    }

    /// `Controller::patch`: settles the letters of a retry of a run that had ended. Returns the
    /// orders that a Redis of the version before has to queue, one bit each, or 0 if Redis has to
    /// replay, because not all of them are as the retry left them.
    pub fn put_back(&mut self, scenario: &Scenario, control: &Control) -> u8 {
        if control.put_back == 0 || control.intent != Intent::Run {
            return 0;
        }
        self.settle(control.run, 0..ORDERS, control.letters);
        let orders = self.orders[usize::from(control.run) - 1];
        let due = |order: &Order| order.status == Status::Pending && order.put == control.put_back;
        let bits = (0..ORDERS).filter(|i| due(&orders[*i])).fold(0_u8, |bits, i| bits | 1 << i);
        let all = bits.count_ones() == u32::from(control.put);
        if all || scenario.is(Broken::PatchOfWhatIsLeft) { bits | PATCH } else { 0 }
    }

    /// `Store::mark_processed` of one order. Returns whether it was pending.
    pub fn process(&mut self, scenario: &Scenario, run: u8, order: usize) -> bool {
        let reset = self.is_reset(run);
        let orders = &mut self.orders[usize::from(run) - 1];
        if orders[order].status != Status::Pending {
            return false;
        }
        orders[order].status = Status::Processed;
        let made_up = orders[order].gone;
        let open = |i: usize| !orders[i].status.is_terminal() && !orders[i].retried;
        let vip_open = (0..scenario.quantity).any(|i| scenario.vip[i] && open(i));
        if made_up && !reset {
            self.record_bug("I11: an order that was gone is made up, and processed");
        }
        if !reset && !scenario.vip[order] && vip_open {
            self.record_bug("I1: a NORMAL order was processed before every VIP order was terminal");
        }
        true
    }

    /// `Store::cancel_pending` with the stamp of an attempt to finish the cancel (0: a stray). With
    /// `restamp`, orders that an older attempt marked get this stamp. Returns whether anything
    /// changed.
    pub fn cancel(&mut self, run: u8, orders: Range<usize>, stamp: u8, restamp: bool) -> bool {
        let control = &self.control;
        let aborted = self.ended[usize::from(run) - 1].is_some_and(|end| end.aborted);
        let legitimate = control.cancelling(run) || aborted || self.is_reset(run);
        let mut found = false;
        for order in &mut self.orders[usize::from(run) - 1][orders] {
            let older = restamp && order.status == Status::Cancelled && order.stamp < stamp;
            if order.status == Status::Pending || older {
                (order.status, order.stamp) = (Status::Cancelled, stamp);
                found = true;
            }
        }
        if found && !legitimate {
            self.record_bug("I6: orders of a run that was not cancelled were marked cancelled");
        }
        found
    }

    /// A cancel of an import writes letters for the orders of a page that are gone.
    pub fn bury_gone(&mut self, run: u8, orders: Range<usize>) {
        for order in &mut self.orders[usize::from(run) - 1][orders] {
            if order.status == Status::Absent {
                (order.status, order.gone) = (Status::Dead, true);
            }
        }
    }

    pub fn delete(&mut self, run: u8, which: impl Fn(usize, &Order) -> bool) {
        let reset = self.is_reset(run);
        let mut gone = false;
        for (i, order) in self.orders[usize::from(run) - 1].iter_mut().enumerate() {
            if order.status != Status::Absent && which(i, order) {
                *order = Order::default();
                gone = true;
            }
        }
        if gone && !reset {
            self.record_bug("I6: an order was deleted without a reset");
        }
    }

    /// `Store::delete_below`.
    pub fn delete_below(&mut self, floor: u8) {
        for run in 1..floor.min(RUNS as u8 + 1) {
            self.delete(run, |_, _| true);
        }
    }

    /// Part of `Controller::delete_reset`: the history.
    pub fn delete_runs_below(&mut self, floor: u8) {
        for run in 1..floor.min(RUNS as u8 + 1) {
            self.runs[usize::from(run) - 1] = None;
        }
    }

    /// `Store::count` of one page: its orders by outcome, and whether any is pending. Counts only
    /// the cancelled orders that this attempt marked.
    #[must_use]
    pub fn count_page(
        &self,
        scenario: &Scenario,
        run: u8,
        page: usize,
        stamp: u8,
    ) -> (Figures, bool) {
        let mut figures = Figures::default();
        let priority = usize::from(!scenario.vip[page]);
        let order = self.orders[usize::from(run) - 1][page];
        match order.status {
            Status::Processed => figures.processed[priority] += 1,
            Status::Dead => figures.dead[priority] += 1,
            Status::Removed => figures.removed[priority] += 1,
            Status::Cancelled => figures.removed[priority] += u8::from(order.stamp == stamp),
            Status::Pending | Status::Absent => {}
        }
        (figures, order.status == Status::Pending)
    }

    /// `Store::count` of all pages.
    #[must_use]
    pub fn count(&self, scenario: &Scenario, run: u8, stamps: Stamps) -> (Figures, bool) {
        let pages = stamps.into_iter().enumerate();
        pages.take(scenario.quantity).fold(
            (Figures::default(), false),
            |(sum, any), (page, stamp)| {
                let (figures, pending) = self.count_page(scenario, run, page, stamp);
                (sum.plus(figures), any || pending)
            },
        )
    }
}
