//! `process_runs`: the history. A run document has the version of control of its writer, and a
//! writer replaces only a document of its own version or an older one, so a late writer cannot
//! undo an end.

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::bson::{DateTime, Document, doc};
use pedidos_core::{
    control::Control,
    run::{Figures, Phase},
};

use super::{
    call::within,
    client::Store,
    deleted_runs::live,
    error::{DUPLICATE_KEY, Result, StoreError, corrupt},
    run_document::RunDocument,
    shape::our_runs,
};

impl Store {
    /// Makes sure that the run document of this control is stored. A missing one is inserted. Of
    /// an older one, that of an ended run is replaced, and that of an active run gets this
    /// version. Answers the figures of the document.
    pub(crate) fn ensure_run<'a>(&'a self, control: &'a Control) -> BoxFuture<'a, Result<Figures>> {
        Box::pin(async move {
            let Some(document) = RunDocument::of(control) else {
                return Ok(Figures::default());
            };
            if document.phase.is_ended() {
                self.save_run(&document).await?;
                return Ok(document.figures);
            }
            match self.run(&document.run_id).await? {
                None => self.save_run(&document).await?,
                // Opened again, to retry dead letters.
                Some(found) if found.version < document.version && found.phase.is_ended() => {
                    let stamps = found.figures.stamps();
                    let document = RunDocument { figures: stamps.clone(), ..document };
                    self.save_run(&document).await?;
                    return Ok(stamps);
                }
                Some(found) if found.version < document.version => {
                    let older =
                        doc! { "_id": &document.run_id, "version": { "$lt": document.version } };
                    let raise = doc! { "$set": { "version": document.version } };
                    within(self.runs.update_one(older, raise)).await?;
                    return Ok(found.figures);
                }
                Some(found) => return Ok(found.figures),
            }
            Ok(document.figures)
        })
    }

    /// Writes a run document, unless there is one of a later version of control.
    pub(crate) fn save_run<'a>(&'a self, document: &'a RunDocument) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mine = doc! { "_id": &document.run_id, "version": { "$lte": document.version } };
            match within(self.runs.replace_one(mine, document.stored()?).upsert(true)).await {
                // There is one of a later version.
                Err(StoreError::Rejected(error)) if error.contains(&DUPLICATE_KEY.to_string()) => {
                    Ok(())
                }
                result => result.map(drop),
            }
        })
    }

    /// As [`Self::save_run`], but only if there is a document: a reset may have deleted it.
    pub(crate) fn note_run<'a>(&'a self, document: &'a RunDocument) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mine = doc! { "_id": &document.run_id, "version": { "$lte": document.version } };
            within(self.runs.replace_one(mine, document.stored()?)).await.map(drop)
        })
    }

    pub fn run<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<Option<RunDocument>>> {
        self.first_run(doc! { "_id": run_id })
    }

    /// A page of the history, the newest first; `after`: the last run of the page before. None if
    /// there is no such run.
    pub fn runs<'a>(
        &'a self,
        limit: u32,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Vec<RunDocument>>>> {
        Box::pin(async move {
            let older = |at: DateTime, id: &str| {
                doc! { "$or": [
                    { "createdAt": { "$lt": at } },
                    { "createdAt": at, "_id": { "$lt": id } },
                ] }
            };
            let mut filter = Document::new();
            if let Some(after) = after {
                // Perhaps it was deleted since.
                let Some(last) = self.run_or_deleted(after).await? else { return Ok(None) };
                filter = older(last.created_at, &last.run_id);
            }
            let mut runs = Vec::new();
            // Until the page is full: some runs may not be readable.
            while runs.len() < limit as usize {
                let wanted = limit as usize - runs.len();
                let newest = doc! { "createdAt": -1, "_id": -1 };
                let find = self.runs.find(our_runs(live(filter))).sort(newest).limit(wanted as i64);
                let page: Vec<Document> = within(within(find).await?.try_collect()).await?;
                let next = match page.last().filter(|_| page.len() == wanted) {
                    Some(last) => {
                        let at = last.get_datetime("createdAt").map_err(corrupt)?;
                        Some(older(*at, last.get_str("_id").map_err(corrupt)?))
                    }
                    None => None,
                };
                runs.extend(page.into_iter().filter_map(|run| self.readable_run(run)));
                let Some(next) = next else { break };
                filter = next;
            }
            Ok(Some(runs))
        })
    }

    pub(crate) fn run_of_key<'a>(
        &'a self,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<RunDocument>>> {
        self.first_run(doc! { "idempotencyKey": key })
    }

    /// Runs that were accepted before a time, ms since the epoch; also those that are being deleted.
    pub(crate) fn runs_below(&self, ms: i64) -> BoxFuture<'_, Result<Vec<RunDocument>>> {
        Box::pin(async move {
            self.runs_where(doc! { "createdAt": { "$lt": DateTime::from_millis(ms) } }).await
        })
    }

    fn first_run(&self, among: Document) -> BoxFuture<'_, Result<Option<RunDocument>>> {
        Box::pin(async move {
            let mut found = within(self.runs.find(our_runs(live(among)))).await?;
            while let Some(run) = within(found.try_next()).await? {
                if let Some(run) = self.readable_run(run) {
                    return Ok(Some(run));
                }
            }
            Ok(None)
        })
    }

    fn readable_run(&self, run: Document) -> Option<RunDocument> {
        self.readable(self.runs.name(), run)
    }

    /// Gives runs that an earlier version wrote the field `runId`.
    pub(crate) fn name_runs(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let nameless = our_runs(doc! { "runId": { "$exists": false } });
            let mut found = within(self.runs.find(nameless).projection(doc! { "_id": 1 })).await?;
            while let Some(run) = within(found.try_next()).await? {
                let id = run.get_str("_id").map_err(corrupt)?;
                let name = doc! { "$set": { "runId": id } };
                within(self.runs.update_one(doc! { "_id": id }, name)).await?;
            }
            Ok(())
        })
    }

    /// Answers how many were deleted: 0 if another process was faster.
    pub(crate) fn delete_run<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            Ok(within(self.runs.delete_one(doc! { "_id": run_id })).await?.deleted_count)
        })
    }

    /// Runs that were cancelled after a time, ms since the epoch.
    pub(crate) fn runs_aborted_since(&self, ms: i64) -> BoxFuture<'_, Result<Vec<RunDocument>>> {
        Box::pin(async move {
            self.runs_where(live(doc! {
                "phase": Phase::Aborted.as_str(),
                "finishedAt": { "$gt": DateTime::from_millis(ms) },
            }))
            .await
        })
    }

    async fn runs_where(&self, among: Document) -> Result<Vec<RunDocument>> {
        let mut found = within(self.runs.find(our_runs(among))).await?;
        let mut runs = Vec::new();
        while let Some(run) = within(found.try_next()).await? {
            runs.extend(self.readable_run(run));
        }
        Ok(runs)
    }

    /// A run whose cancelled orders are to be deleted, and that ended before a time, ms since the
    /// epoch.
    pub(crate) fn run_to_sweep(&self, before: i64) -> BoxFuture<'_, Result<Option<RunDocument>>> {
        Box::pin(async move {
            self.first_run(doc! {
                "removePending": true,
                "finishedAt": { "$lt": DateTime::from_millis(before) },
            })
            .await
        })
    }

    pub(crate) fn mark_swept<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let swept = doc! { "$set": { "removePending": false } };
            within(self.runs.update_one(doc! { "_id": run_id }, swept)).await.map(drop)
        })
    }
}
