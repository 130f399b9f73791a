//! A database that is not this queue's alone: another queue's, or one that others write to.

use futures_util::TryStreamExt;
use mongodb::{
    IndexModel,
    bson::{Document, doc, oid::ObjectId},
    options::IndexOptions,
};
use pedidos_core::order::{PENDENTE, Priority};
use pedidos_e2e::{
    Cluster, eventually,
    process::{Environment, Process},
    stores::{Stores, own_settings},
};
use reqwest::Method;

const PROGRAMS: [&str; 2] = ["pedidos-api", "pedidos-worker"];

/// Settings of a process of its own, with these over them.
fn told(settings: &Environment, pairs: &[(&str, &str)]) -> Environment {
    let mut told = settings.clone();
    let free = [("PORT", "0"), ("ADMIN_PORT", "0"), ("BACKEND_LOGS", "false")];
    for (name, value) in free.iter().chain(pairs) {
        told.insert((*name).to_owned(), (*value).to_owned());
    }
    told
}

/// A start that must fail: with this exit code; answers what was said.
async fn refused(program: &str, settings: &Environment, code: i32) -> String {
    let mut process = Process::spawn(program, program, &[], settings);
    let ended = process.ended().await;
    let said = process.all().await;
    assert_eq!(ended.code(), Some(code), "{program}: {said}");
    assert!(!said.contains("listening on http"), "{program}: {said}");
    assert!(!said.contains("panicked"), "{program}: {said}");
    // Its log lines.
    let stores = Stores::connect(settings).await;
    stores.empty_redis().await;
    stores.queue.close().await;
    said
}

/// As [`told`], of another queue: with its name.
fn another(settings: &Environment) -> (String, Environment) {
    let name = format!("{}-another", settings["QUEUE_NAME"]);
    let told = told(settings, &[("QUEUE_NAME", &name)]);
    (name, told)
}

/// The `_id`s of the documents of a collection.
async fn ids(stores: &Stores, collection: &str) -> Vec<String> {
    let found = stores.database.collection::<Document>(collection).find(doc! {}).await.unwrap();
    let found: Vec<Document> = found.try_collect().await.unwrap();
    found.iter().map(|document| document.get("_id").unwrap().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_on_another_ones_database_is_refused_by_name_and_changes_nothing() {
    let cluster = Cluster::start(1, &[]).await;
    let (run_id, _) = cluster.run(300).await;
    let owner = cluster.settings()["QUEUE_NAME"].clone();
    let (name, theirs) = another(cluster.settings());
    for program in PROGRAMS {
        let said = refused(program, &theirs, 2).await;
        let line = said.lines().find(|line| line.starts_with("error: MONGO_URI: "));
        let line = line.unwrap_or_else(|| panic!("{program}: {said}"));
        for named in [format!("'{owner}'"), format!("'{name}'"), format!("QUEUE_NAME={owner}")] {
            assert!(line.contains(&named), "{program} does not name {named}: {line}");
        }
    }
    assert_eq!(ids(&cluster.stores, "control").await.len(), 1);
    assert_eq!(cluster.client().run(&run_id).await["status"], "done");
    cluster.run(300).await;
    assert_eq!(cluster.stores.orders().await, 600);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_queues_that_start_on_a_new_database_at_once_one_is_refused() {
    let settings = own_settings();
    let one = settings["QUEUE_NAME"].clone();
    let (other, theirs) = another(&settings);
    let start = |queue: &str| {
        let told = told(&settings, &[("QUEUE_NAME", queue)]);
        Process::spawn(queue, "pedidos-api", &[], &told)
    };
    let (mut first, mut second) = (start(&one), start(&other));
    let (refused, first_is_refused) = tokio::select! {
        ended = first.ended() => (ended, true),
        ended = second.ended() => (ended, false),
    };
    assert_eq!(refused.code(), Some(2));
    let (mut taken, left, owner) =
        if first_is_refused { (second, first, &other) } else { (first, second, &one) };
    taken.url().await;
    let said = left.all().await;
    assert!(said.contains(&format!("'{owner}'")), "{said}");
    let stores = Stores::connect(&settings).await;
    let controls = ids(&stores, "control").await;
    assert_eq!(controls, [format!("\"{owner}\"")]);
    taken.stop().await;
    let theirs = Stores::connect(&theirs).await;
    theirs.empty_redis().await;
    theirs.queue.close().await;
    stores.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_an_owner_is_recognised_by_its_control() {
    let mut cluster = Cluster::start(1, &[]).await;
    cluster.run(300).await;
    let owners = cluster.stores.database.collection::<Document>("owner");
    let forget = async || owners.delete_many(doc! {}).await.unwrap().deleted_count;
    // Its own queue goes on with it.
    assert_eq!(forget().await, 1);
    cluster.start_worker().await;
    assert_eq!(ids(&cluster.stores, "owner").await.len(), 1);
    // Another is refused all the same, and does not take it.
    cluster.stop(0).await;
    cluster.stop(1).await;
    cluster.stop(2).await;
    assert_eq!(forget().await, 1);
    let queue = cluster.settings()["QUEUE_NAME"].clone();
    let said = refused("pedidos-worker", &another(cluster.settings()).1, 2).await;
    assert!(said.contains(&queue) && said.contains("collection control"), "{said}");
    assert!(ids(&cluster.stores, "owner").await.is_empty());
    cluster.start_api().await;
    cluster.finish().await;
}

/// An index that is in the way of ours, or documents that are.
async fn not_indexed(said: &[&str], make: impl AsyncFn(&Stores)) {
    for program in PROGRAMS {
        let settings = told(&own_settings(), &[]);
        let stores = Stores::connect(&settings).await;
        make(&stores).await;
        let text = refused(program, &settings, 1).await;
        for part in said.iter().chain(&["error: MongoDB cannot create an index", "orders"]) {
            assert!(text.contains(part), "{program} does not say {part}: {text}");
        }
        stores.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_cannot_be_created_is_reported_and_ends_the_start() {
    not_indexed(&["Conflict", "drop the index"], async |stores: &Stores| {
        let options = IndexOptions::builder().name("id_1".to_owned()).build();
        let index = IndexModel::builder().keys(doc! { "id": 1 }).options(options).build();
        let orders = stores.database.collection::<Document>("orders");
        orders.create_index(index).await.unwrap();
    })
    .await;
    not_indexed(&["DuplicateKey", "the same id"], async |stores: &Stores| {
        let twice = [doc! { "id": "x" }, doc! { "id": "x" }];
        stores.database.collection::<Document>("orders").insert_many(twice).await.unwrap();
    })
    .await;
}

/// What others left: three documents of orders, and two of process_runs, of which one is
/// newer than any run of ours and one older.
async fn others_write(cluster: &Cluster) {
    let now = mongodb::bson::DateTime::now().timestamp_millis();
    let at = |ms: i64| mongodb::bson::DateTime::from_millis(now + ms);
    let run = |created: i64| {
        doc! {
            "_id": ObjectId::new(), "runId": uuid::Uuid::new_v4().to_string(),
            "generationTimeMs": 12, "totalProcessedVIP": 3, "createdAt": at(created),
        }
    };
    let day = 86_400_000;
    let runs = cluster.stores.database.collection::<Document>("process_runs");
    runs.insert_many([run(-day), run(day)]).await.unwrap();
    let order = |id: mongodb::bson::Bson| {
        doc! {
            "_id": id, "id": uuid::Uuid::new_v4().to_string(), "cliente": "Ana", "valor": 1.5,
            "tier": "DIAMANTE", "priority": "VIP", "status": PENDENTE, "createdAt": at(-day),
        }
    };
    let mut odd = order(ObjectId::new().into());
    odd.insert("runId", 7);
    let orders = cluster.stores.database.collection::<Document>("orders");
    orders.insert_many([order(ObjectId::new().into()), odd, order("00-1".into())]).await.unwrap();
    let control = cluster.stores.database.collection::<Document>("control");
    control.insert_one(doc! { "_id": ObjectId::new(), "version": "theirs" }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_other_programs_are_neither_shown_nor_changed_and_a_reset_counts_them() {
    let mut cluster = Cluster::new(&[]).await;
    others_write(&cluster).await;
    cluster.start_api().await;
    cluster.start_worker().await;
    let mut ours = vec![cluster.run(300).await.0, cluster.run(200).await.0];
    ours.reverse();
    let client = cluster.client();
    for limit in [1, 2, 20] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.runs(&format!("limit={limit}{cursor}")).await;
            let runs = page["runs"].as_array().unwrap();
            seen.extend(runs.iter().map(|run| run["runId"].as_str().unwrap().to_owned()));
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, ours, "limit={limit}");
    }
    client.jobs("types=completed,failed&end=999").await;
    let answer = client.raw(Method::POST, "/pedidos/reset").await.json(200);
    let counts = ["removedOrders", "removedRuns", "leftOrders", "leftRuns"];
    assert_eq!(counts.map(|count| answer[count].as_i64()), [500, 2, 3, 2].map(Some), "{answer:#}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("3 documents of orders, 2 of process_runs"), "{message}");
    assert_eq!((cluster.stores.orders().await, cluster.stores.runs().await), (3, 2));
    assert_eq!(cluster.stores.pending().await, 3);
    cluster.run(300).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_order_of_another_program_does_not_stop_the_sweep() {
    let mut cluster = Cluster::start(0, &[]).await;
    others_write(&cluster).await;
    // Of a run that is in no history of ours, too.
    let unknown = doc! {
        "_id": "01900000-0000-7000-8000-000000000000", "id": "01900000-0000-7000-8000-000000000000",
        "priority": "VIP", "status": PENDENTE, "runId": uuid::Uuid::new_v4().to_string(),
    };
    let orders = cluster.stores.database.collection::<Document>("orders");
    orders.insert_one(unknown).await.unwrap();
    let run_id = cluster.client().generate(100).await;
    let run = cluster.spec().await;
    cluster.client().cancel("").await;
    // What a worker held that died in the cancel.
    let late: Vec<_> = run.generator().orders(0..10).collect();
    cluster.stores.store.insert_orders(&late, &run_id, run.created_ms).await.unwrap();
    cluster.start_worker().await;
    let strays = doc! { "runId": &run_id, "status": PENDENTE };
    eventually("the sweep of strays", async || {
        orders.count_documents(strays.clone()).await.unwrap() == 0
    })
    .await;
    assert_eq!(cluster.stores.pending().await, 4);
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_read_is_skipped_and_said_once() {
    let mut cluster = Cluster::start(1, &[]).await;
    let (run_id, _) = cluster.run(100).await;
    let runs = cluster.stores.database.collection::<Document>("process_runs");
    let far = mongodb::bson::DateTime::from_millis(4_000_000_000_000);
    for name in ["newer", "older"] {
        let created = if name == "newer" { far } else { mongodb::bson::DateTime::from_millis(1) };
        let broken = doc! {
            "_id": name, "version": 1, "figures": {}, "createdAt": created, "quantity": "many",
            "idempotencyKey": "theirs", "removePending": true, "finishedAt": created,
        };
        runs.insert_one(broken).await.unwrap();
    }
    for limit in [1, 20] {
        let page = cluster.client().runs(&format!("limit={limit}")).await;
        assert_eq!(page["count"], 1, "{page:#}");
        assert_eq!(page["runs"][0]["runId"], *run_id, "{page:#}");
        assert!(page["nextCursor"].is_null(), "{page:#}");
    }
    let answer = cluster.client().try_generate("quantity=100", Some("theirs")).await;
    assert_eq!(answer.json(202)["quantity"], 100);
    cluster.done().await;
    cluster.client().raw(Method::POST, "/pedidos/reset").await.json(200);
    let said = cluster.process(0).said();
    let lines: Vec<_> = said.iter().filter(|line| line.contains("cannot be read")).collect();
    assert!(lines.len() == 1 && lines[0].contains("WARN"), "{lines:#?}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_fields_of_another_kind_is_listed_without_them() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.run(200).await;
    let orders = cluster.stores.database.collection::<Document>("orders");
    let odd = doc! { "$set": {
        "valor": "much", "observacoes": 7, "createdAt": "yesterday", "outcome": "none",
    } };
    orders.update_many(doc! { "priority": Priority::Vip.as_str() }, odd).await.unwrap();
    let jobs = cluster.client().jobs("types=completed&end=999").await;
    assert_eq!(jobs["total"], 200, "{jobs:#}");
    let jobs = jobs["jobs"].as_array().unwrap();
    let odd: Vec<_> = jobs.iter().filter(|job| job["data"]["valor"].is_null()).collect();
    assert!(!odd.is_empty() && odd.len() < jobs.len(), "{}", odd.len());
    for job in odd {
        assert_eq!(job["data"]["priority"], "VIP", "{job:#}");
        assert!(job["timestamp"].is_null(), "{job:#}");
        let path = format!("/pedidos/orders/{}", job["id"].as_str().unwrap());
        cluster.client().raw(Method::GET, &path).await.json(200);
    }
    cluster.finish().await;
}
