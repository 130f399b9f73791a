//! How long to wait before trying again.

use std::time::Duration;

/// Delays that double from 50 ms to 5 s, each drawn from half to all of it, so
/// that many who fail together do not come back together.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(5);

    /// How long to wait after one more failure.
    pub fn after_failure(&mut self) -> Duration {
        let delay = doubled(Self::FIRST, self.failures, Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        delay
    }

    /// It worked: begin anew.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// `first` doubled `times` times, `longest` at most, with jitter.
#[must_use]
pub fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    let full = first.saturating_mul(2u32.saturating_pow(times.min(30))).min(longest);
    full.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}
