//! The receiver of these tests does what it is told, and notes what it did.

use std::time::Duration;

use pedidos_core::tls;
use pedidos_e2e::{
    authority::{Authority, Signed},
    receiver::{Call, Receiver, Reply, RetryAfter, Verdict, is_signed},
};
use reqwest::{Client, Response, Version};
use serde_json::json;

const ID: &str = "01a20641-6fe7-7000-8000-1011b5a21848";

fn client(authority: Option<&Authority>, own: Option<&Signed>) -> Client {
    let authority = authority.map(|authority| ("CA", authority.file.as_path()));
    let own = own.map(|own| ("OWN", own.both.as_path()));
    let mut tls = match authority {
        Some(_) => tls::client(authority, own).unwrap(),
        None => tls::trusting_nobody().unwrap(),
    };
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let limit = Duration::from_secs(20);
    Client::builder().no_proxy().timeout(limit).tls_backend_preconfigured(tls).build().unwrap()
}

/// A call with one order; `id`: which.
async fn called(client: &Client, receiver: &Receiver, id: &str) -> reqwest::Result<Response> {
    let body = json!({
        "runId": "run", "queue": "queue", "priority": "VIP", "batchId": "batch",
        "orders": [{ "id": id, "ref": "r-3", "attempt": 1 }],
    });
    client.post(&receiver.url).body(body.to_string()).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_well_or_badly_and_notes_what_it_said() {
    let receiver = Receiver::start().await;
    let client = client(None, None);
    let call = async || called(&client, &receiver, ID).await;
    let answer: serde_json::Value =
        serde_json::from_str(&call().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(answer["results"][0], json!({ "id": ID, "status": "ok" }));
    receiver.answer(|_| Reply::later(429, RetryAfter::Date(3)));
    let busy = call().await.unwrap();
    let date = busy.headers()["retry-after"].to_str().unwrap();
    assert!(busy.status() == 429 && date.len() == 29 && date.ends_with(" GMT"), "{date}");
    receiver.answer(|_| Reply::Huge);
    assert_eq!(call().await.unwrap().bytes().await.unwrap().len(), 100 * 1_024 * 1_024 + 23);
    for bad in [Reply::Half, Reply::Garbage, Reply::Close] {
        receiver.answer(move |_| bad.clone());
        let read = async { call().await?.text().await };
        assert!(read.await.is_err());
    }
    receiver.answer(|call| Reply::all(call, &Verdict::Fail("no".to_owned())));
    call().await.unwrap();
    let calls = receiver.calls();
    assert_eq!(calls.len(), 7);
    assert!(calls.iter().all(|call| call.answered >= Some(call.received)), "{calls:#?}");
    let said: Vec<_> = calls.iter().filter_map(|call| call.verdicts.get(ID)).collect();
    assert_eq!(said, [&Verdict::OK, &Verdict::Fail("no".to_owned())]);
    assert!(!is_signed(&calls[0], &receiver.secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_hangs_until_it_is_let_go_and_refuses_while_it_is_down() {
    let receiver = Receiver::start().await;
    let client = client(None, None);
    receiver.answer(|_| Reply::Hang);
    let wait = called(&client, &receiver, ID);
    let go = async {
        receiver.call("a call", Call::is_open).await;
        receiver.answer_well();
        receiver.let_go();
    };
    let (answer, ()) = tokio::join!(wait, go);
    assert_eq!(answer.unwrap().status(), 200);
    // Whoever waits when it goes down gets nothing.
    receiver.answer(|_| Reply::Hang);
    let down = async {
        receiver.until("the second call", |calls| calls.len() == 2).await;
        receiver.down().await;
    };
    let (answer, ()) = tokio::join!(called(&client, &receiver, ID), down);
    assert!(answer.is_err());
    receiver.until("it is noted", |calls| calls.last().is_some_and(|call| call.left)).await;
    for _ in 0..3 {
        assert!(called(&client, &receiver, ID).await.is_err());
        receiver.up().await;
        receiver.answer_well();
        assert_eq!(called(&client, &receiver, ID).await.unwrap().status(), 200);
        receiver.down().await;
    }
    assert_eq!(receiver.count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_http_2_and_refuses_strangers_by_tls() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (signed, own) = (authority.sign("receiver"), clients.sign("client"));
    let receiver = Receiver::secure(&signed, Some(&clients)).await;
    // Each has connections of its own: a request on one that ends meanwhile fails in its own way.
    let new_friend = || client(Some(&authority), Some(&own));
    let friend = new_friend();
    let answer = called(&friend, &receiver, ID).await.unwrap();
    assert!([Version::HTTP_2, Version::HTTP_11].contains(&answer.version()));
    assert_eq!(receiver.calls()[0].version, answer.version());
    assert!(called(&client(Some(&authority), None), &receiver, ID).await.is_err());
    receiver.refuses(0).await;
    for bad in [Reply::Half, Reply::Garbage, Reply::Close] {
        let what = format!("{bad:?}");
        receiver.answer(move |_| bad.clone());
        let read = async { called(&friend, &receiver, ID).await?.text().await };
        assert!(read.await.is_err(), "{what}");
    }
    receiver.answer_well();
    receiver.show(&authority.sign_expired("expired"), Some(&clients)).await;
    assert!(called(&new_friend(), &receiver, ID).await.unwrap_err().is_connect());
    receiver.show(&signed, Some(&clients)).await;
    assert_eq!(called(&new_friend(), &receiver, ID).await.unwrap().status(), 200);
}
