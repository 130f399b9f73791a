//! Dead letters are retried and removed by priority and by a text of their error, exactly.

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster,
    phases::long_in,
    process::Process,
    receiver::{Receiver, Reply, Sent, Verdict},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::retry_failed::retry;

const SETTINGS: &[(&str, &str)] = &[("PROCESSOR_BATCH_SIZE", "25"), ("LEASE_MS", "30000")];
/// Of 200 orders, each with this remainder of ten fails like this. Half of each are VIP.
const ERRORS: [(u32, &str); 4] =
    [(1, "card refused"), (3, "time-out (a.b)"), (5, "time-out [a+b]"), (7, "100 % axb")];
const EACH: u64 = 20;

fn said(order: &Sent) -> Verdict {
    let error = ERRORS.iter().find(|(remainder, _)| order.number() % 10 == *remainder);
    error.map_or(Verdict::OK, |(_, error)| Verdict::Fail((*error).to_owned()))
}

/// A run that is DONE, with its dead letters.
async fn with_letters(receiver: &Receiver) -> (Cluster, String) {
    receiver.answer(|call| Reply::each(call, said));
    let cluster = Cluster::start_for(receiver, 1, SETTINGS).await;
    let run_id = cluster.client().run_lines(0..200, "onVipFailure=continue").await;
    assert_eq!(cluster.done().await.dead(), 4 * EACH);
    cluster.audit().await;
    receiver.answer_well();
    (cluster, run_id)
}

/// `POST /pedidos/queue/{command}` answers this.
async fn answers(cluster: &Cluster, command: &str, expected: Value) {
    cluster.samples.expect_replay();
    let path = format!("/pedidos/queue/{command}");
    let answer = cluster.client().raw(Method::POST, &path).await.json(200);
    assert_eq!(answer, expected, "{command}");
}

/// The errors of the dead letters that there are.
async fn left(cluster: &Cluster) -> Vec<String> {
    let failed = cluster.client().jobs("types=failed&end=999").await;
    let errors = failed["jobs"].as_array().unwrap().iter();
    errors.map(|job| job["failedReason"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_retried_by_a_text_of_their_error_and_by_priority() {
    let receiver = Receiver::start().await;
    let (cluster, run_id) = with_letters(&receiver).await;
    // A text is no pattern, and has its case.
    for text in ["a.*b", "Card", "%5Ea", "card%7Ctime", "%28%3Fi%29CARD", "x%20"] {
        let command = format!("retry-failed?errorContains={text}");
        answers(&cluster, &command, json!({ "retried": 0, "matched": 0 })).await;
    }
    let some = "retry-failed?errorContains=card&limit=5";
    answers(&cluster, some, json!({ "retried": 5, "matched": EACH })).await;
    assert_eq!(cluster.done().await.dead(), 4 * EACH - 5);
    let rest = json!({ "retried": EACH - 5, "matched": EACH - 5 });
    answers(&cluster, "retry-failed?errorContains=card%20refused", rest).await;
    assert_eq!(cluster.done().await.dead(), 3 * EACH);
    answers(
        &cluster,
        "retry-failed?errorContains=%28a.b%29",
        json!({ "retried": EACH, "matched": EACH }),
    )
    .await;
    assert_eq!(cluster.done().await.dead(), 2 * EACH);
    assert!(
        left(&cluster).await.iter().all(|error| error.contains("[a+b]") || error.contains("axb"))
    );
    let vip = json!({ "retried": EACH, "matched": EACH });
    answers(&cluster, "retry-failed?priority=VIP", vip).await;
    let done = cluster.done().await;
    assert_eq!(done.ledger.both().map(|ledger| ledger.dead), [0, EACH]);
    let both = json!({ "retried": 0, "matched": 0 });
    answers(&cluster, "retry-failed?priority=VIP&errorContains=a", both).await;
    assert_eq!(retry(&cluster, "").await, EACH);
    cluster.ends_exact(&run_id).await;
    for (query, named) in [
        ("retry-failed?errorContains=", "errorContains"),
        ("retry-failed?errorContains=%00", "errorContains"),
        ("retry-failed?priority=vip", "priority"),
        ("clean?state=wait&errorContains=a", "errorContains"),
    ] {
        let path = format!("/pedidos/queue/{query}");
        let problem = cluster.client().raw(Method::POST, &path).await.problem(400);
        assert_eq!(problem["errors"][0]["name"], named, "{problem:#}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_removed_by_a_text_of_their_error_and_by_priority() {
    let receiver = Receiver::start().await;
    let (cluster, run_id) = with_letters(&receiver).await;
    let removed = |removed: u64, matched: u64| json!({ "removed": removed, "matched": matched, "state": "failed" });
    let command = "clean?state=failed&errorContains=%5Ba%2Bb%5D";
    answers(&cluster, command, removed(EACH, EACH)).await;
    answers(&cluster, command, removed(0, 0)).await;
    let some = "clean?state=failed&errorContains=card&limit=3&priority=NORMAL";
    answers(&cluster, some, removed(3, EACH / 2)).await;
    cluster.audit().await;
    // By the command line, which says how many were meant.
    let mut environment = cluster.settings().clone();
    let url = format!("http://{}", cluster.client().address());
    environment.insert("PEDIDOS_URL".to_owned(), url);
    let arguments = ["clean", "failed", "--error-contains", "card", "--limit", "10", "--yes"];
    let mut clean = Process::spawn("clean", "pedidos", &arguments, &environment);
    assert!(clean.ended().await.success(), "{}", clean.tail());
    assert!(clean.all().await.contains("removed: 10 of 17 dead letters"), "{}", clean.tail());
    let arguments = ["retry-failed", "--error-contains", "(a.b)", "--priority", "VIP"];
    let mut again = Process::spawn("retry-failed", "pedidos", &arguments, &environment);
    assert!(again.ended().await.success(), "{}", again.tail());
    let told = format!("dead letters put back: {0} of {0}", EACH / 2);
    assert!(again.all().await.contains(&told), "{}", again.tail());
    let done = cluster.done().await;
    assert_eq!(done.dead(), 4 * EACH - EACH - 13 - EACH / 2, "{:#}", done.json);
    assert_eq!(done.removed(), EACH + 13, "{:#}", done.json);
    assert!(done.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_and_processed_orders_are_removed_by_priority() {
    let cluster = Cluster::start(2, long_in(Phase::WaitingVipDrain)).await;
    let (_, held) = cluster.hold(Phase::WaitingVipDrain).await;
    let client = cluster.client();
    assert_eq!(client.clean("state=wait&priority=NORMAL").await, 0, "they are deferred");
    assert_eq!(client.clean("state=wait&priority=VIP&limit=5").await, 5);
    let waiting = client.status().await.ledger.vip.waiting;
    assert_eq!(waiting, held.ledger.vip.waiting - 5);
    client.resume().await;
    let done = cluster.done().await;
    let [vip, normal] = done.ledger.both().map(|ledger| ledger.processed);
    assert_eq!(client.clean("state=completed&priority=NORMAL").await, normal);
    let completed = client.jobs("types=completed&end=99").await;
    assert_eq!(completed["available"]["completed"], vip, "{completed:#}");
    let of = |job: &Value| job["data"]["priority"] == "VIP";
    assert!(completed["jobs"].as_array().unwrap().iter().all(of), "{completed:#}");
    cluster.audit().await;
    cluster.finish().await;
}
