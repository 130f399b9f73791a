//! A Redis that others take over from, and a Redis Cluster that loses a node for a while.

use pedidos_common::run::Phase;
use pedidos_e2e::{
    Cluster, Status, in_time,
    phases::{ACTIVE, long_in},
    proxy::Network,
    redises::Redises,
};

async fn on(redises: &Redises, phase: Phase) -> Cluster {
    let url = redises.url();
    let settings: Vec<_> =
        long_in(phase).iter().copied().chain([("REDIS_URL", url.as_str())]).collect();
    Cluster::start(2, &settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_master_dies_in_any_phase_its_older_replica_takes_over_and_no_order_is_lost() {
    for phase in ACTIVE {
        let mut redises = Redises::behind_sentinel().await;
        let cluster = on(&redises, phase).await;
        let (run_id, seen) = cluster.run_into(phase).await;
        // From now on the replica hears nothing, and what it will know is older.
        let nothing = Network::Hung { there: true, back: true };
        redises.replication.as_ref().unwrap().set(nothing);
        let more = |now: &Status| now.json["ledger"] != seen.json["ledger"];
        cluster.wait_for("some progress", more).await;
        cluster.samples.expect_replay();
        redises.kill(0).await;
        redises.failed_over(0).await;
        cluster.ends_exact(&run_id).await;
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_masters_for_a_while_count_every_order_once() {
    for phase in ACTIVE {
        let redises = Redises::behind_sentinel().await;
        let cluster = on(&redises, phase).await;
        let (run_id, _) = cluster.run_into(phase).await;
        cluster.samples.expect_replay();
        // Sentinel takes a frozen one for dead; when it wakes up there are two, until
        // Sentinel tells it, and until its clients notice.
        redises.signal(0, "STOP").await;
        redises.failed_over(0).await;
        redises.signal(0, "CONT").await;
        // Until then an answer may come from either, and the next one from the other.
        in_time("one master", async {
            while redises.is_master(0).await {
                cluster.samples.expect_replay();
                cluster.client().try_status().await;
            }
        })
        .await;
        cluster.samples.expect_replay();
        cluster.ends_exact(&run_id).await;
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_a_redis_cluster_outlives_the_node_that_holds_it() {
    let mut redises = Redises::cluster().await;
    for phase in [Phase::Generating, Phase::WaitingVipDrain, Phase::WaitingNormalDrain] {
        let cluster = on(&redises, phase).await;
        let node = redises.holds(&cluster.settings()["QUEUE_NAME"]).await;
        let (run_id, _) = cluster.run_into(phase).await;
        cluster.samples.expect_replay();
        redises.kill(node).await;
        redises.restart(node).await;
        cluster.ends_exact(&run_id).await;
        cluster.finish().await;
    }
}
