//! What must be so of all calls of a run, and what MongoDB has of its orders.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use pedidos_core::order::Priority;
use reqwest::Method;

use super::{
    Receiver,
    call::{Call, Verdict},
    signature::is_signed,
};
use crate::{
    client::{Answer, Client},
    cluster::{Cluster, Id, Kind},
    imports::lines,
    status::Status,
};

/// The calls of a run.
#[derive(Debug)]
pub struct Receipts(pub Vec<Call>);

impl Receipts {
    /// The calls that had this order, by its id or `ref`.
    pub fn with(&self, name: &str) -> Vec<&Call> {
        self.0.iter().filter(|call| call.has(name)).collect()
    }

    /// The attempts that the calls of each order named, by id.
    pub fn attempts(&self) -> BTreeMap<&str, Vec<u64>> {
        let mut attempts = BTreeMap::<_, Vec<u64>>::new();
        for order in self.0.iter().flat_map(|call| &call.orders) {
            attempts.entry(order.id.as_str()).or_default().push(order.attempt);
        }
        attempts
    }

    /// The orders that were called, by id.
    pub fn called(&self) -> BTreeSet<String> {
        self.attempts().into_keys().map(str::to_owned).collect()
    }

    /// The orders of which something was said that ends them, by id.
    pub fn settled(&self) -> BTreeSet<String> {
        self.said(Verdict::is_final)
    }

    /// The orders of which such a thing was said, by id.
    pub fn said(&self, wanted: impl Fn(&Verdict) -> bool) -> BTreeSet<String> {
        let verdicts = self.0.iter().flat_map(|call| &call.verdicts);
        verdicts.filter(|(_, verdict)| wanted(verdict)).map(|(id, _)| id.clone()).collect()
    }

    /// No order was called twice.
    pub fn none_twice(&self) {
        let twice: Vec<_> =
            self.attempts().into_iter().filter(|(_, attempts)| attempts.len() > 1).collect();
        assert!(twice.is_empty(), "orders were called more than once: {twice:?}\n{self:#?}");
    }

    /// Every call of an order was its first attempt.
    pub fn spent_no_attempt(&self) {
        let mut orders = self.0.iter().flat_map(|call| &call.orders);
        let again = orders.find(|order| order.attempt != 1);
        assert!(again.is_none(), "an attempt is spent: {again:#?}\n{self:#?}");
    }

    /// Each of these orders was settled before the first NORMAL call came, and no VIP call came
    /// after it.
    pub fn keep_the_fence<'a>(&self, vip: impl IntoIterator<Item = &'a String>) {
        let of = |priority| self.0.iter().filter(move |call| call.priority == priority);
        let Some(first) = of(Priority::Normal).min_by_key(|call| call.received) else { return };
        let late: Vec<_> =
            of(Priority::Vip).filter(|call| call.received > first.received).collect();
        assert!(late.is_empty(), "I12: VIP calls after {first:#?}: {late:#?}");
        for id in vip {
            let mut calls = of(Priority::Vip)
                .filter(|call| call.answered.is_some_and(|answered| answered < first.received));
            let settled = calls.any(|call| call.verdicts.get(id).is_some_and(Verdict::is_final));
            assert!(settled, "I12: {id} was not settled before {first:#?}\n{self:#?}");
        }
    }

    /// Each call is signed with this secret, and named by its signature as in its body.
    pub fn are_signed(&self, secret: &str) {
        let mut batches = BTreeSet::new();
        for call in &self.0 {
            assert!(is_signed(call, secret), "{call:#?} {:#?}", call.headers);
            assert_eq!(call.header("webhook-id"), call.batch_id, "{call:#?}");
            assert!(batches.insert(&call.batch_id), "a batch is called twice: {call:#?}");
        }
    }
}

impl Cluster {
    /// One API and this many workers, which have this receiver. `settings` go over the others.
    pub async fn start_for(receiver: &Receiver, workers: usize, settings: &[(&str, &str)]) -> Self {
        let settings = [&receiver.settings()[..], settings].concat();
        Self::start(workers, &settings).await
    }

    /// Starts a worker that says who it is in each of its calls: [`Call::header`] of
    /// `authorization`.
    pub async fn start_named(&mut self, name: &str) -> Id {
        self.start_one(Kind::Worker, &[("PROCESSOR_AUTHORIZATION", name)]).await
    }

    /// The ids of the orders of a run that are like this.
    pub async fn ids(&self, run_id: &str, like: Document) -> BTreeSet<String> {
        let mut like = like;
        like.insert("runId", run_id);
        let orders = self.stores.database.collection::<Document>("orders");
        let found = orders.find(like).projection(doc! { "_id": 1 }).await;
        let found: Vec<_> =
            found.expect("MongoDB answers").try_collect().await.expect("MongoDB answers");
        found.iter().map(|order| order.get_str("_id").unwrap_or_default().to_owned()).collect()
    }

    /// The order as it is stored, by its id or `ref`.
    pub async fn order(&self, run_id: &str, name: &str) -> Document {
        let orders = self.stores.database.collection::<Document>("orders");
        let like = doc! { "runId": run_id, "$or": [{ "_id": name }, { "ref": name }] };
        let found = orders.find_one(like).await.expect("MongoDB answers");
        found.unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// No order of the run has spent an attempt, or was given up.
    pub async fn spent_no_attempt(&self, run_id: &str) {
        let spent = self.ids(run_id, doc! { "outcome.attempts": { "$gt": 0 } }).await;
        assert!(spent.is_empty(), "attempts are spent: {spent:?}");
        let dead = self.ids(run_id, doc! { "status": "falhou" }).await;
        assert!(dead.is_empty(), "orders are given up: {dead:?}");
    }

    /// Every order of the run was settled by a call, all VIP ones before a NORMAL call, and no
    /// other order was called. Answers with the calls.
    pub async fn was_called(&self, receiver: &Receiver, run_id: &str) -> Receipts {
        let receipts = receiver.of(run_id);
        receipts.are_signed(&receiver.secret);
        let all = self.ids(run_id, doc! {}).await;
        let settled = receipts.settled();
        let missing: Vec<_> = all.difference(&settled).collect();
        assert!(missing.is_empty(), "no verdict of {missing:?}: {receipts:#?}");
        assert_eq!(receipts.called(), all, "{receipts:#?}");
        receipts.keep_the_fence(&self.ids(run_id, doc! { "priority": "VIP" }).await);
        receipts
    }

    /// The same, with each order called once: what there is without any fault.
    pub async fn was_called_once(&self, receiver: &Receiver, run_id: &str) -> Receipts {
        let receipts = self.was_called(receiver, run_id).await;
        receipts.none_twice();
        receipts.spent_no_attempt();
        receipts
    }

    /// Waits until a worker has stopped calling, and says why.
    pub async fn breaks(&self) -> Status {
        let broken = |status: &Status| {
            let processor = &status.json["processor"];
            let is_open = ["open", "halfOpen"].iter().any(|state| processor["state"] == *state);
            is_open && processor["lastError"].as_str().is_some_and(|error| !error.is_empty())
        };
        self.wait_for("a breaker that opens", broken).await
    }
}

impl Client {
    /// Starts a run of so many generated orders for this processor; answers its id.
    pub async fn generate_for(&self, processor: &str, quantity: u32) -> String {
        let query = format!("quantity={quantity}&processor={processor}");
        let accepted = self.try_generate(&query, None).await.json(202);
        accepted["runId"].as_str().expect("it has an id").to_owned()
    }

    /// Imports the lines of these numbers, and starts them; answers the run's id.
    pub async fn run_lines(&self, numbers: impl IntoIterator<Item = u32>, query: &str) -> String {
        let id = self.create_import().await;
        self.upload(&id, lines(numbers)).await;
        self.start_for(&id, query).await;
        id
    }

    /// Starts an import with these options and no others.
    pub async fn start_for(&self, id: &str, query: &str) {
        let path = format!("/pedidos/imports/{id}/start?{query}");
        let answer = self.raw(Method::POST, &path).await;
        assert_eq!(answer.json(202)["runId"], id, "{answer:#?}");
    }

    /// `POST /pedidos/orders/{id}/fail`, answered in any way.
    pub async fn try_fail(&self, id: &str) -> Answer {
        self.raw(Method::POST, &format!("/pedidos/orders/{id}/fail")).await
    }
}
