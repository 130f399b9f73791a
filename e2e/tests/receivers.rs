//! Work of one's own: batches are posted to a receiver, and what it says of each order counts.

use std::time::Duration;

use hyper::Version;
use mongodb::bson::{Bson, doc};
use pedidos_e2e::{
    Cluster, Status,
    authority::{Authority, text},
    cluster::Kind,
    imports::line,
    receiver::{Call, Receiver, Reply, Sent, Verdict, secret},
    wait::throughout,
};
use serde_json::{Value, json};

/// Small batches, and time enough for each call on a busy machine.
const SETTINGS: &[(&str, &str)] = &[
    ("PROCESSOR_BATCH_SIZE", "25"),
    ("LEASE_MS", "30000"),
    ("RETRY_BACKOFF_MS", "10"),
    ("MAX_ATTEMPTS", "3"),
];

/// Waits for the end of the run, with so many dead letters; audits it.
async fn ends(cluster: &Cluster, run_id: &str, dead: u64) -> Status {
    let done = cluster.done().await;
    assert!(done.is_of(run_id), "{:#}", done.json);
    assert_eq!(done.dead(), dead, "{:#}", done.json);
    cluster.at_rest().await;
    cluster.audit().await;
    done
}

/// Of every tenth order.
fn is_tenth(order: &Sent) -> bool {
    order.number().is_multiple_of(10)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_is_called_once_and_every_vip_one_before_a_normal_one() {
    for workers in [1, 2, 4] {
        let receiver = Receiver::start().await;
        let cluster = Cluster::start_for(&receiver, workers, SETTINGS).await;
        let client = cluster.client();
        for imported in [false, true] {
            let run_id = if imported {
                client.run_lines(0..500, "").await
            } else {
                client.generate_for("default", 1_000).await
            };
            ends(&cluster, &run_id, 0).await;
            cluster.was_called_once(&receiver, &run_id).await;
            let most = receiver.of(&run_id).0.iter().map(|call| call.orders.len()).max();
            assert!(most <= Some(25), "{most:?}");
        }
        let processor = client.status().await.json["processor"].clone();
        let shown = json!({ "name": "default", "state": "closed", "workers": workers });
        for (field, value) in shown.as_object().unwrap() {
            assert_eq!(&processor[field], value, "{processor:#}");
        }
        // What a builtin run does is nobody else's business.
        let before = receiver.count();
        cluster.run(300).await;
        assert_eq!(receiver.count(), before);
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_what_the_contract_says() {
    let receiver = Receiver::start().await;
    let authorization = ("PROCESSOR_AUTHORIZATION", "Bearer of a secret");
    let settings = [SETTINGS, &[authorization]].concat();
    let cluster = Cluster::start_for(&receiver, 1, &settings).await;
    let client = cluster.client();
    let id = client.create_import().await;
    let mut first: Value = serde_json::from_str(&line(3)).unwrap();
    first["observacoes"] = "by the door".into();
    client.upload(&id, format!("{first}\n{}\n", line(4))).await;
    client.start_for(&id, "").await;
    ends(&cluster, &id, 0).await;
    let receipts = cluster.was_called_once(&receiver, &id).await;
    let [vip, normal] = &receipts.0[..] else { panic!("two calls: {receipts:#?}") };
    for (name, value) in [
        ("content-type", "application/json"),
        ("authorization", authorization.1),
        ("user-agent", &format!("pedidos-worker/{}", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(vip.header(name), value, "{:#?}", vip.headers);
    }
    assert_eq!((vip.path.as_str(), vip.version), ("/orders", Version::HTTP_11));
    let body: Value = serde_json::from_slice(&vip.body).unwrap();
    assert_eq!(body["queue"], cluster.settings()["QUEUE_NAME"].as_str(), "{body:#}");
    for (call, priority) in [(vip, "VIP"), (normal, "NORMAL")] {
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(body["priority"], priority, "{body:#}");
        assert_eq!(body["runId"], *id, "{body:#}");
        let fields: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(fields.len(), 5, "{body:#}");
    }
    let mut order = vip.orders[0].json.clone();
    let created_at = order.as_object_mut().unwrap().remove("createdAt").unwrap();
    assert!(created_at.as_str().is_some_and(|time| time.ends_with('Z')), "{created_at}");
    let stored = cluster.order(&id, "r-3").await;
    let wanted = json!({
        "id": stored.get_str("_id").unwrap(), "ref": "r-3", "cliente": "Cliente 3", "valor": 3.25,
        "tier": "DIAMANTE", "priority": "VIP", "observacoes": "by the door",
        "dados": { "sku": 3 }, "attempt": 1,
    });
    assert_eq!(order, wanted);
    // And it is left as it was.
    assert_eq!(stored.get_str("observacoes").unwrap(), "by the door");
    assert_eq!(stored.get_str("status").unwrap(), "processado");
    assert_eq!(normal.orders[0].reference.as_deref(), Some("r-4"));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_replaced_calls_are_signed_with_both() {
    let receiver = Receiver::start().await;
    let old = secret();
    let settings = [SETTINGS, &[("PROCESSOR_SECRET_OLD", &old)]].concat();
    let cluster = Cluster::start_for(&receiver, 1, &settings).await;
    let run_id = cluster.client().generate_for("default", 100).await;
    ends(&cluster, &run_id, 0).await;
    for secret in [&receiver.secret, &old] {
        receiver.of(&run_id).are_signed(secret);
    }
    cluster.finish().await;
}

/// A way of saying that all is done.
type Good = fn(&Call) -> Reply;

#[tokio::test(flavor = "multi_thread")]
async fn there_are_several_ways_of_saying_that_all_is_done() {
    let receiver = Receiver::start().await;
    let cluster = Cluster::start_for(&receiver, 2, SETTINGS).await;
    let ways: [Good; 5] = [
        |_| Reply::status(204),
        |call| Reply::failures(call, |_| false),
        |call| Reply::Late(Duration::from_millis(100), Reply::ok(call).into()),
        |call| {
            let Reply::Http(_, headers, body) = Reply::ok(call) else { unreachable!() };
            Reply::Http(201, headers, body)
        },
        // More than was asked for does no harm.
        |call| {
            let more = |id: &str| json!({ "id": id, "status": "ok", "note": null, "seconds": 0.5 });
            let results: Vec<_> = call.orders.iter().map(|order| more(&order.id)).collect();
            Reply::json(&json!({ "results": results, "by": "us" }))
        },
    ];
    for way in ways {
        receiver.answer(way);
        let run_id = cluster.client().generate_for("default", 200).await;
        ends(&cluster, &run_id, 0).await;
        cluster.was_called_once(&receiver, &run_id).await;
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_a_dead_letter_at_once_and_notes_are_kept() {
    let receiver = Receiver::start().await;
    receiver.answer(|call| {
        Reply::each(call, |order| match order.number() {
            17 | 19 => Verdict::Fail("x".repeat(5_000)),
            18 => Verdict::Ok("n".repeat(5_000)),
            number => Verdict::Ok(format!("done {number}")),
        })
    });
    let cluster = Cluster::start_for(&receiver, 2, SETTINGS).await;
    let run_id = cluster.client().run_lines(0..100, "onVipFailure=continue").await;
    ends(&cluster, &run_id, 2).await;
    let receipts = cluster.was_called_once(&receiver, &run_id).await;
    for name in ["r-17", "r-19"] {
        let order = cluster.order(&run_id, name).await;
        assert_eq!(order.get_str("status").unwrap(), "falhou", "{order:#?}");
        let outcome = order.get_document("outcome").unwrap();
        assert_eq!(outcome.get_str("error").unwrap(), "x".repeat(1_024), "{outcome:#?}");
        let batch = outcome.get_str("batch").unwrap();
        assert!(receipts.with(name)[0].batch_id.starts_with(batch), "{outcome:#?}");
        let history = outcome.get_array("history").unwrap();
        assert_eq!(history.len(), 1, "{outcome:#?}");
    }
    for (name, note) in [("r-18", "n".repeat(1_024)), ("r-20", "done 20".to_owned())] {
        let order = cluster.order(&run_id, name).await;
        assert_eq!(order.get_document("outcome").unwrap().get_str("note").unwrap(), note);
    }
    cluster.finish().await;
}

/// A way of saying that orders are to be called again.
type Again = fn(&Call, &dyn Fn(&Sent) -> bool) -> Reply;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_retried_or_is_left_out_is_called_again_with_its_next_attempt() {
    let receiver = Receiver::start().await;
    let cluster = Cluster::start_for(&receiver, 2, SETTINGS).await;
    let ways: [Again; 4] = [
        |call, again| each(call, again, &Verdict::Retry(None)),
        |call, again| each(call, again, &Verdict::Retry(Some(300))),
        |call, again| each(call, again, &Verdict::LeftOut),
        |call, again| Reply::failures(call, again),
    ];
    for (way, at_least) in ways.into_iter().zip([0, 300, 0, 0]) {
        receiver.answer(move |call| way(call, &|order| is_tenth(order) && order.attempt == 1));
        let run_id = cluster.client().run_lines(0..200, "").await;
        ends(&cluster, &run_id, 0).await;
        let receipts = cluster.was_called(&receiver, &run_id).await;
        let twice: Vec<_> =
            receipts.attempts().into_values().filter(|attempts| attempts.len() > 1).collect();
        assert_eq!(twice, vec![vec![1, 2]; 20], "{receipts:#?}");
        for number in (0..200).step_by(10) {
            let calls = receipts.with(&format!("r-{number}"));
            let between = calls[1].received - calls[0].answered.unwrap();
            assert!(between >= Duration::from_millis(at_least), "{between:?}");
        }
    }
    cluster.finish().await;
}

fn each(call: &Call, again: &dyn Fn(&Sent) -> bool, verdict: &Verdict) -> Reply {
    Reply::each(call, |order| if again(order) { verdict.clone() } else { Verdict::OK })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenth_that_is_always_to_be_retried_is_given_up_and_the_rest_goes_through() {
    let receiver = Receiver::start().await;
    receiver.answer(|call| each(call, &is_tenth, &Verdict::Retry(None)));
    // For those that are left when nobody vouches for the receiver any more.
    let settings = [SETTINGS, &[("RETRY_FOR_MS", "1000")]].concat();
    let cluster = Cluster::start_for(&receiver, 2, &settings).await;
    let run_id = cluster.client().run_lines(0..200, "onVipFailure=continue").await;
    ends(&cluster, &run_id, 20).await;
    let receipts = receiver.of(&run_id);
    for number in 0..200 {
        let name = format!("r-{number}");
        let order = cluster.order(&run_id, &name).await;
        let calls = receipts.with(&name).len();
        if number % 10 == 0 {
            assert!(order.get_str("status").unwrap() == "falhou" && calls >= 3, "{order:#?}");
            let outcome = order.get_document("outcome").unwrap();
            let spent = outcome.get("attempts").and_then(number_of).unwrap();
            assert!((1..=3).contains(&spent), "{order:#?}");
            assert_eq!(outcome.get_str("error").unwrap(), "not now");
            assert_eq!(outcome.get_array("history").unwrap().len() as i64, spent, "{order:#?}");
        } else {
            assert_eq!((order.get_str("status").unwrap(), calls), ("processado", 1), "{order:#?}");
        }
    }
    cluster.finish().await;
}

fn number_of(value: &Bson) -> Option<i64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_refused_are_halved_and_no_attempt_is_spent() {
    let receiver = Receiver::start().await;
    let cluster = Cluster::start_for(&receiver, 2, SETTINGS).await;
    for status in [400, 413, 415, 422] {
        receiver.answer(move |call| Reply::singles_only(call, status));
        let run_id = cluster.client().generate_for("default", 120).await;
        ends(&cluster, &run_id, 0).await;
        cluster.was_called(&receiver, &run_id).await.spent_no_attempt();
        cluster.spent_no_attempt(&run_id).await;
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_behind_a_private_authority_is_called_and_an_expired_one_is_not() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (signed, own) = (authority.sign("receiver"), clients.sign("worker"));
    let receiver = Receiver::secure(&signed, Some(&clients)).await;
    let told = [
        ("PROCESSOR_CA_FILE", text(&authority.file)),
        ("PROCESSOR_CLIENT_CERT_FILE", text(&own.both)),
    ];
    let cluster = Cluster::start_for(&receiver, 1, &[SETTINGS, &told].concat()).await;
    let run_id = cluster.client().generate_for("default", 200).await;
    ends(&cluster, &run_id, 0).await;
    let calls = cluster.was_called_once(&receiver, &run_id).await;
    assert!(calls.0.iter().all(|call| call.version == Version::HTTP_2), "{calls:#?}");
    receiver.show(&authority.sign_expired("expired"), Some(&clients)).await;
    let run_id = cluster.client().generate_for("default", 200).await;
    cluster.breaks().await;
    receiver.refuses(1).await;
    assert_eq!(receiver.of(&run_id).0.len(), 0);
    cluster.spent_no_attempt(&run_id).await;
    receiver.show(&signed, Some(&clients)).await;
    ends(&cluster, &run_id, 0).await;
    cluster.was_called_once(&receiver, &run_id).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_wants_a_certificate_or_is_a_stranger_is_not_called_without() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (signed, own) = (authority.sign("receiver"), clients.sign("worker"));
    let receiver = Receiver::secure(&signed, Some(&clients)).await;
    let mut cluster = Cluster::start_for(&receiver, 0, SETTINGS).await;
    let trusts = ("PROCESSOR_CA_FILE", text(&authority.file));
    let shows = ("PROCESSOR_CLIENT_CERT_FILE", text(&own.both));
    let others = Authority::new();
    let wrong = ("PROCESSOR_CA_FILE", text(&others.file));
    let run_id = cluster.client().generate_for("default", 200).await;
    for told in [&[trusts][..], &[wrong, shows]] {
        let worker = cluster.start_one(Kind::Worker, told).await;
        cluster.breaks().await;
        cluster.spent_no_attempt(&run_id).await;
        assert_eq!(receiver.count(), 0);
        cluster.stop(worker).await;
    }
    cluster.start_one(Kind::Worker, &[trusts, shows]).await;
    ends(&cluster, &run_id, 0).await;
    cluster.was_called_once(&receiver, &run_id).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_another_name_takes_no_batch_and_health_says_that_nobody_has_it() {
    let receiver = Receiver::start().await;
    let settings = [SETTINGS, &[("PROCESSOR_NAME", "laptop")]].concat();
    let mut cluster = Cluster::start_for(&receiver, 1, &settings).await;
    // One that has no receiver at all, too.
    cluster.start_one(Kind::Worker, &[("PROCESSOR_URL", ""), ("PROCESSOR_NAME", "")]).await;
    let run_id = cluster.client().generate_for("production", 200).await;
    let generated = |status: &Status| status.progress.generated == 200;
    let status = cluster.wait_for("all chunks", generated).await;
    let processor = &status.json["processor"];
    assert_eq!(processor["name"], "production", "{processor:#}");
    assert_eq!((&processor["state"], &processor["workers"]), (&json!("none"), &json!(0)));
    // For some claims of each.
    throughout(Duration::from_secs(2), async || {
        let health = cluster.client().health().await.json(200);
        assert_eq!(health["status"], "degraded", "{health:#}");
        assert_eq!(health["checks"]["processor"], false, "{health:#}");
        let why = health["error"].as_str().unwrap_or_default();
        assert!(why.contains("no worker has the processor 'production'"), "{health:#}");
        assert_eq!(health["checks"]["isStuck"], false, "{health:#}");
        assert_eq!(receiver.count(), 0);
    })
    .await;
    assert_eq!(cluster.ids(&run_id, doc! { "status": { "$ne": "pendente" } }).await.len(), 0);
    cluster.start_one(Kind::Worker, &[("PROCESSOR_NAME", "production")]).await;
    ends(&cluster, &run_id, 0).await;
    cluster.was_called_once(&receiver, &run_id).await;
    assert_eq!(cluster.client().health().await.json(200)["status"], "healthy");
    cluster.finish().await;
}
