//! The history.

use pedidos_core::control::RunOptions;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use crate::{
    flow::OnVipFailure,
    status::{Phase, RunSource},
};

/// A page of the history.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct RunsAnswer {
    /// As requested.
    pub limit: u32,
    /// Runs on this page.
    pub count: u32,
    /// The runs, the newest first.
    pub runs: Vec<Run>,
    /// Give it as `cursor` to get the next page; null: this is the last.
    pub next_cursor: Option<String>,
}

/// One run. Times are ISO-8601 UTC, durations ms.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Its id.
    pub run_id: String,
    /// active, done, aborted or error.
    pub status: String,
    /// The seed of its random orders.
    pub seed: i64,
    /// Where its orders come from.
    #[serde(default)]
    pub source: RunSource,
    /// `builtin`, or the name that workers give the processor.
    #[serde(default = "builtin")]
    pub processor: String,
    /// Pauses the run once so many of its orders are terminal.
    #[serde(default)]
    pub pause_after: Option<u64>,
    /// Stops the run as ERROR once more than this share of its orders failed, in percent.
    #[serde(default)]
    pub max_failed_percent: Option<u64>,
    /// Whether a dead VIP order holds the fence.
    #[serde(default)]
    pub on_vip_failure: OnVipFailure,
    /// How many orders it has.
    pub quantity: u64,
    /// The current phase, or the last one.
    pub phase: Phase,
    /// First chunk claimed → last chunk stored.
    pub generation_time_ms: i64,
    /// First lease → last ack of VIP orders.
    #[oai(rename = "processingTimeVIPMs")]
    #[serde(rename = "processingTimeVIPMs")]
    pub processing_time_vip_ms: i64,
    /// First lease → last ack of NORMAL orders.
    pub processing_time_normal_ms: i64,
    /// First lease of a VIP order.
    #[oai(rename = "startVIP")]
    #[serde(rename = "startVIP")]
    pub start_vip: Option<String>,
    /// Last ack of a VIP order.
    #[oai(rename = "endVIP")]
    #[serde(rename = "endVIP")]
    pub end_vip: Option<String>,
    /// First lease of a NORMAL order.
    pub start_normal: Option<String>,
    /// Last ack of a NORMAL order.
    pub end_normal: Option<String>,
    /// VIP orders processed.
    #[oai(rename = "totalProcessedVIP")]
    #[serde(rename = "totalProcessedVIP")]
    pub total_processed_vip: i64,
    /// NORMAL orders processed.
    pub total_processed_normal: i64,
    /// VIP orders that are dead letters.
    #[oai(rename = "totalFailedVIP")]
    #[serde(rename = "totalFailedVIP")]
    pub total_failed_vip: i64,
    /// NORMAL orders that are dead letters.
    pub total_failed_normal: i64,
    /// Time spent pushing VIP ids, summed over workers.
    pub enqueue_vip_time_ms: i64,
    /// Time spent pushing NORMAL ids, summed over workers.
    pub enqueue_normal_time_ms: i64,
    /// Generation, both enqueue and both processing times added up.
    pub total_time_ms: i64,
    /// Accepted → end, or now.
    pub wall_clock_ms: i64,
    /// Why it is in phase ERROR.
    pub error: Option<String>,
    /// Retries of its dead letters after its end, the latest last. The times above are those of its
    /// first end.
    #[serde(default)]
    pub retries: Vec<Retry>,
    /// When it was accepted.
    pub created_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
}

/// A run was deleted.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct DeleteRunAnswer {
    /// It is not in the history any more.
    pub deleted: bool,
    /// Orders deleted by this call.
    pub removed_orders: u64,
}

/// How the orders of a run are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// A JSON object a line.
    Ndjson,
    /// CSV with a header line.
    Csv,
}

/// What stands between the cells of CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`, with a comma as decimal sign and a byte order mark: for a spreadsheet in Brazil.
    Semicolon,
}

/// A retry of dead letters after the end of their run.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// When it was requested.
    pub at: String,
    /// Dead letters put back.
    pub orders: i64,
    /// Of those, orders processed.
    pub processed: i64,
    /// Until the run ended again; null: it has not ended.
    pub time_ms: Option<i64>,
}

fn builtin() -> String {
    RunOptions::BUILTIN_NAME.to_owned()
}
