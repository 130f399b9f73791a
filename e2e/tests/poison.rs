//! Orders that the server refuses to write, whatever is tried.

use fred::interfaces::HashesInterface;
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use pedidos_core::{
    order::{FALHOU, OrderId, PENDENTE, PROCESSADO, Priority},
    run::Phase,
};
use pedidos_e2e::{Cluster, Status, eventually, letters::GIVEN_UP_AT_ONCE, phases::long_in};
use pedidos_service::metrics::STORE_ERRORS;

const SETTINGS: &[(&str, &str)] = &[("MAX_ATTEMPTS", "2"), ("RETRY_BACKOFF_MS", "10")];

/// From now on the server takes only documents of a collection that follow a rule.
async fn rule(cluster: &Cluster, collection: &str, rule: Document) {
    let set = doc! { "collMod": collection, "validator": rule };
    cluster.stores.database.run_command(set).await.expect("the server takes a validator");
}

/// From now on the server lets these orders be nothing but this.
async fn refuse_all_but(cluster: &Cluster, ids: &[OrderId], statuses: &[&str]) {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let but = doc! { "$or": [{ "_id": { "$nin": ids } }, { "status": { "$in": statuses } }] };
    rule(cluster, "orders", but).await;
}

/// So many orders of each priority of the current run: the first ones.
async fn first_of(cluster: &Cluster, [vip, normal]: [usize; 2]) -> Vec<OrderId> {
    let run = cluster.spec().await;
    let orders: Vec<_> = run.generator().orders(0..run.quantity as u32).collect();
    let first = |priority, count| {
        let of = orders.iter().filter(move |order| order.priority() == priority);
        of.map(|order| order.id).take(count)
    };
    first(Priority::Vip, vip).chain(first(Priority::Normal, normal)).collect()
}

/// A run of 1,200 orders of which the server refuses these many of each priority.
async fn run_with_refused(cluster: &Cluster, [vip, normal]: [usize; 2], but: &[&str]) -> Status {
    cluster.client().pause().await;
    let run_id = cluster.client().generate(1_200).await;
    let refused = first_of(cluster, [vip, normal]).await;
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
    let letters = cluster.stores.database.collection::<Document>("dead_letters");
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
    let orders = cluster.stores.database.collection::<Document>("orders");
    let vip = doc! { "priority": Priority::Vip.as_str(), "status": PENDENTE };
    assert_eq!(orders.delete_many(vip).await.unwrap().deleted_count, waiting);
    cluster.client().resume().await;
    let done = cluster.done().await;
    assert!(done.is_of(&run_id), "{:#}", done.json);
    assert_eq!(done.ledger.both().map(|ledger| ledger.dead), [waiting, 0]);
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_cannot_even_be_stored_are_dead_letters_and_the_run_ends() {
    let cluster = Cluster::start(2, SETTINGS).await;
    run_with_refused(&cluster, [2, 3], &[]).await;
    assert_eq!(cluster.stores.orders().await, 1_195);
    let letters = cluster.stores.database.collection::<Document>("dead_letters");
    let letter = letters.find_one(doc! {}).await.unwrap().expect("it is kept apart");
    let why = letter.get_document("outcome").unwrap().get_str("error").unwrap();
    assert!(why.contains("validation"), "{why}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_which_most_is_refused_is_not_taken_for_a_store_at_fault() {
    // All in one batch, and the refused ones again in one batch of retries.
    let settings = [SETTINGS, &[("ORDERS_BATCH_SIZE", "250"), ("MAX_ATTEMPTS", "3")]].concat();
    for refused in [[187, 0], [23, 23]] {
        let cluster = Cluster::start(1, &settings).await;
        run_with_refused(&cluster, refused, &[PENDENTE, FALHOU]).await;
        let letters = cluster.client().jobs("types=failed&end=999").await;
        for letter in letters["jobs"].as_array().expect("a list") {
            assert_eq!(letter["attemptsMade"], 3, "{letter:#}");
        }
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_whatever_is_written_is_waited_for_and_no_attempt_is_spent() {
    // One attempt is spent if the store is mended between the writes of a batch.
    let settings = [SETTINGS, &[("MAX_ATTEMPTS", "3")]].concat();
    let cluster = Cluster::start(1, &[&settings, long_in(Phase::WaitingVipDrain)].concat()).await;
    let (run_id, _) = cluster.hold(Phase::WaitingVipDrain).await;
    let nothing = doc! { "no document": "has this" };
    for collection in ["orders", "control"] {
        rule(&cluster, collection, nothing.clone()).await;
    }
    // Control cannot be changed any more: Redis alone says that the pause is over.
    let key = format!("{}:run", cluster.stores.queue.keys().prefix());
    cluster.stores.queue.client().hset::<(), _, _>(key, ("paused", "0")).await.unwrap();
    let unavailable = format!("{STORE_ERRORS}{{store=\"mongodb\",kind=\"unavailable\"}}");
    let worker = cluster.workers().next().expect("it runs");
    eventually("a worker that waits for MongoDB", async || {
        worker.metric(&unavailable).await >= 2.0
    })
    .await;
    for collection in ["orders", "control"] {
        rule(&cluster, collection, doc! {}).await;
    }
    cluster.client().resume().await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_counts_orders_that_the_server_refuses_to_cancel_as_dead() {
    for phase in [Phase::WaitingVipDrain, Phase::WaitingNormalDrain] {
        let cluster = Cluster::start(2, &[SETTINGS, long_in(phase)].concat()).await;
        let (run_id, _) = cluster.hold(phase).await;
        let pending = doc! { "status": PENDENTE };
        let orders = cluster.stores.database.collection::<Document>("orders");
        let last = orders.find_one(pending).sort(doc! { "_id": -1 }).await.unwrap().unwrap();
        let last: OrderId = last.get_str("_id").unwrap().parse().unwrap();
        refuse_all_but(&cluster, &[last], &[PENDENTE]).await;
        let answer = cluster.client().cancel("pollIntervalMs=10").await;
        assert_eq!(answer["aborted"], true, "{answer:#}");
        let ended = cluster.client().status().await;
        assert!(ended.is_of(&run_id) && ended.phase == Phase::Aborted, "{:#}", ended.json);
        assert_eq!(ended.dead(), 1, "{:#}", ended.json);
        assert_eq!(ended.terminal(), ended.progress.generated, "{:#}", ended.json);
        cluster.audit().await;
        // Nothing is left that would hold up the next run.
        refuse_all_but(&cluster, &[], &[]).await;
        cluster.client().resume().await;
        cluster.run(300).await;
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_apply_to_all_orders_but_those_that_the_server_refuses() {
    let cluster = Cluster::start(1, SETTINGS).await;
    let run_id = cluster.generate_with_dead(300, [3, 2]).await;
    assert_eq!(cluster.done().await.dead(), 5);
    // A dead letter that can carry no mark stays one.
    let one = first_of(&cluster, [1, 0]).await[0];
    let unmarked = doc! { "outcome.marks": { "$exists": false } };
    let others = doc! { "_id": { "$ne": one.to_string() } };
    rule(&cluster, "orders", doc! { "$or": [others.clone(), unmarked] }).await;
    cluster.samples.expect_replay();
    assert_eq!(cluster.client().retry_failed("").await, 4);
    let retried = |status: &Status| status.phase == Phase::Done && status.dead() == 1;
    assert!(cluster.wait_for("the end of a retry", retried).await.is_of(&run_id));
    // One that can be marked, and then be nothing else.
    let dead = doc! { "status": FALHOU };
    rule(&cluster, "orders", doc! { "$or": [others.clone(), dead] }).await;
    cluster.samples.expect_replay();
    assert_eq!(cluster.client().retry_failed("").await, 1);
    let done = cluster.wait_for("the end of a retry", retried).await;
    assert!(done.is_of(&run_id), "{:#}", done.json);
    cluster.audit().await;
    // And one that cannot be hidden.
    let shown = doc! { "hidden": { "$exists": false } };
    let processed = doc! { "status": PROCESSADO };
    let orders = cluster.stores.database.collection::<Document>("orders");
    let last = orders.find_one(processed).sort(doc! { "_id": -1 }).await.unwrap().unwrap();
    let others = doc! { "_id": { "$ne": last.get_str("_id").unwrap() } };
    rule(&cluster, "orders", doc! { "$or": [others, shown] }).await;
    assert_eq!(cluster.client().clean("state=completed").await, 298);
    cluster.finish().await;
}

/// Of three pending VIP orders one gets a status that no order has, one loses its status, and one
/// gets a priority that no order has. Answers how many have no status of ours.
async fn meddle(cluster: &Cluster) -> u64 {
    let orders = cluster.stores.database.collection::<Document>("orders");
    let pending = doc! { "status": PENDENTE, "priority": Priority::Vip.as_str() };
    let pending: Vec<Document> =
        orders.find(pending).limit(3).await.unwrap().try_collect().await.unwrap();
    assert_eq!(pending.len(), 3);
    let changes = [
        doc! { "$set": { "status": "enviado" } },
        doc! { "$unset": { "status": "" } },
        doc! { "$set": { "priority": "URGENTE" } },
    ];
    for (order, change) in pending.iter().zip(changes) {
        let id = doc! { "_id": order.get_str("_id").unwrap() };
        let updated = orders.update_one(id, change).await.unwrap();
        assert_eq!(updated.modified_count, 1);
    }
    2
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_with_a_status_that_none_has_are_dead_letters_and_hold_no_run() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let (run_id, _) = cluster.hold(Phase::WaitingVipDrain).await;
    let unknown = meddle(&cluster).await;
    cluster.client().resume().await;
    let done = cluster.done().await;
    assert!(done.is_of(&run_id), "{:#}", done.json);
    assert_eq!(done.dead(), unknown, "{:#}", done.json);
    let letters = cluster.stores.database.collection::<Document>("dead_letters");
    let enviado = doc! { "outcome.error": { "$regex": "enviado" } };
    assert_eq!(letters.count_documents(enviado).await.unwrap(), 1);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_with_a_status_that_none_has_hold_no_cancel() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let (run_id, held) = cluster.hold(Phase::WaitingVipDrain).await;
    let unknown = meddle(&cluster).await;
    cluster.client().cancel("").await;
    let aborted = |status: &Status| status.phase == Phase::Aborted;
    let ended = cluster.wait_for("the end of a cancel", aborted).await;
    assert!(ended.is_of(&run_id), "{:#}", ended.json);
    assert_eq!(ended.dead(), unknown, "{:#}", ended.json);
    let sum = |ledgers: [u64; 2]| ledgers.iter().sum::<u64>();
    let processed = sum(ended.ledger.both().map(|ledger| ledger.processed));
    let generated = sum(held.ledger.both().map(|ledger| ledger.generated));
    assert_eq!(ended.removed() + processed + unknown, generated, "{:#}", ended.json);
    cluster.finish().await;
}
