//! Trying again, for as long as there is a point; and what calls come to, counted.

use ::metrics::{counter, histogram};
use pedidos_common::{
    backoff::Backoff, control::VerbError, metrics as names, queue::QueueError, store::StoreError,
};

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

/// Waits for a call, and notes how long it took.
pub async fn timed<T>(call: &'static str, answer: impl Future<Output = T>) -> T {
    let began = tokio::time::Instant::now();
    let answer = answer.await;
    histogram!(names::CALL_SECONDS, "call" => call).record(began.elapsed().as_secs_f64());
    answer
}

/// Counts a call that failed, by store and kind.
pub fn count_failure(stopped: &Stopped) {
    let (store, kind) = match stopped {
        Stopped::Store(error) | Stopped::Verb(VerbError::Store(error)) => ("mongodb", error.kind()),
        Stopped::Queue(error) | Stopped::Verb(VerbError::Queue(error)) => ("redis", error.kind()),
        Stopped::Verb(VerbError::OutcomeUnknown { cause, .. }) => ("mongodb", cause.kind()),
        Stopped::Verb(VerbError::StaleStore { .. }) => ("mongodb", "stale"),
        Stopped::Verb(VerbError::Active { .. }) | Stopped::Stale | Stopped::Unwanted => return,
    };
    counter!(names::STORE_ERRORS, "store" => store, "kind" => kind).increment(1);
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
        match timed(what, call()).await {
            Err(error @ StoreError::Unavailable(_)) => {
                let delay = backoff.after_failure();
                tracing::warn!(call = what, %error, ?delay, "MongoDB did not answer; trying again");
                count_failure(&error.into());
                tokio::time::sleep(delay).await;
            }
            result => return result,
        }
    }
}
