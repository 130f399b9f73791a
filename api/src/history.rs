//! Runs of the history, as they are shown.

use pedidos_common::{store::RunDocument, telemetry::iso};
use poem_openapi::Object;

use crate::status::PhaseName;

/// A page of the history.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct RunsAnswer {
    /// As asked.
    pub limit: u32,
    /// How many are on this page.
    pub count: u32,
    /// The runs, the newest first.
    pub runs: Vec<Run>,
    /// Give it as `cursor` to get the next page; null: this is the last.
    pub next_cursor: Option<String>,
}

/// One run. Times are ISO-8601 UTC, durations ms.
#[expect(clippy::struct_field_names, reason = "the contract's names")]
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Run {
    /// Its id.
    run_id: String,
    /// active, done, aborted or error.
    status: String,
    /// What its orders were drawn from.
    seed: i64,
    /// How many orders it has.
    quantity: u64,
    /// Where it is, or how it ended.
    phase: PhaseName,
    /// First chunk claimed → last chunk stored.
    generation_time_ms: i64,
    /// First lease → last ack of VIP orders.
    #[oai(rename = "processingTimeVIPMs")]
    processing_time_vip_ms: i64,
    /// First lease → last ack of NORMAL orders.
    processing_time_normal_ms: i64,
    /// First lease of a VIP order.
    #[oai(rename = "startVIP")]
    start_vip: Option<String>,
    /// Last ack of a VIP order.
    #[oai(rename = "endVIP")]
    end_vip: Option<String>,
    /// First lease of a NORMAL order.
    start_normal: Option<String>,
    /// Last ack of a NORMAL order.
    end_normal: Option<String>,
    /// VIP orders processed.
    #[oai(rename = "totalProcessedVIP")]
    total_processed_vip: i64,
    /// NORMAL orders processed.
    total_processed_normal: i64,
    /// VIP orders given up.
    #[oai(rename = "totalFailedVIP")]
    total_failed_vip: i64,
    /// NORMAL orders given up.
    total_failed_normal: i64,
    /// Time spent pushing VIP ids, summed over workers.
    enqueue_vip_time_ms: i64,
    /// Time spent pushing NORMAL ids, summed over workers.
    enqueue_normal_time_ms: i64,
    /// Generation, both enqueue and both processing times added up.
    total_time_ms: i64,
    /// Accepted → end, or now.
    wall_clock_ms: i64,
    /// Why it is in phase ERROR.
    error: Option<String>,
    /// When it was accepted.
    created_at: String,
    /// When it ended.
    finished_at: Option<String>,
}

impl From<RunDocument> for Run {
    fn from(run: RunDocument) -> Self {
        Self {
            run_id: run.run_id,
            status: run.status,
            seed: run.seed,
            quantity: run.quantity as u64,
            phase: run.phase.into(),
            generation_time_ms: run.generation_time_ms,
            processing_time_vip_ms: run.processing_time_vip_ms,
            processing_time_normal_ms: run.processing_time_normal_ms,
            start_vip: run.start_vip.map(|at| iso(at.timestamp_millis())),
            end_vip: run.end_vip.map(|at| iso(at.timestamp_millis())),
            start_normal: run.start_normal.map(|at| iso(at.timestamp_millis())),
            end_normal: run.end_normal.map(|at| iso(at.timestamp_millis())),
            total_processed_vip: run.total_processed_vip,
            total_processed_normal: run.total_processed_normal,
            total_failed_vip: run.total_failed_vip,
            total_failed_normal: run.total_failed_normal,
            enqueue_vip_time_ms: run.enqueue_vip_time_ms,
            enqueue_normal_time_ms: run.enqueue_normal_time_ms,
            total_time_ms: run.total_time_ms,
            wall_clock_ms: run.wall_clock_ms,
            error: run.error,
            created_at: iso(run.created_at.timestamp_millis()),
            finished_at: run.finished_at.map(|at| iso(at.timestamp_millis())),
        }
    }
}
