//! The end of a run: of one whose every order is terminal, and of a cancel. Any process
//! may carry it out, several at once, and each may freeze or die between any two steps.

use crate::{
    scenario::{Broken, ORDERS, Scenario},
    state::State,
    store::{Control, End, Figures, Intent, Status},
};

/// The next step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Of a cancel: a compare-and-set that makes this attempt the last one.
    Take,
    /// Built wrong, instead of that: is control still what it was?
    Look,
    /// Letters that wait for a retry are settled.
    Settle,
    /// What is pending is marked; once there is nothing, orders are counted.
    Mark,
    /// The end is compared and set.
    Set,
    /// The run document is made sure of.
    Ensure,
    /// Redis is told.
    Adopt,
}

/// One process at it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Closing {
    /// The next step.
    pub step: Step,
    /// Control, as it was read or written last.
    pub control: Control,
    /// What was counted.
    pub figures: Figures,
    /// This attempt's stamp.
    pub stamp: u8,
}

/// What a step came to.
pub enum Came {
    /// There is more to do.
    On(Closing, &'static str),
    /// The run has ended.
    Ended(&'static str),
    /// Another was faster.
    Lost(&'static str),
}

impl Closing {
    /// One whose compare-and-set cannot succeed any more.
    pub const LOST: Self = Self {
        step: Step::Set,
        control: Control::NONE,
        figures: Figures { processed: [0; 2], dead: [0; 2], removed: [0; 2] },
        stamp: 0,
    };

    /// Its compare-and-set cannot succeed any more.
    #[must_use]
    pub const fn is_lost(&self, version: u8) -> bool {
        matches!(self.step, Step::Take | Step::Set) && self.control.version != version
    }

    /// Of a run whose every order is terminal.
    #[must_use]
    pub fn done(control: Control, figures: Figures) -> Self {
        Self { step: Step::Set, control, figures, stamp: 0 }
    }

    /// Of a cancel: `Controller::finish_cancel`. Who set the cancel has its attempt by that.
    #[must_use]
    pub fn cancel(scenario: &Scenario, control: Control, set_by_me: bool) -> Self {
        let new = Self { stamp: control.attempt, ..Self::done(control, Figures::default()) };
        let takes = !set_by_me && !scenario.is(Broken::FinishersShareMarks);
        Self { step: if takes { Step::Take } else { new.first(scenario) }, ..new }
    }

    /// The step that a look begins with.
    fn first(&self, scenario: &Scenario) -> Step {
        if scenario.is(Broken::FinishersShareMarks) {
            Step::Look
        } else if self.control.letters[0] == 0 {
            Step::Mark
        } else {
            Step::Settle
        }
    }

    fn to(self, step: Step, what: &'static str) -> Came {
        Came::On(Self { step, ..self }, what)
    }

    /// The next step.
    pub fn go(mut self, scenario: &Scenario, state: &mut State) -> Came {
        let run = self.control.run;
        let store = &mut state.store;
        match self.step {
            Step::Look if store.control.version != self.control.version => {
                Came::Lost("control has changed: stops")
            }
            Step::Look if self.control.letters[0] == 0 => {
                self.to(Step::Mark, "control is as it was")
            }
            Step::Look => self.to(Step::Settle, "control is as it was"),
            Step::Take => {
                let next = if scenario.is(Broken::AttemptsDoNotStamp) {
                    self.control.next()
                } else {
                    self.control.next_attempt()
                };
                if !store.set_control(next) {
                    return Came::Lost("cannot take the attempt: stops");
                }
                (self.control, self.stamp) = (next, next.attempt);
                self.to(self.first(scenario), "takes the attempt")
            }
            Step::Settle => {
                store.settle(run, 0..ORDERS, self.control.letters);
                self.to(Step::Mark, "settles letters")
            }
            Step::Mark => {
                let before = store.count(scenario, run, self.stamp);
                let found = if scenario.is(Broken::CancelDeletes) {
                    let (_, pending) = before;
                    store.delete(run, |_, order| order.status == Status::Pending);
                    pending
                } else {
                    let restamp = !scenario.is(Broken::FinishersShareMarks);
                    store.cancel(run, 0..ORDERS, self.stamp, restamp)
                };
                if found {
                    return self.to(self.first(scenario), "marks what is pending, and looks again");
                }
                (self.figures, _) = before;
                self.to(Step::Set, "finds nothing pending, and counts")
            }
            Step::Set => {
                let mut next = self.control.next();
                let aborted = next.intent == Intent::Cancel;
                next.intent = Intent::Ended;
                next.end = Some(End { aborted, figures: self.figures, stamp: self.stamp });
                if !store.set_control(next) {
                    return Came::Lost("cannot set the end: stops");
                }
                self.control = next;
                self.to(Step::Ensure, "sets the end")
            }
            Step::Ensure => {
                store.ensure_run(&self.control, scenario.is(Broken::RunDocumentByState));
                self.to(Step::Adopt, "writes the run document")
            }
            Step::Adopt => Came::Ended("tells Redis the end"),
        }
    }
}
