//! A line of the audit trail.

use mongodb::bson::DateTime;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditLine {
    /// Ordered by time.
    #[serde(rename = "_id")]
    pub id: String,
    /// By the API's clock.
    pub at: DateTime,
    /// Names the call: its two lines have the same.
    pub call: String,
    pub outcome: AuditOutcome,
    /// The HTTP status of the answer; none while there is no answer.
    pub status: Option<i32>,
    /// The name of the key, or the token's subject.
    pub name: String,
    /// The caller's role; none: the caller is not known.
    pub role: Option<String>,
    /// How the caller is known: by key, token, session, or not.
    pub via: String,
    /// Where the connection came from.
    pub address: String,
    pub operation: String,
    pub method: String,
    pub path: String,
    pub parameters: Vec<AuditParameter>,
    /// Given by the client or a proxy.
    pub request_id: String,
    pub detail: Option<String>,
}

/// A pair, and not a field of that name: the caller chooses the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditParameter {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// The call was allowed, and begins now. If no other line follows, its end is not known: the
    /// API died, or the client went away.
    Begun,
    Done,
    /// The call changed nothing.
    Refused,
    Failed,
}

impl AuditOutcome {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}
