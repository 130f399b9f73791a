//! Pause: work in flight is finished, and no other begins.

use std::time::Duration;

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster, Status,
    letters::GIVEN_UP_AT_ONCE,
    phases::{ACTIVE, long_in},
    wait::throughout,
};
use pedidos_pipeline::queue::{Calls, Claim, Token};

/// Looks again and again for longer than any wait for work lasts: workers ask
/// every second at least, and none may get anything.
async fn stands_still(cluster: &Cluster, paused: &Status) {
    throughout(Duration::from_millis(1_500), async || {
        let status = cluster.client().status().await;
        assert_eq!(status.json["ledger"], paused.json["ledger"]);
        assert_eq!(status.phase, paused.phase);
        let queue = cluster.client().queue_status().await;
        assert_eq!(queue["paused"], true, "{queue:#}");
    })
    .await;
}

/// Chunks are finished before a pause is: these two alternate.
fn same(one: Phase, other: Phase) -> bool {
    let generating = |phase| matches!(phase, Phase::Generating | Phase::EnqueueVip);
    one == other || generating(one) && generating(other)
}

async fn paused_in(phase: Phase) {
    let cluster = Cluster::start(2, long_in(phase)).await;
    // The last leases may end the phase: then once more.
    for _ in 0..10 {
        let (run_id, _) = cluster.run_into(phase).await;
        let still = cluster.pause().await;
        let hit = same(still.phase, phase);
        if hit {
            stands_still(&cluster, &still).await;
        }
        let answer = cluster.client().resume().await;
        assert_eq!(answer["resumed"], true, "{answer:#}");
        assert!(cluster.done().await.is_of(&run_id));
        cluster.audit().await;
        if hit {
            return cluster.finish().await;
        }
    }
    panic!("phase {phase} never held still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_paused_in_any_phase_stands_still_and_then_ends_done() {
    for phase in ACTIVE {
        paused_in(phase).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_paused_again_and_again_ends_done() {
    let cluster = Cluster::start(2, &[]).await;
    let run_id = cluster.client().generate(4_000).await;
    let mut pauses = 0;
    loop {
        let still = cluster.pause().await;
        cluster.client().resume().await;
        if still.phase == Phase::Done {
            break;
        }
        pauses += 1;
    }
    assert!(pauses > 3, "only {pauses} pauses");
    assert!(cluster.done().await.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_pause_a_run_is_accepted_and_waits() {
    let mut cluster = Cluster::start(1, &[]).await;
    cluster.pause().await;
    let answer = cluster.client().try_generate("quantity=500", None).await;
    let accepted = answer.json(202);
    assert_eq!(accepted["paused"], true, "{answer:#?}");
    let waiting = cluster.client().status().await;
    assert_eq!(waiting.progress.generated, 0);
    stands_still(&cluster, &waiting).await;
    // It is kept where restarts do not reach.
    cluster.kill(0).await;
    cluster.kill(1).await;
    cluster.start_api().await;
    cluster.start_worker().await;
    stands_still(&cluster, &waiting).await;
    cluster.client().resume().await;
    cluster.done().await;
    cluster.audit().await;
    let answer = cluster.client().try_generate("quantity=500", None).await;
    assert_eq!(answer.json(202)["paused"], false, "{answer:#?}");
    cluster.done().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_survives_a_cancel_and_is_lifted_by_a_reset() {
    let cluster = Cluster::start(2, long_in(Phase::WaitingNormalDrain)).await;
    cluster.run_into(Phase::WaitingNormalDrain).await;
    cluster.pause().await;
    let answer = cluster.client().cancel("pollIntervalMs=10").await;
    assert_eq!(answer["aborted"], true, "{answer:#}");
    cluster.audit().await;
    let queue = cluster.client().queue_status().await;
    assert_eq!(queue["paused"], true, "a person's pause was lifted by a cancel");
    let answer = cluster.client().try_generate("quantity=500", None).await;
    assert_eq!(answer.json(202)["paused"], true, "{answer:#?}");
    let waiting = cluster.client().status().await;
    stands_still(&cluster, &waiting).await;
    cluster.client().reset().await;
    let queue = cluster.client().queue_status().await;
    assert_eq!(queue["paused"], false, "{queue:#}");
    cluster.run(500).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_pause_or_resume_twice_has_the_effect_of_once() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.pause().await;
    cluster.pause().await;
    for _ in 0..2 {
        let answer = cluster.client().resume().await;
        assert_eq!(answer["resumed"], true, "{answer:#}");
        let queue = cluster.client().queue_status().await;
        assert_eq!(queue["paused"], false, "{queue:#}");
    }
    cluster.run(300).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_stops_claims_at_once_and_is_told_when_nothing_is_in_flight() {
    let cluster = Cluster::start(1, GIVEN_UP_AT_ONCE).await;
    let (run_id, _) = cluster.hold(Phase::WaitingVipDrain).await;
    // Two leases that are still being finished.
    let leases = [cluster.take(9).await, cluster.take(2).await];
    for (finished, lease) in leases.iter().enumerate() {
        let answer = cluster.client().pause().await;
        assert_eq!(answer["inFlight"], 2 - finished, "{answer:#}");
        let queue = cluster.client().queue_status().await;
        assert_eq!(queue["paused"], false, "{queue:#}");
        assert_eq!(queue["active"], if finished == 0 { 11 } else { 2 }, "{queue:#}");
        // That it was asked for is told from the start.
        let status = cluster.client().status().await;
        assert_eq!(status.json["paused"], true, "{:#}", status.json);
        let logs = cluster.client().logs("lines=1").await;
        assert_eq!(logs["queueStatus"]["paused"], false, "{logs:#}");
        let token = Token::random();
        let claim = cluster.stores.queue.claim(&token, "test", <_>::default(), true, Calls::NONE);
        assert!(matches!(claim.await.unwrap(), Claim::Wait(..)));
        cluster.stores.queue.release(&lease.token).await.unwrap();
    }
    assert_eq!(cluster.client().pause().await["inFlight"], 0);
    let still = cluster.client().status().await;
    stands_still(&cluster, &still).await;
    cluster.client().resume().await;
    assert!(cluster.done().await.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
}
