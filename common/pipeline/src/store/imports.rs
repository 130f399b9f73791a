//! Imports: every change is one compare-and-set on what the caller has read.

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::{
    bson::{Bson, DateTime, Document, doc, serialize_to_bson, serialize_to_document},
    options::ReturnDocument,
};
use pedidos_core::{control::RunOptions, import::ImportState};

use super::{
    call::within,
    client::Store,
    error::{DUPLICATE_KEY, Result, StoreError, corrupt},
    import_document::ImportDocument,
    shape::our_imports,
};

/// What a committed block adds to its import.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The import as it was before.
    pub before: ImportDocument,
    /// As it is afterwards.
    pub after: ImportDocument,
}

/// What changes with the state of an import. Times are ms since the epoch.
#[derive(Debug, Clone, Default)]
pub struct Moved {
    pub sealed_at: Option<i64>,
    pub sweep_until: i64,
    /// How it is to run, once it is started.
    pub options: Option<RunOptions>,
}

impl Store {
    /// Answers the import that has this idempotency key already, if there is one.
    pub(crate) fn insert_import<'a>(
        &'a self,
        import: &'a ImportDocument,
    ) -> BoxFuture<'a, Result<Option<ImportDocument>>> {
        Box::pin(async move {
            let document = serialize_to_document(import).map_err(corrupt)?;
            match within(self.imports.insert_one(document)).await {
                Ok(_) => Ok(None),
                Err(StoreError::Rejected(error)) if error.contains(&DUPLICATE_KEY.to_string()) => {
                    let key = import.idempotency_key.as_deref().unwrap_or_default();
                    self.import_of_key(key).await
                }
                Err(error) => Err(error),
            }
        })
    }

    pub fn import<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<ImportDocument>>> {
        Box::pin(async move { self.first_import(doc! { "_id": id }).await })
    }

    pub(crate) fn import_of_key<'a>(
        &'a self,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<ImportDocument>>> {
        Box::pin(async move { self.first_import(doc! { "idempotencyKey": key }).await })
    }

    async fn first_import(&self, filter: Document) -> Result<Option<ImportDocument>> {
        let found = within(self.imports.find_one(our_imports(filter))).await?;
        Ok(found.and_then(|import| self.readable(self.imports.name(), import)))
    }

    /// A page, the newest first; `after`: the last import of the page before. None if there is no
    /// such import.
    pub fn list_imports<'a>(
        &'a self,
        limit: u32,
        after: Option<&'a str>,
        state: Option<ImportState>,
    ) -> BoxFuture<'a, Result<Option<Vec<ImportDocument>>>> {
        Box::pin(async move {
            let mut filter = Document::new();
            if let Some(after) = after {
                let Some(last) = self.import(after).await? else { return Ok(None) };
                // No two imports have the same base of ids.
                filter.insert("idsMs", doc! { "$lt": last.ids_ms });
            }
            if let Some(state) = state {
                filter.insert("state", state.as_str());
            }
            self.imports_where(filter, i64::from(limit)).await.map(Some)
        })
    }

    /// The newest first; `most`: 0 for all.
    async fn imports_where(&self, filter: Document, most: i64) -> Result<Vec<ImportDocument>> {
        let mut find = self.imports.find(our_imports(filter)).sort(doc! { "idsMs": -1 });
        if most > 0 {
            find = find.limit(most);
        }
        let found: Vec<Document> = within(within(find).await?.try_collect()).await?;
        let read = found.into_iter().filter_map(|one| self.readable(self.imports.name(), one));
        Ok(read.collect())
    }

    /// Begins to write: whoever wrote before can commit no more blocks. Answers the import with
    /// the new attempt; none if it is not open any more, or has other lines by now.
    ///
    /// An answer that is lost is not looked up: the next call raises the attempt again.
    pub(crate) fn raise_attempt<'a>(
        &'a self,
        import: &'a ImportDocument,
    ) -> BoxFuture<'a, Result<Option<ImportDocument>>> {
        Box::pin(async move {
            let same = doc! {
                "_id": &import.import_id,
                "state": ImportState::Open.as_str(),
                "lines": import.lines,
            };
            let raise = self
                .imports
                .find_one_and_update(same, doc! { "$inc": { "attempt": 1_i64 } })
                .return_document(ReturnDocument::After);
            let raised = within(raise).await?;
            Ok(raised.and_then(|import| self.readable(self.imports.name(), import)))
        })
    }

    /// Moves all counters over a block: only now does it exist. Answers false if the import is not
    /// open any more, or if another upload goes on.
    pub(crate) fn commit_block<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let Commit { before, after } = commit;
            let same = doc! {
                "_id": &before.import_id,
                "state": ImportState::Open.as_str(),
                "attempt": before.attempt,
                "lines": before.lines,
            };
            let rejects = serialize_to_bson(&after.first_rejects).map_err(corrupt)?;
            let set = doc! { "$set": {
                "lines": after.lines,
                "accepted": after.accepted,
                "rejected": after.rejected,
                "vip": after.vip,
                "normal": after.normal,
                "bytes": after.bytes,
                "chain": &after.chain,
                "firstRejects": rejects,
            } };
            if within(self.imports.update_one(same, set)).await?.matched_count == 1 {
                return Ok(true);
            }
            // Or the driver has repeated the call, and the first one moved them.
            let now = self.import(&before.import_id).await?;
            Ok(now.is_some_and(|now| now.attempt == before.attempt && now.lines == after.lines))
        })
    }

    /// Changes the state of an import that is as it was read. Answers false if it is not, or if the
    /// answer of the change itself was lost: read it again then. Always a write, also if the state
    /// stays.
    pub(crate) fn move_import<'a>(
        &'a self,
        import: &'a ImportDocument,
        to: ImportState,
        moved: Moved,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let same = doc! {
                "_id": &import.import_id,
                "state": import.state.as_str(),
                "attempt": import.attempt,
                "lines": import.lines,
            };
            let mut set = doc! { "state": to.as_str() };
            set.insert("sweepUntil", DateTime::from_millis(moved.sweep_until));
            if let Some(at) = moved.sealed_at {
                set.insert("sealedAt", DateTime::from_millis(at));
            }
            if let Some(options) = &moved.options {
                set.insert("options", serialize_to_bson(options).map_err(corrupt)?);
            }
            let update = doc! { "$set": set, "$inc": { "moves": 1_i64 } };
            Ok(within(self.imports.update_one(same, update)).await?.matched_count == 1)
        })
    }

    /// Imports that the sweep looks at: those whose state changed lately, and open ones that have
    /// expired.
    pub(crate) fn imports_to_sweep(&self, now: i64) -> BoxFuture<'_, Result<Vec<ImportDocument>>> {
        Box::pin(async move {
            let expired = doc! {
                "state": ImportState::Open.as_str(),
                "expiresAt": { "$lt": DateTime::from_millis(now) },
            };
            let changed = doc! { "sweepUntil": { "$type": "date" } };
            self.imports_where(doc! { "$or": [expired, changed] }, 0).await
        })
    }

    pub(crate) fn import_is_swept<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let swept = doc! { "$set": { "sweepUntil": Bson::Null } };
            within(self.imports.update_one(doc! { "_id": id }, swept)).await.map(drop)
        })
    }

    /// The lines that an import shows as rejected are somebody's data.
    pub(crate) fn forget_rejects<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let none = doc! { "$set": { "firstRejects": [] } };
            within(self.imports.update_one(doc! { "_id": id }, none)).await.map(drop)
        })
    }

    pub(crate) fn forget_import<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { within(self.imports.delete_one(doc! { "_id": id })).await.map(drop) })
    }

    /// Deletes imports and blocks whose ids lie below a reset. Answers how many imports.
    pub(crate) fn forget_imports_below(&self, ms: i64) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            let below = our_imports(doc! { "idsMs": { "$lt": ms } });
            let forgotten = within(self.imports.delete_many(below)).await?.deleted_count;
            let blocks = doc! { "importId": { "$type": "string" }, "idsMs": { "$lt": ms } };
            within(self.import_blocks.delete_many(blocks)).await?;
            Ok(forgotten)
        })
    }
}
