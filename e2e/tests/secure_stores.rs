//! Stores behind TLS and passwords, with an authority that no system trusts.

use pedidos_e2e::{
    Cluster,
    authority::{Authority, text},
    process::Process,
    secure::{PASSWORD, Secure},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_stores_behind_tls_and_passwords_ends_exact() {
    let secure = Secure::start().await;
    let settings = secure.settings("secure");
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let cluster = Cluster::start(2, &settings).await;
    let run_id = cluster.client().generate(2_000).await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_or_authority_is_told_and_no_password_is() {
    let (secure, stranger) = (Secure::start().await, Authority::new());
    let wrong = "wrong-but-secret-1";
    let (unknown, known) = (text(&stranger.file), text(&secure.authority.file));
    for (name, value) in [
        ("REDIS_URL", secure.redis_url(wrong)),
        ("REDIS_TLS_CA_FILE", unknown.to_owned()),
        ("MONGO_URI", secure.mongo_uri("secure", wrong, known)),
        ("MONGO_URI", secure.mongo_uri("secure", "x", unknown)),
    ] {
        let mut told: pedidos_e2e::process::Environment = secure
            .settings("secure")
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        told.insert("ADMIN_PORT".to_owned(), "0".to_owned());
        told.insert("BACKEND_LOGS".to_owned(), "false".to_owned());
        told.insert(name.to_owned(), value);
        let mut worker = Process::spawn(name, "pedidos-worker", &[], &told);
        let line = worker.line("waiting for the stores").await;
        worker.stop().await;
        let said = worker.all().await;
        assert!(!said.contains(wrong) && !said.contains(PASSWORD), "{said}");
        assert!(!line.is_empty());
    }
}
