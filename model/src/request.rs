//! A request in progress: the state of one API process that carries out a command for one
//! client.

use crate::{
    ending::Ending,
    scenario::{Command, Scenario},
    store::{Control, Intent},
};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Step {
    /// The client has not sent the command yet.
    #[default]
    Unasked,
    Read,
    /// Check that Redis has this version of control.
    Compare,
    /// Generate: write the run document of the run that it replaces.
    Replace,
    /// Letters: mark them.
    Mark,
    /// Letters: read control again before the decision.
    Decide,
    /// Letters: check that Redis has this version.
    Agree,
    /// Carry out earlier decisions.
    Settle,
    /// Letters: count those with the mark.
    Count,
    /// Change control by compare-and-set.
    Set,
    /// The answer to the compare-and-set was lost: read what happened.
    Unsure,
    /// Raise the version of control, so that the lost write fails.
    Raise,
    /// Carry out decisions about letters that no chunk carries out.
    Carry,
    /// Write the run document.
    Ensure,
    Adopt,
    /// Cancel: carry it out.
    End(Ending),
    DeleteOrders,
    DeleteRuns,
    /// The client has its answer, or the API died.
    Over,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Request {
    pub step: Step,
    /// Control as it was last read or written.
    pub control: Control,
    /// Letters: their run.
    pub run: u8,
    /// Letters: every chunk had been read when this request compared with Redis.
    pub all_read: bool,
    /// Letters: how many have the mark.
    pub counted: [u8; 2],
    /// The orders to queue for a retry, if Redis need not replay.
    pub patch: u8,
    /// A write whose answer was lost and that may still happen.
    pub late: Option<Control>,
}

impl Request {
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !matches!(self.step, Step::Unasked | Step::Over)
    }

    /// The step after Redis has adopted this control.
    pub(crate) fn after_adopt(&self, scenario: &Scenario, command: Command) -> Step {
        match command {
            Command::Cancel if self.control.intent == Intent::Cancel => {
                Step::End(Ending::cancel(scenario, self.control, true))
            }
            Command::Reset => Step::DeleteOrders,
            _ => Step::Over,
        }
    }

    /// The step after the compare-and-set succeeded.
    pub(crate) fn accepted(&self, command: Command) -> Step {
        let letters = matches!(command, Command::Retry | Command::Clean);
        if letters || self.control.put_back != 0 { Step::Carry } else { Step::Ensure }
    }

    /// The step after the compare-and-set failed.
    pub(crate) fn tries_again(&self) -> Step {
        if self.run == 0 { Step::Read } else { Step::Decide }
    }

    pub(crate) fn over() -> Self {
        Self { step: Step::Over, ..Self::default() }
    }
}
