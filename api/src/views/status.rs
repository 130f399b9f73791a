//! The status of a run, from one snapshot of the queue and nothing else.

use pedidos_api_types::{
    flow::{BreakerState, Limits},
    status::{
        Cancelling, Eta, Fence, Ledgers, PerPriority, Processing, Progress, QueueCounts,
        QueueStatus, Status, Throughput, Window, Worker, Workers,
    },
};
use pedidos_core::{
    control,
    order::Priority,
    run::{Ledger, Phase},
    time::iso,
};
use pedidos_pipeline::queue::{RunView, Snapshot, WorkerInfo, WorkerSeen};

use super::processor::{self, breaker};

/// Workers that are listed at most, so that the answer stays small.
const WORKERS_LISTED: usize = 100;

#[must_use]
pub fn status(snapshot: &Snapshot) -> Status {
    let idle = RunView::default();
    let run = snapshot.run.as_ref().unwrap_or(&idle);
    let figures = &run.figures;
    let now = snapshot.clock();
    let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
    let windows = Priority::ALL.map(|priority| figures.processing_ms(priority));
    let window = |priority: Priority, ledger: &Ledger| {
        let (start, end) = figures.processing(priority);
        Window {
            start: time(start),
            end: time(end),
            time_ms: millis(figures.processing_ms(priority)),
            count: ledger.processed,
        }
    };
    let ended = if figures.ended_at == 0 { now } else { figures.ended_at };
    let wall = if run.created_ms == 0 { 0 } else { ended - run.created_ms };
    let processed = vip.processed + normal.processed;
    Status {
        generation_time_ms: millis(figures.generation_ms(now)),
        enqueue_vip_time_ms: millis(figures.enqueue_vip_us / 1000),
        enqueue_normal_time_ms: millis(figures.enqueue_normal_us / 1000),
        processing: Processing {
            vip: window(Priority::Vip, &vip),
            normal: window(Priority::Normal, &normal),
        },
        total_time_ms: millis(figures.total_ms(now)),
        wall_clock_ms: millis(wall),
        counts: PerPriority { vip: vip.processed, normal: normal.processed },
        phase: run.phase.into(),
        paused: snapshot.paused,
        paused_by: snapshot.paused.then(|| snapshot.paused_by.into()),
        limits: limits(snapshot.limits),
        processor: processor::state(snapshot, run),
        pause_after: run.options.flow.pause_after.map(size),
        max_failed_percent: run.options.flow.max_failed_percent.map(size),
        on_vip_failure: run.options.flow.on_vip_failure.into(),
        run_id: snapshot.run.as_ref().map(|run| run.run_id.clone()),
        source: snapshot.run.as_ref().map(|run| run.source.into()),
        last_run_id: snapshot.last_run_id.clone(),
        throughput: Throughput {
            vip: per_second(vip.processed, windows[0]),
            normal: per_second(normal.processed, windows[1]),
            overall: per_second(processed, windows[0] + windows[1]),
        },
        eta: eta(snapshot, run, [&vip, &normal]),
        progress: Progress {
            target: run.quantity,
            generated: vip.generated + normal.generated,
            processed_total: processed,
        },
        fence: Fence {
            open: run.phase.fence_open(),
            last_vip_at: time(figures.vip_end),
            first_normal_at: time(figures.normal_start),
            violations: millis(figures.violations),
            late_vip: millis(figures.late_vip),
        },
        workers: Workers {
            alive: snapshot.workers.len() as u64,
            slots: snapshot.workers.iter().map(|worker| u64::from(worker.info.slots)).sum(),
            busy: snapshot.workers.iter().map(|worker| u64::from(worker.info.busy)).sum(),
            list: snapshot.workers.iter().take(WORKERS_LISTED).map(worker).collect(),
        },
        ledger: Ledgers { vip: vip.into(), normal: normal.into() },
        cancelling: run
            .cancelling
            .as_ref()
            .map(|cancel| Cancelling { marked: cancel.marked, of: cancel.of }),
    }
}

fn worker(WorkerSeen { info, seen_ms }: &WorkerSeen) -> Worker {
    let WorkerInfo { id, host, pid, version, slots, busy, processor } = info.clone();
    let breaker = processor.as_ref().map_or(BreakerState::Closed, |info| breaker(info.breaker));
    let processor = processor.map(|info| info.name);
    Worker { id, host, pid, version, slots, busy, processor, breaker, last_seen: iso(*seen_ms) }
}

#[must_use]
pub fn limits(limits: control::Limits) -> Limits {
    Limits {
        orders_per_second: limits.orders_per_second.map(size),
        max_in_flight: limits.max_in_flight.map(size),
    }
}

#[must_use]
pub fn queue_counts(snapshot: &Snapshot) -> QueueCounts {
    let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
    QueueCounts {
        waiting: vip.waiting + normal.waiting,
        active: vip.leased + normal.leased,
        completed: snapshot.completed(),
        failed: snapshot.failed().iter().sum(),
        delayed: vip.delayed + normal.delayed,
        paused: snapshot.is_paused(),
    }
}

#[must_use]
pub fn queue_status(snapshot: &Snapshot) -> QueueStatus {
    let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
    QueueStatus {
        counts: queue_counts(snapshot),
        ledger: Ledgers { vip: vip.into(), normal: normal.into() },
    }
}

/// A time as text; 0: none.
pub(super) fn time(ms: i64) -> Option<String> {
    (ms != 0).then(|| iso(ms))
}

/// A duration; a negative one, of clocks that differ, is 0.
pub(super) fn millis(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

/// A limit: at least 0.
pub(super) fn size(limit: i64) -> u64 {
    u64::try_from(limit).unwrap_or(0)
}

fn per_second(orders: u64, ms: i64) -> f64 {
    if ms > 0 { (orders as f64 * 100_000.0 / ms as f64).round() / 100.0 } else { 0.0 }
}

/// A run writes each order twice, and the update costs more (the factor fits measured runs best).
/// Until the fence opens, the rest is estimated with the rate so far; after that, with the rate of
/// NORMAL orders, into which the earlier rate counts while there are few samples.
fn eta(snapshot: &Snapshot, run: &RunView, [vip, normal]: [&Ledger; 2]) -> Eta {
    const INSERT: f64 = 1.0;
    const UPDATE: f64 = 1.5;
    let (figures, now) = (&run.figures, snapshot.clock());
    let terminal = vip.terminal() + normal.terminal();
    let progress_percent = (snapshot.progress() * 10_000.0).round() / 100.0;
    let left = run.quantity.saturating_sub(terminal) as f64;
    let generated = (vip.generated + normal.generated) as f64;
    let behind_the_fence = run.phase.fence_open() && figures.normal_start > 0;
    let until = if behind_the_fence { figures.normal_start } else { now };
    let elapsed = (until - figures.generation_start) as f64;
    let before = if behind_the_fence { vip.terminal() } else { terminal };
    // Orders × cost per millisecond.
    let rate = (generated * INSERT + before as f64 * UPDATE) / elapsed;
    let estimate = if behind_the_fence {
        let earlier_weight = elapsed / 20.0;
        let normal_rate = (normal.terminal() as f64 + rate / UPDATE * earlier_weight)
            / ((now - figures.normal_start) as f64 + earlier_weight);
        left / normal_rate
    } else {
        ((run.quantity as f64 - generated) * INSERT + left * UPDATE) / rate
    };
    let tells = run.phase.is_active()
        && !snapshot.paused
        && !run.aborted
        && figures.generation_start > 0
        && estimate.is_finite();
    let estimated_ms = match run.phase {
        Phase::Done | Phase::Aborted => Some(0),
        _ => tells.then(|| estimate.round() as u64),
    };
    Eta { estimated_ms, progress_percent }
}
