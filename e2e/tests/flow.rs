//! Limits, the canary, and what holds the fence: over all workers, and whatever Redis forgets.

use std::time::{Duration, Instant};

use pedidos_core::run::Phase;
use pedidos_e2e::{Cluster, Status, eventually, phases::long_in};
use reqwest::Method;
use serde_json::{Value, json};

/// `PATCH` with this body.
async fn patch(cluster: &Cluster, path: &str, change: &Value) -> Value {
    let body = change.to_string();
    cluster.client().with_body(Method::PATCH, path, &body).await.json(200)
}

async fn limit(cluster: &Cluster, change: Value) {
    let limits = patch(cluster, "/pedidos/queue/limits", &change).await;
    for (name, limit) in change.as_object().expect("it is one") {
        assert_eq!(&limits[name], limit, "{limits:#}");
    }
}

/// The run starts over from MongoDB.
async fn empty(cluster: &Cluster) {
    cluster.samples.expect_replay();
    assert!(cluster.stores.empty_redis().await > 0);
}

async fn processed(cluster: &Cluster) -> u64 {
    cluster.client().status().await.progress.processed_total
}

/// Waits until all orders of a run are stored and VIP ones are processed, at a limited rate.
async fn started(cluster: &Cluster, query: &str) -> String {
    let accepted = cluster.client().try_generate(query, None).await.json(202);
    cluster.wait_for("orders are processed", |status| status.progress.processed_total > 0).await;
    accepted["runId"].as_str().expect("it has an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_orders_are_claimed_in_a_second_than_the_limit_whatever_the_workers() {
    let cluster = Cluster::start(3, &[]).await;
    limit(&cluster, json!({ "ordersPerSecond": 200 })).await;
    let run_id = started(&cluster, "quantity=20000").await;
    let (began, before) = (Instant::now(), processed(&cluster).await);
    // The time of twenty seconds is what is measured.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let (spent, after) = (began.elapsed().as_secs_f64(), processed(&cluster).await);
    let (done, most) = ((after - before) as f64, 200.0 * (spent + 1.0));
    assert!(done <= most, "{done} in {spent} s");
    assert!(done >= 190.0 * spent, "{done} in {spent} s");
    // A change is followed within two seconds.
    limit(&cluster, json!({ "ordersPerSecond": 2_000 })).await;
    let (began, before) = (Instant::now(), processed(&cluster).await);
    eventually("the new rate", async || processed(&cluster).await - before > 1_000).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    limit(&cluster, json!({ "ordersPerSecond": null })).await;
    assert!(cluster.done().await.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_orders_are_in_flight_than_the_limit() {
    let cluster = Cluster::start(2, &[]).await;
    limit(&cluster, json!({ "maxInFlight": 7 })).await;
    let run_id = cluster.client().generate(2_000).await;
    let done = cluster
        .wait_for("the end", |status| {
            assert!(status.leased() <= 7, "{:#}", status.json);
            status.phase == Phase::Done
        })
        .await;
    assert!(done.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_survive_a_redis_that_is_emptied_and_a_reset() {
    let cluster = Cluster::start(1, &[]).await;
    limit(&cluster, json!({ "ordersPerSecond": 50, "maxInFlight": 40 })).await;
    let run_id = started(&cluster, "quantity=1000").await;
    empty(&cluster).await;
    let wanted = json!({ "ordersPerSecond": 50, "maxInFlight": 40 });
    eventually("the limits are back", async || {
        let status = cluster.client().status().await;
        status.is_of(&run_id) && status.json["limits"] == wanted
    })
    .await;
    cluster.client().reset().await;
    let limits = cluster.client().raw(Method::GET, "/pedidos/queue/limits").await.json(200);
    assert_eq!(limits, wanted);
    limit(&cluster, json!({ "ordersPerSecond": null, "maxInFlight": null })).await;
    let (run_id, _) = cluster.run(500).await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}

/// The canary of a run is over.
async fn paused_by_canary(cluster: &Cluster) -> u64 {
    let status = cluster
        .wait_for("the canary's pause", |status| status.json["pausedBy"] == "pauseAfter")
        .await;
    status.terminal()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_pauses_its_run_once_so_many_orders_are_terminal() {
    let cluster = Cluster::start(2, &[]).await;
    let query = "quantity=3000&pauseAfter=100";
    let run_id = cluster.client().try_generate(query, None).await.json(202)["runId"].clone();
    assert_eq!(paused_by_canary(&cluster).await, 100);
    let health = cluster.client().health().await.json(200);
    assert_eq!(health["status"], "paused", "{health:#}");
    // A resume ends the canary, too: the run goes on to its end.
    cluster.client().resume().await;
    let done = cluster.done().await;
    assert!(done.is_of(run_id.as_str().unwrap()));
    assert_eq!((&done.json["pausedBy"], &done.json["pauseAfter"]), (&Value::Null, &Value::Null));
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_survives_a_redis_that_is_emptied_and_ends_with_its_run() {
    let cluster = Cluster::start(2, long_in(Phase::WaitingVipDrain)).await;
    let query = "quantity=3000&pauseAfter=200";
    cluster.client().try_generate(query, None).await.json(202);
    cluster.wait_for("orders are processed", |status| status.progress.processed_total > 0).await;
    empty(&cluster).await;
    let terminal = paused_by_canary(&cluster).await;
    assert!((200..=400).contains(&terminal), "{terminal}: an emptied Redis may cost as many more");
    cluster.client().cancel("pollIntervalMs=10").await;
    let status = cluster.client().status().await;
    assert_eq!((&status.json["paused"], &status.json["pausedBy"]), (&json!(false), &Value::Null));
    let (run_id, _) = cluster.run(500).await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_does_not_replace_the_pause_of_a_person() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.pause().await;
    let query = "quantity=500&pauseAfter=100";
    cluster.client().try_generate(query, None).await.json(202);
    let status = cluster.client().status().await;
    assert_eq!(status.json["pausedBy"], "person");
    cluster.client().resume().await;
    assert_eq!(paused_by_canary(&cluster).await, 100, "the canary is still there");
    cluster.client().resume().await;
    cluster.done().await;
    cluster.audit().await;
    cluster.finish().await;
}

/// A run with a dead VIP order that holds its fence.
async fn held(cluster: &Cluster) -> String {
    let run_id = cluster.generate_with("quantity=400&onVipFailure=hold", [1, 0]).await;
    let held = |status: &Status| {
        let vip = status.ledger.vip;
        status.phase == Phase::WaitingVipDrain && vip.open() == 0 && vip.dead > 0
    };
    cluster.wait_for("a dead VIP order", held).await;
    let health = cluster.client().health().await.json(200);
    let said = health["error"].as_str().expect("health says what holds the fence");
    assert!(said.contains("onVipFailure=hold") && said.contains(&run_id), "{said}");
    assert_eq!(health["checks"]["isStuck"], false, "{health:#}");
    run_id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_vip_order_holds_the_fence_until_it_is_retried_removed_or_let_go() {
    for way in ["retry", "clean", "continue", "an emptied Redis, then continue"] {
        let cluster = Cluster::start(2, &[]).await;
        let run_id = held(&cluster).await;
        if way.starts_with("an emptied") {
            empty(&cluster).await;
            let held = |status: &Status| {
                status.phase == Phase::WaitingVipDrain && status.ledger.vip.open() == 0
            };
            cluster.wait_for("the replay", held).await;
            assert!(!cluster.client().status().await.fence.open);
        }
        let path = format!("/pedidos/runs/{run_id}");
        match way {
            "retry" => {
                cluster.samples.expect_replay();
                assert_eq!(cluster.client().retry_failed("").await, 1);
            }
            "clean" => {
                cluster.samples.expect_replay();
                assert_eq!(cluster.client().clean("state=failed").await, 1);
            }
            _ => {
                let run = patch(&cluster, &path, &json!({ "onVipFailure": "continue" })).await;
                assert_eq!(run["onVipFailure"], "continue");
            }
        }
        assert!(cluster.done().await.is_of(&run_id), "{way}");
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_can_be_changed_only_while_it_is_active() {
    let cluster = Cluster::start(1, &[]).await;
    let (run_id, _) = cluster.run(200).await;
    let change = json!({ "pauseAfter": 10 }).to_string();
    for (id, status) in [(run_id.as_str(), 409), ("no-such-run", 404)] {
        let path = format!("/pedidos/runs/{id}");
        cluster.client().with_body(Method::PATCH, &path, &change).await.problem(status);
    }
    for (body, said) in [
        (json!({}), "nothing to change"),
        (json!([]), "not a JSON object"),
        (json!({ "pauseAfter": 0 }), "pauseAfter"),
        (json!({ "pauseAfter": 1.5 }), "pauseAfter"),
        (json!({ "pauseAfter": "10" }), "pauseAfter"),
        (json!({ "maxFailedPercent": 101 }), "maxFailedPercent"),
        (json!({ "onVipFailure": "stop" }), "continue, hold"),
        (json!({ "processor": "other" }), "processor"),
    ] {
        let path = format!("/pedidos/runs/{run_id}");
        let answer = cluster.client().with_body(Method::PATCH, &path, &body.to_string()).await;
        let detail = answer.problem(400)["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(said), "{body}: {detail}");
    }
    cluster.finish().await;
}
