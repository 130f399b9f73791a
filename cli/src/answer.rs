//! What the API answers, as far as it is shown here. Fields may be added to
//! the contract; unknown ones are ignored.

#[cfg(test)]
pub mod samples;

use pedidos_common::run::{Ledger, Phase};
use serde::Deserialize;

/// One value for each priority.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct ByPriority<T> {
    /// VIP orders'.
    pub vip: T,
    /// NORMAL orders'.
    pub normal: T,
}

/// `GET /pedidos`. Durations are milliseconds, times ISO-8601.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub run_id: Option<String>,
    pub last_run_id: Option<String>,
    pub phase: Phase,
    pub generation_time_ms: f64,
    pub enqueue_vip_time_ms: f64,
    pub enqueue_normal_time_ms: f64,
    pub total_time_ms: f64,
    pub wall_clock_ms: f64,
    pub processing: ByPriority<Window>,
    pub throughput: Throughput,
    pub eta: Eta,
    pub progress: Progress,
    pub ledger: ByPriority<Ledger>,
    pub fence: Fence,
    pub workers: Workers,
    /// Added to the contract; an API that lacks it is not paused.
    #[serde(default)]
    pub paused: bool,
}

/// First lease to last ack of a priority.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    pub start: Option<String>,
    pub end: Option<String>,
    pub time_ms: f64,
}

/// Orders per second, over each one's window.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Throughput {
    pub vip: Option<f64>,
    pub normal: Option<f64>,
    pub overall: Option<f64>,
}

/// How far the run is, and when it may end.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Eta {
    pub estimated_ms: Option<f64>,
    pub progress_percent: f64,
}

/// How far the run is, in orders.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub target: u64,
    pub generated: u64,
    pub processed_total: u64,
}

/// What keeps NORMAL orders behind VIP ones.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fence {
    pub open: bool,
    pub last_vip_at: Option<String>,
    pub first_normal_at: Option<String>,
    pub violations: u64,
    pub late_vip: u64,
}

/// Who works.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Workers {
    pub alive: u64,
    pub slots: u64,
    pub busy: u64,
}

impl Status {
    /// Orders that nothing more will happen to.
    pub fn terminal(&self) -> u64 {
        self.ledger.vip.terminal() + self.ledger.normal.terminal()
    }
}

/// `POST /pedidos/generate`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    pub run_id: String,
    pub quantity: u64,
    #[serde(default)]
    pub paused: bool,
}

/// `POST /pedidos/cancel`. With nothing to cancel, the first two say it all.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cancelled {
    pub aborted: bool,
    pub message: String,
    pub removed_pending: u64,
    pub purged: bool,
    pub logs_reset: bool,
    pub waited_for_stop_ms: f64,
    pub still_active: u64,
}

/// `POST /pedidos/reset`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WasReset {
    pub message: String,
    pub removed_orders: u64,
    pub removed_runs: u64,
}

/// `POST /pedidos/queue/pause` and `resume`: of use here is only what still runs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Paused {
    pub in_flight: Option<u64>,
}

/// `GET /pedidos/logs`.
#[derive(Debug, Deserialize)]
pub struct Logs {
    pub logs: Lines,
    /// Where these lines end: with `after` set to it come only newer ones.
    pub cursor: Option<String>,
}

/// Log lines by level, each list oldest first.
#[derive(Debug, Default, Deserialize)]
pub struct Lines {
    #[serde(rename = "logMessages")]
    pub log: Vec<String>,
    #[serde(rename = "warnMessages")]
    pub warn: Vec<String>,
    #[serde(rename = "errorMessages")]
    pub error: Vec<String>,
}

/// `GET /pedidos/audit`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trail {
    /// The newest first.
    pub lines: Vec<serde_json::Value>,
    pub next_cursor: Option<String>,
}

/// A run in the history: `GET /pedidos/runs/{runId}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastRun {
    pub phase: Phase,
    pub quantity: u64,
    #[serde(rename = "totalProcessedVIP")]
    pub total_processed_vip: u64,
    pub total_processed_normal: u64,
    pub wall_clock_ms: f64,
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_finished_run_is_read_and_added_fields_are_ignored() {
        let status: Status = serde_json::from_str(samples::DONE).unwrap();
        assert_eq!(status.phase, Phase::Done);
        assert_eq!(status.terminal(), 1_000_000);
        assert_eq!(status.processing.vip.end.as_deref(), Some("2026-03-01T12:00:20.456Z"));
        assert!(status.ledger.vip.is_balanced() && status.ledger.normal.is_balanced());
        assert!(!status.paused);
    }

    #[test]
    fn no_run_is_read_with_its_nulls() {
        let status: Status = serde_json::from_str(samples::IDLE).unwrap();
        assert_eq!((status.phase, status.terminal(), status.run_id), (Phase::Idle, 0, None));
    }

    #[test]
    fn another_servers_answer_is_not_taken_for_a_status() {
        assert!(serde_json::from_str::<Status>("{}").is_err());
        assert!(serde_json::from_str::<Status>(r#"{"status": "ok"}"#).is_err());
    }

    #[test]
    fn the_answers_of_the_verbs_are_read() {
        let accepted: Accepted = serde_json::from_str(
            r#"{"message": "accepted", "runId": "r", "quantity": 50000, "paused": true}"#,
        )
        .unwrap();
        assert_eq!(
            (accepted.run_id.as_str(), accepted.quantity, accepted.paused),
            ("r", 50_000, true)
        );
        let nothing: Cancelled = serde_json::from_str(
            r#"{"aborted": false, "queuePaused": false, "message": "nothing to cancel"}"#,
        )
        .unwrap();
        assert_eq!((nothing.aborted, nothing.still_active), (false, 0));
        let paused: Paused =
            serde_json::from_str(r#"{"paused": true, "global": true, "inFlight": 3}"#).unwrap();
        assert_eq!(paused.in_flight, Some(3));
        let resumed: Paused = serde_json::from_str(r#"{"resumed": true, "global": true}"#).unwrap();
        assert_eq!(resumed.in_flight, None);
        let reset: WasReset = serde_json::from_str(
            r#"{"message": "reset", "removedOrders": 1000000, "removedRuns": 2}"#,
        )
        .unwrap();
        assert_eq!((reset.removed_orders, reset.removed_runs), (1_000_000, 2));
    }

    #[test]
    fn a_past_run_is_read() {
        let run: PastRun = serde_json::from_str(
            r#"{"runId": "r", "status": "completed", "seed": 1, "quantity": 10, "phase": "DONE",
                "totalProcessedVIP": 3, "totalProcessedNormal": 7, "totalFailedVIP": 0,
                "totalFailedNormal": 0, "wallClockMs": 1234, "error": null}"#,
        )
        .unwrap();
        assert_eq!(
            (run.phase, run.total_processed_vip + run.total_processed_normal),
            (Phase::Done, 10)
        );
    }
}
