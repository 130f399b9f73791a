//! The operations about dead letters, and about orders in the queue.

use reqwest::{Method, StatusCode};

use super::{Client, LONG_TIMEOUT};
use crate::{
    args::{Clean, RetryFailed},
    failure::Result,
};

impl Client {
    /// `POST /pedidos/queue/retry-failed`, as the API answers it.
    pub async fn retry_failed_text(&self, which: &RetryFailed) -> Result<String> {
        let request = self.request(Method::POST, "pedidos/queue/retry-failed").query(which);
        self.text(request.timeout(LONG_TIMEOUT)).await
    }

    /// `POST /pedidos/queue/clean`, as the API answers it, and whether that is all.
    pub async fn clean_text(&self, which: &Clean) -> Result<(String, bool)> {
        let request = self.request(Method::POST, "pedidos/queue/clean").query(which);
        let response = self.begin(request.timeout(LONG_TIMEOUT)).await?;
        let is_whole = response.status() != StatusCode::ACCEPTED;
        let text = response.text().await.map_err(|error| self.failed(&error))?;
        Ok((text, is_whole))
    }
}
