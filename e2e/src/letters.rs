//! Orders that fail, dead letters, and leases that a test holds itself, so that
//! a run stands still where it should.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use pedidos_core::{
    control::RunSpec,
    order::{OrderId, PENDENTE, Priority},
    run::Phase,
};
use pedidos_pipeline::{
    queue::{Claim, Lease, Take, Token, Work},
    store::GivenUp,
};

use crate::{cluster::Cluster, status::Status};

/// Settings with which a run of [`crate::phases::QUANTITY`] orders is long in the
/// drain of both priorities, an order is given up at once, and a lease that a
/// test holds is not taken from it.
pub const GIVEN_UP_AT_ONCE: &[(&str, &str)] = &[
    ("GENERATION_CHUNK_SIZE", "1000"),
    ("NORMAL_ENQUEUE_BATCH_SIZE", "1000"),
    ("ORDERS_BATCH_SIZE", "10"),
    ("ORDERS_QUEUE_CONCURRENCY", "2"),
    ("MAX_ATTEMPTS", "1"),
    ("LEASE_MS", "60000"),
];

/// As [`GIVEN_UP_AT_ONCE`], but an order that fails is delayed for at least half
/// a minute: for as long as a test looks at it.
pub const DELAYED_FOR_LONG: &[(&str, &str)] = &[
    ("GENERATION_CHUNK_SIZE", "1000"),
    ("NORMAL_ENQUEUE_BATCH_SIZE", "1000"),
    ("ORDERS_BATCH_SIZE", "10"),
    ("ORDERS_QUEUE_CONCURRENCY", "2"),
    ("RETRY_BACKOFF_MS", "60000"),
    ("LEASE_MS", "60000"),
];

impl Cluster {
    /// The current run, as control has it.
    pub async fn spec(&self) -> RunSpec {
        let control = self.stores.store.control().await.expect("MongoDB answers");
        control.run.expect("there is a run")
    }

    /// Deletes the documents of so many pending orders, the first of each ten: they
    /// fail, and are written again when they are given up.
    pub async fn poison(&self, priority: Priority, count: usize) -> Vec<OrderId> {
        self.poison_others(priority, count, &[]).await
    }

    async fn poison_others(
        &self,
        priority: Priority,
        count: usize,
        but: &[OrderId],
    ) -> Vec<OrderId> {
        let orders = self.stores.database.collection::<Document>("orders");
        let but: Vec<_> = but.iter().map(ToString::to_string).collect();
        let pending = doc! {
            "priority": priority.as_str(), "status": PENDENTE, "_id": { "$nin": but },
        };
        let found = orders.find(pending).sort(doc! { "_id": 1 }).limit(count as i64 * 10).await;
        let found = found.expect("MongoDB answers").try_collect::<Vec<_>>().await;
        let found = found.expect("MongoDB answers");
        let ids: Vec<_> = found
            .iter()
            .step_by(10)
            .map(|order| order.get_str("_id").unwrap_or_default())
            .collect();
        assert_eq!(ids.len(), count, "too few pending {} orders", priority.as_str());
        let deleted = orders.delete_many(doc! { "_id": { "$in": &ids } }).await;
        assert_eq!(deleted.expect("MongoDB answers").deleted_count, count as u64);
        ids.iter().map(|id| id.parse().expect("it is an id")).collect()
    }

    /// Writes the documents of poisoned orders again.
    pub async fn heal(&self, ids: &[OrderId]) {
        let run = self.spec().await;
        let orders: Vec<_> = ids.iter().map(|id| run.generator().order(id.index())).collect();
        let created_at = run.created_ms;
        let inserted = self.stores.store.insert_orders(&orders, &run.run_id, created_at).await;
        inserted.expect("MongoDB answers");
    }

    /// Takes so many waiting orders under a lease of the test's own. While it is
    /// open, nothing of the other priority is claimed, and the run does not end.
    pub async fn take(&self, count: u64) -> Lease {
        let control = self.stores.store.control().await.expect("MongoDB answers");
        self.stores.queue.note_version(control.version);
        let (token, queue) = (Token::random(), &self.stores.queue);
        match queue.take(&token, "test", Take::Waiting, None, count).await.expect("Redis answers") {
            Claim::Work(lease) => lease,
            nothing => panic!("nothing waits: {nothing:?}"),
        }
    }

    /// A run that stands in front of the fence with so many VIP dead letters: all other
    /// VIP orders are processed, but for one that the test holds.
    pub async fn stuck_with_letters(&self, count: usize) -> (String, Status, Lease) {
        let (run_id, _) = self.hold(Phase::WaitingVipDrain).await;
        let held = self.take(1).await;
        let Work::Drain(Priority::Vip, ids) = &held.work else { panic!("{held:?} is no VIP one") };
        self.poison_others(Priority::Vip, count, ids).await;
        self.client().resume().await;
        let stuck = |status: &Status| {
            let vip = &status.ledger.vip;
            (vip.dead, vip.waiting, vip.leased, vip.delayed) == (count as u64, 0, 1, 0)
        };
        let status = self.wait_for("dead letters", stuck).await;
        assert_eq!(status.phase, Phase::WaitingVipDrain, "{:#}", status.json);
        (run_id, status, held)
    }

    /// Starts a run of which so many orders of each priority are dead letters already, as
    /// if workers had given them up and Redis had then been emptied. Quick, and exact.
    pub async fn generate_with_dead(&self, quantity: u32, dead: [usize; 2]) -> String {
        self.generate_with(&format!("quantity={quantity}"), dead).await
    }

    /// The same, of a run that these options ask for.
    pub async fn generate_with(&self, query: &str, [vip, normal]: [usize; 2]) -> String {
        self.client().pause().await;
        let accepted = self.client().try_generate(query, None).await.json(202);
        let run_id = accepted["runId"].as_str().expect("it has an id").to_owned();
        let run = self.spec().await;
        let quantity = run.quantity as u32;
        for (priority, count) in Priority::ALL.into_iter().zip([vip, normal]) {
            let orders = run.generator().orders(0..quantity);
            let mut dead = orders.filter(|order| order.priority() == priority);
            for _ in 0..count {
                let order = dead.next().expect("there are so many of them");
                let given_up = GivenUp {
                    id: order.id,
                    priority,
                    run_id: &run_id,
                    attempts: 3,
                    error: "made by a test",
                    order: Some((&order, run.created_ms)),
                };
                self.stores.store.mark_dead(given_up).await.expect("MongoDB answers");
            }
        }
        self.client().resume().await;
        run_id
    }
}
