//! A run is deleted: with all that it has, at any moment, and never one that somebody retries.

use mongodb::bson::{Document, doc};
use pedidos_core::run::Phase;
use pedidos_e2e::{
    Client, Cluster,
    client::Answer,
    cluster::Kind,
    eventually,
    imports::{BUILTIN, lines},
    process::Process,
    proxy::When::{After, Before},
    servers::Servers,
    steps::{
        Step::{self, Command, Script},
        Wires,
    },
};
use reqwest::Method;
use serde_json::json;

async fn delete(client: &Client, run_id: &str) -> Answer {
    client.raw(Method::DELETE, &format!("/pedidos/runs/{run_id}")).await
}

async fn count(cluster: &Cluster, collection: &str, filter: Document) -> u64 {
    let collection = cluster.stores.database.collection::<Document>(collection);
    collection.count_documents(filter).await.unwrap()
}

/// Imports so many orders, and runs them to DONE; two of them have lost their documents, and one line
/// is no order.
async fn import_with_letters(cluster: &Cluster, orders: u32) -> String {
    let client = cluster.client();
    let id = client.create_import().await;
    client.upload(&id, format!("{}no order\n", lines(0..orders))).await;
    let stored = cluster.stores.database.collection::<Document>("orders");
    for reference in ["r-1", "r-2"] {
        let gone = doc! { "runId": &id, "ref": reference };
        assert_eq!(stored.delete_one(gone).await.unwrap().deleted_count, 1);
    }
    client.try_start_import(&id, "onRejects=skip").await.json(202);
    assert_eq!(cluster.done().await.dead(), 2);
    id
}

/// Nothing of the run is left that anybody could see, or that is somebody's data.
async fn is_gone(cluster: &Cluster, run_id: &str) {
    let client = cluster.client();
    let path = format!("/pedidos/runs/{run_id}");
    client.raw(Method::GET, &path).await.problem(404);
    client.raw(Method::GET, &format!("{path}/orders")).await.problem(404);
    let runs = client.runs("limit=200").await;
    let listed = runs["runs"].as_array().unwrap().iter().any(|run| run["runId"] == run_id);
    assert!(!listed, "{runs:#}");
    client.try_retry_failed(&format!("runId={run_id}")).await.problem(404);
    for collection in ["orders", "dead_letters"] {
        assert_eq!(count(cluster, collection, doc! { "runId": run_id }).await, 0, "{collection}");
    }
    assert_eq!(count(cluster, "import_blocks", doc! { "importId": run_id }).await, 0);
}

const SETTINGS: &[(&str, &str)] = &[("MAX_ATTEMPTS", "1")];

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_run_goes_with_all_that_it_has_and_the_current_one_stays() {
    let cluster = Cluster::start(1, SETTINGS).await;
    let client = cluster.client();
    delete(client, "00000000-0000-4000-8000-000000000000").await.problem(404);
    let first = import_with_letters(&cluster, 500).await;
    let current = delete(client, &first).await.problem(409);
    assert_eq!(current["runId"], first.as_str(), "{current:#}");
    let (second, _) = cluster.run(300).await;
    let deleted = delete(client, &first).await.json(200);
    assert_eq!(deleted, json!({ "deleted": true, "removedOrders": 498 }));
    is_gone(&cluster, &first).await;
    // The import has become a name, and is never started again.
    let import = client.import(&first).await;
    assert_eq!((&import["state"], &import["firstRejects"]), (&json!("deleted"), &json!([])));
    let rejects = format!("/pedidos/imports/{first}/rejects");
    assert_eq!(client.raw(Method::GET, &rejects).await.body, "");
    client.try_start_import(&first, "onRejects=skip").await.problem(409);
    // Once more is as good.
    let again = delete(client, &first).await.json(200);
    assert_eq!(again, json!({ "deleted": true, "removedOrders": 0 }));
    // The other run is as it was.
    assert_eq!(cluster.stores.orders().await, 300);
    cluster.audit().await;
    assert_eq!(client.run(&second).await["status"], "done");

    // Beside an active run, too, which stays.
    client.pause().await;
    let third = client.generate(200).await;
    let active = delete(client, &third).await.problem(409);
    assert!(active["detail"].as_str().unwrap().contains("is active"), "{active:#}");
    let mut environment = cluster.settings().clone();
    environment.insert("PEDIDOS_URL".to_owned(), format!("http://{}", client.address()));
    let run = |arguments: &[&str]| {
        let arguments = [&["delete-run", &second], arguments].concat();
        Process::spawn("delete-run", "pedidos", &arguments, &environment)
    };
    let mut unconfirmed = run(&[]);
    assert_eq!(unconfirmed.ended().await.code(), Some(2), "{}", unconfirmed.tail());
    assert_eq!(client.run(&second).await["status"], "done");
    let mut confirmed = run(&["--yes"]);
    assert!(confirmed.ended().await.success(), "{}", confirmed.tail());
    assert!(confirmed.all().await.contains("orders removed: 300"), "{}", confirmed.tail());
    is_gone(&cluster, &second).await;
    client.resume().await;
    cluster.ends_exact(&third).await;
    assert_eq!(client.runs("").await["count"], 1);
    // A reset takes what is kept of deleted runs, too, and says what was to be seen.
    let reset = client.reset().await;
    assert_eq!((&reset["removedRuns"], &reset["leftRuns"]), (&json!(1), &json!(0)), "{reset:#}");
    assert_eq!(cluster.stores.runs().await, 0);
    let lines = cluster.audit_lines().await;
    let of = |line: &&Document| line.get_str("operation").is_ok_and(|name| name == "deleteRun");
    assert!(lines.iter().filter(of).count() >= 10, "{lines:#?}");
    cluster.finish().await;
}

/// What a delete does, in this order.
const DELETE: [Step; 7] = [
    Command("update", "process_runs"),
    Command("update", "control"),
    Script("adopt"),
    Command("update", "imports"),
    Command("delete", "orders"),
    Command("delete", "dead_letters"),
    Command("delete", "import_blocks"),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_at_any_step_of_a_delete_leaves_what_a_repeat_finishes() {
    let servers = Servers::start().await;
    for step in DELETE {
        for when in [Before, After] {
            eprintln!("{when:?} {step:?}");
            let mut cluster = Cluster::on(&servers, SETTINGS).await;
            let (dying, wires) = Wires::start(&mut cluster, Kind::Api, &servers).await;
            let other = cluster.start_api().await;
            let worker = cluster.start_worker().await;
            let run_id = import_with_letters(&cluster, 300).await;
            let (second, _) = cluster.run(100).await;
            // Its sweep would do the rest by itself.
            cluster.stop(worker).await;
            wires.stop_at(step, when);
            let client = cluster.client_of(dying).clone();
            let asked = tokio::spawn({
                let path = format!("/pedidos/runs/{run_id}");
                async move { client.try_raw(Method::DELETE, &path, None).await }
            });
            wires.caught(step).await;
            cluster.kill(dying).await;
            assert!(asked.await.unwrap().is_none());
            // Not half of it: it is there, whole, or nobody sees it.
            let client = cluster.client_of(other).clone();
            let seen = client.raw(Method::GET, &format!("/pedidos/runs/{run_id}")).await;
            if seen.status == 200 {
                assert_eq!(count(&cluster, "orders", doc! { "runId": &run_id }).await, 298);
            }
            assert_eq!(delete(&client, &run_id).await.json(200)["deleted"], true);
            is_gone(&cluster, &run_id).await;
            cluster.start_worker().await;
            cluster.audit().await;
            assert_eq!(client.run(&second).await["status"], "done");
            cluster.run(200).await;
            cluster.finish().await;
        }
    }
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_nobody_repeats_is_finished_by_the_sweep_and_what_comes_late_is_swept() {
    let servers = Servers::start().await;
    let mut cluster = Cluster::on(&servers, SETTINGS).await;
    let (dying, wires) = Wires::start(&mut cluster, Kind::Api, &servers).await;
    cluster.start_api().await;
    cluster.start_worker().await;
    let run_id = cluster.generate_with_dead(300, [1, 1]).await;
    cluster.done().await;
    let run = cluster.spec().await;
    let (second, _) = cluster.run(100).await;
    let step = Command("delete", "orders");
    wires.stop_at(step, Before);
    let client = cluster.client_of(dying).clone();
    let asked = tokio::spawn({
        let path = format!("/pedidos/runs/{run_id}");
        async move { client.try_raw(Method::DELETE, &path, None).await }
    });
    wires.caught(step).await;
    cluster.kill(dying).await;
    assert!(asked.await.unwrap().is_none());
    let left = async || count(&cluster, "orders", doc! { "runId": &run_id }).await;
    assert_eq!(left().await, 300);
    eventually("the sweep", async || left().await == 0).await;
    // A worker that was frozen since before the end inserts its chunk.
    let late = run.generator().order(7);
    let (store, created) = (&cluster.stores.store, run.created_ms);
    store.insert_orders(std::slice::from_ref(&late), &run_id, created).await.unwrap();
    assert_eq!(left().await, 1);
    eventually("the sweep of what came late", async || left().await == 0).await;
    is_gone(&cluster, &run_id).await;
    assert_eq!(cluster.client().run(&second).await["status"], "done");
    // An hour later nothing is left of it.
    let runs = cluster.stores.database.collection::<Document>("process_runs");
    let long_ago = doc! { "$set": { "sweepUntil": mongodb::bson::DateTime::from_millis(1) } };
    let this = doc! { "_id": &run_id };
    assert_eq!(runs.update_one(this.clone(), long_ago).await.unwrap().matched_count, 1);
    eventually("the end of the mark", async || {
        runs.count_documents(this.clone()).await.unwrap() == 0
    })
    .await;
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_and_a_retry_or_a_start_at_once_come_to_one_end() {
    let cluster = Cluster::start(2, SETTINGS).await;
    let client = cluster.client();
    let (mut deleted, mut kept) = (0, 0);
    for round in 0..12 {
        let run_id = if round % 2 == 0 {
            import_with_letters(&cluster, 60).await
        } else {
            let run_id = cluster.generate_with_dead(60, [1, 1]).await;
            cluster.done().await;
            run_id
        };
        cluster.run(20).await;
        cluster.samples.expect_replay();
        let retry = format!("/pedidos/queue/retry-failed?runId={run_id}");
        let start = format!("/pedidos/imports/{run_id}/start?onRejects=skip&{BUILTIN}");
        let other = if round % 4 == 0 { start } else { retry };
        let path = format!("/pedidos/runs/{run_id}");
        let (delete, other) =
            tokio::join!(client.raw(Method::DELETE, &path), client.raw(Method::POST, &other));
        assert!(matches!(other.status, 200 | 202 | 404 | 409), "{other:#?}");
        if delete.status == 200 {
            deleted += 1;
            is_gone(&cluster, &run_id).await;
            assert!(!cluster.client().status().await.is_of(&run_id));
        } else {
            kept += 1;
            delete.problem(409);
            assert_eq!(other.status, 200, "{other:#?}");
            // It is the current run now, with every order, and ends exact.
            let ended = cluster
                .wait_for("its end", |status| status.is_of(&run_id) && status.phase == Phase::Done);
            ended.await;
            cluster.at_rest().await;
            cluster.audit().await;
        }
    }
    eprintln!("{deleted} were deleted, {kept} retried");
    cluster.run(100).await;
    cluster.finish().await;
}
