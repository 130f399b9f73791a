//! A run in the history.

use std::ops::Range;

use mongodb::bson::{DateTime, Document, serialize_to_document};
use pedidos_core::{
    control::{Control, End, Retry, RunOptions, RunSpec, Source},
    order::{OrderId, Priority},
    run::{Figures, Phase},
};
use serde::{Deserialize, Serialize};

use super::error::{Result, corrupt};

/// The fields are those of the API's contract, with `version`, `figures` and `idempotencyKey`
/// beside them. Times are in ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
    /// Its cancelled orders are to be deleted by the sweep.
    pub remove_pending: bool,
    pub idempotency_key: Option<String>,
    /// Retries after its end. The times above are those of its first end.
    #[serde(default)]
    pub retries: Vec<Retry>,
    /// Processed orders that are no longer listed.
    #[serde(default)]
    pub hidden: i64,
    /// The run as control had it, to make it the current run again.
    #[serde(default)]
    pub spec: Option<RunSpec>,
    /// As they were when this document was written.
    pub figures: Figures,
    /// A person deletes it: nobody sees it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime>,
    /// All of it is deleted; what is stored late is deleted until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_until: Option<DateTime>,
}

impl RunDocument {
    /// `now`: ms since the epoch, for times that are still running.
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
        // Of a run that was retried after its end: its first end.
        let until = if figures.ended_at == 0 { now } else { figures.ended_at };
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
            wall_clock_ms: (until - run.created_ms).max(0),
            error,
            created_at: DateTime::from_millis(run.created_ms),
            finished_at: date(finished),
            remove_pending: run.end.as_ref().is_some_and(|end| end.remove_pending),
            idempotency_key: run.idempotency_key.clone(),
            retries: run.retries.clone(),
            hidden: 0,
            spec: Some(run.clone()),
            figures: figures.clone(),
            deleted_at: None,
            sweep_until: None,
        }
    }

    /// The run with its end, to make it the current run again.
    #[must_use]
    pub fn as_ended(&self) -> RunSpec {
        let mut spec = self.spec();
        spec.end.get_or_insert_with(|| End {
            phase: self.phase,
            figures: self.figures.clone(),
            cancelled: 0,
            attempt: 0,
            attempts: Vec::new(),
            purge: false,
            remove_pending: self.remove_pending,
        });
        spec
    }

    /// With its id in the field `runId` as well, as the contract has it.
    pub(super) fn stored(&self) -> Result<Document> {
        let mut document = serialize_to_document(self).map_err(corrupt)?;
        document.insert("runId", &self.run_id);
        Ok(document)
    }

    /// As control had it. A document of an older version has a generated run.
    pub(crate) fn spec(&self) -> RunSpec {
        self.spec.clone().unwrap_or_else(|| RunSpec {
            idempotency_key: self.idempotency_key.clone(),
            retries: self.retries.clone(),
            ..RunSpec::generated(
                self.run_id.clone(),
                self.seed,
                self.quantity,
                self.created_at.timestamp_millis(),
            )
        })
    }

    /// The ids of its orders, in ranges that one call can read.
    pub fn pages(&self) -> impl Iterator<Item = Range<OrderId>> + use<> {
        self.spec().pages()
    }

    /// All ids that its orders can have.
    #[must_use]
    pub fn ids(&self) -> Range<OrderId> {
        self.spec().ids()
    }

    #[must_use]
    pub fn source(&self) -> Source {
        self.spec.as_ref().map_or(Source::Generated, |run| run.source)
    }

    /// How it was asked to run.
    #[must_use]
    pub fn options(&self) -> RunOptions {
        self.spec.as_ref().map(|run| run.options.clone()).unwrap_or_default()
    }

    /// The document that belongs to this control: of an ended run with the figures of its end, of
    /// a new run with none.
    #[must_use]
    pub fn of(control: &Control) -> Option<Self> {
        let run = control.run.as_ref()?;
        let new = |phase, figures: &Figures| {
            Self::new(run, control.version, phase, figures, None, run.created_ms)
        };
        let document = match &run.end {
            Some(end) => new(end.phase, &end.figures),
            None => new(Phase::Generating, &Figures::default()),
        };
        Some(Self { hidden: control.hidden, ..document })
    }
}
