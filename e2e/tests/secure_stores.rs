//! Stores behind TLS and passwords: used if they are who they should be, and never else.

use pedidos_e2e::{
    Cluster,
    authority::{Authority, text},
    process::{Environment, Process},
    secure::Secure,
};

/// A cluster of these servers.
async fn on(secure: &Secure) -> Cluster {
    let name = format!("e2e-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let settings = secure.settings(&name);
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Cluster::new(&settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_exact_on_stores_behind_tls_and_passwords() {
    let secure = Secure::start().await;
    let mut cluster = on(&secure).await;
    cluster.start_api().await;
    cluster.start_worker().await;
    cluster.start_worker().await;
    cluster.run(2_000).await;
    // As a person holds it against the stores, with the same settings.
    let mut audit = Process::spawn("pedidos", "pedidos", &["audit"], cluster.settings());
    let ended = audit.ended().await;
    assert!(ended.success(), "{}", audit.all().await);
    cluster.finish().await;
}

/// Starts an API that cannot reach a store; answers its line that says why.
async fn refused(cluster: &Cluster, name: &str, value: &str, wanted: &str) -> String {
    let mut settings: Environment = cluster.settings().clone();
    settings.insert(name.to_owned(), value.to_owned());
    let mut api = Process::spawn("api", "pedidos-api", &[], &settings);
    let line = api.line(wanted).await;
    let said = api.said();
    assert!(!said.iter().any(|line| line.contains("listening on")), "{name}: {said:#?}");
    api.stop().await;
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_cannot_be_authenticated_are_refused() {
    let secure = Secure::start().await;
    let cluster = on(&secure).await;
    let other = Authority::new();
    let database = cluster.settings()["QUEUE_NAME"].clone();
    let ca = text(&secure.authority.file);
    // An authority that signed for neither.
    refused(&cluster, "REDIS_TLS_CA_FILE", text(&other.file), "ertificate").await;
    let uri = secure.mongo_uri(&database, "x", text(&other.file));
    refused(&cluster, "MONGO_URI", &uri, "ertificate").await;
    // A password that is not theirs.
    let url = secure.redis_url("wrong");
    refused(&cluster, "REDIS_URL", &url, "invalid username-password").await;
    let uri = secure.mongo_uri(&database, "wrong", ca);
    refused(&cluster, "MONGO_URI", &uri, "uthentication").await;
    cluster.finish().await;
}
