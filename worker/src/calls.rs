//! Calls to the stores: timed, counted when they fail, repeated while MongoDB is away.

use ::metrics::{counter, histogram};
use pedidos_core::backoff::Backoff;
use pedidos_pipeline::store::StoreError;
use pedidos_service::metrics as names;

use crate::error::WorkError;

/// Records how long a call takes.
pub async fn timed<T>(call: &'static str, answer: impl Future<Output = T>) -> T {
    let started = tokio::time::Instant::now();
    let answer = answer.await;
    histogram!(names::CALL_SECONDS, "call" => call).record(started.elapsed().as_secs_f64());
    answer
}

/// Counts a call that failed, by store and kind.
pub fn count_failure(error: &WorkError) {
    if let Some((store, kind)) = error.failed_store() {
        counter!(names::STORE_ERRORS, "store" => store, "kind" => kind).increment(1);
    }
}

/// Repeats a call to MongoDB until it is answered: while the store is away, no order
/// spends an attempt. Ends when the lease is lost: the caller is dropped then.
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
