//! Runs that a person deletes. Their document is marked and stays for an hour: nobody sees it, and
//! no process that holds an older control writes over it.

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::{
    bson::{Bson, DateTime, Document, doc},
    options::ReturnDocument,
};

use super::{
    call::within, client::Store, error::Result, run_document::RunDocument, shape::our_runs,
};

fn marked() -> Document {
    doc! { "deletedAt": { "$type": "date" } }
}

/// Runs that nobody deletes.
pub(super) fn live(mut among: Document) -> Document {
    // Null is also what is not there.
    among.insert("deletedAt", Bson::Null);
    among
}

impl Store {
    /// A run of the history, also one that is being deleted.
    pub(crate) fn run_or_deleted<'a>(
        &'a self,
        run_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<RunDocument>>> {
        Box::pin(async move {
            let found = within(self.runs.find_one(our_runs(doc! { "_id": run_id }))).await?;
            Ok(found.and_then(|run| self.readable(self.runs.name(), run)))
        })
    }

    /// Reads a run by a write: a member of the replica set that is behind may not have the mark yet.
    pub(crate) fn run_to_open<'a>(
        &'a self,
        run_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<RunDocument>>> {
        Box::pin(async move {
            let this = our_runs(live(doc! { "_id": run_id }));
            let found = self
                .runs
                .find_one_and_update(this, doc! { "$inc": { "opened": 1_i64 } })
                .return_document(ReturnDocument::After);
            Ok(within(found).await?.and_then(|run| self.readable(self.runs.name(), run)))
        })
    }

    /// Marks a run that a control of this version does not name. Answers false if its document is of
    /// a later version. `now`: ms since the epoch.
    pub(crate) fn mark_deleted<'a>(
        &'a self,
        run_id: &'a str,
        version: i64,
        now: i64,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let this = doc! { "_id": run_id, "version": { "$lte": version } };
            let mark = doc! {
                "$set": { "deletedAt": DateTime::from_millis(now), "version": version },
            };
            Ok(within(self.runs.update_one(this, mark)).await?.matched_count == 1)
        })
    }

    /// Everything of a marked run is deleted; what is stored late is deleted until then, ms since the
    /// epoch.
    pub(crate) fn run_is_deleted<'a>(
        &'a self,
        run_id: &'a str,
        until: i64,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut this = marked();
            this.insert("_id", run_id);
            let set = doc! { "$set": { "sweepUntil": DateTime::from_millis(until) } };
            within(self.runs.update_one(this, set)).await.map(drop)
        })
    }

    /// Runs that are marked.
    pub(crate) fn deleted_runs(&self) -> BoxFuture<'_, Result<Vec<RunDocument>>> {
        Box::pin(async move {
            let found = within(self.runs.find(our_runs(marked()))).await?;
            let found: Vec<Document> = within(found.try_collect()).await?;
            let read = found.into_iter().filter_map(|run| self.readable(self.runs.name(), run));
            Ok(read.collect())
        })
    }

    /// Deletes the document of a marked run.
    pub(crate) fn forget_run<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut this = marked();
            this.insert("_id", run_id);
            within(self.runs.delete_one(this)).await.map(drop)
        })
    }
}
