//! What a person does during a run.

use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use super::{Run, plan::Command};
use crate::{
    client::Answer,
    status::Status,
    wait::{POLL, in_time, poll},
};

impl Run<'_> {
    /// Starts a run of generated orders; answers its id.
    pub(super) async fn generate(&mut self, key: Option<&str>) -> String {
        let path = format!("/pedidos/generate?quantity={}", self.plan.quantity);
        let path = path + &self.plan.canary();
        let accepted = self.answer(&path, key).await.json(202);
        accepted["runId"].as_str().expect("it has an id").to_owned()
    }

    /// Sets the limits that were drawn: before the run, while both stores are there.
    pub(super) async fn limit(&mut self) {
        let limits = self.plan.limits;
        if limits.rate.is_none() && limits.in_flight.is_none() {
            return;
        }
        let change = json!({ "ordersPerSecond": limits.rate, "maxInFlight": limits.in_flight });
        let path = "/pedidos/queue/limits";
        let client = self.cluster.client();
        client.with_body(Method::PATCH, path, &change.to_string()).await.json(200);
        for (name, limit) in [("rate", limits.rate), ("in flight", limits.in_flight)] {
            if limit.is_some() {
                self.count(format!("limit: {name}"));
            }
        }
    }

    /// A command is asked for until it is done: a store may be away.
    async fn ask(&mut self, path: &str) {
        let answer = self.answer(path, None).await;
        assert!(matches!(answer.status, 200 | 202), "{path}: {answer:#?}");
    }

    /// Asks until a store is there again; what is due is undone meanwhile.
    pub(super) async fn answer(&mut self, path: &str, key: Option<&str>) -> Answer {
        let asked = poll(POLL, async || {
            self.undo_due(Instant::now()).await;
            let answer = self.cluster.client().try_raw(Method::POST, path, key).await;
            answer.filter(|answer| answer.status != 503)
        });
        in_time(path, asked).await
    }

    pub(super) async fn command(&mut self, (at, command): (f64, Command)) {
        if command == Command::Nothing {
            return;
        }
        self.until(at).await;
        match command {
            Command::Nothing => {}
            Command::PauseAndResume => {
                self.ask("/pedidos/queue/pause").await;
                self.ask("/pedidos/queue/resume").await;
            }
            Command::Cancel => {
                self.ask("/pedidos/cancel?waitTimeoutMs=500&pollIntervalMs=10").await;
            }
            Command::Reset => {
                self.ask("/pedidos/reset").await;
                let key = format!("chaos-{}", self.plan.seed);
                let id = match &self.plan.import {
                    Some(import) => self.import_again(import, &key).await,
                    None => self.generate(Some(&key)).await,
                };
                self.ids.push(id);
            }
        }
    }

    /// Lets a run go on that stands still by its options: after its canary, and at a fence that a
    /// dead letter holds.
    pub(super) async fn attend(&mut self, status: &Status) {
        if let Some(most) = self.plan.limits.in_flight {
            assert!(status.leased() <= u64::from(most), "I14: {:#}", status.json);
        }
        let Some(run_id) = status.run_id.clone().filter(|_| status.phase.is_active()) else {
            return;
        };
        let client = self.cluster.client().clone();
        if status.json["pausedBy"] == "pauseAfter" {
            let path = "/pedidos/queue/resume";
            let resume = async move { client.try_raw(Method::POST, path, None).await };
            let answer = self.meanwhile("a resume", resume).await;
            if is_accepted(answer.as_ref()) {
                self.seen_once("canary: looked at and resumed");
            }
        } else if self.plan.is_held(status) {
            self.seen.lets_go(&run_id);
            let path = format!("/pedidos/runs/{run_id}");
            let change = json!({ "onVipFailure": "continue" }).to_string();
            let go_on = async move {
                let headers = [("Content-Type", "application/json")];
                client.send(Method::PATCH, &path, &headers, change).await
            };
            let answer = self.meanwhile("a hold that is lifted", go_on).await;
            if is_accepted(answer.as_ref()) {
                self.seen_once("hold: lifted");
            }
        }
    }

    /// Counts it, however often it is tried.
    fn seen_once(&mut self, kind: &str) {
        self.survived.entry(kind.to_owned()).or_insert(1);
    }
}

/// Is it done? If not, it is asked for again: a store may be away, or the run has ended meanwhile.
fn is_accepted(answer: Option<&Answer>) -> bool {
    let Some(answer) = answer else { return false };
    assert!(matches!(answer.status, 200 | 409 | 503), "{answer:#?}");
    answer.status == 200
}
