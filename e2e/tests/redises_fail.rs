//! A Redis that others take over from, and a Redis Cluster that loses a node for a while.

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster, Status, eventually, eventually_some,
    phases::{ACTIVE, long_in},
    proxy::{Network, Proxy},
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
        eventually("one master", async || {
            let one = !redises.is_master(0).await;
            if !one {
                cluster.samples.expect_replay();
                cluster.client().try_status().await;
            }
            one
        })
        .await;
        cluster.samples.expect_replay();
        cluster.ends_exact(&run_id).await;
        cluster.finish().await;
    }
}

/// Waits until the test itself is connected to the master.
async fn found_by_the_test(cluster: &Cluster) {
    eventually("the master", async || cluster.stores.queue.takes_writes().await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_demoted_and_keeps_its_connections_is_left_for_the_new_one() {
    let redises = Redises::pair().await;
    let way = Proxy::to(redises.address(0), 0).await;
    let url = way.redis_url();
    let cluster = Cluster::start(1, &[("REDIS_URL", &url)]).await;
    cluster.run(1_000).await;
    redises.change_places(0).await;
    // Connected to a replica, and no way to its master: whoever asks is told so.
    let clients: Vec<_> = [cluster.client()].into_iter().chain(cluster.workers()).collect();
    for client in &clients {
        let said = client.becomes_ready(503).await;
        assert!(said.contains("READONLY"), "{said}");
    }
    way.lead_to(redises.address(1));
    for client in &clients {
        client.becomes_ready(200).await;
    }
    found_by_the_test(&cluster).await;
    cluster.samples.expect_replay();
    cluster.run(1_000).await;

    // The other way, by a replica that answers nothing at all as long as it has no master.
    redises.tell(1, "CONFIG SET replica-serve-stale-data no", "OK").await;
    redises.change_places(1).await;
    redises.tell(1, "REPLICAOF 127.0.0.1 1", "OK").await;
    for client in &clients {
        let said = client.becomes_ready(503).await;
        // It may not even greet who connects to it.
        assert!(said.contains("Redis"), "{said}");
    }
    way.lead_to(redises.address(0));
    for client in &clients {
        client.becomes_ready(200).await;
    }
    found_by_the_test(&cluster).await;
    cluster.samples.expect_replay();
    cluster.run(1_000).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_nobody_asks_leaves_a_demoted_master_by_itself() {
    let redises = Redises::pair().await;
    let way = Proxy::to(redises.address(0), 0).await;
    let url = way.redis_url();
    let mut cluster = Cluster::start(0, &[("REDIS_URL", &url)]).await;
    redises.change_places(0).await;
    way.lead_to(redises.address(1));
    cluster.process(0).line("this Redis is not the master").await;
    let run_id = eventually_some("a run", async || {
        let answer = cluster.client().try_generate("quantity=100", None).await;
        if answer.status == 202 {
            return Some(answer.json(202)["runId"].as_str().unwrap_or_default().to_owned());
        }
        answer.problem(503);
        None
    })
    .await;
    cluster.start_worker().await;
    found_by_the_test(&cluster).await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
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
