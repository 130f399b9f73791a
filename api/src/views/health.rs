//! The health of the queue, from one snapshot.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pedidos_api_types::health::{Checks, Health, HealthStatus, ProcessorHealth, QueueHealth};
use pedidos_core::{order::Priority, run::Phase, time::iso};
use pedidos_pipeline::queue::{RunView, Snapshot};

use super::status::queue_counts;

/// `lease`: how long a worker may take over a batch.
#[must_use]
pub fn health(snapshot: &Snapshot, lease: Duration) -> Health {
    let idle = RunView::default();
    let run = snapshot.run.as_ref().unwrap_or(&idle);
    let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
    let active = vip.leased + normal.leased;
    let aborting = run.aborted && run.phase.is_active();
    let processing = run.phase.is_active() && run.phase != Phase::Error;
    let silent = snapshot.silent_ms() > lease.as_millis() as i64;
    let checks = Checks {
        queue_responsive: true,
        has_failed_jobs: snapshot.failed() != [0, 0],
        is_stuck: if processing { silent && !snapshot.paused } else { active > 0 },
        aborted: aborting || run.phase == Phase::Aborted,
        has_workers: !snapshot.workers.is_empty(),
    };
    let paused = snapshot.is_paused();
    let status = if run.phase == Phase::Error {
        HealthStatus::Error
    } else if checks.aborted {
        HealthStatus::Aborted
    } else if paused {
        HealthStatus::Paused
    } else if checks.has_failed_jobs || checks.is_stuck || processing && !checks.has_workers {
        HealthStatus::Degraded
    } else {
        HealthStatus::Healthy
    };
    Health {
        status,
        timestamp: iso(snapshot.now_ms),
        queue: QueueHealth { connected: true, counts: queue_counts(snapshot) },
        processor: ProcessorHealth {
            phase: run.phase.into(),
            is_processing: processing,
            enqueue_vip_time_ms: (run.figures.enqueue_vip_us / 1000) as u64,
            enqueue_normal_time_ms: (run.figures.enqueue_normal_us / 1000) as u64,
            aborting,
        },
        checks,
        error: run.error.clone().filter(|_| run.phase == Phase::Error),
    }
}

/// Redis does not answer.
#[must_use]
pub fn unhealthy(error: &str) -> Health {
    // By the API's clock: Redis, whose clock it is otherwise, does not answer.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Health {
        status: HealthStatus::Unhealthy,
        timestamp: iso(now.as_millis() as i64),
        queue: QueueHealth { connected: false, counts: queue_counts(&Snapshot::default()) },
        processor: ProcessorHealth {
            phase: Phase::Idle.into(),
            is_processing: false,
            enqueue_vip_time_ms: 0,
            enqueue_normal_time_ms: 0,
            aborting: false,
        },
        checks: Checks::default(),
        error: Some(error.to_owned()),
    }
}
