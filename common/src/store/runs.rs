//! `process_runs`: the history. A run document carries the version of control
//! of its writer, and a writer only ever replaces one of its own version or an
//! older one: never on a state alone, so a late writer cannot undo an end.

use std::ops::Range;

use futures_util::TryStreamExt;
use mongodb::bson::{DateTime, Document, doc};
use serde::{Deserialize, Serialize};

use super::{DUPLICATE_KEY, Result, Store, StoreError, within};
use crate::{
    control::{Control, RunSpec},
    order::{Generator, OrderId, Priority},
    run::{Figures, Phase},
};

/// A run in the history. The fields are the contract's, with `version`,
/// `figures` and `idempotencyKey` beside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract's field names; times in ms")]
pub struct RunDocument {
    #[serde(rename = "_id")]
    pub run_id: String,
    pub version: i64,
    pub status: String,
    pub seed: i64,
    pub quantity: i64,
    pub phase: Phase,
    pub generation_time_ms: i64,
    #[serde(rename = "processingTimeVIPMs")]
    pub processing_time_vip_ms: i64,
    pub processing_time_normal_ms: i64,
    #[serde(rename = "startVIP")]
    pub start_vip: Option<DateTime>,
    #[serde(rename = "endVIP")]
    pub end_vip: Option<DateTime>,
    pub start_normal: Option<DateTime>,
    pub end_normal: Option<DateTime>,
    #[serde(rename = "totalProcessedVIP")]
    pub total_processed_vip: i64,
    pub total_processed_normal: i64,
    #[serde(rename = "totalFailedVIP")]
    pub total_failed_vip: i64,
    pub total_failed_normal: i64,
    pub enqueue_vip_time_ms: i64,
    pub enqueue_normal_time_ms: i64,
    pub total_time_ms: i64,
    pub wall_clock_ms: i64,
    pub error: Option<String>,
    pub created_at: DateTime,
    pub finished_at: Option<DateTime>,
    /// Its cancelled orders are hidden until the sweep has deleted them.
    pub remove_pending: bool,
    /// What the client called it.
    pub idempotency_key: Option<String>,
    /// Its counters and stamps as they were when this was written.
    pub figures: Figures,
}

impl RunDocument {
    /// What the history says of a run at this moment. `now`: ms since the
    /// epoch, for windows that are still open.
    #[must_use]
    pub fn new(
        run: &RunSpec,
        version: i64,
        phase: Phase,
        figures: &Figures,
        error: Option<String>,
        now: i64,
    ) -> Self {
        let date = |ms: i64| (ms != 0).then(|| DateTime::from_millis(ms));
        let finished = if phase.is_ended() { figures.ended_at } else { 0 };
        Self {
            run_id: run.run_id.clone(),
            version,
            status: match phase {
                Phase::Done => "done",
                Phase::Aborted => "aborted",
                Phase::Error => "error",
                _ => "active",
            }
            .to_owned(),
            seed: run.seed,
            quantity: run.quantity,
            phase,
            generation_time_ms: figures.generation_ms(now),
            processing_time_vip_ms: figures.processing_ms(Priority::Vip),
            processing_time_normal_ms: figures.processing_ms(Priority::Normal),
            start_vip: date(figures.vip_start),
            end_vip: date(figures.vip_end),
            start_normal: date(figures.normal_start),
            end_normal: date(figures.normal_end),
            total_processed_vip: figures.vip_processed,
            total_processed_normal: figures.normal_processed,
            total_failed_vip: figures.vip_dead,
            total_failed_normal: figures.normal_dead,
            enqueue_vip_time_ms: figures.enqueue_vip_us / 1000,
            enqueue_normal_time_ms: figures.enqueue_normal_us / 1000,
            total_time_ms: figures.total_ms(now),
            wall_clock_ms: if finished == 0 { now } else { finished } - run.created_ms,
            error,
            created_at: DateTime::from_millis(run.created_ms),
            finished_at: date(finished),
            remove_pending: run.end.as_ref().is_some_and(|end| end.remove_pending),
            idempotency_key: run.idempotency_key.clone(),
            figures: figures.clone(),
        }
    }

    /// The ids of its orders, in ranges that a call can walk over.
    pub fn pages(&self) -> impl Iterator<Item = Range<OrderId>> + use<> {
        Generator::new(self.seed as u64, self.created_at.timestamp_millis() as u64)
            .id_pages(u32::try_from(self.quantity).unwrap_or(u32::MAX))
    }

    /// The document that this control calls for: an ended run's with the
    /// figures of its end, a new one's with none.
    #[must_use]
    pub fn of(control: &Control) -> Option<Self> {
        let run = control.run.as_ref()?;
        let new = |phase, figures: &Figures| {
            Self::new(run, control.version, phase, figures, None, run.created_ms)
        };
        Some(match &run.end {
            Some(end) => new(end.phase, &end.figures),
            None => new(Phase::Generating, &Figures::default()),
        })
    }
}

impl Store {
    /// Makes sure of the run document that control calls for: inserted if
    /// absent; if an older writer's, an ended run's is replaced and an active
    /// one's raised to this version. Answers the figures it holds.
    pub async fn ensure_run(&self, control: &Control) -> Result<Figures> {
        let Some(document) = RunDocument::of(control) else {
            return Ok(Figures::default());
        };
        let id = doc! { "_id": &document.run_id };
        if document.phase.is_ended() {
            self.save_run(&document).await?;
            return Ok(document.figures);
        }
        match within(self.runs.find_one(id.clone())).await? {
            None => self.save_run(&document).await?,
            // Re-opened, for dead letters to be tried again.
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
    }

    /// Writes a run document, unless a later version of control wrote one.
    pub async fn save_run(&self, document: &RunDocument) -> Result<()> {
        let mine = doc! { "_id": &document.run_id, "version": { "$lte": document.version } };
        match within(self.runs.replace_one(mine, document).upsert(true)).await {
            // The upsert of one that is there, but of a later version.
            Err(StoreError::Rejected(error)) if error.contains(&DUPLICATE_KEY.to_string()) => {
                Ok(())
            }
            result => result.map(drop),
        }
    }

    /// As [`Self::save_run`], but only if the document is there: a reset may
    /// have deleted it, and nobody makes one but from control.
    pub async fn note_run(&self, document: &RunDocument) -> Result<()> {
        let mine = doc! { "_id": &document.run_id, "version": { "$lte": document.version } };
        within(self.runs.replace_one(mine, document)).await.map(drop)
    }

    /// One run of the history.
    pub async fn run(&self, run_id: &str) -> Result<Option<RunDocument>> {
        within(self.runs.find_one(doc! { "_id": run_id })).await
    }

    /// A page of the history, the newest first; `after`: the last run of the page
    /// before. Answers none if there is no such run.
    pub async fn runs(&self, limit: u32, after: Option<&str>) -> Result<Option<Vec<RunDocument>>> {
        let mut filter = Document::new();
        if let Some(after) = after {
            let Some(last) = self.run(after).await? else { return Ok(None) };
            let (at, id) = (last.created_at, last.run_id);
            filter = doc! { "$or": [
                { "createdAt": { "$lt": at } },
                { "createdAt": at, "_id": { "$lt": id } },
            ] };
        }
        let newest = doc! { "createdAt": -1, "_id": -1 };
        let find = self.runs.find(filter).sort(newest).limit(i64::from(limit));
        Ok(Some(within(within(find).await?.try_collect()).await?))
    }

    /// The run that was started with this key.
    pub async fn run_of_key(&self, key: &str) -> Result<Option<RunDocument>> {
        within(self.runs.find_one(doc! { "idempotencyKey": key })).await
    }

    /// The run that ended last.
    pub async fn last_run(&self) -> Result<Option<RunDocument>> {
        let ended = doc! { "finishedAt": { "$ne": null } };
        within(self.runs.find_one(ended).sort(doc! { "createdAt": -1 })).await
    }

    /// The runs that were accepted before a time, ms since the epoch.
    pub async fn runs_below(&self, ms: i64) -> Result<Vec<RunDocument>> {
        let before = doc! { "createdAt": { "$lt": DateTime::from_millis(ms) } };
        within(within(self.runs.find(before)).await?.try_collect()).await
    }

    /// Deletes a run from the history. Answers how many: none if another has.
    pub async fn delete_run(&self, run_id: &str) -> Result<u64> {
        Ok(within(self.runs.delete_one(doc! { "_id": run_id })).await?.deleted_count)
    }

    /// A cancelled run whose orders were to be removed, finished before this
    /// time (ms since the epoch) and not swept yet.
    pub async fn run_to_sweep(&self, before: i64) -> Result<Option<RunDocument>> {
        let filter: Document = doc! {
            "removePending": true,
            "finishedAt": { "$lt": DateTime::from_millis(before) },
        };
        within(self.runs.find_one(filter)).await
    }

    /// The orders of this run have been swept.
    pub async fn mark_swept(&self, run_id: &str) -> Result<()> {
        let swept = doc! { "$set": { "removePending": false } };
        within(self.runs.update_one(doc! { "_id": run_id }, swept)).await.map(drop)
    }
}
