//! What a client can make a process hold has bounds: connections, what is in a request,
//! how long it takes, and streams.

use pedidos_common::access::Role;
use pedidos_e2e::{Cluster, POLL, in_time, keys::KeyFile, raw::Raw};
use reqwest::header;
use tokio::task::JoinSet;

/// Slow clients.
const SLOW: usize = 200;

/// A request's head up to its end. What is posted here changes nothing.
fn head(method: &str, more: &str) -> String {
    let path = if method == "POST" { "/pedidos/process" } else { "/pedidos" };
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")
}

/// Is this what the connection said in the end: this status, as a problem?
fn is_problem(said: &str, status: &str) -> bool {
    let headers =
        ["content-type: application/problem+json\r\n", "x-content-type-options: nosniff\r\n"];
    said.starts_with(&format!("HTTP/1.1 {status} "))
        && headers.iter().all(|header| said.contains(header))
        && said.ends_with('}')
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_slow_connections_disturb_nobody_and_end() {
    let cluster = Cluster::start(2, &[]).await;
    let client = cluster.client();
    let body = head("POST", "Content-Length: 100\r\n") + "{";
    let mut slow = JoinSet::new();
    for nth in 0..SLOW {
        let mut one = Raw::to(client.address()).await;
        let (said, expected) = match nth % 4 {
            // Says nothing at all.
            0 => ("", None),
            // A head that does not go on; one that does, a byte at a time; a body.
            1 | 2 => ("GET /pedidos HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", Some("408")),
            _ => (body.as_str(), Some("408")),
        };
        one.send(said.as_bytes()).await;
        slow.spawn(async move {
            if nth % 4 == 2 {
                one.drip(b'x').await;
            }
            (one.rest().await, expected)
        });
    }
    // All of them are here. Each of these calls must be answered, and is.
    let run_id = client.generate(2_000).await;
    cluster.ends_exact(&run_id).await;
    let mut told = 0;
    while let Some(one) = slow.join_next().await {
        let (said, expected) = one.unwrap();
        match expected {
            None => assert_eq!(said, "", "one that never said anything is told nothing"),
            Some(status) => assert!(is_problem(&said, status), "{said}"),
        }
        told += 1;
        assert_eq!(client.livez().await.status, 200);
    }
    assert_eq!(told, SLOW);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_told_so_and_the_others_go_on() {
    let cluster = Cluster::start(0, &[("MAX_CONNECTIONS", "3")]).await;
    let client = cluster.client();
    // This client has one, and keeps it.
    assert_eq!(client.livez().await.status, 200);
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut one = Raw::to(client.address()).await;
        one.send(head("GET", "").as_bytes()).await;
        one.until("\r\n\r\n").await;
        kept.push(one);
    }
    let said = Raw::to(client.address()).await.rest().await;
    assert!(is_problem(&said, "503"), "{said}");
    assert!(said.contains("MAX_CONNECTIONS"), "{said}");
    assert_eq!(client.livez().await.status, 200);
    // Who leaves makes room.
    drop(kept);
    in_time("room for another", async {
        loop {
            let mut one = Raw::to(client.address()).await;
            one.send(head("GET", "Connection: close\r\n").as_bytes()).await;
            if one.rest().await.starts_with("HTTP/1.1 200 ") {
                break;
            }
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_bodies_have_bounds() {
    let cluster = Cluster::start(1, &[]).await;
    let long = "x".repeat(33 * 1_024);
    let many = "X-More: 1\r\n".repeat(200);
    let body = head("POST", "Connection: close\r\nContent-Length: 2000\r\n") + &"x".repeat(2_000);
    let pieces = head("POST", "Connection: close\r\nTransfer-Encoding: chunked\r\n")
        + "7d0\r\n"
        + &"x".repeat(2_000);
    let cases = [
        (format!("GET /{long} HTTP/1.1\r\n"), "414", true),
        (head("GET", &format!("X-Long: {long}\r\n")), "431", true),
        (head("GET", &many), "431", false),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "505", true),
        ("NOT HTTP\r\n\r\n".to_owned(), "400", false),
        (body, "413", false),
        (pieces, "413", false),
    ];
    for (request, status, worker_too) in &cases {
        for (id, who) in [(0, "api"), (1, "worker")] {
            if who == "worker" && !worker_too {
                continue;
            }
            let mut one = Raw::to(cluster.client_of(id).address()).await;
            one.send(request.as_bytes()).await;
            let said = one.rest().await;
            let begin: String = request.chars().take(60).collect();
            assert!(is_problem(&said, status), "{who}: {begin}: {said}");
        }
    }
    assert_eq!(cluster.client().livez().await.status, 200);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_so_many_streams_and_gets_them_back() {
    let keys = KeyFile::new();
    let [one, other] = ["one", "other"].map(|name| keys.add(name, Role::Viewer));
    let mut settings = keys.settings();
    settings.push(("MAX_STREAMS", "2".to_owned()));
    let cluster = Cluster::guarded(&settings).await;
    let (client, other) = (cluster.client_with(&one), cluster.client_with(&other));
    let mut open = [client.events(None).await, client.events(None).await];
    for events in &mut open {
        assert!(events.next().await.is_some());
    }
    let Err(refused) = client.try_events(None).await else { panic!("a third stream") };
    assert_eq!(refused.status, 429, "{refused:#?}");
    assert_eq!(refused.header(header::CONTENT_TYPE), "application/problem+json");
    assert_eq!(refused.header(header::RETRY_AFTER), "10");
    // Anything else is answered, and so is another key at the same address.
    client.status().await;
    let _other_open = other.events(None).await;
    drop(open);
    in_time("a stream again", async {
        while client.try_events(None).await.is_err() {
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
    cluster.finish().await;
}
