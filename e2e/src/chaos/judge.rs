//! What must be so at the receiver of a run, as far as it can be known exactly.
//!
//! A call is made only while enough of its lease is left, by the worker's own clock. So an order is
//! called after somebody else has ended it only if the worker was frozen in between, or if Redis
//! forgot the lease while the worker still counted on it: for no longer than a lease.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::RangeInclusive,
    time::Instant,
};

use futures_util::TryStreamExt;
use mongodb::{
    bson::{Document, doc},
    options::ReadConcern,
};
use pedidos_core::order::{FALHOU, PROCESSADO, Priority};

use super::{LEASE, Run, receiver::ReceiverPlan, upload::List};
use crate::{
    cluster::Id,
    imports::is_vip,
    receiver::{Call, Receipts, Sent, Verdict},
};

/// What the calls are held against.
#[derive(Default)]
pub(super) struct Seen {
    workers: Vec<Worker>,
    /// From when until when Redis lost what it knew.
    forgot: Vec<RangeInclusive<Instant>>,
    /// When a person first tried to let a held run go, by its id.
    let_go: BTreeMap<String, Instant>,
}

/// A worker that is about to be started.
pub(super) struct Newcomer {
    /// It says this name in its calls.
    name: String,
    /// The orders that have ended before, by id.
    ended: BTreeSet<String>,
}

impl Newcomer {
    /// What it is to be told.
    pub(super) fn told(&self) -> (&str, &str) {
        ("PROCESSOR_AUTHORIZATION", &self.name)
    }
}

/// A worker that was started.
struct Worker {
    id: Id,
    name: String,
    ended: BTreeSet<String>,
    /// When it was first frozen.
    frozen: Option<Instant>,
}

impl Seen {
    /// It is started.
    pub(super) fn starts(&mut self, id: Id, Newcomer { name, ended }: Newcomer) {
        self.workers.push(Worker { id, name, ended, frozen: None });
    }

    /// It is about to be frozen.
    pub(super) fn freezes(&mut self, id: Id) {
        if let Some(worker) = self.workers.iter_mut().find(|worker| worker.id == id) {
            worker.frozen.get_or_insert_with(Instant::now);
        }
    }

    /// Redis has lost what it knew, between then and now.
    pub(super) fn forgets(&mut self, from: Instant) {
        self.forgot.push(from..=Instant::now());
    }

    /// A person is about to let this run go.
    pub(super) fn lets_go(&mut self, run_id: &str) {
        self.let_go.entry(run_id.to_owned()).or_insert_with(Instant::now);
    }

    /// May this call have orders that others have ended?
    fn may_be_late(&self, call: &Call) -> bool {
        let mut workers = self.workers.iter().filter(|worker| worker.name == worker_of(call));
        let was_frozen = workers.any(|it| it.frozen.is_some_and(|frozen| frozen <= call.received));
        let mut forgot = self.forgot.iter().map(|forgot| *forgot.start()..=*forgot.end() + LEASE);
        was_frozen || forgot.any(|forgot| forgot.contains(&call.received))
    }

    /// Those of these calls that may not be late.
    fn not_excused<'a>(&self, calls: impl Iterator<Item = &'a Call>) -> Vec<&'a Call> {
        calls.filter(|call| !self.may_be_late(call)).collect()
    }
}

/// The name of the worker that makes this call.
fn worker_of(call: &Call) -> &str {
    call.header("authorization")
}

impl Run<'_> {
    /// The worker that is to be started next; none, if the run calls nobody.
    pub(super) async fn newcomer(&self) -> Option<Newcomer> {
        self.posted.as_ref()?;
        let orders = self.cluster.stores.database.collection::<Document>("orders");
        let ended = doc! { "status": { "$in": [PROCESSADO, FALHOU] } };
        let ended = orders.find(ended).projection(doc! { "_id": 1 });
        let found = ended.read_concern(ReadConcern::majority()).await.expect("MongoDB answers");
        let found: Vec<_> = found.try_collect().await.expect("MongoDB answers");
        let id = |order: &Document| order.get_str("_id").expect("it has one").to_owned();
        let name = format!("worker {}", self.seen.workers.len());
        Some(Newcomer { name, ended: found.iter().map(id).collect() })
    }

    /// Holds what the receiver saw against the orders. `done`: when the run was seen to be DONE; none:
    /// it was cancelled.
    pub(super) async fn judge(&mut self, done: Option<Instant>) {
        let (Some(posted), Some(import)) = (&self.posted, &self.plan.import) else { return };
        let Some(plan) = &import.receiver else { return };
        let accepted = List::of(self.plan.seed, import.lines).accepted;
        for run_id in &self.ids {
            self.fence(plan, run_id, &posted.receiver.of(run_id), &accepted);
        }
        let receipts = posted.receiver.of(self.id());
        receipts.are_signed(&posted.receiver.secret);
        let (processed, dead) = self.verdicts_count(&receipts).await;
        if let Some(done) = done {
            assert_eq!(processed + dead, accepted.len(), "orders are missing");
            let late = receipts.0.iter().filter(|call| call.received > done);
            let late = self.seen.not_excused(late);
            assert!(late.is_empty(), "I12: calls after the end: {late:#?}");
        }
        self.nobody_calls_what_had_ended(&posted.receiver.calls());
        let said = |wanted: fn(&Verdict) -> bool| !receipts.said(wanted).is_empty();
        let failed = said(|verdict| matches!(verdict, Verdict::Fail(_)));
        let retried = said(|verdict| matches!(verdict, Verdict::Retry(_)));
        if failed {
            self.count(format!("receiver: fails {}", plan.fails.words()));
        }
        if retried {
            self.count(format!("receiver: retries {}", plan.retries.words()));
        }
    }

    /// Every VIP order had its final verdict before the first NORMAL call, and was not called after
    /// it. If one failed and the run was held, there was no NORMAL call before it was let go.
    fn fence(&self, plan: &ReceiverPlan, run_id: &str, receipts: &Receipts, accepted: &[u32]) {
        let of = |priority| receipts.0.iter().filter(move |call| call.priority == priority);
        let Some(first) = of(Priority::Normal).min_by_key(|call| call.received) else { return };
        let late = of(Priority::Vip).filter(|call| call.received > first.received);
        let late = self.seen.not_excused(late);
        assert!(late.is_empty(), "I12: VIP calls after {first:#?}: {late:#?}");
        let before = of(Priority::Vip)
            .filter(|call| call.answered.is_some_and(|answered| answered < first.received));
        let settled: HashSet<u32> = before.flat_map(settled_by).collect();
        let vip = || accepted.iter().copied().filter(|number| is_vip(*number));
        let open: Vec<_> = vip().filter(|number| !settled.contains(number)).collect();
        assert!(open.is_empty(), "I12: VIP orders {open:?} were not settled before {first:#?}");
        if plan.holds && vip().any(|number| plan.fails.has(number)) {
            let let_go = self.seen.let_go.get(run_id);
            let in_time = let_go.is_some_and(|let_go| *let_go < first.received);
            assert!(in_time, "the run was held, and {first:#?} was made; let go: {let_go:?}");
        }
    }

    /// Every order that is done was answered `ok`, and every dead one `fail`. Answers how many of them
    /// there are.
    async fn verdicts_count(&self, receipts: &Receipts) -> (usize, usize) {
        let of = async |status: &str| self.cluster.ids(self.id(), doc! { "status": status }).await;
        let (processed, dead) = (of(PROCESSADO).await, of(FALHOU).await);
        let ok = receipts.said(|verdict| matches!(verdict, Verdict::Ok(_)));
        let unsaid: Vec<_> = processed.difference(&ok).collect();
        assert!(unsaid.is_empty(), "I12: done, and never answered ok: {unsaid:?}\n{receipts:#?}");
        let failed = receipts.said(|verdict| matches!(verdict, Verdict::Fail(_)));
        let blamed: Vec<_> = dead.difference(&failed).collect();
        assert!(blamed.is_empty(), "I13: dead, and never answered fail: {blamed:?}\n{receipts:#?}");
        (processed.len(), dead.len())
    }

    /// A worker loads an order before it calls: what had ended before the worker was started is not
    /// called by it.
    fn nobody_calls_what_had_ended(&self, calls: &[Call]) {
        for worker in &self.seen.workers {
            for call in calls.iter().filter(|call| worker_of(call) == worker.name) {
                let again = call.orders.iter().find(|order| worker.ended.contains(&order.id));
                assert!(
                    again.is_none(),
                    "I12: {again:#?} had ended before {}: {call:#?}",
                    worker.name
                );
            }
        }
    }
}

/// The numbers of the orders that this call has settled.
fn settled_by(call: &Call) -> impl Iterator<Item = u32> {
    let is_final = move |order: &&Sent| call.verdicts.get(&order.id).is_some_and(Verdict::is_final);
    call.orders.iter().filter(is_final).map(Sent::number)
}
