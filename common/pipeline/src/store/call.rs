//! Every call to MongoDB has a time limit: a connection whose bytes are lost must not hold a
//! slot for ever.

use std::{future::IntoFuture, time::Duration};

use super::error::{Result, StoreError};

/// A call that takes longer may have taken effect all the same: every write is made so that
/// repeating it changes nothing.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// None if the server does not answer in time.
pub(super) async fn in_time<T>(
    limit: Duration,
    call: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Option<mongodb::error::Result<T>> {
    tokio::time::timeout(limit, call.into_future()).await.ok()
}

pub(super) async fn within_time<T>(
    limit: Duration,
    call: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<T> {
    match in_time(limit, call).await {
        Some(answer) => Ok(answer?),
        None => Err(StoreError::Unavailable(format!("no answer within {limit:?}"))),
    }
}

pub(super) async fn within<T>(
    call: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<T> {
    within_time(CALL_TIMEOUT, call).await
}
