//! Reset: at any moment, and nothing is left.

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster, eventually,
    phases::{QUANTITY, in_each_phase, long_in},
};

/// Resets, and looks at what is left: nothing, now and after another run.
async fn reset(cluster: &Cluster) {
    let answer = cluster.client().reset().await;
    let status = cluster.client().status().await;
    assert_eq!(status.phase, Phase::Idle, "{:#}", status.json);
    assert_eq!((&status.run_id, &status.last_run_id), (&None, &None));
    assert_eq!(status.progress.target, 0, "{:#}", status.json);
    assert_eq!(cluster.stores.runs().await, 0, "{answer:#}");
    let queue = cluster.client().queue_status().await;
    for empty in ["waiting", "active", "completed", "failed", "delayed"] {
        assert_eq!(queue[empty], 0, "{queue:#}");
    }
    assert_eq!(queue["paused"], false, "{queue:#}");
    // A worker that was at work then finds out, and takes its own away.
    cluster.run(QUANTITY).await;
    cluster.at_rest().await;
    cluster.audit().await;
    assert_eq!(cluster.stores.orders().await, u64::from(QUANTITY));
    assert_eq!(cluster.stores.runs().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_in_any_phase_leaves_nothing_behind() {
    let start = async |phase| Cluster::start(2, long_in(phase)).await;
    in_each_phase(start, async |cluster, _| {
        reset(cluster).await;
        // At rest too: DONE, with the run of above.
        reset(cluster).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_answers_with_what_it_deleted() {
    let cluster = Cluster::start(2, &[]).await;
    for (orders, runs) in [(0, 0), (700, 2), (0, 0)] {
        if runs > 0 {
            cluster.run(300).await;
            cluster.run(400).await;
        }
        let answer = cluster.client().reset().await;
        let removed = (&answer["removedOrders"], &answer["removedRuns"]);
        assert_eq!(removed, (&orders.into(), &runs.into()), "{answer:#}");
        assert_eq!(cluster.stores.orders().await, 0);
        assert_eq!(cluster.client().status().await.phase, Phase::Idle);
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_after_a_cancel_and_one_of_an_idle_queue_leave_nothing_behind() {
    let cluster = Cluster::start(2, long_in(Phase::Generating)).await;
    reset(&cluster).await;
    cluster.run_into(Phase::Generating).await;
    let answer = cluster.client().cancel("waitTimeoutMs=0").await;
    assert_eq!(answer["aborted"], true, "{answer:#}");
    reset(&cluster).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_forgets_the_log_lines_and_lifts_a_pause() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.run(300).await;
    cluster.client().pause().await;
    let has = |logs: &serde_json::Value, text: &str| {
        let lines = logs["logs"]["logMessages"].as_array().unwrap().iter();
        lines.filter_map(|line| line.as_str()).any(|line| line.contains(text))
    };
    eventually("the workers' lines", async || {
        has(&cluster.client().logs("lines=5000").await, "worker started")
    })
    .await;
    reset(&cluster).await;
    let logs = cluster.client().logs("lines=5000").await;
    assert!(!has(&logs, "worker started"), "{logs:#}");
    cluster.finish().await;
}
