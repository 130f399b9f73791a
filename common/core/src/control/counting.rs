//! How a cancel counts the orders of its run, attempt by attempt.

use serde::{Deserialize, Serialize};

use crate::run::Counts;

/// A cancel marks the pending orders of a page, then counts the page, and continues. A process
/// that continues for another makes a new attempt, which begins where the last one stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// In order; the last one counts to the end of the run.
    pub attempts: Vec<Attempt>,
    /// Orders in front of the last attempt's first, VIP and NORMAL.
    pub before: [Counts; 2],
}

/// One attempt at a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The index of the first order that it counts.
    pub from: i64,
    /// The version of control that it set. It is written on each order that it cancels.
    pub stamp: i64,
}

impl Counting {
    /// The first attempt.
    #[must_use]
    pub fn new(stamp: i64) -> Self {
        Self { attempts: vec![Attempt { from: 0, stamp }], before: Default::default() }
    }

    #[must_use]
    pub fn last(&self) -> Option<Attempt> {
        self.attempts.last().copied()
    }

    /// Adds an attempt that begins at order `from`.
    #[must_use]
    pub fn go_on(&self, from: i64, before: [Counts; 2], stamp: i64) -> Self {
        // Attempts that got no further than this order have counted nothing.
        let mut attempts = self.attempts.clone();
        attempts.retain(|attempt| attempt.from < from);
        attempts.push(Attempt { from, stamp });
        Self { attempts, before }
    }
}
