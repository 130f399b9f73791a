//! The memory that clients can make a process take stays below the limits of its pod
//! (k8s/base), whatever they ask for and however slowly they read.

use futures_util::future::join_all;
use pedidos_e2e::{Client, Cluster, raw::Raw};
use reqwest::Method;

/// Of the API's pod, KiB.
const API: u64 = 128 * 1_024;
/// Of a worker's.
const WORKER: u64 = 256 * 1_024;
/// Clients that ask, and do not read on.
const IDLE: usize = 300;

/// So many connections that have asked for this, and have read the answer's head.
async fn held(client: &Client, path: &str, headers: &str, times: usize) -> Vec<Raw> {
    let mut open = Vec::new();
    for _ in 0..times {
        let mut one = Raw::to(client.address()).await;
        let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        one.send(ask.as_bytes()).await;
        let head = one.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        open.push(one);
    }
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_read_a_page_share_one_copy_of_it() {
    let mut cluster = Cluster::start(0, &[]).await;
    let client = cluster.client().clone();
    for (path, headers) in [
        ("/docs", ""),
        ("/docs", "Accept-Encoding: gzip\r\n"),
        ("/openapi.json", ""),
        ("/openapi.yaml", ""),
        ("/", ""),
    ] {
        // The first one makes what the others share.
        drop(held(&client, path, headers, 1).await);
        let before = cluster.process(0).resident_kib();
        let held = held(&client, path, headers, IDLE).await;
        let grown = cluster.process(0).resident_kib().saturating_sub(before);
        assert!(grown < 24 * 1_024, "{grown} KiB for {IDLE} of {path} {headers}");
        drop(held);
    }
    let peak = cluster.process(0).peak_kib();
    assert!(peak < API, "{peak} KiB");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_ten_thousand_jobs_fit_into_the_apis_pod_ten_at_once() {
    let large = [
        ("GENERATION_CHUNK_SIZE", "4000"),
        ("NORMAL_ENQUEUE_BATCH_SIZE", "4000"),
        ("ORDERS_BATCH_SIZE", "250"),
    ];
    let mut cluster = Cluster::start(1, &large).await;
    let client = cluster.client().clone();
    cluster.run(12_000).await;
    let path = "/pedidos/queue/jobs?types=completed,waiting,active,delayed,failed&end=10000";
    let asked = (0..10).map(|_| client.raw(Method::GET, path));
    let mut answered = 0;
    for answer in join_all(asked).await {
        // One client gets three at once. The others wait, on a slow machine in vain.
        if answer.status == 503 {
            continue;
        }
        answered += 1;
        let page = answer.json(200);
        assert_eq!(page["total"], 10_001);
        assert_eq!(page["available"]["completed"], 12_000);
        let jobs = page["jobs"].as_array().unwrap();
        let ids: std::collections::BTreeSet<_> =
            jobs.iter().map(|job| job["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 10_001, "a job is there twice");
    }
    assert!(answered >= 3, "{answered}");
    // Those that do not read keep no more than they asked for, and nobody from being answered.
    let held = held(&client, path, "", 2).await;
    let lines = (0..10).map(|_| client.raw(Method::GET, "/pedidos/logs?lines=5000"));
    for answer in join_all(lines).await {
        assert!(matches!(answer.status, 200 | 503), "{answer:#?}");
    }
    drop(held);
    let peak = cluster.process(0).peak_kib();
    assert!(peak < API, "{peak} KiB");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_chunks_fit_into_a_workers_pod() {
    let largest = [
        ("GENERATION_CHUNK_SIZE", "100000"),
        ("NORMAL_ENQUEUE_BATCH_SIZE", "100000"),
        ("ORDERS_QUEUE_CONCURRENCY", "25"),
        ("LEASE_MS", "60000"),
    ];
    let mut cluster = Cluster::start(1, &largest).await;
    let run_id = cluster.client().generate(300_000).await;
    let generated = cluster
        .wait_for("all of it generated", |status| status.progress.generated == 300_000)
        .await;
    assert!(generated.is_of(&run_id), "{:#}", generated.json);
    let peak = cluster.process(1).peak_kib();
    assert!(peak < WORKER, "{peak} KiB");
    cluster.client().reset().await;
    cluster.finish().await;
}
