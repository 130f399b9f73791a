//! The operations about runs.

use std::time::Duration;

use pedidos_api_types::{
    commands::{CancelAnswer, GenerateAnswer, ResetAnswer},
    runs::Run,
    status::Status,
};
use reqwest::Method;
use serde_json::Value;

use super::{Answer, Client, LONG_TIMEOUT, Page};
use crate::{
    args::{Cancel, NewFlow, NewRun},
    failure::Result,
};

/// `waitTimeoutMs`, where it is not given.
const WAIT_TIMEOUT_MS: u64 = 10_000;

impl Client {
    /// `POST /pedidos/generate`
    pub async fn generate(&self, run: &NewRun, key: &str) -> Result<Answer<GenerateAnswer>> {
        let request = self.request(Method::POST, "pedidos/generate").query(run);
        self.answer(request.header("Idempotency-Key", key)).await
    }

    /// `GET /pedidos`
    pub async fn status(&self) -> Result<Answer<Status>> {
        self.answer(self.request(Method::GET, "pedidos")).await
    }

    /// `GET /pedidos/runs`
    pub async fn runs(&self, page: &Page) -> Result<Answer<Value>> {
        self.answer(self.request(Method::GET, "pedidos/runs").query(page)).await
    }

    /// `GET /pedidos/runs/{runId}`
    pub async fn run(&self, run_id: &str) -> Result<Answer<Run>> {
        self.answer(self.request(Method::GET, &path(run_id))).await
    }

    /// `PATCH /pedidos/runs/{runId}`
    pub async fn change_run(&self, run_id: &str, new: &NewFlow) -> Result<Answer<Run>> {
        self.answer(self.request(Method::PATCH, &path(run_id)).json(new)).await
    }

    /// `POST /pedidos/cancel`
    pub async fn cancel(&self, options: &Cancel) -> Result<Answer<CancelAnswer>> {
        let wait = Duration::from_millis(options.wait_timeout_ms.unwrap_or(WAIT_TIMEOUT_MS));
        let request = self.request(Method::POST, "pedidos/cancel").query(options);
        self.answer(request.timeout(wait.saturating_add(LONG_TIMEOUT))).await
    }

    /// `POST /pedidos/reset`
    pub async fn reset(&self) -> Result<Answer<ResetAnswer>> {
        let wait = Duration::from_millis(WAIT_TIMEOUT_MS);
        let request = self.request(Method::POST, "pedidos/reset");
        self.answer(request.timeout(wait.saturating_add(LONG_TIMEOUT))).await
    }
}

fn path(run_id: &str) -> String {
    format!("pedidos/runs/{run_id}")
}
