//! The operations that show what happens: log lines, the audit trail.

use pedidos_api_types::logs::LogsAnswer;
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use super::{Answer, Client, Page};
use crate::{args::AuditFilter, failure::Result};

#[derive(Debug, Serialize)]
pub struct LogQuery<'a> {
    pub lines: Option<u32>,
    pub level: Option<&'a str>,
    /// Only the lines after this cursor.
    pub after: Option<&'a str>,
}

impl Client {
    /// `GET /pedidos/logs`
    pub async fn logs(&self, query: &LogQuery<'_>) -> Result<Answer<LogsAnswer>> {
        self.answer(self.request(Method::GET, "pedidos/logs").query(query)).await
    }

    /// `GET /pedidos/audit`
    pub async fn audit_trail(&self, page: &Page, filter: &AuditFilter) -> Result<Answer<Value>> {
        self.answer(self.request(Method::GET, "pedidos/audit").query(page).query(filter)).await
    }
}
