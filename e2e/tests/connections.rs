//! What a client can make a process hold has bounds: connections, what is in a request,
//! how long it takes, and streams.

use std::sync::Arc;

use pedidos_core::role::Role;
use pedidos_e2e::{Client, Cluster, events::Events, eventually, in_time, keys::KeyFile, raw::Raw};
use reqwest::{Method, header};
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
async fn one_connection_too_many_is_refused_and_the_others_go_on() {
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
    eventually("room for another", async || {
        let mut one = Raw::to(client.address()).await;
        one.send(head("GET", "Connection: close\r\n").as_bytes()).await;
        one.rest().await.starts_with("HTTP/1.1 200 ")
    })
    .await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_client_and_not_with_the_next_heartbeat() {
    let settings = [("MAX_STREAMS", "1"), ("MAX_CONNECTIONS", "8")];
    let mut cluster = Cluster::start(0, &settings).await;
    let address = cluster.client().address().to_owned();
    let request = "GET /pedidos/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    // Nothing happens in between. That many heartbeats would be ten minutes.
    in_time("forty streams, one after the other", async {
        for _ in 0..40 {
            eventually("a stream", async || {
                let mut one = Raw::to(&address).await;
                one.send(request.as_bytes()).await;
                let accepted = one.until("\r\n").await.starts_with("HTTP/1.1 200 ");
                if accepted {
                    // All that there is: what is not read when it is closed would be a reset.
                    one.until("\n\n\r\n").await;
                }
                accepted
            })
            .await;
        }
    })
    .await;
    // And so do those of who asks and closes at once, but still reads.
    in_time("a stream of which nothing can be told any more", async {
        let mut one = Raw::to(&address).await;
        one.send(request.as_bytes()).await;
        one.close_writing().await;
        one.rest().await;
    })
    .await;
    assert_eq!(cluster.client().livez().await.status, 200);
    assert!(cluster.process(0).is_running());
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_closed_its_sending_side_is_answered() {
    let cluster = Cluster::start(0, &[]).await;
    for path in ["/pedidos", "/openapi.json", "/docs"] {
        let mut one = Raw::to(cluster.client().address()).await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        one.send(request.as_bytes()).await;
        one.close_writing().await;
        let said = one.rest().await;
        assert!(said.starts_with("HTTP/1.1 200 "), "{path}: {said}");
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        assert_eq!(body.len(), length.parse::<usize>().unwrap(), "{path}");
    }
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
    eventually("a stream again", async || client.try_events(None).await.is_ok()).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_of_one_address_lock_nobody_out() {
    let keys = KeyFile::new();
    let key = keys.add("ana", Role::Viewer);
    let mut settings = keys.settings();
    settings.push(("MAX_CONNECTIONS", "40".to_owned()));
    let mut cluster = Cluster::guarded(&settings).await;
    let client = cluster.client_with(&key);
    let line = cluster.process(0).line("metrics and probes on http://").await;
    let admin = Client::new(line.split_whitespace().last().unwrap(), Arc::default());
    // Of one address more than there may be at all, at each port: silent, in the middle of a
    // head, and after an answer.
    let mut held = Vec::new();
    for nth in 0..120 {
        let to = if nth % 2 == 0 { client.address() } else { admin.address() };
        let mut one = Raw::to(to).await;
        match nth % 6 {
            0 | 1 => {}
            2 | 3 => drop(one.send(b"GET /livez HTTP/1.1\r\nX: ").await),
            _ => {
                one.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
                one.until("ok").await;
            }
        }
        held.push(one);
    }
    // Who has a key is answered, also from there; and so are probes.
    assert_eq!(client.raw(Method::GET, "/pedidos").await.status, 200);
    assert_eq!(admin.readyz().await.status, 200);
    // And others have their share.
    for (address, to) in [("127.0.0.2", &client), ("127.0.0.3", &admin)] {
        let mut other = Raw::from(address, to.address()).await;
        other.send(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n").await;
        let said = other.rest().await;
        assert!(said.starts_with("HTTP/1.1 200 "), "{address}: {said}");
    }
    drop(held);
    cluster.finish().await;
}

/// As many streams as this client gets; and the refusal of the next.
async fn streams(client: &Client) -> (Vec<Events>, String) {
    let mut open = Vec::new();
    loop {
        match client.try_events(None).await {
            Ok(events) => open.push(events),
            Err(refused) => {
                let why = refused.problem(429)["detail"].as_str().unwrap().to_owned();
                return (open, why);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_two_viewers_leave_connections_for_others() {
    let keys = KeyFile::new();
    let [one, two, three] = ["one", "two", "three"].map(|name| keys.add(name, Role::Viewer));
    let mut settings = keys.settings();
    settings.push(("MAX_CONNECTIONS", "40".to_owned()));
    let cluster = Cluster::guarded(&settings).await;
    let (ones, why) = streams(&cluster.client_with(&one)).await;
    assert!(ones.len() == 10 && why.contains("10 streams of this key"), "{}: {why}", ones.len());
    let (twos, _) = streams(&cluster.client_with(&two)).await;
    assert_eq!(twos.len(), 10);
    let third = cluster.client_with(&three);
    assert_eq!(third.raw(Method::GET, "/pedidos").await.status, 200);
    let _its_own = third.events(None).await;
    drop((ones, twos));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_head_in_one_piece_with_the_first_has_its_bounds() {
    let cluster = Cluster::start(1, &[]).await;
    let long = "x".repeat(33 * 1_024);
    for (id, path) in [(0, "/livez"), (1, "/livez")] {
        let first = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let body =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}");
        for request in [first, body] {
            let second = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n");
            let mut one = Raw::to(cluster.client_of(id).address()).await;
            one.send(format!("{request}{second}").as_bytes()).await;
            let said = one.rest().await;
            assert_eq!(
                said.matches("HTTP/1.1 200 ").count() + said.matches("HTTP/1.1 405 ").count(),
                1,
                "{said}"
            );
        }
    }
    cluster.finish().await;
}
