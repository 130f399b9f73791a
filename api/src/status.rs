//! The status of a run, from one snapshot of the queue and nothing else.

use pedidos_common::{
    order::Priority,
    queue::{RunView, Snapshot, WorkerInfo, WorkerSeen},
    run::{Ledger, Phase},
    telemetry::iso,
};
use poem_openapi::{Enum, Object};

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename = "Phase", rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "documented at `run::Phase`")]
pub enum PhaseName {
    Idle,
    Generating,
    EnqueueVip,
    WaitingVipDrain,
    EnqueueNormal,
    WaitingNormalDrain,
    Done,
    Aborted,
    Error,
}

impl From<Phase> for PhaseName {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Idle => Self::Idle,
            Phase::Generating => Self::Generating,
            Phase::EnqueueVip => Self::EnqueueVip,
            Phase::WaitingVipDrain => Self::WaitingVipDrain,
            Phase::EnqueueNormal => Self::EnqueueNormal,
            Phase::WaitingNormalDrain => Self::WaitingNormalDrain,
            Phase::Done => Self::Done,
            Phase::Aborted => Self::Aborted,
            Phase::Error => Self::Error,
        }
    }
}

/// Everything about the current run. Times are ISO-8601 UTC, durations ms.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct Status {
    /// First chunk claimed → last chunk stored.
    generation_time_ms: u64,
    /// Time spent pushing VIP ids, summed over workers.
    enqueue_vip_time_ms: u64,
    /// Time spent pushing NORMAL ids, summed over workers.
    enqueue_normal_time_ms: u64,
    /// When each priority was processed.
    processing: Processing,
    /// Generation, both enqueue and both processing times added up.
    total_time_ms: u64,
    /// Accepted → end, or now: the honest total.
    wall_clock_ms: u64,
    /// Orders processed; terminal successes only.
    counts: PerPriority,
    /// Where the run is.
    phase: PhaseName,
    /// Claims are stopped by a person.
    paused: bool,
    /// The current run, active or ended.
    run_id: Option<String>,
    /// The last run saved to the history.
    last_run_id: Option<String>,
    /// Orders per second.
    throughput: Throughput,
    /// How much longer it will take.
    eta: Eta,
    /// How far it is.
    progress: Progress,
    /// Where every order is.
    ledger: Ledgers,
    /// What keeps NORMAL orders behind VIP ones.
    fence: Fence,
    /// Who works on it.
    workers: Workers,
}

/// When each priority was processed.
#[derive(Debug, Clone, Object)]
struct Processing {
    /// VIP orders.
    vip: Window,
    /// NORMAL orders.
    normal: Window,
}

/// First lease → last ack of a priority.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
struct Window {
    /// The first lease.
    start: Option<String>,
    /// The last ack so far.
    end: Option<String>,
    /// Between the two.
    time_ms: u64,
    /// Orders processed.
    count: u64,
}

/// A number for each priority.
#[derive(Debug, Clone, Object)]
struct PerPriority {
    /// VIP orders.
    vip: u64,
    /// NORMAL orders.
    normal: u64,
}

/// Orders per second over each one's window.
#[derive(Debug, Clone, Object)]
struct Throughput {
    /// VIP orders over their window.
    vip: f64,
    /// NORMAL orders over theirs.
    normal: f64,
    /// All orders over both.
    overall: f64,
}

/// How much longer it will take.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
struct Eta {
    /// Until the end; null until it can be told.
    estimated_ms: Option<u64>,
    /// (processed + dead + removed) / target.
    progress_percent: f64,
}

/// How far a run is, in orders.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
struct Progress {
    /// To be generated.
    target: u64,
    /// Generated.
    generated: u64,
    /// Processed.
    processed_total: u64,
}

/// Where every order is, by priority.
#[derive(Debug, Clone, Object)]
pub struct Ledgers {
    /// VIP orders.
    vip: LedgerView,
    /// NORMAL orders.
    normal: LedgerView,
}

/// generated = deferred + waiting + leased + delayed + processed + dead + removed
#[derive(Debug, Clone, Object)]
#[oai(rename = "Ledger")]
struct LedgerView {
    /// Stored in MongoDB.
    generated: u64,
    /// NORMAL orders that are not in the queue yet.
    deferred: u64,
    /// In the queue.
    waiting: u64,
    /// In a worker's hands.
    leased: u64,
    /// Waiting for a retry.
    delayed: u64,
    /// Processed.
    processed: u64,
    /// Given up: dead letters.
    dead: u64,
    /// Removed by a person, or cancelled.
    removed: u64,
}

/// What keeps NORMAL orders behind VIP ones.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
struct Fence {
    /// Every VIP order is terminal: NORMAL orders may be claimed.
    open: bool,
    /// The last ack of a VIP order.
    last_vip_at: Option<String>,
    /// The first lease of a NORMAL order.
    first_normal_at: Option<String>,
    /// NORMAL orders claimed while a VIP order was open: always 0.
    violations: u64,
    /// VIP orders that a person put back after the fence had opened.
    late_vip: u64,
}

/// Who works on it.
#[derive(Debug, Clone, Object)]
struct Workers {
    /// Workers heard of in the last seconds.
    alive: u64,
    /// Leases that they may hold at once.
    slots: u64,
    /// Leases that they hold.
    busy: u64,
    /// Each of them; the first 100.
    list: Vec<Worker>,
}

/// One worker that is alive.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
struct Worker {
    /// Its id, made at its start; its log lines begin with it.
    id: String,
    /// The machine it runs on.
    host: String,
    /// Its process id there.
    pid: u32,
    /// Its program's version.
    version: String,
    /// Leases that it may hold at once.
    slots: u32,
    /// Leases that it holds.
    busy: u32,
    /// Its last heartbeat. That there was one more is no news: `progress` does not tell it.
    last_seen: String,
}

impl From<&WorkerSeen> for Worker {
    fn from(WorkerSeen { info, seen_ms }: &WorkerSeen) -> Self {
        let WorkerInfo { id, host, pid, version, slots, busy } = info.clone();
        Self { id, host, pid, version, slots, busy, last_seen: iso(*seen_ms) }
    }
}

/// What the queue holds.
#[derive(Debug, Clone, Object)]
pub struct QueueCounts {
    /// Ids in the queue; not the deferred NORMAL orders.
    waiting: u64,
    /// Orders in workers' hands.
    active: u64,
    /// Orders processed.
    completed: u64,
    /// Dead letters.
    failed: u64,
    /// Orders waiting for a retry.
    delayed: u64,
    /// Claims are stopped and nothing is in flight.
    paused: bool,
}

/// What the queue holds, and where every order is.
#[derive(Debug, Clone, Object)]
pub struct QueueStatus {
    #[oai(flatten)]
    counts: QueueCounts,
    /// Where every order is.
    ledger: Ledgers,
}

impl QueueCounts {
    /// Of one snapshot.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
        Self {
            waiting: vip.waiting + normal.waiting,
            active: vip.leased + normal.leased,
            completed: vip.processed + normal.processed,
            failed: vip.dead + normal.dead,
            delayed: vip.delayed + normal.delayed,
            paused: snapshot.is_paused(),
        }
    }
}

impl QueueStatus {
    /// Of one snapshot.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
        Self {
            counts: QueueCounts::of(snapshot),
            ledger: Ledgers { vip: vip.into(), normal: normal.into() },
        }
    }
}

impl From<Ledger> for LedgerView {
    fn from(ledger: Ledger) -> Self {
        let Ledger { generated, deferred, waiting, leased, delayed, processed, dead, removed } =
            ledger;
        Self { generated, deferred, waiting, leased, delayed, processed, dead, removed }
    }
}

/// A stamp as text; 0 is none.
pub(crate) fn time(ms: i64) -> Option<String> {
    (ms != 0).then(|| iso(ms))
}

/// A duration; a negative one, of clocks that differ, is none.
pub(crate) fn millis(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

fn per_second(orders: u64, ms: i64) -> f64 {
    if ms > 0 { (orders as f64 * 100_000.0 / ms as f64).round() / 100.0 } else { 0.0 }
}

impl Status {
    /// Of one snapshot.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
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
        Self {
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
            run_id: snapshot.run.as_ref().map(|run| run.run_id.clone()),
            last_run_id: snapshot.last_run_id.clone(),
            throughput: Throughput {
                vip: per_second(vip.processed, windows[0]),
                normal: per_second(normal.processed, windows[1]),
                overall: per_second(processed, windows[0] + windows[1]),
            },
            eta: Eta::of(snapshot, run, [&vip, &normal]),
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
                list: snapshot.workers.iter().take(Workers::LISTED).map(Worker::from).collect(),
            },
            ledger: Ledgers { vip: vip.into(), normal: normal.into() },
        }
    }
}

impl Workers {
    /// An answer does not grow with the number of workers without end.
    const LISTED: usize = 100;
}

impl Eta {
    /// Each order is written twice, and the update is the dearer write (by as much as
    /// fitted measured runs best): that is the work of a run, and until the fence opens
    /// its rate so far is the rate of the rest. Behind the fence it is the rate at which
    /// NORMAL orders are processed; the rate before counts along for as long as there is
    /// little to go by.
    fn of(snapshot: &Snapshot, run: &RunView, [vip, normal]: [&Ledger; 2]) -> Self {
        const INSERT: f64 = 1.0;
        const UPDATE: f64 = 1.5;
        let (figures, now) = (&run.figures, snapshot.clock());
        let terminal = vip.terminal() + normal.terminal();
        let target = run.quantity.max(1) as f64;
        let progress_percent = (terminal as f64 * 10_000.0 / target).round() / 100.0;
        let left = run.quantity.saturating_sub(terminal) as f64;
        let generated = (vip.generated + normal.generated) as f64;
        let behind_the_fence = run.phase.fence_open() && figures.normal_start > 0;
        let until = if behind_the_fence { figures.normal_start } else { now };
        let elapsed = (until - figures.generation_start) as f64;
        let before = if behind_the_fence { vip.terminal() } else { terminal };
        // Orders × cost a millisecond.
        let rate = (generated * INSERT + before as f64 * UPDATE) / elapsed;
        let estimate = if behind_the_fence {
            let counts_along = elapsed / 20.0;
            let normal_rate = (normal.terminal() as f64 + rate / UPDATE * counts_along)
                / ((now - figures.normal_start) as f64 + counts_along);
            left / normal_rate
        } else {
            ((run.quantity as f64 - generated) * INSERT + left * UPDATE) / rate
        };
        let tells = run.phase.is_active()
            && !snapshot.paused
            && figures.generation_start > 0
            && estimate.is_finite();
        let estimated_ms = match run.phase {
            Phase::Done | Phase::Aborted => Some(0),
            _ => tells.then(|| estimate.round() as u64),
        };
        Self { estimated_ms, progress_percent }
    }
}
