//! The operations about limits, what holds a run back, and the health of the queue.

use pedidos_api_types::{flow::FailAnswer, health::Health};
use reqwest::Method;

use super::{Client, LONG_TIMEOUT};
use crate::{
    args::{NewFlow, NewLimits},
    failure::Result,
};

const LIMITS: &str = "pedidos/queue/limits";

impl Client {
    /// `GET /pedidos/queue/limits`, as the API answers it.
    pub async fn limits_text(&self) -> Result<String> {
        self.text(self.request(Method::GET, LIMITS)).await
    }

    /// `PATCH /pedidos/queue/limits`, as the API answers it.
    pub async fn set_limits_text(&self, new: &NewLimits) -> Result<String> {
        self.text(self.request(Method::PATCH, LIMITS).json(new)).await
    }

    /// `PATCH /pedidos/runs/{runId}`, as the API answers it.
    pub async fn change_run_text(&self, run_id: &str, new: &NewFlow) -> Result<String> {
        let request = self.request(Method::PATCH, &format!("pedidos/runs/{run_id}"));
        self.text(request.json(new)).await
    }

    /// `POST /pedidos/orders/{id}/fail`
    pub async fn fail_order(&self, id: &str) -> Result<FailAnswer> {
        let request = self.request(Method::POST, &format!("pedidos/orders/{id}/fail"));
        self.answer(request.timeout(LONG_TIMEOUT)).await
    }

    /// `GET /pedidos/health/queue`
    pub async fn health(&self) -> Result<Health> {
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
        let request = client.request(Method::PATCH, LIMITS).json(&limits.new).build().unwrap();
        assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
        let body = request.body().and_then(reqwest::Body::as_bytes);
        assert_eq!(body, Some(&br#"{"ordersPerSecond":null}"#[..]));
    }
}
