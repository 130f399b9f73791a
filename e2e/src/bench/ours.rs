//! A run of ours, from POST to DONE, audited; what it cost each process, and what
//! `GET /pedidos` said and how fast, asked 200 times a second meanwhile.

use std::time::Duration;

use pedidos_core::run::Phase;
use pedidos_service::config::{SETTINGS, Setting};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use xtask::services::{Server, Services};

use super::{cpu_time, peak_mib, quantile};
use crate::{client::Client, cluster::Cluster};

/// How often the status is asked for.
const EVERY: Duration = Duration::from_millis(5);
/// After so many of them, `GET /livez` is asked for too: what HTTP alone takes just now.
const LIVEZ_EVERY: usize = 8;

#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ours {
    /// From the POST until DONE is seen, s.
    pub seconds: f64,
    /// Latency of `GET /pedidos`: p50, p99, ms.
    pub status_ms: [f64; 2],
    /// The same of `GET /livez`, which asks no store: what is left is this machine's.
    pub livez_ms: [f64; 2],
    pub statuses: usize,
    /// Share of the estimates, from a quarter of the run on, that are within ±20 %.
    pub eta_within_20_percent: f64,
    /// The largest deviation of those, %, while at least 5 s were left.
    pub eta_worst_percent: f64,
    /// CPU time, s: API, workers, Redis, MongoDB; none if the server is not ours.
    pub cpu_seconds: [Option<f64>; 4],
    /// Peak memory, MiB: API, the largest worker, Redis since it was started.
    pub peak_mib: [Option<f64>; 3],
}

struct Sample {
    /// Since the POST.
    at: f64,
    took_ms: f64,
    eta: Option<f64>,
}

/// What the harness makes small for tests is as large here as the product has it, or as
/// this program's own environment says.
const AS_BY_DEFAULT: [&str; 6] = [
    "GENERATION_CHUNK_SIZE",
    "NORMAL_ENQUEUE_BATCH_SIZE",
    "ORDERS_BATCH_SIZE",
    "ORDERS_QUEUE_CONCURRENCY",
    "LEASE_MS",
    "LOG_PROGRESS_EVERY_MS",
];

/// A cluster for a measured run, and no process of it yet. `settings` go over the defaults.
pub async fn cluster(settings: &[(&str, &str)]) -> Cluster {
    let defaults = SETTINGS.iter().filter(|setting| AS_BY_DEFAULT.contains(&setting.name));
    let defaults: Vec<_> = defaults
        .map(|Setting { name, default, .. }| {
            (*name, std::env::var(name).unwrap_or((*default).to_owned()))
        })
        .collect();
    let all = defaults.iter().map(|(name, value)| (*name, value.as_str()));
    let all: Vec<_> =
        all.chain([("MAX_ORDERS", "100000000")]).chain(settings.iter().copied()).collect();
    Cluster::new(&all).await
}

/// The processes of a measured run: API, workers, Redis, MongoDB. A server that is not ours has none.
pub struct Processes([Vec<u32>; 4]);

impl Processes {
    /// Starts an API and so many workers.
    pub async fn start(cluster: &mut Cluster, workers: usize) -> Self {
        let api = cluster.start_api().await;
        let api = vec![cluster.process(api).pid];
        let mut others = Vec::new();
        for _ in 0..workers {
            let worker = cluster.start_worker().await;
            others.push(cluster.process(worker).pid);
        }
        let server = |server| Services::of_environment().pid(server).into_iter().collect();
        let [redis, mongo] = Server::ALL.map(server);
        Self([api, others, redis, mongo])
    }

    /// CPU time of each so far, s; none without a process.
    pub fn cpu_seconds(&self) -> [Option<f64>; 4] {
        self.0.each_ref().map(|pids| {
            let used: Option<Duration> = pids.iter().map(|pid| cpu_time(*pid)).sum();
            used.filter(|_| !pids.is_empty()).map(|time| time.as_secs_f64())
        })
    }

    /// The same since then.
    pub fn cpu_since(&self, before: [Option<f64>; 4]) -> [Option<f64>; 4] {
        let after = self.cpu_seconds();
        std::array::from_fn(|i| Some(after[i]? - before[i]?))
    }

    /// The most memory that one of each has held, MiB.
    fn peak_mib(&self) -> [Option<f64>; 4] {
        self.0.each_ref().map(|pids| pids.iter().filter_map(|pid| peak_mib(*pid)).reduce(f64::max))
    }
}

/// A run of so many orders, on so many workers with the default settings.
pub async fn run(quantity: u32, workers: usize) -> Ours {
    let mut cluster = cluster(&[]).await;
    let processes = Processes::start(&mut cluster, workers).await;
    let before = processes.cpu_seconds();
    let began = Instant::now();
    let run_id = cluster.client().generate(quantity).await;
    let Followed { samples, livez, seconds } = follow(cluster.client(), began).await;
    let cpu_seconds = processes.cpu_since(before);
    cluster.audit().await;
    let last = cluster.client().status().await;
    assert!(last.is_of(&run_id), "{:#}", last.json);
    let [api, worker, redis, _] = processes.peak_mib();
    cluster.finish().await;
    let percentiles = |mut latencies: Vec<f64>| {
        latencies.sort_by(f64::total_cmp);
        [0.5, 0.99].map(|share| quantile(&latencies, share))
    };
    let estimates = deviations(&samples, seconds);
    let good = estimates.iter().filter(|(by, _)| by.abs() <= 0.2).count();
    let long = estimates.iter().filter(|(_, left)| *left >= 5.0);
    Ours {
        seconds,
        status_ms: percentiles(samples.iter().map(|sample| sample.took_ms).collect()),
        livez_ms: percentiles(livez),
        statuses: samples.len(),
        eta_within_20_percent: 100.0 * good as f64 / estimates.len().max(1) as f64,
        eta_worst_percent: long.map(|(by, _)| 100.0 * by.abs()).fold(0.0, f64::max),
        cpu_seconds,
        peak_mib: [api, worker, redis],
    }
}

/// By how much each estimate from a quarter of the run on was off, as a share of what was
/// really left, and what was left, s.
fn deviations(samples: &[Sample], seconds: f64) -> Vec<(f64, f64)> {
    let later = samples.iter().filter(|sample| sample.at >= seconds / 4.0);
    later
        .filter_map(|sample| {
            // Of the last second an estimate says nothing that anybody waits for.
            let left = seconds - sample.at;
            (left >= 1.0).then_some((sample.eta? / left - 1.0, left))
        })
        .collect()
}

/// What was said in a run, how long `GET /livez` took meanwhile (ms), and when DONE was.
struct Followed {
    samples: Vec<Sample>,
    livez: Vec<f64>,
    seconds: f64,
}

/// Asks for the status until the run is DONE, at its times whatever the answers take.
async fn follow(client: &Client, began: Instant) -> Followed {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut asked, mut pinged) = (JoinSet::new(), JoinSet::new());
    let (mut samples, mut livez, mut count) = (Vec::new(), Vec::new(), 0);
    // From when it was due: a client that waits hides what it waits for.
    let since = |due: Instant| due.elapsed().as_secs_f64() * 1000.0;
    let mut done = None;
    while done.is_none() {
        tokio::select! {
            due = ticks.tick() => {
                count += 1;
                if count % LIVEZ_EVERY == 0 {
                    let client = client.clone();
                    pinged.spawn(async move {
                        client.livez().await;
                        since(due)
                    });
                }
                let client = client.clone();
                asked.spawn(async move {
                    let answer = client.raw(reqwest::Method::GET, "/pedidos").await;
                    let took_ms = since(due);
                    (took_ms, Instant::now(), answer.json(200))
                });
            }
            Some(took) = pinged.join_next() => livez.push(took.expect("it lives")),
            Some(answer) = asked.join_next() => {
                let (took_ms, answered, status) = answer.expect("a status can be asked for");
                let at = answered.duration_since(began).as_secs_f64();
                samples.push(Sample {
                    at,
                    took_ms,
                    eta: status["eta"]["estimatedMs"].as_f64().map(|ms| ms / 1000.0),
                });
                if status["phase"] == Phase::Done.as_str() {
                    done = Some(at);
                }
            }
        }
    }
    Followed { samples, livez, seconds: done.unwrap_or_default() }
}
