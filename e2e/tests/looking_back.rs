//! What the command line says of runs that are over, and of what was logged.

use std::{fs, path::Path};

use mongodb::bson::{DateTime, Document, doc};
use pedidos_core::{
    order::{CANCELADO, Priority},
    run::Phase,
};
use pedidos_e2e::{
    Cluster, cluster::Kind, eventually, in_time, phases::long_in, process::Process, program,
};
use pedidos_pipeline::verify::{self, VerifyError};
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_can_be_audited_after_the_sweep_as_before() {
    let mut cluster = Cluster::start(1, long_in(Phase::WaitingVipDrain)).await;
    let (run_id, _) = cluster.hold(Phase::WaitingVipDrain).await;
    cluster.client().cancel("").await;
    cluster.audit().await;
    cluster.stop(1).await;
    // An hour later.
    let runs = cluster.stores.database.collection::<Document>("process_runs");
    let past = doc! { "$set": { "finishedAt": DateTime::from_millis(1) } };
    runs.update_one(doc! { "_id": &run_id }, past).await.unwrap();
    cluster.start_worker().await;
    let orders = cluster.stores.database.collection::<Document>("orders");
    eventually("the sweep", async || {
        !cluster.stores.run_document(&run_id).await.get_bool("removePending").unwrap()
    })
    .await;
    assert_eq!(orders.count_documents(doc! { "status": CANCELADO }).await.unwrap(), 0);
    cluster.audit().await;
    let mut audit = Process::spawn("pedidos", "pedidos", &["audit"], cluster.settings());
    let ended = audit.ended().await;
    let said = audit.all().await;
    assert!(ended.success() && said.contains("swept"), "{said}");
    // What is gone besides is missed.
    let processed = doc! { "status": "processado", "priority": Priority::Vip.as_str() };
    assert_eq!(orders.delete_one(processed).await.unwrap().deleted_count, 1);
    let report = verify::verify_run(&cluster.stores.store, &cluster.stores.queue).await.unwrap();
    assert!(!report.holds());
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_holds_the_orders_against_the_end_and_not_against_a_redis_that_forgot_it() {
    let mut cluster = Cluster::start(1, &[]).await;
    cluster.run(500).await;
    cluster.stop(0).await;
    cluster.stop(1).await;
    cluster.stores.empty_redis().await;
    let report = verify::verify_run(&cluster.stores.store, &cluster.stores.queue).await.unwrap();
    let first = &report.checks[0];
    assert!(first.ok && first.figure == "500 of 500", "{first:?}");
    let wrong: Vec<_> = report.checks.iter().filter(|check| !check.ok).collect();
    assert!(
        !wrong.is_empty() && wrong.iter().all(|check| check.name.contains("Redis")),
        "{wrong:?}"
    );
    cluster.start_api().await;
    cluster.audit().await;
    // A run that goes on is no run that has lost its orders.
    cluster.client().generate(500).await;
    let report = verify::verify_run(&cluster.stores.store, &cluster.stores.queue).await;
    assert!(matches!(report, Err(VerifyError::NotEnded(_))), "{report:?}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_needs_the_program_of_the_worker_and_says_so() {
    let folder = std::env::temp_dir().join(format!("pedidos-alone-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let alone = folder.join("pedidos");
    fs::copy(program("pedidos"), &alone).unwrap();
    let audit = async |arguments: &[&str], path: &Path| {
        let mut command = Command::new(&alone);
        command.arg("audit").args(arguments).env_clear().env("PATH", path);
        command.current_dir(&folder).kill_on_drop(true);
        let output = in_time("the audit", command.output()).await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (code, said) = audit(&[], &folder).await;
    assert!(code == Some(1) && said.contains("kubectl exec"), "{said}");
    // Its help and its mistakes are those of the program that it executes.
    let path = program("pedidos-worker").parent().unwrap().to_owned();
    let (code, said) = audit(&["--help"], &path).await;
    assert!(code == Some(0) && said.contains("--mongo-uri"), "{said}");
    let (code, said) = audit(&["--lease-ms", "soon"], &path).await;
    assert!(code == Some(2) && said.contains("LEASE_MS: 'soon'"), "{said}");
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_can_be_followed() {
    let mut cluster = Cluster::start(0, &[("RUST_LOG", "off")]).await;
    let answer = cluster.client().logs("").await;
    assert_eq!(answer["logs"]["logMessages"], serde_json::json!([]), "{answer:#}");
    let cursor = answer["cursor"].as_str().unwrap_or_default();
    cluster.client().logs(&format!("after={cursor}")).await;
    let url = format!("http://{}", cluster.client().address());
    let arguments = ["--url", url.as_str(), "logs", "--follow"];
    let mut follows = Process::spawn("pedidos", "pedidos", &arguments, cluster.settings());
    cluster.start_one(Kind::Worker, &[("RUST_LOG", "info")]).await;
    follows.line("worker started").await;
    follows.signal("INT").await;
    assert_eq!(follows.ended().await.code(), Some(130));
    cluster.finish().await;
}
