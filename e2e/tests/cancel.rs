//! Cancel: at any moment, and the counts are exact.

use mongodb::bson::{Document, doc};
use pedidos_core::{control::Attempt, run::Phase};
use pedidos_e2e::{
    Cluster, Status,
    cluster::{Id, Kind},
    eventually,
    phases::{QUANTITY, in_each_phase, long_in},
    proxy::When::{After, Before},
    servers::{Server, Servers},
    steps::{
        Step::{self, Command},
        Wires,
    },
};
use reqwest::Method;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_run_cancelled_in_any_phase_adds_up_and_leaves_nothing_pending() {
    let start = async |phase| Cluster::start(2, long_in(phase)).await;
    in_each_phase(start, async |cluster, (run_id, seen)| {
        let answer = cluster.client().cancel("pollIntervalMs=10").await;
        let status = cancelled(cluster, &run_id, &answer).await;
        assert_eq!(answer["stillActive"], false, "{answer:#}");
        assert_eq!(answer["leasesHeld"], 0, "{answer:#}");
        // Of a run that had not stored anything, everything may be a stray.
        let left = status.removed() > 0 || seen.progress.generated == 0;
        assert!(left, "nothing was left to cancel: {:#}", status.json);
        assert!(status.terminal() >= seen.terminal());
        // A chunk whose lease the cancel released may still be inserted: its worker marks it.
        cluster.at_rest().await;
        cluster.audit().await;
        assert_eq!(cluster.stores.pending().await, 0);
        // Nothing of it stands in the way of the next, or turns up in it.
        let orders = cluster.stores.orders().await;
        let next = cluster.run(QUANTITY).await;
        assert_ne!(next.0, run_id);
        assert_eq!(cluster.stores.orders().await, orders + u64::from(QUANTITY));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_waits_for_nobody_adds_up_all_the_same() {
    let settings = [("GENERATION_CHUNK_SIZE", "400"), ("ORDERS_BATCH_SIZE", "80")];
    let cluster = Cluster::start(2, &settings).await;
    let mut interrupted = 0;
    for round in 0..20 {
        let run_id = cluster.client().generate(4_000).await;
        // Each time a little later, so that every step of the work is cut into.
        let far = round * 160;
        cluster.wait_for("some orders", |status| status.progress.generated >= far).await;
        let answer = cluster.client().cancel("waitTimeoutMs=0&pollIntervalMs=10").await;
        let at_once = cancelled(&cluster, &run_id, &answer).await;
        assert_eq!(answer["stillActive"], answer["leasesHeld"] != 0, "{answer:#}");
        interrupted += u64::from(answer["stillActive"] == true);
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
async fn a_cancel_of_a_run_touches_no_other() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let path = |run_id: &str| format!("/pedidos/cancel?pollIntervalMs=10&runId={run_id}");
    let ask = async |run_id: &str| client.raw(Method::POST, &path(run_id)).await;
    let first = client.generate(300).await;
    assert_eq!(ask(&first).await.json(200)["aborted"], true);
    // It has ended, and is still the current run: there is nothing to cancel.
    assert_eq!(ask(&first).await.json(200)["aborted"], false);
    let second = client.generate(300).await;
    let before = cluster.stores.store.control().await.unwrap();
    let refused = ask(&first).await.problem(409);
    assert_eq!(refused["runId"], second, "{refused:#}");
    assert!(refused["detail"].as_str().unwrap().contains(&second), "{refused:#}");
    assert_eq!(cluster.stores.store.control().await.unwrap(), before, "it changed something");
    assert_eq!(ask(&second).await.json(200)["aborted"], true);
    client.reset().await;
    // Without a run there is no other one.
    assert_eq!(ask(&second).await.json(200)["aborted"], false);
    cluster.finish().await;
}

/// Whichever comes first, the new run is not the one that was to be cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_a_run_that_meets_a_new_one_leaves_it_alone() {
    let mut cluster = Cluster::start(0, &[]).await;
    let second = cluster.start_api().await;
    let other = cluster.client_of(second).clone();
    let mut old = cluster.client().generate(40).await;
    for _ in 0..20 {
        cluster.client().cancel("pollIntervalMs=10").await;
        let path = format!("/pedidos/cancel?pollIntervalMs=10&runId={old}");
        let (new, asked) =
            tokio::join!(cluster.client().generate(40), other.raw(Method::POST, &path));
        assert!(matches!(asked.status, 200 | 409), "{asked:#?}");
        let status = cluster.client().status().await;
        assert!(status.is_of(&new) && status.phase.is_active(), "{:#}", status.json);
        old = new;
    }
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

const COUNT: Step = Command("aggregate", "orders");
const MARK: Step = Command("update", "orders");

/// A run that waits with this many orders stored, and an API that reaches its stores through
/// proxies. No worker.
async fn stored(servers: &Servers, quantity: u32) -> (Cluster, Id, Wires, String) {
    let mut cluster = Cluster::start_on(servers, 0, &[]).await;
    let (api, wires) = Wires::start(&mut cluster, Kind::Api, servers).await;
    let run_id = cluster.client().generate(quantity).await;
    let run = cluster.spec().await;
    for from in (0..quantity).step_by(5_000) {
        let orders: Vec<_> = run.generator().orders(from..quantity.min(from + 5_000)).collect();
        let inserted = cluster.stores.store.insert_orders(&orders, &run_id, run.created_ms);
        inserted.await.unwrap();
    }
    (cluster, api, wires, run_id)
}

/// Asks this API to cancel, and waits until it is at this step.
async fn cancelling(
    cluster: &Cluster,
    (api, wires): (Id, &Wires),
    step: Step,
) -> tokio::task::JoinHandle<Option<pedidos_e2e::client::Answer>> {
    wires.stop_at(step, Before);
    let client = cluster.client_of(api).clone();
    let path = "/pedidos/cancel?waitTimeoutMs=0&pollIntervalMs=10";
    let asked = tokio::spawn(async move { client.try_raw(Method::POST, path, None).await });
    wires.caught(step).await;
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_being_generated_is_not_waited_for() {
    let servers = Servers::start().await;
    let mut cluster = Cluster::start_on(&servers, 0, &[]).await;
    let (_, wires) = Wires::start(&mut cluster, Kind::Worker, &servers).await;
    let insert = Command("insert", "orders");
    wires.stop_at(insert, Before);
    let run_id = cluster.client().generate(1_000).await;
    wires.caught(insert).await;
    // Some chunk hangs on its way for as long as this test likes.
    let answer = cluster.client().cancel("pollIntervalMs=10").await;
    assert_eq!(answer["stillActive"], false, "{answer:#}");
    let at_once = cancelled(&cluster, &run_id, &answer).await;
    wires.let_go(insert);
    cluster.at_rest().await;
    assert_eq!(cluster.stores.pending().await, 0, "the late chunk is marked");
    assert_eq!(cluster.client().status().await.json["ledger"], at_once.json["ledger"]);
    cluster.audit().await;
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_stays_with_an_api_that_is_alive_which_answers_with_its_progress() {
    let servers = Servers::start().await;
    let (mut cluster, api, wires, run_id) = stored(&servers, 12_000).await;
    let asked = cancelling(&cluster, (api, &wires), COUNT).await;
    // Who could carry it out instead, and has nothing else to do.
    cluster.start_worker().await;
    let begun = cluster.stores.store.control().await.unwrap();
    let answer = asked.await.unwrap().expect("it answers in time");
    let so_far = answer.json(202);
    assert_eq!((&so_far["aborted"], &so_far["purged"]), (&true.into(), &false.into()));
    let counts = &so_far["summary"];
    let of = |field: &str| counts[field].as_u64().unwrap();
    let parts = ["processed", "failed", "removed", "stillPending"].map(of);
    assert_eq!(parts.iter().sum::<u64>(), of("generated"), "{so_far:#}");
    // Ten seconds are five leases here.
    let now = cluster.stores.store.control().await.unwrap();
    assert_eq!(now, begun, "another took it");
    let status = cluster.client().status().await;
    let marked = status.json["cancelling"]["marked"].as_u64().unwrap();
    assert!(marked >= 10_000, "{:#}", status.json);
    assert!(status.json["cancelling"]["of"].as_u64().unwrap() >= marked);
    assert!(status.json["eta"]["estimatedMs"].is_null(), "{:#}", status.json);
    wires.let_go(COUNT);
    let ended = cluster.wait_for("its end", |status| status.phase == Phase::Aborted).await;
    assert!(ended.is_of(&run_id) && ended.json["cancelling"].is_null(), "{:#}", ended.json);
    assert_eq!(ended.removed(), 12_000);
    cluster.audit().await;
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_is_taken_over_continues_where_the_last_attempt_stopped() {
    let servers = Servers::start().await;
    let (mut cluster, api, wires, run_id) = stored(&servers, 25_000).await;
    let asked = cancelling(&cluster, (api, &wires), COUNT).await;
    // The first page is counted, the second is not.
    wires.stop_at(COUNT, Before);
    wires.caught(COUNT).await;
    let queue = &cluster.stores.queue;
    eventually("a note of the first page", async || {
        let snapshot = queue.snapshot().await.unwrap();
        snapshot.cancelling().is_some_and(|cancel| cancel.from == 10_000)
    })
    .await;
    let first = cluster.stores.store.control().await.unwrap().version;
    cluster.kill(api).await;
    assert!(asked.await.unwrap().is_none(), "it was killed, and answered");
    cluster.start_worker().await;
    let ended = cluster.wait_for("its end", |status| status.phase == Phase::Aborted).await;
    assert_eq!((ended.is_of(&run_id), ended.removed()), (true, 25_000), "{:#}", ended.json);
    let end = cluster.spec().await.end.unwrap();
    let [one, two] = end.attempts[..] else { panic!("{end:?}") };
    assert_eq!(one, Attempt { from: 0, stamp: first });
    assert_eq!(two.from, 10_000, "pages that were done are done again");
    // What the first had marked behind that carries the mark of the second.
    let orders = cluster.stores.database.collection::<Document>("orders");
    for (stamp, count) in [(one.stamp, 10_000), (two.stamp, 15_000)] {
        let marked = orders.count_documents(doc! { "runId": &run_id, "cancelAttempt": stamp });
        assert_eq!(marked.await.unwrap(), count);
    }
    cluster.audit().await;
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_whose_answers_are_lost_goes_on_as_another_attempt() {
    let servers = Servers::start().await;
    let (cluster, api, wires, run_id) = stored(&servers, 12_000).await;
    wires.stop_at(MARK, After);
    let client = cluster.client_of(api).clone();
    let asked = tokio::spawn(async move { client.cancel("pollIntervalMs=10").await });
    wires.caught(MARK).await;
    wires.cut(Server::Mongo);
    wires.let_go(MARK);
    let answer = asked.await.unwrap();
    let status = cancelled(&cluster, &run_id, &answer).await;
    assert_eq!(status.removed(), 12_000);
    cluster.audit().await;
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_in_the_middle_of_a_cancel_does_not_interrupt_it() {
    let servers = Servers::start().await;
    let (cluster, api, wires, run_id) = stored(&servers, 12_000).await;
    let asked = cancelling(&cluster, (api, &wires), COUNT).await;
    cluster.client().pause().await;
    wires.let_go(COUNT);
    let answer = asked.await.unwrap().expect("it answers").json(200);
    assert_eq!(answer["removedPending"], 12_000, "{answer:#}");
    let control = cluster.stores.store.control().await.unwrap();
    assert!(control.paused.is_some(), "{control:?}");
    let end = cluster.spec().await.end.unwrap();
    assert_eq!(end.attempts.len(), 1, "{end:?}");
    assert_eq!(cluster.client().status().await.json["paused"], true);
    assert!(cluster.client().status().await.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
    servers.remove().await;
}
