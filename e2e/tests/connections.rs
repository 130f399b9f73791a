//! Clients that are slow, greedy or many.

use pedidos_e2e::{Cluster, in_time, raw::Raw};
use serde_json::Value;

/// The problem in a raw answer, which must have this status and end the connection.
fn problem(answer: &str, status: u16) -> Value {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("it has a body");
    let problem: Value = serde_json::from_str(body).expect("it is JSON");
    assert_eq!(problem["status"], status, "{answer}");
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_slow_connections_disturb_neither_a_run_nor_its_status() {
    let cluster = Cluster::start(1, &[]).await;
    let address = cluster.client().address().to_owned();
    let mut slow = Vec::new();
    for at in 0..200 {
        let mut raw = Raw::to(&address).await;
        let begun: &[u8] = match at % 3 {
            0 => b"GET /pedidos HTTP/1.1\r\nHost: x\r\nX-Slow: ",
            1 => b"POST /pedidos/queue/close HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
            _ => b"G",
        };
        assert!(raw.send(begun).await);
        slow.push(raw);
    }
    // All of them are open while this happens, and one after the other is cut off.
    let run_id = cluster.client().generate(5_000).await;
    let cut = async {
        for raw in slow {
            problem(&raw.rest().await, 408);
        }
    };
    tokio::join!(cut, cluster.ends_exact(&run_id));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_or_of_another_version_is_told_so() {
    let cluster = Cluster::start(1, &[]).await;
    let long = "a".repeat(33 * 1_024);
    let of_worker = cluster.workers().next().expect("there is one").address().to_owned();
    for address in [cluster.client().address(), &of_worker] {
        for (asked, status) in [
            (format!("GET /{long}"), 414),
            (format!("GET / HTTP/1.1\r\nX-Long: {long}"), 431),
            ("PRI * HTTP/2.0\r\n\r\n".to_owned(), 505),
        ] {
            let mut raw = Raw::to(address).await;
            raw.send(asked.as_bytes()).await;
            problem(&raw.rest().await, status);
        }
    }
    let many = "X-One: 1\r\n".repeat(120);
    let mut raw = Raw::to(cluster.client().address()).await;
    raw.send(format!("GET /livez HTTP/1.1\r\nHost: x\r\n{many}\r\n").as_bytes()).await;
    problem(&raw.rest().await, 431);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_connections_than_there_may_be_and_one_for_each_that_goes() {
    const ASK: &[u8] = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    let cluster = Cluster::start(0, &[("MAX_CONNECTIONS", "3")]).await;
    let address = cluster.client().address().to_owned();
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut raw = Raw::to(&address).await;
        assert!(raw.send(ASK).await);
        assert!(raw.until("ok").await.starts_with("HTTP/1.1 200 "));
        open.push(raw);
    }
    let said = problem(&Raw::to(&address).await.rest().await, 503);
    assert!(said["detail"].as_str().is_some_and(|said| said.contains("MAX_CONNECTIONS")));
    open.pop();
    in_time("a connection in its place", async {
        while cluster
            .client()
            .try_raw(reqwest::Method::GET, "/livez", None)
            .await
            .is_none_or(|answer| answer.status != 200)
        {
            tokio::time::sleep(pedidos_e2e::POLL).await;
        }
    })
    .await;
    drop(open);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_so_many_streams_and_gets_them_back() {
    let cluster = Cluster::start(0, &[("MAX_STREAMS_PER_ADDRESS", "2")]).await;
    let mut open = vec![cluster.client().events(None).await, cluster.client().events(None).await];
    let refused = cluster.client().try_events(None).await.err().expect("two are all");
    refused.problem(429);
    assert_eq!(refused.header(reqwest::header::RETRY_AFTER), "10");
    open.pop();
    in_time("a stream in its place", async {
        while cluster.client().try_events(None).await.is_err() {
            tokio::time::sleep(pedidos_e2e::POLL).await;
        }
    })
    .await;
    cluster.finish().await;
}
