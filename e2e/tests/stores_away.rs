//! Stores that are not there, are something else, or hold what is not ours.

use std::net::TcpListener;

use fred::interfaces::HashesInterface;
use pedidos_e2e::{
    Client, Cluster, eventually_some,
    process::{Environment, Process},
    stores::{Stores, own_settings},
};

/// A port that was free a moment ago, and that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Starts a program, before its stores are there, on a port that is known.
fn start(program: &str, settings: &Environment) -> (Process, Client) {
    let port = free_port().to_string();
    let mut settings = settings.clone();
    let admin = if program == "pedidos-api" { "PORT" } else { "ADMIN_PORT" };
    for (name, value) in [("PORT", "0"), ("ADMIN_PORT", "0"), (admin, &port)] {
        settings.insert(name.to_owned(), value.to_owned());
    }
    settings.insert("BACKEND_LOGS".to_owned(), "false".to_owned());
    let process = Process::spawn(program, program, &[], &settings);
    let client = Client::new(&format!("http://127.0.0.1:{port}"), std::sync::Arc::default());
    (process, client)
}

/// It lives, it says what is missing, it is not ready, and it can be stopped.
async fn waits_and_says(program: &str, settings: &Environment, says: &str) {
    let (mut process, client) = start(program, settings);
    process.line(says).await;
    assert_eq!(client.livez().await.status, 200);
    let answer = client.readyz().await;
    assert_eq!(answer.status, 503, "{answer:#?}");
    if program == "pedidos-api" {
        let answer = client.raw(reqwest::Method::GET, "/pedidos").await;
        let problem = answer.problem(503);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(says), "{answer:#?}");
        assert_ne!(answer.header(reqwest::header::RETRY_AFTER), "", "{answer:#?}");
    }
    let said = process.said();
    // It tries again and again, and says what is missing once.
    let mut waits: Vec<_> = said.iter().filter_map(|line| line.split_once("waiting for")).collect();
    waits.sort_unstable_by_key(|(_, what)| *what);
    assert!(waits.windows(2).all(|two| two[0].1 != two[1].1), "{said:#?}");
    assert!(!said.iter().any(|line| line.contains("listening on http")), "{said:#?}");
    assert!(!said.iter().any(|line| line.contains("panicked")), "{said:#?}");
    assert!(process.is_running(), "{said:#?}");
    process.stop().await;
}

/// As above for both programs, with one server in the place of its own.
async fn with_instead(setting: &str, server: &str, says: &str) {
    let both = ["pedidos-api", "pedidos-worker"].map(async |program| {
        let own = own_settings();
        let mut settings = own.clone();
        settings.insert(setting.to_owned(), server.to_owned());
        waits_and_says(program, &settings, says).await;
        Stores::connect(&own).await.remove().await;
    });
    let [api, worker] = both;
    tokio::join!(api, worker);
}

const NO_REDIS: &str = "Redis cannot be reached";
const NO_MONGO: &str = "MongoDB cannot be reached";

#[tokio::test(flavor = "multi_thread")]
async fn without_its_stores_a_process_lives_and_says_what_is_missing() {
    let redis = format!("redis://127.0.0.1:{}", free_port());
    let mongo = format!("mongodb://127.0.0.1:{}/x", free_port());
    tokio::join!(
        with_instead("REDIS_URL", &redis, NO_REDIS),
        with_instead("MONGO_URI", &mongo, NO_MONGO),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_kind_is_reported_and_waited_for() {
    let servers = own_settings();
    let host = |setting: &str| servers[setting].split('/').nth(2).unwrap().to_owned();
    let redis = format!("redis://{}", host("MONGO_URI"));
    let mongo = format!("mongodb://{}/x", host("REDIS_URL"));
    tokio::join!(
        with_instead("REDIS_URL", &redis, NO_REDIS),
        with_instead("MONGO_URI", &mongo, NO_MONGO),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_another_version_is_left_alone() {
    for program in ["pedidos-api", "pedidos-worker"] {
        let settings = own_settings();
        let stores = Stores::connect(&settings).await;
        let key = format!("{}:run", stores.queue.keys().prefix());
        let theirs = [("format", "99"), ("version", "7"), ("phase", "SOMETHING")];
        let redis = stores.queue.client();
        redis.hset::<(), _, _>(&key, theirs.to_vec()).await.unwrap();
        let says = "Redis holds the state of another version";
        waits_and_says(program, &settings, says).await;
        let left: std::collections::HashMap<String, String> = redis.hgetall(&key).await.unwrap();
        let theirs = theirs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(left, theirs.into_iter().collect());
        stores.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_in_front_of_another_versions_state_refuses_and_changes_nothing() {
    // Its Redis is taken over by another version while it runs.
    let cluster = Cluster::start(1, &[]).await;
    cluster.run(300).await;
    let key = format!("{}:run", cluster.stores.queue.keys().prefix());
    let redis = cluster.stores.queue.client();
    redis.hset::<(), _, _>(&key, [("format", "99")].to_vec()).await.unwrap();
    let before = cluster.stores.store.control().await.unwrap();
    let answer = cluster.client().try_generate("quantity=10", None).await;
    let problem = answer.problem(503);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("another version"), "{answer:#?}");
    assert_ne!(answer.header(reqwest::header::RETRY_AFTER), "");
    assert_eq!(cluster.client().readyz().await.status, 503);
    assert_eq!(cluster.client().livez().await.status, 200);
    assert_eq!(cluster.stores.store.control().await.unwrap(), before);
    redis.hset::<(), _, _>(&key, [("format", "1")].to_vec()).await.unwrap();
    cluster.run(300).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_must_refuse_every_call_is_not_ready() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.run(100).await;
    // MongoDB shows an older control than Redis has seen: a backup was put back.
    let key = format!("{}:run", cluster.stores.queue.keys().prefix());
    let redis = cluster.stores.queue.client();
    let version: i64 = redis.hget(&key, "version").await.unwrap();
    redis.hset::<(), _, _>(&key, ("version", version + 100)).await.unwrap();
    let said = cluster.client().becomes_ready(503).await;
    assert!(said.contains("version"), "{said}");
    redis.hset::<(), _, _>(&key, ("version", version)).await.unwrap();
    cluster.client().becomes_ready(200).await;
    cluster.run(100).await;
    // A write concern that this server cannot meet: the start waits, and says so.
    let mut told = cluster.settings().clone();
    told.insert("MONGO_WRITE_CONCERN".to_owned(), "2".to_owned());
    let (mut api, client) = start("pedidos-api", &told);
    let asked = async || client.try_raw(reqwest::Method::GET, "/readyz", None).await;
    let answer = eventually_some("an answer", asked).await;
    let problem = answer.problem(503);
    assert!(problem["detail"].as_str().unwrap().contains("MongoDB"), "{problem:#}");
    api.stop().await;
    cluster.finish().await;
}
