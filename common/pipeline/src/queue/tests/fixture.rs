//! A queue of its own in a real Redis, for every test.

use std::ops::{Deref, Range};

use fred::{
    clients::Client,
    interfaces::{HashesInterface, KeysInterface, SortedSetsInterface},
    types::Value,
};
use pedidos_core::{
    control::{CancelOptions, Control, End, Pause, PausedBy, RunSpec},
    order::Generator,
};

use super::*;
use crate::settings::{QueueSettings, RedisSettings};

/// When the runs of these tests were created.
pub(super) const CREATED_MS: u64 = 1_763_787_600_000;
pub(super) const SEED: u64 = 7;

/// Chunks of 8, ranges of 6, batches of 4, 16 may wait.
pub(super) fn settings() -> QueueSettings {
    QueueSettings {
        name: format!("test-{}", Token::random().as_str()),
        batch_size: 4,
        chunk_size: 8,
        range_size: 6,
        high_water: 16,
        lease: Duration::from_mins(1),
        max_dead: 1000,
    }
}

pub(super) struct Fixture {
    pub(super) queue: Queue,
    pub(super) control: Control,
}

impl Deref for Fixture {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.queue
    }
}

impl Fixture {
    /// An empty queue.
    #[allow(clippy::unused_async)] // connecting needs a runtime
    pub(super) async fn new(settings: &QueueSettings) -> Self {
        let url = std::env::var("REDIS_URL").expect("REDIS_URL is not set: run `make test`");
        let queue = Queue::connect(&RedisSettings::at(&url), settings).unwrap();
        Self { queue, control: Control::new(&settings.name) }
    }

    /// A queue with a run that has just been accepted.
    pub(super) async fn with_run(settings: &QueueSettings, quantity: u32) -> Self {
        let mut fixture = Self::new(settings).await;
        fixture.start("run-1", quantity).await;
        fixture
    }

    pub(super) async fn start(&mut self, run_id: &str, quantity: u32) {
        self.change(|control| {
            control.orders_version = control.version;
            control.intent = Intent::Run;
            control.run = Some(RunSpec::generated(
                run_id.to_owned(),
                SEED as i64,
                i64::from(quantity),
                CREATED_MS as i64,
            ));
        })
        .await;
    }

    /// The next version of control, adopted.
    pub(super) async fn change(&mut self, change: impl FnOnce(&mut Control)) {
        let mut next = self.control.next();
        change(&mut next);
        assert!(self.queue.adopt(&next, &Figures::default(), None).await.unwrap());
        self.control = next;
    }

    pub(super) async fn pause(&mut self) {
        self.change(|control| control.paused = Some(Pause { at: 1, by: PausedBy::Person })).await;
    }

    pub(super) async fn resume(&mut self) {
        self.change(|control| control.paused = None).await;
    }

    pub(super) async fn cancel(&mut self) {
        self.change(|control| {
            control.intent = Intent::Cancel(CancelOptions {
                purge: true,
                remove_pending: true,
                reset_logs: false,
                wait_timeout_ms: 0,
                poll_interval_ms: 10,
            });
        })
        .await;
    }

    pub(super) async fn end(&mut self, phase: Phase, figures: Figures) {
        self.change(|control| {
            control.intent = Intent::Ended;
            let end = End {
                phase,
                figures,
                cancelled: 0,
                attempt: 0,
                attempts: Vec::new(),
                purge: true,
                remove_pending: true,
            };
            control.run.as_mut().unwrap().end = Some(end);
        })
        .await;
    }

    pub(super) fn redis(&self) -> Client {
        self.queue.client()
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.queue.keys().prefix())
    }

    pub(super) async fn field(&self, field: &str) -> Option<String> {
        self.redis().hget(self.key("run"), field).await.unwrap()
    }

    pub(super) async fn set_field(&self, field: &str, value: &str) {
        self.redis().hset::<(), _, _>(self.key("run"), (field, value)).await.unwrap();
    }

    /// Lets a lease's deadline pass.
    pub(super) async fn expire(&self, token: &Token) {
        let key = self.key("leases");
        self.redis()
            .zadd::<(), _, _>(key, None, None, false, false, (1.0, token.as_str()))
            .await
            .unwrap();
    }

    /// Deadline of a lease, ms since the epoch.
    pub(super) async fn deadline(&self, token: &Token) -> Option<f64> {
        self.redis().zscore(self.key("leases"), token.as_str()).await.unwrap()
    }

    pub(super) async fn set_deadline(&self, token: &Token, at: f64) {
        let key = self.key("leases");
        self.redis()
            .zadd::<(), _, _>(key, None, None, false, false, (at, token.as_str()))
            .await
            .unwrap();
    }

    /// Lets every delay pass.
    pub(super) async fn make_retries_due(&self) {
        for name in ["vip:delayed", "normal:delayed"] {
            let key = self.key(name);
            let ids: Vec<Value> =
                self.redis().zrange(key.as_str(), 0, -1, None, false, None, false).await.unwrap();
            for id in ids {
                self.redis()
                    .zadd::<(), _, _>(key.as_str(), None, None, false, false, (1.0, id))
                    .await
                    .unwrap();
            }
        }
    }

    pub(super) async fn delete(&self, name: &str) {
        self.redis().del::<(), _>(self.key(name)).await.unwrap();
    }

    /// Fields of a hash.
    pub(super) async fn remembered(&self, name: &str) -> u64 {
        self.redis().hlen(self.key(name)).await.unwrap()
    }

    /// Leaves nothing behind.
    pub(super) async fn delete_all(&self) {
        let names = [
            "run",
            "chunks",
            "ranges",
            "vip",
            "normal",
            "leases",
            "leased",
            "vip:delayed",
            "normal:delayed",
            "attempts",
            "phases",
            "workers",
            "workers:info",
        ];
        let keys: Vec<String> = names.iter().map(|name| self.key(name)).collect();
        self.redis().del::<(), _>(keys).await.unwrap();
    }

    pub(super) async fn see(&self) -> Snapshot {
        let snapshot = self.queue.snapshot().await.unwrap();
        for priority in Priority::ALL {
            let ledger = snapshot.ledger(priority);
            assert!(ledger.is_balanced(), "{priority:?}: {ledger:?}");
        }
        snapshot
    }

    pub(super) async fn phase(&self) -> Phase {
        self.see().await.phase()
    }

    pub(super) async fn ask(&self) -> Claim {
        self.queue
            .claim(&Token::random(), "w", [Duration::ZERO; 2], true, Calls::NONE)
            .await
            .unwrap()
    }

    /// A claim that must give work.
    pub(super) async fn take(&self) -> Lease {
        match self.ask().await {
            Claim::Work(lease) => lease,
            other => panic!("no work: {other:?}"),
        }
    }

    /// A claim that must give none.
    pub(super) async fn expect_none(&self) {
        let claim = self.ask().await;
        assert!(matches!(claim, Claim::Wait(..)), "{claim:?}");
    }

    /// Pushes a chunk or a range as a worker would that found nothing in MongoDB.
    pub(super) async fn push(&self, lease: &Lease) -> Closed {
        match &lease.work {
            Work::Generate(indexes) => {
                let vip = Push { todo: ids(indexes.clone(), Priority::Vip), ..Push::default() };
                let normal = indexes.len() - vip.todo.len();
                self.queue.push_chunk(&lease.token, &vip, normal as u64, false).await.unwrap()
            }
            Work::Enqueue(indexes) => {
                let normal =
                    Push { todo: ids(indexes.clone(), Priority::Normal), ..Push::default() };
                self.queue.push_normal(&lease.token, &normal).await.unwrap()
            }
            other => panic!("not a push: {other:?}"),
        }
    }
}

/// The ids of these indexes that have this priority.
pub(super) fn ids(indexes: Range<u32>, priority: Priority) -> Vec<OrderId> {
    Generator::new(SEED, CREATED_MS)
        .orders(indexes)
        .filter(|order| order.priority() == priority)
        .map(|order| order.id)
        .collect()
}
