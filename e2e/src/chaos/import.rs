//! The run of a list: it is sent while something fails, again and again until it is whole.

use rand::RngExt;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    Run,
    plan::{Fault, ImportPlan, UploadFault, UploadStop},
    upload::{List, Sending, asks_again},
};
use crate::{
    cluster::Id,
    wait::{DEADLINE, POLL},
};

impl Run<'_> {
    /// Answers the id of the run, which is started.
    pub(super) async fn import(&mut self, import: &ImportPlan) -> String {
        let seed = self.plan.seed;
        let list = List::of(seed, import.lines);
        let id = self.create_import(&format!("chaos-list-{seed}")).await;
        for stop in &import.stops {
            self.upload_until(&id, &list, stop).await;
            self.count(stop.fault.kind());
            self.moments.push(self.servers.moment());
        }
        self.completes(&id, &list).await;
        if let Some(server) = import.frozen_at_start {
            let fault = Fault::ServerFrozen(server);
            self.strike(fault).await;
            self.count(format!("start: {}", fault.kind()));
        }
        self.starts(&id).await;
        id
    }

    /// After a reset there is no such import any more; the same list becomes another.
    pub(super) async fn import_again(&mut self, import: &ImportPlan, key: &str) -> String {
        let path = self.start_of(self.id());
        self.answer(&path, None).await.problem(404);
        let list = List::of(self.plan.seed, import.lines);
        let id = self.create_import(key).await;
        self.completes(&id, &list).await;
        self.starts(&id).await;
        id
    }

    async fn create_import(&mut self, key: &str) -> String {
        let created = self.answer("/pedidos/imports?name=chaos", Some(key)).await.json(201);
        created["importId"].as_str().expect("it has an id").to_owned()
    }

    /// The start of an import, with the options that were drawn.
    fn start_of(&self, id: &str) -> String {
        format!("/pedidos/imports/{id}/start?onRejects=skip&{}", self.plan.options())
    }

    /// Started until that is accepted: a store may be away, an answer may be lost.
    async fn starts(&mut self, id: &str) {
        let path = self.start_of(id);
        let started = self.answer(&path, None).await.json(202);
        assert_eq!(started["runId"], id, "{started:#}");
    }

    fn any_api(&mut self) -> Id {
        self.apis[self.random.random_range(0..self.apis.len())]
    }

    fn send(&self, api: Id, id: &str, list: &List, holds: &[usize]) -> Sending {
        Sending::of(self.cluster.client_of(api), id, &list.text, holds)
    }

    /// One attempt to send the list, in the middle of which something fails.
    async fn upload_until(&mut self, id: &str, list: &List, stop: &UploadStop) {
        let api = self.any_api();
        let mut sending = self.send(api, id, list, &[list.at(stop.at)]);
        self.meanwhile("a part of the list", sending.is_held()).await;
        sleep(stop.after).await;
        let mut second = None;
        match stop.fault {
            UploadFault::BrokenOff => {
                let answer = self.meanwhile("an answer", sending.break_off()).await;
                assert!(asks_again(answer.as_ref()), "it broke off: {answer:#?}");
                return;
            }
            UploadFault::Twice => {
                let other = self.any_api();
                second = Some(self.send(other, id, list, &[]));
            }
            UploadFault::ApiKilled => {
                self.thaw_servers().await;
                self.apis.retain(|other| *other != api);
                self.cluster.kill(api).await;
                let another = self.cluster.start_api().await;
                self.apis.push(another);
            }
            UploadFault::Of(fault) => self.strike(fault).await,
        }
        sending.goes_on().await;
        for sending in [Some(sending), second].into_iter().flatten() {
            let answer = self.meanwhile("an answer", sending.answer()).await;
            asks_again(answer.as_ref());
        }
    }

    /// Sends the list to any API until one has all of it; then it must be exact.
    async fn completes(&mut self, id: &str, list: &List) {
        let until = Instant::now() + DEADLINE;
        let whole = loop {
            assert!(Instant::now() < until, "the list is not whole in time");
            let api = self.any_api();
            let sending = self.send(api, id, list, &[]);
            let answer = self.meanwhile("an answer", sending.answer()).await;
            if !asks_again(answer.as_ref()) {
                break answer.expect("it was answered").json(200);
            }
            sleep(POLL).await;
        };
        let wanted = [list.accepted.len(), list.rejected].map(Value::from);
        assert_eq!([&whole["accepted"], &whole["rejected"]], wanted.each_ref(), "{whole:#}");
        self.thaw_servers().await;
        self.cluster.has_imported(id, list.accepted.iter().copied()).await;
    }
}
