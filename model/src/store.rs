//! MongoDB: orders, run documents, and control. It never forgets what it answered.

use std::ops::Range;

pub use crate::control::{Control, End, Figures, Intent, Letters, REMOVE, bit};
use crate::scenario::{ORDERS, RUNS, Scenario};

/// The status of an order's document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Status {
    /// There is none.
    #[default]
    Absent,
    /// `pendente`.
    Pending,
    /// `processado`.
    Processed,
    /// `falhou`.
    Dead,
    /// `removido`.
    Removed,
    /// `cancelado`.
    Cancelled,
}

impl Status {
    /// Nothing more will happen to it by itself.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Absent | Self::Pending)
    }
}

/// An order, to one who is to push it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Found {
    /// It has not been read, or is another's to push.
    #[default]
    Unread,
    /// Still to be processed.
    Todo,
    /// Processed.
    Processed,
    /// Dead.
    Dead,
    /// Removed or cancelled.
    Removed,
}

impl From<Status> for Found {
    fn from(status: Status) -> Self {
        match status {
            Status::Absent | Status::Pending => Self::Todo,
            Status::Processed => Self::Processed,
            Status::Dead => Self::Dead,
            Status::Removed | Status::Cancelled => Self::Removed,
        }
    }
}

/// An order's document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Order {
    /// Its status.
    pub status: Status,
    /// Of a cancelled one: the attempt to finish the cancel that marked it; 0: a stray.
    pub stamp: u8,
    /// It was a dead letter, and put back.
    pub retried: bool,
    /// The verbs that marked it as a dead letter to be decided about.
    pub marks: u8,
}

/// A run document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RunDocument {
    /// The version of control that its writer had.
    pub version: u8,
    /// How the run ended; none: it is active.
    pub end: Option<End>,
}

/// MongoDB, and what only the model knows about it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Store {
    /// The control document.
    pub control: Control,
    /// The orders of each run.
    pub orders: [[Order; ORDERS]; RUNS],
    /// The history.
    pub runs: [Option<RunDocument>; RUNS],
    /// The model's: the end that control recorded for a run last.
    pub ended: [Option<End>; RUNS],
    /// The model's: the marks of dead letters that control ever named.
    pub promised: u8,
    /// The model's: what went wrong first.
    pub bug: Option<&'static str>,
}

impl Store {
    pub(crate) fn blame(&mut self, bug: &'static str) {
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
            self.blame("two runs were active at once");
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

    /// `Store::ensure_run`, with `save_run`: makes sure of the run document that this
    /// control calls for. `by_state`: whatever version the one that is there has.
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
                self.blame("a run document that showed the end was changed");
            }
        }
        self.runs[run] = Some(wanted);
    }

    /// `Store::insert_orders`: those that are there are left as they are.
    pub fn insert(&mut self, run: u8, orders: Range<usize>) {
        for order in &mut self.orders[usize::from(run) - 1][orders] {
            if order.status == Status::Absent {
                order.status = Status::Pending;
            }
        }
    }

    /// `Store::settle_letters`.
    pub fn settle(&mut self, run: u8, orders: Range<usize>, letters: Letters) {
        for letter in letters.into_iter().filter(|letter| *letter != 0) {
            for order in &mut self.orders[usize::from(run) - 1][orders.clone()] {
                if order.status != Status::Dead || order.marks & bit(letter) == 0 {
                    continue;
                }
                if letter & REMOVE == 0 {
                    *order = Order { status: Status::Pending, retried: true, ..Order::default() };
                } else {
                    order.status = Status::Removed;
                }
            }
        }
    }

    /// `Store::mark_processed` of one order. Answers whether it was pending.
    pub fn process(&mut self, scenario: &Scenario, run: u8, order: usize) -> bool {
        let reset = self.is_reset(run);
        let orders = &mut self.orders[usize::from(run) - 1];
        if orders[order].status != Status::Pending {
            return false;
        }
        orders[order].status = Status::Processed;
        let open = |i: usize| !orders[i].status.is_terminal() && !orders[i].retried;
        if !reset && !scenario.vip[order] && (0..ORDERS).any(|i| scenario.vip[i] && open(i)) {
            self.blame("I1: a NORMAL order was processed before every VIP order was terminal");
        }
        true
    }

    /// `Store::cancel_pending`, with the stamp of an attempt to finish the cancel (0: a
    /// stray). With `restamp`, marks of an older attempt become its own. Answers whether it
    /// found any.
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
            self.blame("I6: orders of a run that was not cancelled were marked cancelled");
        }
        found
    }

    /// Deletes orders that `which` picks.
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
            self.blame("I6: an order went back to absent, and no reset asked for it");
        }
    }

    /// `Store::delete_below`.
    pub fn delete_below(&mut self, floor: u8) {
        for run in 1..floor.min(RUNS as u8 + 1) {
            self.delete(run, |_, _| true);
        }
    }

    /// `Store::delete_runs_below`.
    pub fn delete_runs_below(&mut self, floor: u8) {
        for run in 1..floor.min(RUNS as u8 + 1) {
            self.runs[usize::from(run) - 1] = None;
        }
    }

    /// `Store::count`: orders by what became of them, and whether any is pending. Of the
    /// cancelled those of this attempt.
    #[must_use]
    pub fn count(&self, scenario: &Scenario, run: u8, stamp: u8) -> (Figures, bool) {
        let mut figures = Figures::default();
        let mut pending = false;
        for (i, order) in self.orders[usize::from(run) - 1].iter().enumerate() {
            let priority = usize::from(!scenario.vip[i]);
            match order.status {
                Status::Processed => figures.processed[priority] += 1,
                Status::Dead => figures.dead[priority] += 1,
                Status::Removed => figures.removed[priority] += 1,
                Status::Cancelled => {
                    figures.removed[priority] += u8::from(order.stamp == stamp);
                }
                Status::Pending => pending = true,
                Status::Absent => {}
            }
        }
        (figures, pending)
    }
}
