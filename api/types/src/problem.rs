//! Errors.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

/// An error, as RFC 9457 has it.
#[derive(Debug, Clone, Default, Object, Serialize, Deserialize)]
#[oai(skip_serializing_if_is_none)]
#[serde(default)]
pub struct Problem {
    /// Identifies the kind of problem.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, and what to do.
    pub detail: String,
    /// Every invalid parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<Mistake>>,
    /// The active run, if that is the problem.
    #[oai(rename = "runId")]
    #[serde(rename = "runId", skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The id of the request, as in its log lines.
    #[oai(rename = "requestId")]
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// An invalid parameter.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct Mistake {
    /// The name of the parameter.
    pub name: String,
    /// What was sent, and what is allowed.
    pub detail: String,
}
