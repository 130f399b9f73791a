//! Whether all is well, from one snapshot of the queue.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pedidos_common::{
    order::Priority,
    queue::{RunView, Snapshot},
    run::Phase,
    telemetry::iso,
};
use poem_openapi::{ApiResponse, Enum, Object, payload::Json};

use crate::status::{PhaseName, QueueCounts};

/// Whether all is well.
#[derive(Debug, ApiResponse)]
pub enum HealthAnswer {
    /// Redis answers; `status` says how it stands.
    #[oai(status = 200)]
    Told(Json<Health>),
    /// Redis is out of reach; `error` says why.
    #[oai(status = 503)]
    Unhealthy(Json<Health>),
}

/// Whether all is well, and why not.
#[derive(Debug, Object)]
pub struct Health {
    /// In one word.
    pub status: HealthStatus,
    /// When this was seen.
    pub timestamp: String,
    /// What the queue holds.
    pub queue: QueueHealth,
    /// What the run does.
    pub processor: ProcessorHealth,
    /// What was looked at.
    pub checks: Checks,
    /// Why Redis is out of reach, or why the run is in phase ERROR.
    pub error: Option<String>,
}

/// How it stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum HealthStatus {
    /// All is well.
    Healthy,
    /// There are dead letters, the run is stuck, or no worker is alive for it.
    Degraded,
    /// A person has paused the queue.
    Paused,
    /// The last run was cancelled, or is being cancelled.
    Aborted,
    /// The run has more dead letters than allowed.
    Error,
    /// Redis is out of reach.
    Unhealthy,
}

/// What the queue holds.
#[derive(Debug, Object)]
pub struct QueueHealth {
    /// Redis answers.
    pub connected: bool,
    #[oai(flatten)]
    counts: QueueCounts,
}

/// What the run does.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ProcessorHealth {
    /// Where it is.
    pub phase: PhaseName,
    /// It goes on.
    pub is_processing: bool,
    /// Time spent pushing VIP ids, summed over workers.
    pub enqueue_vip_time_ms: u64,
    /// Time spent pushing NORMAL ids, summed over workers.
    pub enqueue_normal_time_ms: u64,
    /// It is being cancelled.
    pub aborting: bool,
}

/// What was looked at.
#[expect(clippy::struct_excessive_bools, reason = "the contract's answer has them")]
#[derive(Debug, Default, Object)]
#[oai(rename_all = "camelCase")]
pub struct Checks {
    /// Redis answered in time.
    pub queue_responsive: bool,
    /// There are dead letters.
    pub has_failed_jobs: bool,
    /// Work waits, and nothing has gone forward for longer than a lease; or orders
    /// are in hand and no run goes on.
    pub is_stuck: bool,
    /// The run was cancelled, or is being cancelled.
    pub aborted: bool,
    /// A worker is alive.
    pub has_workers: bool,
}

impl Health {
    /// Of one snapshot. `lease`: how long a worker may take over a batch.
    #[must_use]
    pub fn of(snapshot: &Snapshot, lease: Duration) -> Self {
        let idle = RunView::default();
        let run = snapshot.run.as_ref().unwrap_or(&idle);
        let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
        let (active, failed) = (vip.leased + normal.leased, vip.dead + normal.dead);
        let aborting = run.aborted && run.phase.is_active();
        let processing = run.phase.is_active() && run.phase != Phase::Error;
        let moved = run.progress_at.max(run.phase_at);
        let silent = snapshot.now_ms - moved > lease.as_millis() as i64;
        let checks = Checks {
            queue_responsive: true,
            has_failed_jobs: failed > 0,
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
        Self {
            status,
            timestamp: iso(snapshot.now_ms),
            queue: QueueHealth { connected: true, counts: QueueCounts::of(snapshot) },
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
}

impl HealthAnswer {
    /// Redis is out of reach.
    #[must_use]
    pub fn unhealthy(error: &str) -> Self {
        // The one time that cannot be Redis'.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::Unhealthy(Json(Health {
            status: HealthStatus::Unhealthy,
            timestamp: iso(now.as_millis() as i64),
            queue: QueueHealth { connected: false, counts: QueueCounts::of(&Snapshot::default()) },
            processor: ProcessorHealth {
                phase: PhaseName::Idle,
                is_processing: false,
                enqueue_vip_time_ms: 0,
                enqueue_normal_time_ms: 0,
                aborting: false,
            },
            checks: Checks::default(),
            error: Some(error.to_owned()),
        }))
    }
}
