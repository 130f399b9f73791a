//! An import whose run is handed to a receiver, beside the run of the same list with `builtin`, on
//! workers with the same settings.

use pedidos_service::metrics::{PROCESSOR_CALLS, PROCESSOR_SECONDS, VERDICTS};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    cpu_time,
    ours::{self, Processes},
    receiver,
};
use crate::{cluster::Cluster, imports::lines, process::Process, receiver::secret};

/// Workers of each run.
pub const WORKERS: usize = 2;
/// Orders of a call, at most.
pub const BATCH: u32 = 100;
/// Orders of the runs in which each lease has one order, and so each call.
pub const SINGLES: u32 = 20_000;

/// A run, from the request to start it until DONE is seen.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drained {
    pub seconds: f64,
    /// CPU time, s: API, workers, Redis, MongoDB; none if the server is not ours.
    pub cpu_seconds: [Option<f64>; 4],
    /// None of `builtin`.
    pub calls: Option<Calls>,
}

/// The calls to the receiver.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    pub count: f64,
    /// What they took, one after the other, by the metric of the workers.
    pub seconds: f64,
    pub receiver_cpu_seconds: Option<f64>,
}

/// The same list twice.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    pub builtin: Drained,
    pub called: Drained,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Took {
    pub batches: Pair,
    pub singles: Pair,
}

/// So many orders in batches, and [`SINGLES`] one by one.
pub async fn run(quantity: u32) -> Took {
    let mut receiver = receiver::start();
    let (url, secret, batch) = (receiver.url().await, secret(), BATCH.to_string());
    let told = [("PROCESSOR_URL", url.as_str()), ("PROCESSOR_SECRET", secret.as_str())];
    let batches = [&told[..], &[("PROCESSOR_BATCH_SIZE", batch.as_str())]].concat();
    let batches = pair(quantity, &batches, &receiver).await;
    eprintln!("{batches:?}");
    let singles = [("PROCESSOR_BATCH_SIZE", "1"), ("ORDERS_BATCH_SIZE", "1")];
    let singles = pair(SINGLES, &[told, singles].concat(), &receiver).await;
    eprintln!("{singles:?}");
    receiver.kill().await;
    Took { batches, singles }
}

async fn pair(quantity: u32, told: &[(&str, &str)], receiver: &Process) -> Pair {
    Pair {
        builtin: drain(quantity, "builtin", told, receiver).await,
        called: drain(quantity, "default", told, receiver).await,
    }
}

async fn drain(
    quantity: u32,
    processor: &str,
    told: &[(&str, &str)],
    receiver: &Process,
) -> Drained {
    let mut cluster = ours::cluster(told).await;
    let processes = Processes::start(&mut cluster, WORKERS).await;
    let client = cluster.client();
    let import = client.create_import().await;
    let uploaded = client.upload(&import, lines(0..quantity)).await;
    assert_eq!(uploaded["accepted"], quantity, "{uploaded:#}");
    let (before, receiver_before) = (processes.cpu_seconds(), cpu_time(receiver.pid));
    let began = Instant::now();
    client.start_for(&import, &format!("processor={processor}&onVipFailure=continue")).await;
    cluster.done().await;
    let seconds = began.elapsed().as_secs_f64();
    let cpu_seconds = processes.cpu_since(before);
    let used = receiver_before.zip(cpu_time(receiver.pid));
    let receiver_cpu_seconds =
        used.map(|(before, after)| after.saturating_sub(before).as_secs_f64());
    cluster.ends_exact(&import).await;
    let count = told_by_workers(&cluster, PROCESSOR_CALLS).await;
    let good = told_by_workers(&cluster, &format!("{PROCESSOR_CALLS}{{result=\"ok\"}}")).await;
    let judged = told_by_workers(&cluster, &format!("{VERDICTS}{{verdict=\"ok\"}}")).await;
    let took = told_by_workers(&cluster, &format!("{PROCESSOR_SECONDS}_sum")).await;
    cluster.finish().await;
    let is_called = processor != "builtin";
    assert_eq!(judged as u32, if is_called { quantity } else { 0 }, "verdicts of {processor}");
    assert_eq!((count - good) as u32, 0, "calls of {processor} failed");
    let calls = Calls { count, seconds: took, receiver_cpu_seconds };
    Drained { seconds, cpu_seconds, calls: is_called.then_some(calls) }
}

/// The sum of a metric over the workers.
async fn told_by_workers(cluster: &Cluster, metric: &str) -> f64 {
    let mut sum = 0.0;
    for worker in cluster.workers() {
        sum += worker.metric(metric).await;
    }
    sum
}
