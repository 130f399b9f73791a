//! The operations about the queue.

use pedidos_api_types::{
    commands::{PauseAnswer, ResumeAnswer},
    flow::{FailAnswer, Limits},
    health::Health,
};
use reqwest::Method;

use super::{Answer, Client, LONG_TIMEOUT};
use crate::{args::NewLimits, failure::Result};

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

    fn call(line: &str) -> (Client, Call) {
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let client = Client::new(Url::parse("http://host").unwrap(), None, &cli.tls).unwrap();
        let Command::Call(call) = cli.command else { unreachable!() };
        (client, call)
    }

    #[test]
    fn a_change_is_sent_as_json_with_null_for_what_is_lifted() {
        let (client, call) = call("pedidos limits --rate none");
        let Call::Limits(limits) = call else { unreachable!() };
        let request = client.request(Method::PATCH, LIMITS).json(&limits).build().unwrap();
        assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
        let body = request.body().and_then(reqwest::Body::as_bytes);
        assert_eq!(body, Some(&br#"{"ordersPerSecond":null}"#[..]));
    }
}
