//! `audit_log`, the audit trail: who changed what, or was refused. Lines are inserted and read,
//! never changed and never deleted, not even by a reset.

use std::time::Duration;

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::bson::{Document, doc};

use super::{
    audit_line::{AuditLine, AuditOutcome},
    call::{within, within_time},
    client::Store,
    error::Result,
};

/// An answer to a client waits for its line, but no longer.
const LINE_TIMEOUT: Duration = Duration::from_secs(5);

/// Which lines are asked for; a field that is none does not filter.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// The name of the key, or the token's subject.
    pub name: Option<String>,
    pub operation: Option<String>,
    pub outcome: Option<AuditOutcome>,
    /// ms since the epoch, included.
    pub from: Option<i64>,
    /// ms since the epoch, excluded.
    pub to: Option<i64>,
}

impl AuditFilter {
    /// `after`: the last line of the page before. Ids begin with the time, so the times are a
    /// range of ids, and the index on ids is enough.
    fn document(&self, after: Option<&str>) -> Document {
        let mut filter = Document::new();
        let first_at = |ms: i64| format!("{:08x}-{:04x}-", (ms >> 16) & 0xffff_ffff, ms & 0xffff);
        let to = self.to.map(first_at);
        let before = [to.as_deref(), after].into_iter().flatten().min();
        let mut id = Document::new();
        if let Some(before) = before {
            id.insert("$lt", before);
        }
        if let Some(from) = self.from {
            id.insert("$gte", first_at(from));
        }
        if !id.is_empty() {
            filter.insert("_id", id);
        }
        let outcome = self.outcome.map(AuditOutcome::as_str);
        for (field, value) in [
            ("name", self.name.as_deref()),
            ("operation", self.operation.as_deref()),
            ("outcome", outcome),
        ] {
            if let Some(value) = value {
                // $eq: what a caller gives must not be read as an operator.
                filter.insert(field, doc! { "$eq": value });
            }
        }
        filter
    }
}

impl Store {
    /// The line is durable when this answers.
    pub fn add_audit_line<'a>(&'a self, line: &'a AuditLine) -> BoxFuture<'a, Result<()>> {
        Box::pin(
            async move { within_time(LINE_TIMEOUT, self.audit.insert_one(line)).await.map(drop) },
        )
    }

    /// A page of lines, the newest first; `after`: the id of the last line of the page before.
    pub fn audit_lines<'a>(
        &'a self,
        limit: u32,
        after: Option<&'a str>,
        asked: &'a AuditFilter,
    ) -> BoxFuture<'a, Result<Vec<AuditLine>>> {
        Box::pin(async move {
            let find = self
                .audit
                .find(asked.document(after))
                .sort(doc! { "_id": -1 })
                .limit(i64::from(limit));
            within(within(find).await?.try_collect()).await
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp, Uuid};

    use super::*;

    #[test]
    fn a_time_is_a_range_of_ids() {
        let at = 1_800_000_000_123;
        let (seconds, rest) = (at / 1_000, at % 1_000);
        let stamp = Timestamp::from_unix(NoContext, seconds as u64, rest as u32 * 1_000_000);
        let id = Uuid::new_v7(stamp).to_string();
        let is_in = |from: Option<i64>, to: Option<i64>| {
            let filter = AuditFilter { from, to, ..AuditFilter::default() }.document(None);
            let Ok(range) = filter.get_document("_id") else { return true };
            let bound = |name| range.get_str(name).ok();
            bound("$gte").is_none_or(|from| from <= &*id) && bound("$lt").is_none_or(|to| &*id < to)
        };
        assert!(is_in(None, None) && is_in(Some(at), None) && is_in(Some(at), Some(at + 1)));
        assert!(!is_in(Some(at + 1), None) && !is_in(None, Some(at)) && is_in(Some(0), None));
        // The next page begins after the last line of this one.
        let filter = AuditFilter { to: Some(at + 9), ..AuditFilter::default() };
        assert_eq!(filter.document(Some(&id)), doc! { "_id": { "$lt": &id } });
    }
}
