//! Receivers at fault: it costs time, and no order. And orders at fault: they alone are blamed.

use std::time::Duration;

use mongodb::bson::doc;
use pedidos_core::{order::Priority, run::Phase};
use pedidos_e2e::{
    Cluster, eventually_some,
    receiver::{Call, Receipts, Receiver, Reply, RetryAfter, Verdict},
};
use reqwest::Method;

/// Small batches, a short lease, and calls that may take a third of it.
const SETTINGS: &[(&str, &str)] = &[
    ("PROCESSOR_BATCH_SIZE", "25"),
    ("PROCESSOR_TIMEOUT_MS", "1000"),
    ("LEASE_MS", "3000"),
    ("RETRY_BACKOFF_MS", "10"),
    ("MAX_ATTEMPTS", "2"),
];

/// How a receiver is at fault.
type Bad = fn(&Call) -> Reply;

/// None: it is down.
const FAULTS: [(&str, Option<Bad>); 22] = [
    ("away", None),
    ("a closed connection", Some(|_| Reply::Close)),
    ("a hang", Some(|_| Reply::Hang)),
    ("too late", Some(|call| Reply::Late(Duration::from_millis(1_500), Reply::ok(call).into()))),
    ("half an answer", Some(|_| Reply::Half)),
    ("garbage", Some(|_| Reply::Garbage)),
    ("100 MiB", Some(|_| Reply::Huge)),
    ("no JSON", Some(|_| Reply::not_json())),
    (r#"{"ok":true}"#, Some(|_| Reply::json(&serde_json::json!({ "ok": true })))),
    ("a foreign id", Some(Reply::foreign)),
    ("an id twice", Some(Reply::twice)),
    ("429", Some(|_| Reply::status(429))),
    ("429, later", Some(|_| Reply::later(429, RetryAfter::Seconds(1)))),
    ("429, at a time", Some(|_| Reply::later(429, RetryAfter::Date(1)))),
    ("503", Some(|_| Reply::status(503))),
    ("500", Some(|_| Reply::status(500))),
    ("408", Some(|_| Reply::status(408))),
    ("410", Some(|_| Reply::status(410))),
    ("404", Some(|_| Reply::status(404))),
    ("403", Some(|_| Reply::status(403))),
    ("401", Some(|_| Reply::status(401))),
    ("a redirect", Some(|_| Reply::redirect("/elsewhere"))),
];

/// When it begins to be at fault.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Before the run.
    Start,
    /// In the middle of the VIP orders: others have just gone through.
    Vip,
    /// With the first NORMAL order.
    Normal,
}

impl Moment {
    const ALL: [Self; 3] = [Self::Start, Self::Vip, Self::Normal];

    /// Is it there? `nth`: the call's number in its run.
    fn has_come(self, call: &Call, nth: usize) -> bool {
        match self {
            Self::Start => true,
            Self::Vip => nth >= 2,
            Self::Normal => call.priority == Priority::Normal,
        }
    }
}

/// One run through a fault: nothing is given up, no attempt is spent, and it goes on by itself.
async fn through(cluster: &Cluster, receiver: &Receiver, bad: Option<Bad>, moment: Moment) {
    let before = receiver.count();
    let rule = bad.unwrap_or(|_| Reply::Hang);
    receiver.answer(move |call| {
        let has_come = moment.has_come(call, call.number.saturating_sub(before));
        if has_come { rule(call) } else { Reply::ok(call) }
    });
    if bad.is_none() && matches!(moment, Moment::Start) {
        receiver.down().await;
    }
    let run_id = cluster.client().generate_for("default", 400).await;
    if !matches!((bad, moment), (None, Moment::Start)) {
        let meets =
            |call: &Call| call.number >= before && moment.has_come(call, call.number - before);
        receiver.call("a call that meets the fault", meets).await;
        if bad.is_none() {
            receiver.down().await;
        }
    }
    let broken = cluster.breaks().await;
    let is_vip = !matches!(moment, Moment::Normal);
    assert_eq!(broken.fence.open, !is_vip, "{:#}", broken.json);
    assert!(!broken.phase.is_ended(), "{:#}", broken.json);
    cluster.spent_no_attempt(&run_id).await;
    if bad.is_none() {
        receiver.up().await;
    }
    receiver.answer_well();
    receiver.let_go();
    cluster.ends_exact(&run_id).await;
    cluster.spent_no_attempt(&run_id).await;
    cluster.was_called(receiver, &run_id).await.spent_no_attempt();
    assert!(receiver.of(&run_id).0.iter().all(|call| call.path == "/orders"));
}

/// Every fault, each at a moment that another number of workers meets at another.
async fn through_every_fault(workers: usize, shift: usize) {
    let receiver = Receiver::start().await;
    let mut cluster = Cluster::start_for(&receiver, workers, SETTINGS).await;
    let before = cluster.process(1).peak_kib();
    for (nth, (what, bad)) in FAULTS.into_iter().enumerate() {
        let moment = Moment::ALL[(nth + shift) % 3];
        eprintln!("{workers} workers, {moment:?}: {what}");
        through(&cluster, &receiver, bad, moment).await;
    }
    // A hundred MiB, again and again, are not kept.
    let grown = cluster.process(1).peak_kib() - before;
    assert!(grown < 48 * 1_024, "{grown} KiB more than at its start");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_worker_waits_for_a_receiver_that_is_at_fault_and_no_attempt_is_spent() {
    through_every_fault(1, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_wait_for_a_receiver_that_is_at_fault_and_no_attempt_is_spent() {
    through_every_fault(2, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_workers_wait_for_a_receiver_that_is_at_fault_and_no_attempt_is_spent() {
    through_every_fault(4, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_is_called_again_when_it_wants_to_be() {
    let receiver = Receiver::start().await;
    // One call at a time, so that the second one is the one after the first.
    let settings = [SETTINGS, &[("ORDERS_QUEUE_CONCURRENCY", "1")]].concat();
    let cluster = Cluster::start_for(&receiver, 1, &settings).await;
    for (status, after) in [(429, RetryAfter::Seconds(4)), (503, RetryAfter::Date(4))] {
        let before = receiver.count();
        receiver.answer(move |call| {
            if call.number == before { Reply::later(status, after) } else { Reply::ok(call) }
        });
        let run_id = cluster.client().generate_for("default", 100).await;
        // One fault is enough.
        cluster.breaks().await;
        cluster.ends_exact(&run_id).await;
        let calls = cluster.was_called(&receiver, &run_id).await;
        calls.spent_no_attempt();
        let waited = calls.0[1].received - calls.0[0].answered.unwrap();
        assert!(waited >= Duration::from_secs(4), "{status} {after:?}: {waited:?}");
    }
    cluster.finish().await;
}

/// Of one order, how a call with it goes wrong.
const POISONS: [(&str, Bad); 5] = [
    ("503", |_| Reply::status(503)),
    ("422", |_| Reply::status(422)),
    ("a closed connection", |_| Reply::Close),
    ("left out", |call| poison_gets(call, &Verdict::LeftOut)),
    ("retry", |call| poison_gets(call, &Verdict::Retry(None))),
];

/// The others are done.
fn poison_gets(call: &Call, verdict: &Verdict) -> Reply {
    Reply::each(call, |order| if is_poison(order.number()) { verdict.clone() } else { Verdict::OK })
}

/// A VIP order, and a NORMAL one.
const fn is_poison(number: u32) -> bool {
    number == 7
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_among_good_orders_is_alone_blamed() {
    poisoned(2, &[]).await;
}

/// Nobody else can show that the receiver works while the batch with the poison is called.
#[tokio::test(flavor = "multi_thread")]
async fn poison_among_good_orders_is_found_by_the_only_slot_that_there_is() {
    poisoned(1, &[("ORDERS_QUEUE_CONCURRENCY", "1")]).await;
}

/// Runs with poison in them, of which the first failure is the last.
async fn poisoned(workers: usize, settings: &[(&str, &str)]) {
    let receiver = Receiver::start().await;
    let settings = [SETTINGS, settings, &[("MAX_ATTEMPTS", "1")]].concat();
    let cluster = Cluster::start_for(&receiver, workers, &settings).await;
    let limit = async |rate: Option<u32>| {
        let change = serde_json::json!({ "ordersPerSecond": rate }).to_string();
        let path = "/pedidos/queue/limits";
        cluster.client().with_body(Method::PATCH, path, &change).await.json(200);
    };
    for (what, bad) in POISONS {
        eprintln!("{what}");
        receiver.answer(move |call| {
            let has = call.orders.iter().any(|order| is_poison(order.number()));
            if has { bad(call) } else { Reply::ok(call) }
        });
        // So that others are processed after it has failed alone: they show that it is to blame.
        limit(Some(30)).await;
        let run_id = cluster.client().run_lines(0..600, "onVipFailure=continue").await;
        cluster.wait_for("the poison is found", |status| status.dead() == 1).await;
        limit(None).await;
        let done = cluster.done().await;
        assert!(done.is_of(&run_id), "{:#}", done.json);
        cluster.audit().await;
        let dead = cluster.ids(&run_id, doc! { "status": "falhou" }).await;
        let poison = cluster.ids(&run_id, doc! { "ref": "r-7" }).await;
        assert_eq!(dead, poison, "{what}");
        let spent = cluster.ids(&run_id, doc! { "outcome.attempts": { "$gt": 0 } }).await;
        assert_eq!(spent, poison, "{what}");
        for id in &poison {
            let order = cluster.order(&run_id, id).await;
            let outcome = order.get_document("outcome").unwrap();
            assert!(!outcome.get_str("error").unwrap().is_empty(), "{what}: {outcome:#?}");
            assert_eq!(outcome.get_array("history").unwrap().len(), 1, "{what}: {outcome:#?}");
        }
        let good = receiver.of(&run_id).settled();
        assert!(good.is_disjoint(&poison) && good.len() == 599, "{what}: {} good", good.len());
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_vip_order_that_only_faults_holds_the_fence_until_a_person_ends_it() {
    let receiver = Receiver::start().await;
    receiver.answer(|call| if call.has("r-3") { Reply::status(503) } else { Reply::Hang });
    let cluster = Cluster::start_for(&receiver, 2, SETTINGS).await;
    let client = cluster.client();
    // It is the only VIP order: nobody vouches for the receiver.
    let numbers = (0..40).filter(|number| number % 4 != 3 || *number == 3);
    let run_id = client.run_lines(numbers, "onVipFailure=continue").await;
    cluster.breaks().await;
    let order = cluster.order(&run_id, "r-3").await;
    let id = order.get_str("_id").unwrap();
    // After a minute, health names it.
    let named = eventually_some("health that names the order", async || {
        let health = client.health().await.json(200);
        assert_eq!(health["checks"]["isStuck"], false, "{health:#}");
        (health["heldOrder"]["id"] == id).then_some(health)
    })
    .await;
    assert_eq!(named["status"], "degraded", "{named:#}");
    assert!(named["heldOrder"]["error"].to_string().contains("503"), "{named:#}");
    let held = client.status().await;
    assert_eq!((held.phase, held.fence.open), (Phase::WaitingVipDrain, false), "{:#}", held.json);
    assert_eq!(held.dead(), 0, "{:#}", held.json);
    cluster.spent_no_attempt(&run_id).await;
    assert!(receiver.of(&run_id).0.iter().all(|call| call.priority == Priority::Vip));
    // Also while the breaker is open.
    cluster.samples.expect_replay();
    client.try_fail("no-id").await.problem(404);
    client.try_fail(id).await.json(200);
    receiver.call("a NORMAL call", |call| call.priority == Priority::Normal).await;
    client.try_fail(id).await.problem(409);
    let health = client.health().await.json(200);
    assert!(health["heldOrder"].is_null(), "{health:#}");
    receiver.answer_well();
    receiver.let_go();
    let done = cluster.done().await;
    assert_eq!(done.ledger.both().map(|ledger| ledger.dead), [1, 0], "{:#}", done.json);
    cluster.audit().await;
    let order = cluster.order(&run_id, "r-3").await;
    assert_eq!(order.get_str("status").unwrap(), "falhou", "{order:#?}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_wants_every_order_again_is_at_fault_itself() {
    let receiver = Receiver::start().await;
    let cluster = Cluster::start_for(&receiver, 2, SETTINGS).await;
    let ways: [Bad; 3] = [
        |call| Reply::all(call, &Verdict::Retry(None)),
        |call| Reply::all(call, &Verdict::LeftOut),
        |call| Reply::failures(call, |_| true),
    ];
    for way in ways {
        receiver.answer(way);
        let run_id = cluster.client().generate_for("default", 40).await;
        // More often than an order at fault is called.
        let calls = |calls: &[Call]| {
            let calls = calls.iter().filter(|call| call.run_id == run_id).cloned().collect();
            let attempts = Receipts(calls).attempts().into_values().map(|calls| calls.len()).min();
            attempts >= Some(4)
        };
        receiver.until("four calls of each VIP order", calls).await;
        cluster.spent_no_attempt(&run_id).await;
        let held = cluster.client().status().await;
        assert_eq!((held.dead(), held.fence.open), (0, false), "{:#}", held.json);
        receiver.answer_well();
        cluster.ends_exact(&run_id).await;
        cluster.was_called(&receiver, &run_id).await.spent_no_attempt();
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_of_retries_ends_by_itself() {
    let receiver = Receiver::start().await;
    receiver.answer(|call| Reply::all(call, &Verdict::Retry(None)));
    let settings = [SETTINGS, &[("RETRY_FOR_MS", "2000")]].concat();
    let cluster = Cluster::start_for(&receiver, 2, &settings).await;
    let run_id = cluster.client().generate_for("default", 24).await;
    let done = cluster.done().await;
    assert!(done.is_of(&run_id) && done.dead() == 24, "{:#}", done.json);
    cluster.audit().await;
    let receipts = receiver.of(&run_id);
    for id in receipts.called() {
        let calls = receipts.with(&id);
        let took = calls[calls.len() - 1].received - calls[0].received;
        assert!(calls.len() >= 2 && took >= Duration::from_secs(2), "{took:?} {calls:#?}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_comes_and_goes_loses_nothing() {
    let receiver = Receiver::start().await;
    let cluster = Cluster::start_for(&receiver, 4, SETTINGS).await;
    let run_id = cluster.client().generate_for("default", 1_000).await;
    // So many are left that the last calls are still to come.
    while receiver.of(&run_id).settled().len() < 800 {
        receiver.more(5).await;
        receiver.down().await;
        receiver.up().await;
    }
    cluster.ends_exact(&run_id).await;
    cluster.was_called(&receiver, &run_id).await;
    cluster.finish().await;
}
