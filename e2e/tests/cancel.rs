//! Cancel: at any moment, and the counts are exact.

use pedidos_common::run::Phase;
use pedidos_e2e::{
    Cluster, Status,
    phases::{ACTIVE, QUANTITY, long_in},
};
use serde_json::Value;

/// The summary of a run that was cancelled: exact as soon as cancel answers.
async fn cancelled(cluster: &Cluster, run_id: &str, answer: &Value) -> Status {
    assert_eq!(answer["aborted"], true, "{answer:#}");
    assert_eq!(answer["queuePaused"], true, "{answer:#}");
    let status = cluster.client().status().await;
    assert!(status.is_of(run_id), "{:#}", status.json);
    assert_eq!(status.phase, Phase::Aborted, "{:#}", status.json);
    assert_eq!(
        status.terminal(),
        status.progress.generated,
        "processed, dead and removed are not what was generated: {:#}",
        status.json
    );
    assert_eq!(status.removed(), answer["removedPending"], "{answer:#}");
    assert_eq!(status.last_run_id.as_deref(), Some(run_id));
    let queue = cluster.client().queue_status().await;
    for empty in ["waiting", "active", "delayed"] {
        assert_eq!(queue[empty], 0, "{queue:#}");
    }
    assert_eq!(queue["paused"], false, "a cancel's pause ends with it");
    status
}

async fn cancelled_in(phase: Phase) {
    let cluster = Cluster::start(2, long_in(phase)).await;
    let (run_id, seen) = cluster.run_into(phase).await;
    let answer = cluster.client().cancel("pollIntervalMs=10").await;
    let status = cancelled(&cluster, &run_id, &answer).await;
    assert_eq!(answer["stillActive"], 0, "{answer:#}");
    // Of a run that had not stored anything, everything may be a stray.
    let left = status.removed() > 0 || seen.progress.generated == 0;
    assert!(left, "nothing was left to cancel: {:#}", status.json);
    assert!(status.terminal() >= seen.terminal());
    cluster.audit().await;
    assert_eq!(cluster.stores.pending().await, 0);
    // Nothing of it stands in the way of the next, or turns up in it.
    let orders = cluster.stores.orders().await;
    let next = cluster.run(QUANTITY).await;
    assert_ne!(next.0, run_id);
    assert_eq!(cluster.stores.orders().await, orders + u64::from(QUANTITY));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_cancelled_in_any_phase_adds_up_and_leaves_nothing_pending() {
    for phase in ACTIVE {
        cancelled_in(phase).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_waits_for_nobody_adds_up_all_the_same() {
    let settings = [("GENERATION_CHUNK_SIZE", "1000"), ("ORDERS_BATCH_SIZE", "200")];
    let cluster = Cluster::start(2, &settings).await;
    let mut interrupted = 0;
    for round in 0..20 {
        let run_id = cluster.client().generate(10_000).await;
        // Each time a little later, so that every step of the work is cut into.
        let far = round * 400;
        cluster.wait_for("some orders", |status| status.progress.generated >= far).await;
        let answer = cluster.client().cancel("waitTimeoutMs=0&pollIntervalMs=10").await;
        let at_once = cancelled(&cluster, &run_id, &answer).await;
        interrupted += u64::from(answer["stillActive"] != 0);
        // Whoever was at work finds out, and what it still wrote is marked,
        // outside of the counts.
        cluster.at_rest().await;
        assert_eq!(cluster.stores.pending().await, 0);
        let later = cluster.client().status().await;
        assert_eq!(later.json["ledger"], at_once.json["ledger"]);
        cluster.audit().await;
    }
    assert!(interrupted > 0, "no cancel ever met work in flight");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_workers_can_be_cancelled() {
    let mut cluster = Cluster::start(0, &[]).await;
    let run_id = cluster.client().generate(500).await;
    let answer = cluster.client().cancel("").await;
    let status = cancelled(&cluster, &run_id, &answer).await;
    assert_eq!((status.progress.generated, status.removed()), (0, 0));
    cluster.audit().await;
    cluster.start_worker().await;
    cluster.run(500).await;
    assert_eq!(cluster.stores.orders().await, 500);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_to_cancel_nothing_is_changed() {
    let cluster = Cluster::start(1, &[]).await;
    let nothing = |answer: Value| {
        for flag in ["aborted", "queuePaused", "purged", "logsReset"] {
            assert_eq!(answer[flag], false, "{answer:#}");
        }
        assert_eq!(answer["removedPending"], 0, "{answer:#}");
        assert!(!answer["message"].as_str().unwrap().is_empty());
    };
    nothing(cluster.client().cancel("").await);
    assert_eq!(cluster.client().status().await.phase, Phase::Idle);
    let (_, done) = cluster.run(300).await;
    nothing(cluster.client().cancel("").await);
    let after = cluster.client().status().await;
    assert_eq!(after.json["ledger"], done.json["ledger"]);
    cluster.audit().await;
    // Nor a second time.
    cluster.client().pause().await;
    cluster.client().generate(300).await;
    assert_eq!(cluster.client().cancel("").await["aborted"], true);
    nothing(cluster.client().cancel("").await);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_cancels_at_once_come_to_the_same_end() {
    let mut cluster = Cluster::start(2, long_in(Phase::WaitingNormalDrain)).await;
    let second = cluster.start_api().await;
    let other = cluster.client_of(second).clone();
    for _ in 0..5 {
        let (run_id, _) = cluster.run_into(Phase::WaitingNormalDrain).await;
        let query = "pollIntervalMs=10";
        let (one, two) = tokio::join!(cluster.client().cancel(query), other.cancel(query));
        // One may come when all is over: then there was nothing to cancel.
        let both = [&one, &two].into_iter();
        let mut done = both.filter(|answer| answer["aborted"] == true);
        let first = done.next().expect("one of them cancelled it");
        cancelled(&cluster, &run_id, first).await;
        if let Some(second) = done.next() {
            assert_eq!(first["removedPending"], second["removedPending"]);
        }
        cluster.audit().await;
    }
    cluster.finish().await;
}
