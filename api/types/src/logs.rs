//! Log lines.

use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use crate::status::{Phase, QueueCounts};

/// A level of log lines.
#[derive(Debug, Clone, Copy, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Normal operation.
    Info,
    /// A problem that was handled.
    Warn,
    /// A failure.
    Error,
}

/// Log lines of all processes, with the run's times and counts.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct LogsAnswer {
    /// The run's times and counts.
    pub process_log: ProcessLog,
    /// What the queue holds.
    pub queue_status: QueueCounts,
    /// The lines.
    pub logs: LogLines,
    /// Counts.
    pub quick_stats: QuickStats,
    /// Send it as `after` to get the lines after these.
    #[serde(default)]
    pub cursor: String,
}

/// The current run's times and counts. Times are ISO-8601 UTC, durations ms.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ProcessLog {
    /// First chunk claimed → last chunk stored.
    pub generation_time_ms: u64,
    /// First lease → last ack of VIP orders.
    #[oai(rename = "processingTimeVIPMs")]
    #[serde(rename = "processingTimeVIPMs")]
    pub processing_time_vip_ms: u64,
    /// First lease → last ack of NORMAL orders.
    pub processing_time_normal_ms: u64,
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
    pub total_processed_vip: u64,
    /// NORMAL orders processed.
    pub total_processed_normal: u64,
    /// Generation, both enqueue and both processing times added up.
    pub total_time_ms: u64,
    /// Time spent pushing VIP ids, summed over workers.
    pub enqueue_vip_time_ms: u64,
    /// Time spent pushing NORMAL ids, summed over workers.
    pub enqueue_normal_time_ms: u64,
    /// The phase of the run.
    pub phase: Phase,
}

/// Lines by level, oldest first.
#[derive(Debug, Clone, Default, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct LogLines {
    /// Level info and below.
    pub log_messages: Vec<String>,
    /// Level warn.
    pub warn_messages: Vec<String>,
    /// Level error.
    pub error_messages: Vec<String>,
}

/// Counts.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct QuickStats {
    /// Lines in this answer.
    pub processed_lines: u64,
    /// VIP orders processed.
    pub vip_processed: u64,
    /// NORMAL orders processed.
    pub normal_processed: u64,
    /// Orders processed.
    pub total_processed: u64,
}
