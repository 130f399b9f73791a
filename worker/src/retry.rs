//! Trying again, for as long as there is a point.

use pedidos_common::{
    backoff::Backoff, control::VerbError, metrics, queue::QueueError, store::StoreError,
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
                let delay = backoff.after_failure();
                tracing::warn!(call = what, %error, ?delay, "MongoDB did not answer; trying again");
                tokio::time::sleep(delay).await;
            }
            result => return result,
        }
    }
}
