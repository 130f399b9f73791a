//! `pedidos`, as people and programs call it.

use std::{
    collections::BTreeSet,
    process::{Output, Stdio},
};

use pedidos_e2e::{
    Cluster,
    imports::lines,
    in_time, program,
    proxy::{Network, Proxy},
};
use reqwest::Method;
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
async fn every_command_answers_with_one_json_document() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let url = format!("http://{}", client.address());
    let url = url.as_str();
    let import = client.create_import().await;
    client.upload(&import, lines(0..20) + "no order\n").await;

    let run = document(url, "generate --quantity 300 --seed 5").await;
    let run_id = run["runId"].as_str().unwrap();
    assert_eq!(run["quantity"], 300, "{run:#}");
    let done = document(url, "follow").await;
    assert_eq!((&done["phase"], &done["runId"]), (&"DONE".into(), &run["runId"]), "{done:#}");
    for (line, place, expected) in [
        ("status", "/phase", "DONE".into()),
        ("runs --limit 1", "/runs/0/runId", run_id.into()),
        (&*format!("runs {run_id}"), "/seed", 5.into()),
        ("pause", "/paused", true.into()),
        ("resume", "/resumed", true.into()),
        ("limits --rate 100000", "/ordersPerSecond", 100_000.into()),
        ("limits --rate none", "/ordersPerSecond", Value::Null),
        ("queue", "/completed", 300.into()),
        ("jobs completed --end 4", "/total", 5.into()),
        ("retry-failed", "/retried", 0.into()),
        ("clean failed --yes", "/removed", 0.into()),
        ("close", "/closed", true.into()),
        ("health", "/status", "healthy".into()),
        ("ready", "/ready", true.into()),
        ("ready --live", "/alive", true.into()),
        ("logs --lines 5", "/quickStats/processedLines", 5.into()),
        ("whoami", "/via", "anonymous".into()),
        ("audit-log --limit 2 --operation generate", "/lines/0/operation", "generate".into()),
        ("audit-log --outcome refused", "/count", 0.into()),
        ("imports", "/imports/0/importId", import.as_str().into()),
        (&*format!("imports {import}"), "/rejected", 1.into()),
        (&*format!("rejects {import}"), "/0/line", 21.into()),
        ("cancel", "/aborted", false.into()),
        ("completions fish", "/shell", "fish".into()),
        ("man", "/file", "pedidos.1".into()),
    ] {
        let document = document(url, line).await;
        assert_eq!(document.pointer(place), Some(&expected), "{line}: {document:#}");
    }
    let jobs = document(url, "jobs completed --end 0").await;
    let order = jobs["jobs"][0]["id"].as_str().unwrap();
    let order = document(url, &format!("order {order}")).await;
    assert_eq!(order["status"], "processado", "{order:#}");
    let orders = document(url, &format!("export {run_id}")).await;
    assert_eq!(orders.as_array().unwrap().len(), 300);
    let file = std::env::temp_dir().join(format!("pedidos-{run_id}.csv"));
    let export = format!("export {run_id} --format csv --output {}", file.display());
    assert_eq!(document(url, &export).await["orders"], 300);
    std::fs::remove_file(&file).unwrap();
    let metrics = document(url, "metrics").await;
    let mut samples = metrics.as_array().unwrap().iter();
    assert!(samples.any(|sample| sample["name"] == "pedidos_store_up"), "{metrics:#}");
    let id = import.as_str();
    let started = format!("imports start {id} --on-rejects skip --processor builtin --follow");
    let done = document(url, &started).await;
    assert_eq!((&done["runId"], &done["phase"]), (&id.into(), &"DONE".into()), "{done:#}");
    // The API's limit is 200 runs at once: more are read page by page, into one document.
    let all = document(url, "runs --limit 1000").await;
    assert_eq!((&all["count"], &all["nextCursor"]), (&2.into(), &Value::Null), "{all:#}");
    let one = document(url, "runs --limit 1").await;
    let cursor = one["nextCursor"].as_str().unwrap();
    let other = document(url, &format!("runs --limit 1 --cursor {cursor}")).await;
    assert_eq!(other["runs"][0], all["runs"][1], "{other:#}");

    let mut audit = Command::new(program("pedidos"));
    audit.args(["audit", "--json"]).env_clear().envs(cluster.settings());
    let audit = in_time("the audit", audit.kill_on_drop(true).output()).await.unwrap();
    let report: Value = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!((&report["runId"], &report["holds"]), (&id.into(), &true.into()), "{report:#}");
    assert_eq!(document(url, &format!("delete-run {run_id} --yes")).await["deleted"], true);
    assert_eq!(document(url, "reset --yes").await["removedRuns"], 1);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem_with_its_exit_code() {
    let cluster = Cluster::start(0, &[]).await;
    let url = format!("http://{}", cluster.client().address());
    let run_id = cluster.client().generate(500).await;
    for (line, code, title) in [
        ("generate --quantity 0", 3, "Invalid parameters"),
        ("generate --quantity 10", 3, "Another run is active"),
        ("runs 0b0e7f4e-6a0c-4f0e-9d5e-0d6f6f0a1b2c", 3, "Run not found"),
        ("no-verb", 2, "Bad usage"),
        ("reset", 2, "Bad usage"),
        ("clean failed", 2, "Bad usage"),
        ("delete-run 0199-ab", 2, "Bad usage"),
        ("export --format csv", 2, "Bad usage"),
        ("rejects 0199-ab --csv", 2, "Bad usage"),
        ("status --url nowhere", 2, "Bad usage"),
        ("status --url http://127.0.0.1:1", 4, "Not reached"),
        ("follow --url http://127.0.0.1:1", 4, "Not reached"),
        ("health", 1, "Failed"),
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

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_retried_and_removed() {
    let cluster = Cluster::start(1, &[]).await;
    let url = format!("http://{}", cluster.client().address());
    let run_id = cluster.generate_with_dead(300, [3, 0]).await;
    cluster.done().await;
    let health = pedidos(&url, &["health"]).await;
    let said = text(&health.stdout);
    assert_eq!(health.status.code(), Some(1), "{said}");
    assert!(said.contains("degraded") && said.contains("pedidos retry-failed"), "{said}");
    let jobs = document(&url, "jobs failed").await;
    let id = jobs["jobs"][0]["id"].as_str().unwrap();
    let table = text(&pedidos(&url, &["jobs", "failed"]).await.stdout);
    assert!(table.contains(id) && table.contains("made by a test"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 60), "{table}");
    cluster.samples.expect_replay();
    assert_eq!(document(&url, &format!("retry-failed --id {id}")).await["retried"], 1);
    let done = document(&url, "follow").await;
    assert_eq!(done["ledger"]["vip"]["dead"], 2, "{done:#}");
    let removed = document(&url, &format!("clean failed --run {run_id} --limit 1 --yes")).await;
    assert_eq!(removed["removed"], 1, "{removed:#}");
    let status = cluster.client().status().await;
    assert_eq!(status.json["ledger"]["vip"]["dead"], 1, "{:#}", status.json);
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

#[tokio::test(flavor = "multi_thread")]
async fn the_rejects_of_a_connection_that_broke_are_those_of_one_that_did_not() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let id = client.create_import().await;
    let bad = (0..8_000).map(|number| format!("line {number} is no order\n"));
    let bad = bad.collect::<Vec<_>>().concat();
    client.upload(&id, bad).await;
    for (arguments, format) in
        [(&["rejects", &*id][..], "ndjson"), (&["rejects", &*id, "--csv"], "csv")]
    {
        let path = format!("/pedidos/imports/{id}/rejects?format={format}");
        let expected = client.raw(Method::GET, &path).await.body;
        let proxy = Proxy::to(client.address().parse().unwrap(), 1).await;
        proxy.set(Network::Narrow(400_000));
        let mut rejects = command(&format!("http://{}", proxy.address), arguments);
        let mut child = rejects.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = Vec::new();
        until(&mut child, &mut said, "line 100 is").await;
        assert!(!text(&said).contains("line 7000 is"), "it came too fast to be cut");
        proxy.cut();
        until(&mut child, &mut said, "line 4000 is").await;
        proxy.cut();
        proxy.set(Network::Fine);
        assert_eq!(end(child, &mut said).await, Some(0), "{format}");
        let (said, expected) = (text(&said), expected.as_str());
        assert!(said == expected, "{format}: {} bytes, not {}", said.len(), expected.len());
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_where_the_connection_broke() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let proxy = Proxy::to(client.address().parse().unwrap(), 1).await;
    let url = format!("http://{}", proxy.address);
    let mut events = command(&url, &["events", "--only", "phase,progress", "--json"]);
    let mut child = events.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = Vec::new();
    // The stream begins with the status.
    until(&mut child, &mut said, "\"event\":\"progress\"").await;
    for _ in 0..3 {
        let run_id = client.generate(60).await;
        cluster.ends_exact(&run_id).await;
        let is_end = |line: &str| {
            ["\"phase\"", "\"DONE\"", &run_id].iter().all(|part| line.contains(part))
                && line.contains("\"event\":\"phase\"")
        };
        while !text(&said).lines().any(is_end) {
            until(&mut child, &mut said, "\n").await;
        }
        proxy.cut();
    }
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert_eq!(end(child, &mut said).await, Some(130));
    let said = text(&said);
    let events = said.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let phases = events.filter(|event| event["event"] == "phase");
    let ids: Vec<_> = phases.map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    let once: BTreeSet<_> = ids.iter().collect();
    assert!(ids.len() >= 3 && once.len() == ids.len(), "none comes twice: {ids:?}");
    cluster.finish().await;
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
