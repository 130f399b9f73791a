//! The end of a run, after its last order or after a cancel. Any process may carry it out, also
//! several at once, and each may stop or die between two steps.

use crate::{
    queue::Redis,
    scenario::{Broken, ORDERS, Scenario},
    store::{Control, End, Figures, Intent, Order, Progress, Stamps, Status, Store},
};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Another process began this cancel: read how far it is.
    Peek,
    /// Start a new attempt by a compare-and-set.
    Take(Progress),
    /// Carry out the decisions about letters on the page.
    Settle,
    /// Mark the pending orders of the page.
    Mark,
    /// Count the page, or mark it again if an order on it is pending. Then record the progress in
    /// Redis, and check in control that this is still the last attempt.
    Count,
    /// Set the end in control by compare-and-set.
    Set,
    /// Write the run document.
    Ensure,
    Adopt,
}

/// One process that carries out the end of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ending {
    pub step: Step,
    /// Control as it was last read or written.
    pub control: Control,
    /// The orders counted so far.
    pub figures: Figures,
    pub page: u8,
    /// The stamp of this attempt; 0: the run was not cancelled.
    pub stamp: u8,
    /// The attempt that counts each page.
    pub stamps: Stamps,
}

pub enum StepResult {
    Continue(Ending, &'static str),
    Ended(&'static str),
    /// Another process was faster.
    Lost(&'static str),
}

impl Ending {
    /// One whose compare-and-set can only fail.
    pub const LOST: Self = Self {
        step: Step::Set,
        control: Control::NONE,
        figures: Figures::NONE,
        page: 0,
        stamp: 0,
        stamps: [0; ORDERS],
    };

    /// No remaining step can have an effect: its compare-and-set fails.
    #[must_use]
    pub fn is_lost(&self, now: &Control) -> bool {
        match self.step {
            Step::Peek | Step::Take(_) => self.control.version != now.version,
            Step::Set if self.stamp == 0 => self.control.version != now.version,
            Step::Set => !self.is_last(now),
            _ => false,
        }
    }

    fn is_last(&self, now: &Control) -> bool {
        now.cancelling(self.control.run) && now.attempt == self.stamp
    }

    /// The end of a run whose every order is terminal.
    #[must_use]
    pub const fn done(control: Control, figures: Figures) -> Self {
        Self { control, figures, ..Self::LOST }
    }

    /// The end of a cancel: `Controller::finish_cancel`. The request that set the cancel has its
    /// attempt already.
    #[must_use]
    pub fn cancel(scenario: &Scenario, control: Control, set_by_me: bool) -> Self {
        if set_by_me || scenario.is(Broken::FinishersShareMarks) {
            Self::of(control)
        } else {
            Self { step: Step::Peek, ..Self::done(control, Figures::default()) }
        }
    }

    /// The first step of a page.
    fn first(control: &Control) -> Step {
        if control.letters[0] == 0 { Step::Mark } else { Step::Settle }
    }

    /// Continues the last attempt that this control names.
    fn of(control: Control) -> Self {
        let Progress { page, figures, .. } = control.from;
        let (stamp, stamps) = (control.attempt, control.stamps);
        Self { step: Self::first(&control), control, figures, page, stamp, stamps }
    }

    fn to(self, step: Step, what: &'static str) -> StepResult {
        StepResult::Continue(Self { step, ..self }, what)
    }

    /// Takes the next step.
    pub fn go(mut self, scenario: &Scenario, store: &mut Store, redis: &mut Redis) -> StepResult {
        let run = self.control.run;
        let page = usize::from(self.page);
        match self.step {
            Step::Peek => {
                let noted = redis.progress;
                let of_last = redis.run == run && noted.attempt == self.control.attempt;
                let believed = of_last || scenario.is(Broken::ProgressOfAnyAttempt);
                let further = believed && noted.page > self.control.from.page;
                let from = if further { noted } else { self.control.from };
                self.to(Step::Take(from), "reads how far the cancel is")
            }
            Step::Take(from) => {
                let next = if scenario.is(Broken::AttemptsDoNotStamp) {
                    self.control.next()
                } else {
                    self.control.next_attempt(from)
                };
                if !store.set_control(next) {
                    return StepResult::Lost("cannot start an attempt: stops");
                }
                StepResult::Continue(Self::of(next), "starts an attempt")
            }
            Step::Settle => {
                store.settle(run, page..page + 1, self.control.letters);
                self.to(Step::Mark, "settles letters")
            }
            Step::Mark => {
                if scenario.is(Broken::CancelDeletes) {
                    let pending = |i, order: &Order| i == page && order.status == Status::Pending;
                    store.delete(run, pending);
                } else {
                    let restamp = !scenario.is(Broken::FinishersShareMarks);
                    store.cancel(run, page..page + 1, self.stamp, restamp);
                    let import = scenario.imported && page < scenario.quantity;
                    if import && !scenario.is(Broken::CancelPassesWhatIsGone) {
                        store.bury_gone(run, page..page + 1);
                    }
                }
                self.to(Step::Count, "marks what is pending")
            }
            Step::Count => {
                let (figures, pending) = store.count_page(scenario, run, page, self.stamp);
                let first = Self::first(&self.control);
                if pending {
                    return self.to(first, "finds another pending order: marks again");
                }
                self.figures = self.figures.plus(figures);
                self.page += 1;
                let past = scenario.is(Broken::CancelReadsPastAccepted);
                if page + 1 == if past { ORDERS } else { scenario.quantity } {
                    return self.to(Step::Set, "counts the last page");
                }
                if redis.run == run && redis.aborted {
                    let (attempt, figures) = (self.stamp, self.figures);
                    redis.progress = Progress { attempt, page: self.page, figures };
                }
                if !self.is_last(&store.control) {
                    return StepResult::Lost("is not the last attempt: stops");
                }
                self.to(first, "counts the page and records the progress")
            }
            Step::Set => {
                let cancel = self.stamp != 0;
                // Other commands may have changed control meanwhile, but not the cancel.
                let mut next = if cancel { store.control.next() } else { self.control.next() };
                if cancel && !self.is_last(&store.control) {
                    return StepResult::Lost("is not the last attempt: stops");
                }
                next.intent = Intent::Ended;
                next.forget();
                let one = scenario.is(Broken::OneStampForAllPages);
                let stamps = if one { [self.stamp; ORDERS] } else { self.stamps };
                next.end = Some(End { aborted: cancel, figures: self.figures, stamps });
                if !store.set_control(next) {
                    return StepResult::Lost("cannot set the end: stops");
                }
                self.control = next;
                self.to(Step::Ensure, "sets the end")
            }
            Step::Ensure => {
                store.ensure_run(&self.control, scenario.is(Broken::RunDocumentByState));
                self.to(Step::Adopt, "writes the run document")
            }
            Step::Adopt => StepResult::Ended("adopts the end in Redis"),
        }
    }
}
