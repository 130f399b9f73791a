//! The operations that show what happens: probes, metrics, log lines, events, the audit trail; and who
//! asks.

use pedidos_api_types::{logs::LogsAnswer, session::SessionAnswer};
use reqwest::{Method, Response};
use serde::Serialize;
use serde_json::Value;

use super::{Answer, Client, NO_TIMEOUT, Page};
use crate::{args::AuditFilter, failure::Result};

#[derive(Debug, Serialize)]
pub struct LogQuery<'a> {
    pub lines: Option<u32>,
    pub level: Option<&'a str>,
    /// Only the lines after this cursor.
    pub after: Option<&'a str>,
}

impl Client {
    /// `GET /livez`
    pub async fn alive(&self) -> Result<Answer<()>> {
        self.answer(self.request(Method::GET, "livez")).await
    }

    /// `GET /readyz`
    pub async fn ready(&self) -> Result<Answer<()>> {
        self.answer(self.request(Method::GET, "readyz")).await
    }

    /// `GET /metrics`: no JSON.
    pub async fn metrics(&self) -> Result<Answer<()>> {
        self.answer(self.request(Method::GET, "metrics")).await
    }

    /// `GET /pedidos/logs`
    pub async fn logs(&self, query: &LogQuery<'_>) -> Result<Answer<LogsAnswer>> {
        self.answer(self.request(Method::GET, "pedidos/logs").query(query)).await
    }

    /// `GET /pedidos/events`: the head of a stream. `last`: the id of the last event that came.
    pub async fn events(&self, last: Option<&str>) -> Result<Response> {
        let request = self.request(Method::GET, "pedidos/events").timeout(NO_TIMEOUT);
        let request = match last {
            Some(last) => request.header("Last-Event-ID", last),
            None => request,
        };
        self.begin(request).await
    }

    /// `GET /pedidos/audit`
    pub async fn audit_trail(&self, page: &Page, filter: &AuditFilter) -> Result<Answer<Value>> {
        self.answer(self.request(Method::GET, "pedidos/audit").query(page).query(filter)).await
    }

    /// `GET /pedidos/session`
    pub async fn session(&self) -> Result<Answer<SessionAnswer>> {
        self.answer(self.request(Method::GET, "pedidos/session")).await
    }
}
