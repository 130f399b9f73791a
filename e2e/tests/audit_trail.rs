//! Who changed what: written down before it is answered, and before it is done.

use mongodb::bson::{Document, doc};
use pedidos_common::access::Role;
use pedidos_e2e::{
    Cluster,
    cluster::Kind,
    keys::KeyFile,
    proxy::When::Before,
    servers::{Server, Servers},
    steps::{
        Step::{self, Command, Script},
        Wires,
    },
};
use reqwest::{Method, header};
use serde_json::Value;

const SHOWN: [&str; 6] = ["outcome", "name", "role", "via", "operation", "requestId"];

const LINE: Step = Command("insert", "audit_log");

fn texts<'a>(line: &'a Document, fields: &[&str]) -> Vec<&'a str> {
    fields.iter().map(|field| line.get_str(field).unwrap_or("-")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_that_changes_something_leaves_lines_allowed_or_not() {
    let keys = KeyFile::new();
    let (viewer, admin) = (keys.add("painel", Role::Viewer), keys.add("ops", Role::Admin));
    let cluster = Cluster::guarded(&keys.settings()).await;
    let client = cluster.client();
    let post = async |key: &str, path: &str| {
        let headers = [("x-api-key", key), ("x-request-id", "request-7")];
        let answer = client.with_headers(Method::POST, path, &headers).await;
        // What is answered is written down.
        let line = cluster.audit_lines().await.pop().unwrap();
        assert_eq!(line.get_i32("status").ok(), Some(answer.status.into()), "{line:#?}");
        line
    };
    let clean = "/pedidos/queue/clean?state=failed&limit=3";
    let line = post(&admin, clean).await;
    assert_eq!(texts(&line, &SHOWN), ["done", "ops", "admin", "key", "cleanQueue", "request-7"]);
    assert_eq!(
        texts(&line, &["method", "path", "address"]),
        ["POST", "/pedidos/queue/clean", "127.0.0.1"]
    );
    let parameters =
        vec![doc! { "name": "state", "value": "failed" }, doc! { "name": "limit", "value": "3" }];
    assert_eq!(
        line.get_array("parameters").unwrap(),
        &parameters.into_iter().map(Into::into).collect::<Vec<_>>()
    );
    let line = post(&viewer, clean).await;
    assert_eq!(
        texts(&line, &SHOWN),
        ["refused", "painel", "viewer", "key", "cleanQueue", "request-7"]
    );
    assert!(line.get_str("detail").unwrap().contains("admin"), "{line:#?}");
    let line = post("pedidos_wrong", "/pedidos/reset").await;
    assert_eq!(texts(&line, &SHOWN), ["refused", "unknown", "-", "nothing", "reset", "request-7"]);
    let line = post(&admin, "/pedidos/reset?$where=1&a.b=%00").await;
    assert_eq!(texts(&line, &SHOWN)[..1], ["refused"], "{line:#?}");
    for path in ["/pedidos/queue/retry-failed", "/pedidos/queue/close"] {
        assert_eq!(texts(&post(&admin, path).await, &["outcome"]), ["done"]);
    }

    // A call that was allowed has two lines of one call; what only looks has none.
    let lines = cluster.audit_lines().await;
    assert_eq!(lines.len(), 10, "{lines:#?}");
    for (begun, ended) in [(0, 1), (4, 5), (6, 7), (8, 9)] {
        assert_eq!(texts(&lines[begun], &["outcome"]), ["begun"]);
        assert_eq!(lines[begun].get("status"), Some(&mongodb::bson::Bson::Null));
        let of = |at: usize| texts(&lines[at], &["call", "operation", "name"]);
        assert_eq!(of(begun), of(ended));
    }

    // A reset takes everything but the trail, and neither key is anywhere in it.
    assert_eq!(client.with_key(&admin).raw(Method::POST, "/pedidos/reset").await.status, 200);
    assert_eq!(cluster.audit_lines().await.len(), 12);
    let trail = format!("{:?}", cluster.audit_lines().await);
    assert!(!trail.contains(&admin) && !trail.contains(&viewer));

    // As the API shows it: page by page, the newest first, each line once.
    let admin = client.with_key(&admin);
    let (mut ids, mut path) = (Vec::new(), "/pedidos/audit?limit=5".to_owned());
    loop {
        let page: Value = admin.raw(Method::GET, &path).await.json(200);
        let lines = page["lines"].as_array().unwrap();
        assert_eq!(page["count"], lines.len());
        ids.extend(lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/pedidos/audit?limit=5&cursor={cursor}"),
            None => break,
        }
    }
    let mut stored = cluster.audit_lines().await;
    stored.reverse();
    let stored: Vec<_> = stored.iter().map(|line| line.get_str("_id").unwrap()).collect();
    assert_eq!(ids, stored);
    for wrong in ["limit=0", "limit=201", "cursor=x", "cursor="] {
        let answer = admin.raw(Method::GET, &format!("/pedidos/audit?{wrong}")).await;
        assert_eq!(answer.status, 400, "{answer:#?}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_written_before_anything_is_done_and_another_before_the_answer() {
    let servers = Servers::start().await;
    let mut cluster = Cluster::on(&servers, &[]).await;
    let (api, wires) = Wires::start(&mut cluster, Kind::Api, &servers).await;
    let client = cluster.client_of(api).clone();
    let adopt = Script("adopt");
    wires.stop_at(LINE, Before);
    wires.stop_at(adopt, Before);
    let asked = tokio::spawn(async move { client.raw(Method::POST, "/pedidos/queue/pause").await });
    wires.caught(LINE).await;
    let control = cluster.stores.store.control().await.unwrap();
    assert!(control.paused.is_none(), "it was done before it was written down");
    wires.let_go(LINE);
    wires.caught(adopt).await;
    wires.stop_at(LINE, Before);
    wires.let_go(adopt);
    wires.caught(LINE).await;
    assert!(cluster.stores.store.control().await.unwrap().paused.is_some());
    assert!(!asked.is_finished(), "it was answered before it was written down");
    assert_eq!(cluster.audit_lines().await.len(), 1);
    wires.let_go(LINE);
    asked.await.unwrap().json(200);
    assert_eq!(cluster.audit_lines().await.len(), 2);
    cluster.finish().await;
    servers.remove().await;
}

const VERBS: [&str; 7] = [
    "/pedidos/generate?quantity=10",
    "/pedidos/cancel",
    "/pedidos/reset",
    "/pedidos/queue/pause",
    "/pedidos/queue/clean",
    "/pedidos/queue/retry-failed",
    "/pedidos/queue/close",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_down_is_not_done() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.run(50).await;
    cluster.client().resume().await;
    let only = async |rule: Document| {
        let set = doc! { "collMod": "audit_log", "validator": rule };
        cluster.stores.database.run_command(set).await.expect("the server takes a validator");
    };
    only(doc! { "outcome": { "$ne": "begun" } }).await;
    let before = cluster.stores.store.control().await.unwrap();
    for path in VERBS {
        let answer = cluster.client().raw(Method::POST, path).await;
        assert_eq!(answer.problem(503)["title"], "The audit trail is out of reach", "{answer:#?}");
        assert_ne!(answer.header(header::RETRY_AFTER), "", "{answer:#?}");
    }
    assert_eq!(cluster.stores.store.control().await.unwrap(), before);
    assert_eq!((cluster.stores.orders().await, cluster.stores.runs().await), (50, 1));
    // What only looks is answered.
    assert_eq!(cluster.client().raw(Method::GET, "/pedidos").await.status, 200);

    // What is done is answered as it is; the line of its beginning says who did it.
    only(doc! { "outcome": { "$ne": "done" } }).await;
    cluster.client().pause().await;
    let last = cluster.audit_lines().await.pop().unwrap();
    assert_eq!(texts(&last, &["outcome", "operation"]), ["begun", "pauseQueue"]);
    only(doc! {}).await;
    cluster.client().resume().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_mongodb_nothing_is_reset() {
    let servers = Servers::start().await;
    let mut cluster = Cluster::on(&servers, &[]).await;
    cluster.start_api().await;
    cluster.start_worker().await;
    cluster.run(50).await;
    servers.kill(Server::Mongo).await;
    let answer = cluster.client().raw(Method::POST, "/pedidos/reset").await;
    assert_eq!(answer.problem(503)["title"], "The audit trail is out of reach", "{answer:#?}");
    servers.up().await;
    cluster.wait_for("an answer", |status| !status.phase.is_active()).await;
    assert_eq!((cluster.stores.orders().await, cluster.stores.runs().await), (50, 1));
    cluster.finish().await;
    servers.remove().await;
}
