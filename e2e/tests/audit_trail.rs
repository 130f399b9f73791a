//! Who changed what: written down before it is answered, and before it is done.

use mongodb::bson::{Document, doc};
use pedidos_core::{
    role::Role,
    time::{iso, now_ms},
};
use pedidos_e2e::{
    Cluster,
    cluster::Kind,
    keys::KeyFile,
    proxy::When::Before,
    raw::Raw,
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

#[tokio::test(flavor = "multi_thread")]
async fn refused_calls_from_many_addresses_leave_few_and_short_lines() {
    let keys = KeyFile::new();
    let key = keys.add("ops", Role::Admin);
    let mut settings = keys.settings();
    settings.push(("RATE_LIMIT_WRITES", "6".to_owned()));
    let cluster = Cluster::guarded(&settings).await;
    let began = std::time::Instant::now();
    let long = "x".repeat(2_000);
    let query = (0..10).fold(String::new(), |query, at| format!("{query}p{at}={long}&"));
    let mut statuses = Vec::new();
    for host in 1..=20 {
        for _ in 0..4 {
            let mut one = Raw::from(&format!("127.0.1.{host}"), cluster.client().address()).await;
            let ask = format!("POST /pedidos/reset?{query} HTTP/1.1\r\nHost: localhost\r\n");
            one.send(format!("{ask}Connection: close\r\n\r\n").as_bytes()).await;
            statuses.push(one.rest().await.get(9..12).unwrap_or_default().to_owned());
        }
    }
    assert!(statuses.iter().all(|status| status == "401" || status == "429"), "{statuses:?}");
    let lines = cluster.audit_lines().await;
    // Two allowances for all of them, what came back meanwhile, and a line a minute for the rest.
    let minutes = began.elapsed().as_secs() as usize / 60 + 1;
    assert!((12..=12 + 13 * minutes).contains(&lines.len()), "{}", lines.len());
    for line in &lines {
        assert!(line.get_array("parameters").unwrap().is_empty(), "{line:#?}");
        let bytes = line.to_vec().unwrap().len();
        assert!(bytes < 1_024, "{bytes} bytes: {line:#?}");
    }
    // Who is known has an allowance of their own.
    let known = cluster.client_with(&key).raw(Method::POST, "/pedidos/queue/resume").await;
    assert_eq!(known.status, 200, "{known:#?}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_finds_lines_by_who_what_outcome_and_time() {
    let keys = KeyFile::new();
    let [ops, ana] = ["ops", "ana"].map(|name| keys.add(name, Role::Admin));
    let viewer = keys.add("painel", Role::Viewer);
    let cluster = Cluster::guarded(&keys.settings()).await;
    let post = async |key: &str, path: &str| {
        cluster.client_with(key).raw(Method::POST, path).await;
    };
    post(&ana, "/pedidos/queue/pause").await;
    post(&viewer, "/pedidos/reset").await;
    // Lines of one millisecond are on one side of a time.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let between = iso(now_ms());
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    post(&ops, "/pedidos/queue/resume").await;
    post(&ana, "/pedidos/queue/close").await;
    let admin = cluster.client_with(&ops);
    let found = async |query: &str| {
        let page = admin.raw(Method::GET, &format!("/pedidos/audit?{query}")).await.json(200);
        let lines = page["lines"].as_array().unwrap().iter();
        let told = lines.map(|line| {
            ["name", "operation", "outcome"].map(|field| line[field].as_str().unwrap()).join(" ")
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(found("").await.len(), 7);
    assert_eq!(
        found("name=ana&outcome=done").await,
        ["ana closeQueue done", "ana pauseQueue done"]
    );
    assert_eq!(found("operation=reset").await, ["painel reset refused"]);
    assert_eq!(found("outcome=begun&operation=resumeQueue").await, ["ops resumeQueue begun"]);
    assert_eq!(found(&format!("from={between}")).await.len(), 4);
    assert_eq!(found(&format!("to={between}&name=ana")).await.len(), 2);
    assert_eq!(found("name=nobody").await, Vec::<String>::new());
    // Page by page, too.
    let page = admin.raw(Method::GET, "/pedidos/audit?name=ana&limit=3").await.json(200);
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(found(&format!("name=ana&cursor={cursor}")).await, ["ana pauseQueue begun"]);
    for (wrong, named) in [
        ("operation=getStatus", "operation"),
        ("outcome=gone", "outcome"),
        ("from=yesterday", "from"),
        ("to=2027-13-01", "to"),
        ("name=", "name"),
        ("name[$ne]=x", "name[$ne]"),
    ] {
        let answer = admin.raw(Method::GET, &format!("/pedidos/audit?{wrong}")).await;
        assert_eq!(answer.problem(400)["errors"][0]["name"], named, "{answer:#?}");
    }
    // It is an admin's alone.
    let viewers = cluster.client_with(&viewer).raw(Method::GET, "/pedidos/audit?name=ana").await;
    assert_eq!(viewers.status, 403, "{viewers:#?}");
    cluster.finish().await;
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
async fn a_change_that_cannot_be_recorded_in_the_trail_is_not_made() {
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
        assert_eq!(answer.problem(503)["title"], "Audit trail unavailable", "{answer:#?}");
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
    assert_eq!(answer.problem(503)["title"], "Audit trail unavailable", "{answer:#?}");
    servers.up().await;
    cluster.wait_for("an answer", |status| !status.phase.is_active()).await;
    assert_eq!((cluster.stores.orders().await, cluster.stores.runs().await), (50, 1));
    cluster.finish().await;
    servers.remove().await;
}
