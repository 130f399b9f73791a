//! Trying again: with backoff and jitter, for as long as there is a point.

use std::time::Duration;

use pedidos_common::{control::VerbError, metrics, queue::QueueError, store::StoreError};

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
    pub fn next(&mut self) -> Duration {
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
pub fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    let full = first.saturating_mul(2u32.saturating_pow(times.min(30))).min(longest);
    full.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}

/// Why work under a lease was not done.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The lease is gone; whoever has it now does the work.
    #[error("the lease is gone")]
    Stale,
    /// The run is no longer wanted.
    #[error("the run is no longer wanted")]
    Unwanted,
    /// A store does not answer, or not as it should.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue does not answer, or not as it should.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Control does not answer, or not as it should.
    #[error(transparent)]
    Verb(#[from] VerbError),
}

impl Stopped {
    /// Is it only that a store is out of reach?
    pub const fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unavailable(_))
                | Self::Queue(QueueError::Unavailable(_))
                | Self::Verb(
                    VerbError::Store(StoreError::Unavailable(_))
                        | VerbError::Queue(QueueError::Unavailable(_))
                )
        )
    }
}

/// Repeats a call to MongoDB until it is answered: while the store is away no
/// order is to blame, and no attempt is spent. Ends when the lease does, for
/// the caller is dropped then.
pub async fn until_answered<T, F>(
    what: &'static str,
    mut call: impl FnMut() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut backoff = Backoff::default();
    loop {
        let began = tokio::time::Instant::now();
        let result = call().await;
        ::metrics::histogram!(metrics::CALL_SECONDS, "call" => what)
            .record(began.elapsed().as_secs_f64());
        match result {
            Err(error @ StoreError::Unavailable(_)) => {
                ::metrics::counter!(metrics::STORE_ERRORS, "store" => "mongodb").increment(1);
                let delay = backoff.next();
                tracing::warn!(call = what, %error, ?delay, "MongoDB did not answer; trying again");
                tokio::time::sleep(delay).await;
            }
            result => return result,
        }
    }
}
