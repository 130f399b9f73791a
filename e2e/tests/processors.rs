//! The processors in `examples` do what docs/processing.md says.

use std::path::{Path, PathBuf};

use mongodb::bson::doc;
use pedidos_e2e::{
    Cluster,
    cluster::Kind,
    imports::lines,
    process::{Environment, Process},
    receiver::secret,
};
use tokio::process::Command;

/// An order that each of the examples refuses, behind 100 that they do.
fn list() -> String {
    let dear = r#"{"ref":"dear","cliente":"Ana","valor":9000,"priority":"NORMAL"}"#;
    lines(0..100) + dear
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// Imports the list and runs it with this processor, which must do what the examples do.
async fn processes(cluster: &Cluster, processor: &str) -> String {
    let client = cluster.client();
    let id = client.create_import().await;
    client.upload(&id, list()).await;
    client.start_for(&id, &format!("processor={processor}")).await;
    let done = cluster.done().await;
    assert!(done.is_of(&id), "{:#}", done.json);
    assert_eq!((done.dead(), done.progress.processed_total), (1, 100), "{:#}", done.json);
    cluster.audit().await;
    let dear = cluster.order(&id, "dear").await;
    let error = dear.get_document("outcome").unwrap().get_str("error").unwrap();
    assert_eq!(error, "more than one order may cost");
    id
}

/// A receiver in another language, with a secret; a worker with another one gets nowhere.
async fn receives(runtime: &str, file: &str) {
    let [secret, wrong] = [secret(), secret()];
    let path = std::env::var("PATH").unwrap_or_default();
    let told = [("PATH", path.as_str()), ("PROCESSOR_SECRET", &secret)];
    let told = told.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut command = Command::new(runtime);
    command.arg(examples().join(file)).arg("0");
    let mut receiver = Process::run(file, command, &Environment::from(told));
    let url = receiver.url().await;
    let mut cluster = Cluster::start(0, &[("PROCESSOR_URL", &url)]).await;
    let worker = cluster.start_one(Kind::Worker, &[("PROCESSOR_SECRET", &wrong)]).await;
    let run_id = cluster.client().generate_for("default", 50).await;
    let broken = cluster.breaks().await;
    assert!(broken.json["processor"]["lastError"].to_string().contains("401"), "{broken:#?}");
    cluster.spent_no_attempt(&run_id).await;
    cluster.stop(worker).await;
    cluster.start_one(Kind::Worker, &[("PROCESSOR_SECRET", &secret)]).await;
    cluster.ends_exact(&run_id).await;
    let run_id = processes(&cluster, "default").await;
    let noted = doc! { "outcome.note": { "$regex": "^sent to Cliente" } };
    assert_eq!(cluster.ids(&run_id, noted).await.len(), 100);
    cluster.finish().await;
    receiver.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_in_python_checks_signatures_and_answers_for_each_order() {
    receives("python3", "processor.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_for_node_checks_signatures_and_answers_for_each_order() {
    let there = Command::new("node").arg("--version").output().await;
    if there.is_ok_and(|output| output.status.success()) {
        receives("node", "processor.mjs").await;
    } else {
        eprintln!("NOT CHECKED: there is no Node here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_of_ones_own_processes_the_runs_that_name_it() {
    let cluster = Cluster::start(1, &[]).await;
    let mut told = cluster.settings().clone();
    told.insert("PROCESSOR_NAME".to_owned(), "shop".to_owned());
    let mut shop = Process::spawn("shop", "examples/processor", &[], &told);
    shop.url().await;
    processes(&cluster, "shop").await;
    shop.stop().await;
    cluster.finish().await;
}
