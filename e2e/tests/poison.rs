//! Orders that the server refuses to write, whatever is tried.

use mongodb::bson::doc;
use pedidos_common::{
    order::{FALHOU, OrderId, PENDENTE, Priority},
    run::Phase,
};
use pedidos_e2e::{Cluster, Status, letters::GIVEN_UP_AT_ONCE};

const SETTINGS: &[(&str, &str)] = &[("MAX_ATTEMPTS", "2"), ("RETRY_BACKOFF_MS", "10")];

/// From now on the server lets these orders be nothing but this.
async fn refuse_all_but(cluster: &Cluster, ids: &[OrderId], statuses: &[&str]) {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let rule = doc! { "$or": [{ "_id": { "$nin": ids } }, { "status": { "$in": statuses } }] };
    let set = cluster.stores.database.run_command(doc! { "collMod": "orders", "validator": rule });
    set.await.expect("the server takes a validator");
}

/// A run of 600 orders of which the server refuses these many of each priority.
async fn run_with_refused(cluster: &Cluster, [vip, normal]: [usize; 2], but: &[&str]) -> Status {
    cluster.client().pause().await;
    let run_id = cluster.client().generate(600).await;
    let orders: Vec<_> = cluster.spec().await.generator().orders(0..600).collect();
    let first = |priority, count| {
        let of = orders.iter().filter(move |order| order.priority() == priority);
        of.map(|order| order.id).take(count)
    };
    let refused: Vec<_> =
        first(Priority::Vip, vip).chain(first(Priority::Normal, normal)).collect();
    refuse_all_but(cluster, &refused, but).await;
    cluster.client().resume().await;
    let done = cluster.done().await;
    assert!(done.is_of(&run_id), "{:#}", done.json);
    assert_eq!(done.ledger.both().map(|ledger| ledger.dead), [vip as u64, normal as u64]);
    cluster.audit().await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_cannot_be_marked_processed_are_dead_letters_and_fail_no_neighbour() {
    let cluster = Cluster::start(2, SETTINGS).await;
    run_with_refused(&cluster, [2, 3], &[PENDENTE, FALHOU]).await;
    let letters = cluster.client().jobs("types=failed").await;
    let letters = letters["jobs"].as_array().expect("a list").clone();
    assert_eq!(letters.len(), 5, "{letters:#?}");
    for letter in letters {
        assert_eq!(letter["attemptsMade"], 2, "{letter:#}");
        let why = letter["failedReason"].as_str().expect("it says why");
        assert!(why.contains("validation"), "{why}");
    }
    // Put back while nothing has changed, they fail again; once it has, they go through.
    for (allowed, dead) in [([PENDENTE, FALHOU].as_slice(), 5), (&[], 0)] {
        if allowed.is_empty() {
            refuse_all_but(&cluster, &[], &[]).await;
        }
        cluster.samples.expect_replay();
        assert_eq!(cluster.client().retry_failed("").await, 5);
        let settled = |status: &Status| status.phase == Phase::Done && status.dead() == dead;
        cluster.wait_for("the end of a retry", settled).await;
        cluster.audit().await;
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_cannot_be_written_at_all_are_letters_kept_apart_and_counted_once() {
    let cluster = Cluster::start(2, SETTINGS).await;
    run_with_refused(&cluster, [2, 3], &[PENDENTE]).await;
    // A replay counts them as before.
    cluster.samples.expect_replay();
    cluster.stores.empty_redis().await;
    let done = cluster.done().await;
    assert_eq!(done.dead(), 5, "{:#}", done.json);
    cluster.audit().await;
    // And a reset leaves nothing of them.
    cluster.client().reset().await;
    let letters = cluster.stores.database.collection::<mongodb::bson::Document>("dead_letters");
    assert_eq!(letters.count_documents(doc! {}).await.unwrap(), 0);
    refuse_all_but(&cluster, &[], &[]).await;
    cluster.run(200).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_batches_whose_documents_are_gone_are_dead_letters_and_open_the_fence() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let (run_id, held) = cluster.hold(Phase::WaitingVipDrain).await;
    let waiting = held.ledger.vip.waiting;
    assert!(waiting > 20, "more than a batch: {:#}", held.json);
    let orders = cluster.stores.database.collection::<mongodb::bson::Document>("orders");
    let vip = doc! { "priority": Priority::Vip.as_str(), "status": PENDENTE };
    assert_eq!(orders.delete_many(vip).await.unwrap().deleted_count, waiting);
    cluster.client().resume().await;
    let done = cluster.done().await;
    assert!(done.is_of(&run_id), "{:#}", done.json);
    assert_eq!(done.ledger.both().map(|ledger| ledger.dead), [waiting, 0]);
    cluster.audit().await;
    cluster.finish().await;
}
