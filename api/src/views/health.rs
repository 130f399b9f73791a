//! The health of the queue, from one snapshot.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pedidos_api_types::health::{Checks, Health, HealthStatus, ProcessorHealth, QueueHealth};
use pedidos_core::{order::Priority, run::Phase, time::iso};
use pedidos_pipeline::queue::{RunView, Snapshot};

use super::{processor, status::queue_counts};

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
    let waits = waits_for(snapshot).filter(|_| !aborting);
    let has_processor =
        processor::trouble(&processor::state(snapshot, run)).is_none() || !processing;
    let checks = Checks {
        queue_responsive: true,
        has_failed_jobs: snapshot.failed() != [0, 0],
        is_stuck: if processing {
            silent && !snapshot.paused && waits.is_none()
        } else {
            active > 0
        },
        aborted: aborting || run.phase == Phase::Aborted,
        has_workers: !snapshot.workers.is_empty(),
        processor: has_processor,
    };
    let held_order = processor::held_order(snapshot, run).filter(|_| processing);
    let paused = snapshot.is_paused();
    let status = if run.phase == Phase::Error {
        HealthStatus::Error
    } else if checks.aborted {
        HealthStatus::Aborted
    } else if paused {
        HealthStatus::Paused
    } else if checks.has_failed_jobs
        || checks.is_stuck
        || !checks.processor
        || held_order.is_some()
        || processing && !checks.has_workers
    {
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
        error: run.error.clone().filter(|_| run.phase == Phase::Error).or(waits),
        held_order,
    }
}

/// What an active run waits for that is not work: its processor, or a person. None: nothing. Such a
/// run is not stuck.
#[must_use]
pub fn waits_for(snapshot: &Snapshot) -> Option<String> {
    let run = snapshot.run.as_ref()?;
    if !run.phase.is_active() || run.phase == Phase::Error || run.aborted {
        return None;
    }
    let held = || held(run).filter(|_| snapshot.ledger(Priority::Vip).open() == 0);
    processor::trouble(&processor::state(snapshot, run)).or_else(held)
}

/// What a dead VIP order holds back, and what to do; none: nothing.
fn held(run: &RunView) -> Option<String> {
    let dead = run.figures.vip_dead;
    (run.phase == Phase::WaitingVipDrain && run.options.flow.on_vip_failure.holds() && dead > 0)
        .then(|| {
            format!(
                "{dead} dead VIP orders hold the fence (onVipFailure=hold): retry them \
                 (POST /pedidos/queue/retry-failed), remove them (POST \
                 /pedidos/queue/clean?state=failed), or set onVipFailure to continue (PATCH \
                 /pedidos/runs/{})",
                run.run_id
            )
        })
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
        held_order: None,
    }
}
