//! Health: what it says, and when.

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Client, Cluster, eventually_some, letters::GIVEN_UP_AT_ONCE, phases::long_in,
    stores::redis_address,
};
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// The health of a queue whose Redis answers; it must be this.
async fn is(client: &Client, status: &str) -> Value {
    let health = client.health().await.json(200);
    assert_eq!(health["status"], status, "{health:#}");
    assert_eq!(health["queue"]["connected"], true, "{health:#}");
    assert_eq!(health["checks"]["queueResponsive"], true, "{health:#}");
    health
}

/// Waits until it is as wanted.
async fn becomes(client: &Client, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually_some(what, async || Some(client.health().await.json(200)).filter(&wanted)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_does_what_it_should_is_healthy() {
    let cluster = Cluster::start(1, long_in(Phase::WaitingNormalDrain)).await;
    let client = cluster.client();
    let idle = is(client, "healthy").await;
    assert_eq!(
        (&idle["processor"]["phase"], &idle["processor"]["isProcessing"]),
        (&"IDLE".into(), &false.into())
    );
    let (_, seen) = cluster.run_into(Phase::WaitingNormalDrain).await;
    let running = is(client, "healthy").await;
    assert_eq!(running["processor"]["isProcessing"], true, "{running:#}");
    assert!(running["queue"]["completed"].as_u64() >= Some(seen.progress.processed_total));
    for check in ["hasFailedJobs", "isStuck", "aborted"] {
        assert_eq!(running["checks"][check], false, "{running:#}");
    }
    assert_eq!(running["checks"]["hasWorkers"], true, "{running:#}");
    let done = cluster.done().await;
    let health = is(client, "healthy").await;
    assert_eq!(health["queue"]["completed"], done.progress.processed_total);
    assert_eq!(health["processor"]["phase"], "DONE");
    assert_eq!(health["processor"]["enqueueVipTimeMs"], done.json["enqueueVipTimeMs"]);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_paused_once_nothing_is_in_flight() {
    let cluster = Cluster::start(1, GIVEN_UP_AT_ONCE).await;
    cluster.hold(Phase::WaitingVipDrain).await;
    let paused = is(cluster.client(), "paused").await;
    assert_eq!(paused["queue"]["paused"], true, "{paused:#}");
    let lease = cluster.take(3).await;
    let health = cluster.client().health().await.json(200);
    assert_eq!(health["queue"]["paused"], false, "{health:#}");
    cluster.stores.queue.release(&lease.token).await.unwrap();
    is(cluster.client(), "paused").await;
    cluster.client().resume().await;
    cluster.done().await;
    is(cluster.client(), "healthy").await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_no_worker_is_there_for_degrades_the_queue() {
    let mut cluster = Cluster::start(0, &[]).await;
    // Without a run nobody is missed.
    assert_eq!(is(cluster.client(), "healthy").await["checks"]["hasWorkers"], false);
    cluster.client().generate(500).await;
    let health = is(cluster.client(), "degraded").await;
    assert_eq!(health["checks"]["hasWorkers"], false, "{health:#}");
    // Work waits, and nothing goes forward for longer than a lease.
    let stuck = |health: &Value| health["checks"]["isStuck"] == true;
    becomes(cluster.client(), "stuck", stuck).await;
    is(cluster.client(), "degraded").await;
    cluster.start_worker().await;
    cluster.done().await;
    let health = is(cluster.client(), "healthy").await;
    assert_eq!(health["checks"]["isStuck"], false, "{health:#}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_is_frozen_is_stuck() {
    let mut cluster = Cluster::start(1, long_in(Phase::WaitingVipDrain)).await;
    cluster.run_into(Phase::WaitingVipDrain).await;
    cluster.process(1).signal("STOP").await;
    let stuck = |health: &Value| health["checks"]["isStuck"] == true;
    let health = becomes(cluster.client(), "stuck", stuck).await;
    assert_eq!(health["status"], "degraded", "{health:#}");
    cluster.process(1).signal("CONT").await;
    cluster.done().await;
    is(cluster.client(), "healthy").await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_degrade_the_queue_until_they_are_seen_to() {
    let cluster = Cluster::start(1, &[]).await;
    for retry in [true, false] {
        cluster.generate_with_dead(200, [1, 1]).await;
        cluster.done().await;
        let health = is(cluster.client(), "degraded").await;
        assert_eq!(health["checks"]["hasFailedJobs"], true, "{health:#}");
        assert_eq!(health["queue"]["failed"], 2, "{health:#}");
        cluster.samples.expect_replay();
        if retry {
            assert_eq!(cluster.client().retry_failed("").await, 2);
            cluster.done().await;
        } else {
            assert_eq!(cluster.client().clean("state=failed").await, 2);
        }
        assert_eq!(is(cluster.client(), "healthy").await["queue"]["failed"], 0);
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_dead_letters_than_allowed_are_an_error() {
    let cluster = Cluster::start(1, &[("MAX_DEAD", "1")]).await;
    cluster.generate_with_dead(200, [1, 1]).await;
    cluster.wait_for("ERROR", |status| status.phase == Phase::Error).await;
    let health = is(cluster.client(), "error").await;
    assert_eq!(health["processor"]["isProcessing"], false, "{health:#}");
    assert_eq!(health["error"], "more than 1 dead letters", "{health:#}");
    cluster.client().reset().await;
    is(cluster.client(), "healthy").await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_shows_a_cancel_while_it_waits_and_afterwards() {
    let cluster = Cluster::start(1, GIVEN_UP_AT_ONCE).await;
    cluster.hold(Phase::WaitingVipDrain).await;
    let lease = cluster.take(3).await;
    let client = cluster.client().clone();
    let query = "waitTimeoutMs=60000&pollIntervalMs=10";
    let cancel = tokio::spawn(async move { client.cancel(query).await });
    let aborting = |health: &Value| health["processor"]["aborting"] == true;
    let health = becomes(cluster.client(), "a cancel", aborting).await;
    assert_eq!(health["status"], "aborted", "{health:#}");
    cluster.stores.queue.release(&lease.token).await.unwrap();
    assert_eq!(cancel.await.unwrap()["stillActive"], false);
    let health = is(cluster.client(), "aborted").await;
    assert_eq!(health["processor"]["aborting"], false, "{health:#}");
    assert_eq!(health["checks"]["aborted"], true, "{health:#}");
    // What comes next begins anew.
    cluster.client().resume().await;
    cluster.run(100).await;
    is(cluster.client(), "healthy").await;
    cluster.finish().await;
}

/// What stands between a cluster and Redis, so that it can be taken away.
struct Between {
    port: u16,
    open: Option<JoinHandle<()>>,
}

impl Between {
    async fn open(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, open: Some(tokio::spawn(Self::carry(listener))) }
    }

    async fn carry(listener: TcpListener) {
        let mut carried = JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            carried.spawn(async move {
                let mut server = TcpStream::connect(redis_address()).await.unwrap();
                // Whoever ends it: that is its end.
                tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
            });
        }
    }

    /// Ends every connection, and refuses new ones.
    async fn cut(&mut self) {
        if let Some(open) = self.open.take() {
            open.abort();
            open.await.ok();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_it_is_unhealthy_says_why_and_recovers() {
    let mut between = Between::open(0).await;
    let port = between.port;
    let url = format!("redis://127.0.0.1:{port}");
    let cluster = Cluster::start(1, &[("REDIS_URL", &url)]).await;
    let run_id = cluster.client().generate(6_000).await;
    let begun = |status: &pedidos_e2e::Status| status.progress.generated > 0;
    cluster.wait_for("some orders", begun).await;
    for _ in 0..2 {
        between.cut().await;
        let unhealthy = |health: &Value| health["status"] == "unhealthy";
        let health = becomes(cluster.client(), "unhealthy", unhealthy).await;
        assert_eq!(health["queue"]["connected"], false, "{health:#}");
        assert_eq!(health["checks"]["queueResponsive"], false, "{health:#}");
        assert!(!health["error"].as_str().unwrap_or_default().is_empty(), "{health:#}");
        // It is asked by those who do not wait for long.
        let asked = std::time::Instant::now();
        assert_eq!(cluster.client().health().await.json(200)["status"], "unhealthy");
        assert!(asked.elapsed().as_secs() < 5, "{:?}", asked.elapsed());
        between = Between::open(port).await;
        becomes(cluster.client(), "no longer unhealthy", |health| !unhealthy(health)).await;
        // The worker may need a moment longer than the API.
        let healthy = |health: &Value| health["status"] == "healthy";
        becomes(cluster.client(), "healthy", healthy).await;
    }
    assert!(cluster.done().await.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
}
