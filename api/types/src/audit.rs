//! The audit trail.

use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// A page of the audit trail.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct AuditAnswer {
    /// As requested.
    pub limit: u32,
    /// Lines on this page.
    pub count: u32,
    /// The lines, the newest first.
    pub lines: Vec<Line>,
    /// Give it as `cursor` to get the next page; null: this is the last.
    pub next_cursor: Option<String>,
}

/// One line of the audit trail.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The id of the line, ordered by time.
    pub id: String,
    /// When it was written.
    pub at: String,
    /// The id of the call: both lines of an allowed call have it.
    pub call: String,
    /// The outcome of the call.
    pub outcome: OutcomeName,
    /// The HTTP status of the answer; null when the call begins.
    pub status: Option<i32>,
    /// The caller: the name of the key, or the token's subject.
    pub name: String,
    /// The caller's role; null: not authenticated.
    pub role: Option<String>,
    /// How the caller authenticated: key, token, session, anonymous (no credentials are required),
    /// nothing (not authenticated).
    pub via: String,
    /// The address of the client.
    pub address: String,
    /// The `operationId`.
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The parameters of the query.
    pub parameters: Vec<Parameter>,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
    /// Why the call was refused.
    pub detail: Option<String>,
}

/// A parameter of a call.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum OutcomeName {
    /// Allowed, and begins now. Without a second line it is not known how it ended.
    Begun,
    /// Done.
    Done,
    /// Refused, and changed nothing.
    Refused,
    /// Failed.
    Failed,
}
