//! More workers, or more slots, more orders a second: as long as the store is far away rather than busy,
//! which on a small machine it is only if its network is slow.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    cluster::{Cluster, Kind},
    proxy::{Network, Proxy},
    stores,
};

/// What every packet between a worker and MongoDB is late by, at most.
pub const LATE: Duration = Duration::from_millis(20);
/// Small batches in few slots: each worker waits for the store most of the time.
const SETTINGS: &[(&str, &str)] = &[
    ("GENERATION_CHUNK_SIZE", "1000"),
    ("NORMAL_ENQUEUE_BATCH_SIZE", "1000"),
    ("ORDERS_BATCH_SIZE", "25"),
    ("ORDERS_QUEUE_CONCURRENCY", "2"),
    ("LEASE_MS", "30000"),
];

/// Orders a second, from POST to DONE, of a run on so many workers.
pub async fn run(quantity: u32, workers: usize) -> f64 {
    measure(quantity, workers, SETTINGS).await
}

/// The same, on one worker of so many slots.
pub async fn slots(quantity: u32, slots: u32) -> f64 {
    let slots = slots.to_string();
    let settings = [SETTINGS, &[("ORDERS_QUEUE_CONCURRENCY", slots.as_str())]].concat();
    measure(quantity, 1, &settings).await
}

async fn measure(quantity: u32, workers: usize, settings: &[(&str, &str)]) -> f64 {
    let mut cluster = Cluster::new(settings).await;
    cluster.start_api().await;
    let mut proxies = Vec::new();
    for seed in 0..workers as u64 {
        let proxy = Proxy::to(stores::mongo_address(), seed).await;
        proxy.set(Network::Late(LATE));
        let uri = proxy.mongo_uri(&cluster.settings()["QUEUE_NAME"]);
        cluster.start_one(Kind::Worker, &[("MONGO_URI", &uri)]).await;
        proxies.push(proxy);
    }
    let began = Instant::now();
    let run_id = cluster.client().generate(quantity).await;
    cluster.done().await;
    let took = began.elapsed();
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
    f64::from(quantity) / took.as_secs_f64()
}
