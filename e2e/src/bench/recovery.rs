//! How long it takes until work goes on after a fault.

use std::time::Duration;

use pedidos_core::run::Phase;
use pedidos_service::metrics::RECLAIMED;
use tokio::time::Instant;

use super::ours;
use crate::{
    cluster::Cluster,
    status::Status,
    wait::{POLL, in_time, poll},
};

/// A lease, for these measurements.
pub const LEASE: Duration = Duration::from_secs(10);

async fn cluster() -> Cluster {
    let lease = LEASE.as_millis().to_string();
    let mut cluster = ours::cluster(&[("LEASE_MS", &lease)]).await;
    cluster.start_api().await;
    for _ in 0..2 {
        cluster.start_worker().await;
    }
    cluster
}

/// From the SIGKILL of a worker that holds leases until another has them.
pub async fn of_a_worker(quantity: u32) -> Duration {
    let mut cluster = cluster().await;
    let run_id = cluster.client().generate(quantity).await;
    let draining = |status: &Status| status.phase == Phase::WaitingNormalDrain;
    cluster.wait_for("the drain of NORMAL orders", draining).await;
    cluster.kill(1).await;
    let killed = Instant::now();
    let worker = cluster.client_of(2);
    let given_back = async || (worker.metric(RECLAIMED).await >= 1.0).then_some(());
    in_time("its leases given back", poll(POLL / 2, given_back)).await;
    let took = killed.elapsed();
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
    took
}

/// From the instant that Redis is empty, in the middle of the drain of NORMAL orders,
/// until the run is in that drain again with every order known.
pub async fn of_redis(quantity: u32) -> Duration {
    let cluster = cluster().await;
    let run_id = cluster.client().generate(quantity).await;
    let half = |status: &Status| status.ledger.normal.processed > u64::from(quantity) / 3;
    let before = cluster.wait_for("half of the drain", half).await;
    assert!(behind_the_fence(&before), "{:#}", before.json);
    cluster.samples.expect_replay();
    cluster.stores.empty_redis().await;
    let emptied = Instant::now();
    let back = |status: &Status| {
        status.is_of(&run_id)
            && (behind_the_fence(status) || status.phase == Phase::Done)
            && status.ledger.normal.processed >= before.ledger.normal.processed
    };
    cluster.wait_for("the end of the replay", back).await;
    let took = emptied.elapsed();
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
    took
}

const fn behind_the_fence(status: &Status) -> bool {
    matches!(status.phase, Phase::EnqueueNormal | Phase::WaitingNormalDrain)
}
