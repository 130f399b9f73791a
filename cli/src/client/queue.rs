//! The operations about the queue.

use pedidos_api_types::{
    commands::{CleanAnswer, CloseAnswer, PauseAnswer, ResumeAnswer, RetriedAnswer},
    flow::{FailAnswer, Limits},
    health::Health,
    jobs::JobsAnswer,
    status::QueueStatus,
};
use reqwest::Method;

use super::{Answer, Client, LONG_TIMEOUT};
use crate::{
    args::{Clean, Jobs, NewLimits, RetryFailed},
    failure::Result,
};

const LIMITS: &str = "pedidos/queue/limits";

impl Client {
    /// `POST /pedidos/queue/pause`
    pub async fn pause(&self) -> Result<Answer<PauseAnswer>> {
        self.answer(self.request(Method::POST, "pedidos/queue/pause")).await
    }

    /// `POST /pedidos/queue/resume`
    pub async fn resume(&self) -> Result<Answer<ResumeAnswer>> {
        self.answer(self.request(Method::POST, "pedidos/queue/resume")).await
    }

    /// `GET /pedidos/queue/limits`
    pub async fn limits(&self) -> Result<Answer<Limits>> {
        self.answer(self.request(Method::GET, LIMITS)).await
    }

    /// `PATCH /pedidos/queue/limits`
    pub async fn set_limits(&self, new: &NewLimits) -> Result<Answer<Limits>> {
        self.answer(self.request(Method::PATCH, LIMITS).json(new)).await
    }

    /// `GET /pedidos/queue/status`
    pub async fn queue(&self) -> Result<Answer<QueueStatus>> {
        self.answer(self.request(Method::GET, "pedidos/queue/status")).await
    }

    /// `GET /pedidos/queue/jobs`
    pub async fn jobs(&self, jobs: &Jobs) -> Result<Answer<JobsAnswer>> {
        let request = self.request(Method::GET, "pedidos/queue/jobs").query(jobs);
        self.answer(request.timeout(LONG_TIMEOUT)).await
    }

    /// `POST /pedidos/queue/retry-failed`
    pub async fn retry_failed(&self, which: &RetryFailed) -> Result<Answer<RetriedAnswer>> {
        let request = self.request(Method::POST, "pedidos/queue/retry-failed").query(which);
        self.answer(request.timeout(LONG_TIMEOUT)).await
    }

    /// `POST /pedidos/queue/clean`
    pub async fn clean(&self, which: &Clean) -> Result<Answer<CleanAnswer>> {
        let request = self.request(Method::POST, "pedidos/queue/clean").query(which);
        self.answer(request.timeout(LONG_TIMEOUT)).await
    }

    /// `POST /pedidos/queue/close`
    pub async fn close(&self) -> Result<Answer<CloseAnswer>> {
        self.answer(self.request(Method::POST, "pedidos/queue/close")).await
    }

    /// `POST /pedidos/orders/{id}/fail`
    pub async fn fail_order(&self, id: &str) -> Result<Answer<FailAnswer>> {
        let request = self.request(Method::POST, &format!("pedidos/orders/{id}/fail"));
        self.answer(request.timeout(LONG_TIMEOUT)).await
    }

    /// `GET /pedidos/health/queue`
    pub async fn health(&self) -> Result<Answer<Health>> {
        self.answer(self.request(Method::GET, "pedidos/health/queue")).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;
    use reqwest::{Url, header::CONTENT_TYPE};

    use super::*;
    use crate::args::{Call, Cli, Command};

    #[test]
    fn a_change_is_sent_as_json_with_null_for_what_is_lifted() {
        let cli = Cli::try_parse_from(["pedidos", "limits", "--rate", "none"]).unwrap();
        let client = Client::new(Url::parse("http://host").unwrap(), None, &cli.tls).unwrap();
        let Command::Call(Call::Limits(limits)) = cli.command else { unreachable!() };
        let request = client.request(Method::PATCH, LIMITS).json(&limits).build().unwrap();
        assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
        let body = request.body().and_then(reqwest::Body::as_bytes);
        assert_eq!(body, Some(&br#"{"ordersPerSecond":null}"#[..]));
    }
}
