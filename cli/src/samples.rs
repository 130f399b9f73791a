//! Answers of the API for tests.
#![allow(clippy::unwrap_used)]

use pedidos_api_types::status::{Eta, Phase, Status};
use pedidos_core::run::Ledger;

/// A run of a million, done.
pub const DONE: &str = r#"{
    "generationTimeMs": 12300, "enqueueVipTimeMs": 410, "enqueueNormalTimeMs": 1322,
    "processing": {
        "vip": {"start": "2026-03-01T12:00:00.312Z", "end": "2026-03-01T12:00:20.456Z",
                "timeMs": 20144, "count": 249870},
        "normal": {"start": "2026-03-01T12:00:20.501Z", "end": "2026-03-01T12:01:25.001Z",
                   "timeMs": 64500, "count": 750115}
    },
    "totalTimeMs": 98676, "wallClockMs": 85101,
    "counts": {"vip": 249870, "normal": 750115},
    "phase": "DONE",
    "runId": "7b0c9f0e-6a6c-4f0c-9a55-0d2a7c1f3b11",
    "lastRunId": "7b0c9f0e-6a6c-4f0c-9a55-0d2a7c1f3b11",
    "throughput": {"vip": 12404.2, "normal": 11629.7, "overall": 11750.6},
    "eta": {"estimatedMs": null, "progressPercent": 100},
    "progress": {"target": 1000000, "generated": 1000000, "processedTotal": 999985},
    "ledger": {
        "vip": {"generated": 249882, "deferred": 0, "waiting": 0, "leased": 0, "delayed": 0,
                "processed": 249870, "dead": 12, "removed": 0},
        "normal": {"generated": 750118, "deferred": 0, "waiting": 0, "leased": 0, "delayed": 0,
                   "processed": 750115, "dead": 0, "removed": 3}
    },
    "fence": {"open": true, "lastVipAt": "2026-03-01T12:00:20.456Z",
              "firstNormalAt": "2026-03-01T12:00:20.501Z", "violations": 0, "lateVip": 0},
    "workers": {"alive": 2, "slots": 50, "busy": 0},
    "addedOneDay": {"is": ["ignored"]}
}"#;

/// No run at all.
pub const IDLE: &str = r#"{
    "generationTimeMs": 0, "enqueueVipTimeMs": 0, "enqueueNormalTimeMs": 0,
    "processing": {"vip": {"start": null, "end": null, "timeMs": 0, "count": 0},
                   "normal": {"start": null, "end": null, "timeMs": 0, "count": 0}},
    "totalTimeMs": 0, "wallClockMs": 0, "counts": {"vip": 0, "normal": 0},
    "phase": "IDLE", "runId": null, "lastRunId": null,
    "throughput": {"vip": 0, "normal": 0, "overall": 0},
    "eta": {"estimatedMs": null, "progressPercent": 0},
    "progress": {"target": 0, "generated": 0, "processedTotal": 0},
    "ledger": {
        "vip": {"generated": 0, "deferred": 0, "waiting": 0, "leased": 0, "delayed": 0,
                "processed": 0, "dead": 0, "removed": 0},
        "normal": {"generated": 0, "deferred": 0, "waiting": 0, "leased": 0, "delayed": 0,
                   "processed": 0, "dead": 0, "removed": 0}
    },
    "fence": {"open": false, "lastVipAt": null, "firstNormalAt": null, "violations": 0,
              "lateVip": 0},
    "workers": {"alive": 0, "slots": 0, "busy": 0}
}"#;

/// A run of the history, by an API without processors.
pub const RUN: &str = r#"{
    "runId": "r", "status": "done", "seed": 1, "quantity": 50000, "phase": "DONE",
    "generationTimeMs": 1000, "processingTimeVIPMs": 900, "processingTimeNormalMs": 2100,
    "startVIP": null, "endVIP": null, "startNormal": null, "endNormal": null,
    "totalProcessedVIP": 12000, "totalProcessedNormal": 38000, "totalFailedVIP": 0,
    "totalFailedNormal": 0, "enqueueVipTimeMs": 100, "enqueueNormalTimeMs": 100,
    "totalTimeMs": 4200, "wallClockMs": 4200, "error": null,
    "createdAt": "2026-03-01T12:00:00.000Z", "finishedAt": "2026-03-01T12:00:04.200Z"
}"#;

/// A run of a million at work on its VIP orders.
pub fn draining() -> Status {
    let mut status: Status = serde_json::from_str(DONE).unwrap();
    status.phase = Phase::WaitingVipDrain;
    status.eta = Eta { estimated_ms: Some(83_000), progress_percent: 12.5 };
    status.progress.processed_total = 124_990;
    let (vip, normal) = (&mut status.ledger.vip, &mut status.ledger.normal);
    (vip.processed, vip.dead) = (124_990, 10);
    (vip.waiting, vip.leased) = (110_000, 14_882);
    (normal.processed, normal.removed, normal.deferred) = (0, 0, 750_118);
    status.workers.busy = 50;
    status
}

#[test]
fn a_finished_run_is_read_and_added_fields_are_ignored() {
    let status: Status = serde_json::from_str(DONE).unwrap();
    assert_eq!(status.phase, Phase::Done);
    assert_eq!(status.processing.vip.end.as_deref(), Some("2026-03-01T12:00:20.456Z"));
    let ledgers = [status.ledger.vip, status.ledger.normal].map(Ledger::from);
    assert!(ledgers.iter().all(Ledger::is_balanced));
    assert_eq!(ledgers.iter().map(Ledger::terminal).sum::<u64>(), 1_000_000);
    assert!(!status.paused);
}

#[test]
fn no_run_is_read_with_its_nulls() {
    let status: Status = serde_json::from_str(IDLE).unwrap();
    assert_eq!((status.phase, status.progress.target, status.run_id), (Phase::Idle, 0, None));
}

#[test]
fn another_servers_answer_is_not_taken_for_a_status() {
    assert!(serde_json::from_str::<Status>("{}").is_err());
    assert!(serde_json::from_str::<Status>(r#"{"status": "ok"}"#).is_err());
}
