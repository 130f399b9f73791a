//! Close: an API swaps its connections to Redis, and nobody notices.

use pedidos_e2e::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn connections_closed_all_through_a_run_cost_nothing() {
    let mut cluster = Cluster::start(2, &[]).await;
    let second = cluster.start_api().await;
    let other = cluster.client_of(second).clone();
    let mut events = cluster.client().events(None).await;
    let run_id = cluster.client().generate(30_000).await;
    let mut closed = 0;
    while cluster.client().status().await.phase.is_active() {
        // Beside calls that are in flight, of the same replica.
        let (one, two, status, jobs) = tokio::join!(
            cluster.client().close(),
            other.close(),
            cluster.client().try_status(),
            cluster.client().jobs("end=3"),
        );
        assert_eq!([&one["closed"], &two["closed"]], [true, true]);
        assert!(status.is_some(), "a call did not survive a close");
        assert!(jobs["total"].is_u64());
        closed += 1;
    }
    assert!(closed > 2, "only {closed} times");
    assert!(cluster.done().await.is_of(&run_id));
    cluster.audit().await;
    // A stream goes on over the new connections.
    let done =
        |event: &pedidos_e2e::events::Event| event.name == "phase" && event.data["phase"] == "DONE";
    events.until("the phase DONE", done).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_connections_are_closed_and_do_not_pile_up() {
    let cluster = Cluster::start(0, &[]).await;
    cluster.has_its_connections(0).await;
    for _ in 0..20 {
        assert_eq!(cluster.client().close().await["closed"], true);
    }
    // The server may take a moment to take leave.
    cluster.has_its_connections(0).await;
    assert_eq!(cluster.client().health().await.json(200)["status"], "healthy");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_work_while_connections_are_closed() {
    let mut cluster = Cluster::start(1, &[]).await;
    let second = cluster.start_api().await;
    let other = cluster.client_of(second).clone();
    for _ in 0..5 {
        let (_, run_id) = tokio::join!(cluster.client().close(), cluster.client().generate(100));
        let (_, pause) = tokio::join!(cluster.client().close(), cluster.client().pause());
        assert_eq!(pause["paused"], true);
        let (_, resume) = tokio::join!(other.close(), other.resume());
        assert_eq!(resume["resumed"], true);
        assert!(cluster.done().await.is_of(&run_id));
        cluster.audit().await;
    }
    cluster.finish().await;
}
