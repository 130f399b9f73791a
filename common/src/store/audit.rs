//! `audit_log`: who changed what, or was refused. Lines are inserted and read, never
//! changed and never deleted here, not even by a reset. And the one secret that the API's
//! replicas share.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Binary, DateTime, Document, doc, spec::BinarySubtype};
use serde::{Deserialize, Serialize};

use super::{Result, Store, StoreError, within};

/// An answer waits for its line, but no longer than this.
const LINE_TIMEOUT: Duration = Duration::from_secs(5);

/// One line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditLine {
    /// Its id, ordered by time.
    #[serde(rename = "_id")]
    pub id: String,
    /// When, by the API's clock.
    pub at: DateTime,
    /// The call: its two lines have the same.
    pub call: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The HTTP status of the answer, once there is one.
    pub status: Option<i32>,
    /// Who: the key's name, or the token's subject.
    pub name: String,
    /// What they may do; none: it is not known who they are.
    pub role: Option<String>,
    /// How it is known: by key, token, session, or not.
    pub via: String,
    /// The address that the connection came from.
    pub address: String,
    /// What was asked for.
    pub operation: String,
    /// With which method.
    pub method: String,
    /// At which path.
    pub path: String,
    /// With which parameters.
    pub parameters: Vec<AuditParameter>,
    /// What the client, or a proxy, calls the request.
    pub request_id: String,
    /// Why it was refused.
    pub detail: Option<String>,
}

/// A parameter of a call. Not a field of that name: the caller chooses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditParameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was allowed, and begins now. With no other line it is not known how it ended: the
    /// API died, or the client went away.
    Begun,
    /// It was done.
    Done,
    /// It was not done, and changed nothing.
    Refused,
    /// It was tried, and failed.
    Failed,
}

impl Outcome {
    /// As it is written.
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

impl Store {
    /// Adds a line. It is durable when this answers.
    pub async fn add_audit_line(&self, line: &AuditLine) -> Result<()> {
        let added = tokio::time::timeout(LINE_TIMEOUT, within(self.audit.insert_one(line)));
        added.await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable(format!("no answer within {LINE_TIMEOUT:?}")))
        })?;
        Ok(())
    }

    /// A page of the trail, the newest first; `after`: the id of the last line of the page
    /// before.
    pub async fn audit_lines(&self, limit: u32, after: Option<&str>) -> Result<Vec<AuditLine>> {
        let older = after.map_or_else(Document::new, |id| doc! { "_id": { "$lt": id } });
        let find = self.audit.find(older).sort(doc! { "_id": -1 }).limit(i64::from(limit));
        within(within(find).await?.try_collect()).await
    }

    /// The secret that the API's replicas share: `new`, if there is none yet. Alone it is
    /// good for nothing: what is signed with it is signed with the hash of a key, too.
    pub async fn session_secret(&self, new: [u8; 32]) -> Result<Vec<u8>> {
        let id = doc! { "_id": &self.queue };
        let bytes = Binary { subtype: BinarySubtype::Generic, bytes: new.to_vec() };
        let unless_there = doc! { "$setOnInsert": { "bytes": bytes } };
        // Of two that make one at once, one's is kept, and both read it.
        match within(self.secrets.update_one(id.clone(), unless_there).upsert(true)).await {
            Err(StoreError::Rejected(error))
                if error.contains(&super::DUPLICATE_KEY.to_string()) => {}
            made => drop(made?),
        }
        let found = within(self.secrets.find_one(id)).await?;
        let bytes = found.as_ref().and_then(|secret| secret.get_binary_generic("bytes").ok());
        let bytes = bytes.filter(|bytes| bytes.len() >= new.len()).cloned();
        bytes.ok_or_else(|| StoreError::Corrupt("session_secrets".to_owned()))
    }
}
