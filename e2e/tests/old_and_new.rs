//! Programs of the last commit without imports run beside those of this one, as they do during a
//! deploy: none harms what the other has begun, and what they cannot read they leave alone (I16).
//! They know no processors, either: a worker of theirs would mark orders processed that nobody was
//! called for.
//!
//! The old programs are built first, which takes minutes: `make test-faults` runs these.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use fred::interfaces::HashesInterface;
use mongodb::bson::{Document, doc};
use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster,
    cluster::{Id, Kind},
    eventually,
    imports::lines,
    process::Process,
    programs,
    receiver::Receiver,
    wait::throughout,
};
use pedidos_service::metrics::LEASES;
use reqwest::Method;

/// "Wait for late chunks before a cancelled run is audited": its programs know no imports.
const BEFORE: &str = "d0b0212acf66c58cee44a2580ed2e8b027586c21";

/// The folder of the old programs; none: this clone does not have the commit.
async fn old_programs() -> Option<&'static str> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = tokio::task::spawn_blocking(|| BUILT.get_or_init(build)).await;
    let built = built.expect("they can be built").as_ref()?;
    Some(built.to_str().expect("it is text"))
}

/// An archive and no `git worktree`: that would be left in `.git` if the test were killed. It
/// gives the files the time of the commit, so that cargo builds them once.
fn build() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it lies in the workspace");
    let harness = std::env::current_exe().expect("this program has a path");
    let target = harness.ancestors().nth(3).expect("it lies in target/release/deps");
    let (before, source) = (target.join("before"), target.join("before/source"));
    let commit = format!("{BEFORE}^{{commit}}");
    let known = Command::new("git").args(["cat-file", "-e", &commit]).current_dir(root).output();
    if !known.is_ok_and(|output| output.status.success()) {
        let line = format!("NOT CHECKED: old and new programs, no commit {BEFORE} here\n");
        // Not by a macro: the line is to be seen also when the test passes.
        std::io::stderr().write_all(line.as_bytes()).expect("there is a standard error");
        return None;
    }
    std::fs::create_dir_all(&source).expect("target can be written");
    let mut archive = Command::new("git")
        .args(["archive", BEFORE])
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .expect("git starts");
    let tar = archive.stdout.take().expect("it is a pipe");
    let unpacked = Command::new("tar").arg("-x").current_dir(&source).stdin(tar).status();
    assert!(unpacked.expect("tar starts").success() && archive.wait().expect("it ends").success());
    let built = Command::new("cargo")
        .args(["build", "--release", "--locked", "-p", "pedidos-api", "-p", "pedidos-worker"])
        .env("CARGO_TARGET_DIR", &before)
        .current_dir(&source)
        .status();
    assert!(built.expect("cargo starts").success(), "the old programs cannot be built");
    Some(before.join("release"))
}

/// What an old API could do harm with.
const OLD_COMMANDS: [&str; 6] = [
    "/pedidos/generate?quantity=10",
    "/pedidos/cancel",
    "/pedidos/queue/pause",
    "/pedidos/queue/clean?state=failed",
    "/pedidos/queue/retry-failed",
    "/pedidos/reset",
];

/// Starts an API and a worker of the old build.
async fn start_old(cluster: &mut Cluster, folder: &str) -> (Id, Id) {
    let from = [(programs::FOLDER, folder)];
    (cluster.start_one(Kind::Api, &from).await, cluster.start_one(Kind::Worker, &from).await)
}

async fn start_new(cluster: &mut Cluster) -> (Id, Id) {
    (cluster.start_api().await, cluster.start_worker().await)
}

/// Starts a program of the old build, which need not get ready.
fn spawn_old(cluster: &Cluster, folder: &str, program: &str) -> Process {
    let mut told = cluster.settings().clone();
    told.insert(programs::FOLDER.to_owned(), folder.to_owned());
    Process::spawn(program, program, &[], &told)
}

/// Control as it is stored.
async fn control(cluster: &Cluster) -> Document {
    let control = cluster.stores.database.collection::<Document>("control");
    control.find_one(doc! {}).await.expect("MongoDB answers").expect("there is one")
}

/// What shall become of the run, as it is stored.
async fn kind(cluster: &Cluster) -> String {
    let control = control(cluster).await;
    control.get_document("intent").unwrap().get_str("kind").unwrap().to_owned()
}

/// The format of the state in Redis.
async fn format(cluster: &Cluster) -> String {
    let run = format!("{}:run", cluster.stores.queue.keys().prefix());
    let format: Option<String> = cluster.stores.queue.client().hget(run, "format").await.unwrap();
    format.unwrap_or_default()
}

/// Begins a run that is in the middle of its work when this answers.
async fn begin(cluster: &Cluster, api: Id, quantity: u32) -> String {
    let run_id = cluster.client_of(api).generate(quantity).await;
    cluster.wait_for("a run at work", |status| status.progress.processed_total > 0).await;
    run_id
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the programs of an earlier commit"]
async fn runs_of_old_and_new_programs_end_exact_whichever_are_first() {
    let Some(folder) = old_programs().await else { return };
    for old_first in [true, false] {
        let mut cluster = Cluster::new(&[]).await;
        let first = if old_first {
            start_old(&mut cluster, folder).await
        } else {
            start_new(&mut cluster).await
        };
        let run_id = begin(&cluster, first.0, 20_000).await;
        let second = if old_first {
            start_new(&mut cluster).await
        } else {
            start_old(&mut cluster, folder).await
        };
        cluster.ends_exact(&run_id).await;
        // Of both together, from the first order on; and then of those alone that have stayed.
        let run_id = begin(&cluster, second.0, 20_000).await;
        cluster.ends_exact(&run_id).await;
        assert_eq!(format(&cluster).await, "1", "nothing new is in use");
        assert_eq!(kind(&cluster).await, "ended");
        let run_id = begin(&cluster, second.0, 20_000).await;
        cluster.stop(first.0).await;
        cluster.kill(first.1).await;
        cluster.ends_exact(&run_id).await;
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the programs of an earlier commit"]
async fn old_programs_do_no_harm_beside_an_import() {
    let Some(folder) = old_programs().await else { return };
    let mut cluster = Cluster::new(&[]).await;
    // The first API is the one that the cluster asks.
    let (new_api, _) = start_new(&mut cluster).await;
    let (old_api, old_worker) = start_old(&mut cluster, folder).await;
    let run_id = begin(&cluster, old_api, 60_000).await;
    let client = cluster.client_of(new_api).clone();
    let id = client.create_import().await;
    assert_eq!(kind(&cluster).await, "2:run");
    eventually("the new format in Redis", async || format(&cluster).await == "2").await;
    assert_ne!(cluster.client().status().await.phase, Phase::Done, "the run is at work");
    cluster.process(old_worker).line("format 2").await;
    // The leases of the old worker run out, and the new one takes them over.
    cluster.ends_exact(&run_id).await;
    assert_eq!(kind(&cluster).await, "2:ended");
    // A command by an old API is refused, and changes nothing.
    let before = control(&cluster).await;
    let old = cluster.client_of(old_api).clone();
    for path in OLD_COMMANDS {
        let answer = old.raw(Method::POST, path).await;
        assert!(answer.status >= 500, "{answer:#?}");
    }
    assert_eq!(control(&cluster).await, before);
    client.upload(&id, lines(0..12_000)).await;
    cluster.has_imported(&id, 0..12_000).await;
    client.start_import(&id).await;
    let started = cluster.client().status().await;
    assert!(started.is_of(&id), "{:#}", started.json);
    cluster.ends_exact(&id).await;
    // Those that start now cannot read control: they say so and wait, and harm nothing.
    let run_id = client.generate(20_000).await;
    for program in ["pedidos-api", "pedidos-worker"] {
        let mut late = spawn_old(&cluster, folder, program);
        late.line("cannot be read").await;
        late.stop().await;
    }
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}

/// For longer than a lease: nobody was called, and nothing was claimed or marked.
async fn waits(cluster: &Cluster, receiver: &Receiver, run_id: &str) {
    throughout(Duration::from_secs(3), async || {
        let status = cluster.client().status().await;
        assert!(status.is_of(run_id), "{:#}", status.json);
        assert_eq!((status.terminal(), status.leased()), (0, 0), "{:#}", status.json);
        assert_eq!(receiver.count(), 0);
    })
    .await;
    let touched = cluster.ids(run_id, doc! { "status": { "$ne": "pendente" } }).await;
    assert!(touched.is_empty(), "I16: {touched:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the programs of an earlier commit"]
async fn old_workers_drain_nothing_of_a_run_that_names_a_processor() {
    const QUANTITY: u32 = 2_000;
    let Some(folder) = old_programs().await else { return };
    let old = [(programs::FOLDER, folder)];
    for old_first in [true, false] {
        let receiver = Receiver::start().await;
        let mut cluster = Cluster::new(&[]).await;
        let api = cluster.start_api().await;
        // None of these has the processor.
        let old_worker = if old_first {
            cluster.start_one(Kind::Worker, &old).await
        } else {
            cluster.start_worker().await;
            cluster.start_one(Kind::Worker, &old).await
        };
        // It works as it did: on this run, for a while or all along.
        let run_id = begin(&cluster, api, 20_000).await;
        cluster.ends_exact(&run_id).await;
        assert_eq!(format(&cluster).await, "1", "nothing new is in use");
        let before = cluster.client_of(old_worker).metric(LEASES).await;
        assert!(before > 0.0, "the old worker has done nothing");

        let run_id = cluster.client_of(api).generate_for("default", QUANTITY).await;
        assert_eq!(kind(&cluster).await, "2:run");
        eventually("the new format in Redis", async || format(&cluster).await == "2").await;
        cluster.process(old_worker).line("format 2").await;
        if old_first {
            // Old ones alone do not even read the orders.
            waits(&cluster, &receiver, &run_id).await;
            assert_eq!(cluster.client().status().await.progress.generated, 0);
            cluster.start_worker().await;
        }
        let mut late = spawn_old(&cluster, folder, "pedidos-worker");
        late.line("cannot be read").await;
        let all = u64::from(QUANTITY);
        cluster.wait_for("all chunks", |status| status.progress.generated == all).await;
        waits(&cluster, &receiver, &run_id).await;

        cluster.start_one(Kind::Worker, &receiver.settings()).await;
        cluster.ends_exact(&run_id).await;
        cluster.was_called(&receiver, &run_id).await.spent_no_attempt();
        let after = cluster.client_of(old_worker).metric(LEASES).await;
        assert!(after <= before, "I16: the old worker claimed: {before}, then {after}");
        late.stop().await;
        cluster.finish().await;
    }
}
