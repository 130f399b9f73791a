//! `pedidos`, as people and programs call it.

use std::process::{Output, Stdio};

use pedidos_e2e::{Cluster, in_time, program};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program("pedidos"));
    command.args(arguments).env_clear().env("PEDIDOS_URL", url);
    command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn pedidos(url: &str, arguments: &[&str]) -> Output {
    let what = format!("pedidos {}", arguments.join(" "));
    in_time(&what, command(url, arguments).output()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The one JSON document that the command prints with --json. It must succeed.
async fn document(url: &str, line: &str) -> Value {
    let arguments: Vec<_> = line.split_whitespace().chain(["--json"]).collect();
    let output = pedidos(url, &arguments).await;
    let (said, told) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), told.as_str()), (Some(0), ""), "{line}: {said}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line}: {error}: {said}"))
}

/// The problem that the command ends with, and its exit code.
async fn problem(url: &str, line: &str) -> (Value, i32) {
    let arguments: Vec<_> = line.split_whitespace().chain(["--json"]).collect();
    let output = pedidos(url, &arguments).await;
    let told = text(&output.stderr);
    let problem: Value =
        serde_json::from_str(&told).unwrap_or_else(|e| panic!("{line}: {e}: {told}"));
    let code = output.status.code().unwrap();
    assert_eq!(problem["exitCode"], code, "{line}: {problem:#}");
    for member in ["type", "title", "detail"] {
        assert!(problem[member].is_string(), "{line}: no {member}: {problem:#}");
    }
    (problem, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem_with_its_exit_code() {
    let cluster = Cluster::start(0, &[]).await;
    let url = format!("http://{}", cluster.client().address());
    let run_id = cluster.client().generate(500).await;
    for (line, code, title) in [
        ("generate --quantity 0", 3, "Invalid parameters"),
        ("generate --quantity 10", 3, "Another run is active"),
        ("no-verb", 2, "Bad usage"),
        ("reset", 2, "Bad usage"),
        ("rejects 0199-ab --csv", 2, "Bad usage"),
        ("status --url nowhere", 2, "Bad usage"),
        ("status --url http://127.0.0.1:1", 4, "Not reached"),
        ("follow --url http://127.0.0.1:1", 4, "Not reached"),
    ] {
        let (problem, ended) = problem(&url, line).await;
        assert_eq!((ended, &problem["title"]), (code, &title.into()), "{line}: {problem:#}");
    }
    let (active, _) = problem(&url, "generate --quantity 10").await;
    assert_eq!((&active["status"], &active["runId"]), (&409.into(), &run_id.as_str().into()));
    // What was wrong on the way is told with it.
    let (lost, _) = problem("http://127.0.0.1:1", "generate --quantity 10").await;
    let notes = lost["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains("--idempotency-key")));
    let (unset, code) = {
        let output = pedidos(&url, &["audit", "--json"]).await;
        let told = text(&output.stderr);
        (serde_json::from_str::<Value>(&told).expect(&told), output.status.code())
    };
    assert!(unset["detail"].as_str().unwrap().contains("MONGO_URI"), "{unset:#}");
    assert_eq!((code, &unset["exitCode"]), (Some(2), &2.into()));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_used_for_another_quantity_is_refused() {
    let cluster = Cluster::start(1, &[]).await;
    let url = format!("http://{}", cluster.client().address());
    let first = document(&url, "generate --quantity 60 --idempotency-key k").await;
    let again = document(&url, "generate --quantity 60 --idempotency-key k").await;
    assert_eq!(first["runId"], again["runId"]);
    let (problem, code) = problem(&url, "generate --quantity 7 --idempotency-key k").await;
    assert_eq!((code, &problem["status"]), (3, &422.into()), "{problem:#}");
    assert_eq!(problem["runId"], first["runId"]);
    cluster.ends_exact(first["runId"].as_str().unwrap()).await;
    cluster.finish().await;
}

/// Reads from standard output until this is in what is read.
async fn until(child: &mut Child, said: &mut Vec<u8>, wanted: &str) {
    let (before, out) = (said.len(), child.stdout.as_mut().unwrap());
    while !text(&said[before..]).contains(wanted) {
        let read = in_time(wanted, out.read_buf(said)).await.unwrap();
        assert!(read > 0, "it has ended without {wanted}: {}", text(said));
    }
}

/// Reads the rest of standard output. Answers the exit code.
async fn end(mut child: Child, said: &mut Vec<u8>) -> Option<i32> {
    let out = child.stdout.as_mut().unwrap();
    in_time("the rest", out.read_to_end(said)).await.unwrap();
    in_time("the end", child.wait()).await.unwrap().code()
}

/// On a terminal, as `script` makes one.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_the_bar_as_it_stands() {
    let mut cluster = Cluster::start(0, &[]).await;
    let run_id = cluster.client().generate(500).await;
    let url = format!("http://{}", cluster.client().address());
    let follow = format!("stty cols 80 rows 24; exec {} follow", program("pedidos").display());
    let mut script = Command::new("/usr/bin/env");
    // No signal is ignored, whoever started these tests.
    script.args(["--default-signal", "script", "-q", "-e", "-c", &follow, "/dev/null"]);
    script.env("PEDIDOS_URL", url).env("TERM", "xterm").current_dir(std::env::temp_dir());
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = script.kill_on_drop(true).spawn().unwrap();
    let mut said = Vec::new();
    until(&mut child, &mut said, "no worker alive").await;
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(b"\x03").await.unwrap();
    let code = end(child, &mut said).await;
    let said = text(&said);
    assert_eq!(code, Some(130), "{said}");
    // The terminal shows what was typed. After it nothing is drawn: neither line is there twice.
    let (_, after) = said.split_once("^C").unwrap();
    let is_plain = !after.contains('\u{1b}') && !after.contains("GENERATING");
    assert!(is_plain && after.contains(&format!("run {run_id} continues")), "{after:?}");
    drop(keys);
    cluster.start_worker().await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}
