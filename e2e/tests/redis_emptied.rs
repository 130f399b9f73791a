//! Redis is emptied: MongoDB is the truth, and the run is replayed from it.

use fred::interfaces::KeysInterface;
use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster, Status,
    phases::{QUANTITY, in_each_phase, long_in},
};

async fn empty(cluster: &Cluster) {
    cluster.samples.expect_replay();
    assert!(cluster.stores.empty_redis().await > 0);
}

/// Windows were measured before Redis was emptied, and are still known.
fn has_windows(status: &Status) {
    for window in [&status.processing.vip, &status.processing.normal] {
        let known = window.start.is_some() && window.end.is_some();
        assert!(window.count == 0 || known, "{:#}", status.json);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_redis_is_emptied_in_any_phase_ends_done() {
    let start = async |phase| Cluster::start(2, long_in(phase)).await;
    in_each_phase(start, async |cluster, (run_id, _)| {
        empty(cluster).await;
        let status = cluster.ends_exact(&run_id).await;
        assert_eq!(cluster.stores.orders().await % u64::from(QUANTITY), 0);
        has_windows(&status);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_which_a_part_is_deleted_in_redis_is_replayed_and_the_fence_holds() {
    for name in ["vip", "leases", "leased"] {
        let mut cluster = Cluster::start(1, long_in(Phase::WaitingVipDrain)).await;
        let (run_id, held) = cluster.hold(Phase::WaitingVipDrain).await;
        assert!(held.ledger.vip.waiting > 0, "{:#}", held.json);
        // A process that holds a lease, so that there are leases, too.
        let _lease = cluster.take(10).await;
        cluster.samples.expect_replay();
        let key = format!("{}:{name}", cluster.stores.queue.keys().prefix());
        cluster.stores.queue.client().del::<(), _>(key).await.unwrap();
        cluster.client().resume().await;
        cluster.process(1).line("Redis has lost a part of the run").await;
        // Counters start over once more, now that it has been found.
        cluster.samples.expect_replay();
        cluster.ends_exact(&run_id).await;
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_emptied_again_and_again_costs_time_and_no_order() {
    let cluster = Cluster::start(2, &[]).await;
    let run_id = cluster.client().generate(8_000).await;
    for goal in [500, 3_000, 6_000, 7_900] {
        let generated = |status: &Status| status.progress.generated >= goal;
        cluster.wait_for("some orders", generated).await;
        empty(&cluster).await;
    }
    let status = cluster.done().await;
    assert!(status.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_run_is_shown_as_it_was_after_redis_is_emptied() {
    let cluster = Cluster::start(2, &[]).await;
    let (run_id, done) = cluster.run(1_000).await;
    empty(&cluster).await;
    let shown = cluster.client().status().await;
    assert!(shown.is_of(&run_id), "{:#}", shown.json);
    for part in ["phase", "ledger", "processing", "counts", "wallClockMs", "lastRunId"] {
        assert_eq!(shown.json[part], done.json[part], "{part}");
    }
    cluster.audit().await;
    cluster.client().generate(500).await;
    cluster.client().cancel("pollIntervalMs=10").await;
    let cancelled = cluster.client().status().await;
    assert_eq!(cancelled.phase, Phase::Aborted);
    empty(&cluster).await;
    let shown = cluster.client().status().await;
    assert_eq!(shown.phase, Phase::Aborted);
    assert_eq!(shown.json["ledger"], cancelled.json["ledger"]);
    cluster.run(500).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_survives_that_redis_is_emptied() {
    let cluster = Cluster::start(2, long_in(Phase::WaitingNormalDrain)).await;
    cluster.run_into(Phase::WaitingNormalDrain).await;
    cluster.client().pause().await;
    empty(&cluster).await;
    let queue = cluster.client().queue_status().await;
    assert_eq!(queue["paused"], true, "{queue:#}");
    let status = cluster.client().status().await;
    assert_eq!(status.terminal(), 0, "a replay began under a pause");
    cluster.client().resume().await;
    cluster.done().await;
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_is_refused_while_redis_is_emptied() {
    let mut cluster = Cluster::start(0, &[]).await;
    let run_id = cluster.client().generate(1_000).await;
    for _ in 0..10 {
        empty(&cluster).await;
        let answer = cluster.client().try_generate("quantity=10", None).await;
        assert!(matches!(answer.status, 409 | 503), "{answer:#?}");
    }
    cluster.start_worker().await;
    assert!(cluster.done().await.is_of(&run_id));
    cluster.audit().await;
    assert_eq!(cluster.stores.runs().await, 1);
    cluster.finish().await;
}
