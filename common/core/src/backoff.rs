//! How long to wait before trying again, and logging a failure that lasts once.

use std::time::Duration;

/// Delays that double from 50 ms to 5 s, with jitter: processes that fail together do not
/// come back together.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(5);

    pub fn after_failure(&mut self) -> Duration {
        let delay = doubled(Self::FIRST, self.failures, Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        delay
    }

    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A problem that lasts is logged once, and again when it changes.
#[derive(Debug, Default)]
pub struct LogOnce(Option<String>);

impl LogOnce {
    /// Is this to be logged? From now on it is not.
    pub fn is_new(&mut self, problem: &str) -> bool {
        let new = self.0.as_deref() != Some(problem);
        if new {
            self.0 = Some(problem.to_owned());
        }
        new
    }

    /// The problem is over. Had it been logged?
    pub fn is_over(&mut self) -> bool {
        self.0.take().is_some()
    }
}

/// `first` doubled `times` times, `longest` at most, with jitter.
#[must_use]
pub fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    let full = first.saturating_mul(2u32.saturating_pow(times.min(30))).min(longest);
    full.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_that_lasts_is_said_once() {
        let mut said = LogOnce::default();
        let told = ["a", "a", "b", "b", "a"].map(|problem| said.is_new(problem));
        assert_eq!(told, [true, false, true, false, true]);
        assert!(said.is_over() && !said.is_over());
        assert!(said.is_new("a"));
    }
}
