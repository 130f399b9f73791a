//! A cluster: APIs and workers of one queue, on stores of its own.

use std::sync::Arc;

use pedidos_core::run::Phase;
use pedidos_pipeline::verify;
use pedidos_service::metrics;
use tokio::time::Instant;

use crate::{
    client::Client,
    process::{Environment, Process, with_in_environment},
    samples::Samples,
    servers::{Server, Servers},
    status::Status,
    stores::{Stores, own_settings, redis_port},
    wait::{DEADLINE, POLL, eventually, in_time, poll},
};

/// What every process of a cluster is told, unless the test says otherwise:
/// small pieces, so that a short run still has many; a short lease.
const SETTINGS: &[(&str, &str)] = &[
    ("PORT", "0"),
    ("ADMIN_PORT", "0"),
    ("BACKEND_LOGS", "false"),
    ("GENERATION_CHUNK_SIZE", "200"),
    ("NORMAL_ENQUEUE_BATCH_SIZE", "200"),
    ("ORDERS_BATCH_SIZE", "50"),
    ("ORDERS_QUEUE_CONCURRENCY", "4"),
    ("LEASE_MS", "2000"),
    ("SHUTDOWN_GRACE_MS", "10000"),
    ("LOG_PROGRESS_EVERY_MS", "1000"),
    ("RUST_BACKTRACE", "1"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Api,
    Worker,
}

/// A process of a cluster, in the order in which they were started.
pub type Id = usize;

/// Processes of one queue. To be ended with [`Cluster::finish`].
pub struct Cluster {
    /// What they work on.
    pub stores: Stores,
    pub samples: Arc<Samples>,
    settings: Environment,
    members: Vec<Member>,
    finished: bool,
}

struct Member {
    kind: Kind,
    process: Process,
    client: Client,
    gone: bool,
}

impl Cluster {
    /// Stores of its own, and no process yet. `settings` go over the defaults.
    pub async fn new(settings: &[(&str, &str)]) -> Self {
        let mut environment = own_settings();
        for (name, value) in SETTINGS.iter().chain(settings) {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        Self {
            stores: Stores::connect(&environment).await,
            samples: Arc::default(),
            settings: environment,
            members: Vec::new(),
            finished: false,
        }
    }

    /// As [`Self::new`], on these servers.
    pub async fn on(servers: &Servers, settings: &[(&str, &str)]) -> Self {
        let name = format!("e2e-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let redis = format!("redis://{}", servers.address(Server::Redis));
        let mongo = format!("mongodb://{}/{name}", servers.address(Server::Mongo));
        let own = [("QUEUE_NAME", name.as_str()), ("REDIS_URL", &redis), ("MONGO_URI", &mongo)];
        let all: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
        Self::new(&all).await
    }

    /// As [`Self::new`], with one API and this many workers.
    pub async fn start(workers: usize, settings: &[(&str, &str)]) -> Self {
        Self::new(settings).await.with(workers).await
    }

    /// As [`Self::on`], with one API and this many workers.
    pub async fn start_on(servers: &Servers, workers: usize, settings: &[(&str, &str)]) -> Self {
        Self::on(servers, settings).await.with(workers).await
    }

    async fn with(mut self, workers: usize) -> Self {
        self.start_api().await;
        for _ in 0..workers {
            self.start_worker().await;
        }
        self
    }

    /// Starts an API and waits until it serves.
    pub async fn start_api(&mut self) -> Id {
        self.start_one(Kind::Api, &[]).await
    }

    /// Starts a worker and waits until it works.
    pub async fn start_worker(&mut self) -> Id {
        self.start_one(Kind::Worker, &[]).await
    }

    /// Starts a process that is told something else than the others, and waits
    /// until it is ready.
    pub async fn start_one(&mut self, kind: Kind, settings: &[(&str, &str)]) -> Id {
        let id = self.members.len();
        let (binary, name) = match kind {
            Kind::Api => ("pedidos-api", format!("api {id}")),
            Kind::Worker => ("pedidos-worker", format!("worker {id}")),
        };
        let mut environment = self.settings.clone();
        for (name, value) in settings {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        let process = Process::spawn(&name, binary, &[], &environment);
        let url = process.url().await;
        self.members.push(Member {
            kind,
            process,
            client: if url.starts_with("https") {
                Client::secure(&url, Arc::clone(&self.samples), &environment)
            } else {
                Client::new(&url, Arc::clone(&self.samples))
            },
            gone: false,
        });
        id
    }

    /// What its processes are told.
    pub const fn settings(&self) -> &Environment {
        &self.settings
    }

    pub fn process(&mut self, id: Id) -> &mut Process {
        &mut self.members[id].process
    }

    /// SIGTERM; it must end with exit code 0.
    pub async fn stop(&mut self, id: Id) {
        self.members[id].gone = true;
        self.members[id].process.stop().await;
    }

    /// A second SIGTERM; it must end at once, with the exit code that says so.
    pub async fn insist(&mut self, id: Id) {
        self.members[id].gone = true;
        self.members[id].process.signal("TERM").await;
        let status = self.members[id].process.ended().await;
        assert_eq!(status.code(), Some(130), "{}", self.members[id].process.tail());
    }

    /// SIGKILL.
    pub async fn kill(&mut self, id: Id) {
        self.members[id].gone = true;
        self.members[id].process.kill().await;
    }

    pub fn client_of(&self, id: Id) -> &Client {
        &self.members[id].client
    }

    /// The client of the first API that runs.
    pub fn client(&self) -> &Client {
        self.client_of(self.first_api())
    }

    /// The API that [`Self::client`] asks.
    pub fn first_api(&self) -> Id {
        let running = |member: &Member| !member.gone && member.kind == Kind::Api;
        self.members.iter().position(running).expect("an API runs")
    }

    /// The clients of the workers that run.
    pub fn workers(&self) -> impl Iterator<Item = &Client> {
        let running = self.members.iter().filter(|member| !member.gone);
        running.filter(|member| member.kind == Kind::Worker).map(|member| &member.client)
    }

    /// Asks for the status until it is as wanted, for as long as the run gets further than it
    /// was seen before: one that starts over again and again does not. Stores may be away
    /// meanwhile, and a machine that is busy enough looks like that.
    pub async fn wait_for(&self, what: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        let mut until = Instant::now() + DEADLINE;
        let (mut furthest, mut last) = (0, None);
        poll(POLL, async || {
            if let Some(status) = self.client().try_status().await {
                if wanted(&status) {
                    return Some(status);
                }
                let far = status.progress.generated + status.progress.processed_total;
                if far > furthest {
                    (furthest, until) = (far, Instant::now() + DEADLINE);
                }
                last = Some(status.json);
            }
            let in_time = Instant::now() < until;
            assert!(in_time, "{what}: the run gets no further for {DEADLINE:?}\n{last:#?}");
            None
        })
        .await
    }

    /// Waits until the current run is DONE.
    pub async fn done(&self) -> Status {
        self.wait_for("DONE", |status| status.phase == Phase::Done).await
    }

    /// Waits until no worker holds any work, by what each says itself: of
    /// a run that was cancelled or reset, too.
    pub async fn at_rest(&self) {
        for worker in self.workers() {
            eventually("a worker at rest", async || worker.metric(metrics::BUSY).await <= 0.0)
                .await;
        }
    }

    /// Waits until a process has the connections to Redis that it should have: one for calls
    /// and one for events, whoever asks it for whatever.
    pub async fn has_its_connections(&self, id: Id) {
        let (process, port) = (&self.members[id].process, redis_port());
        let what = "one connection for calls and one for events";
        eventually(what, async || process.connections_to(port) == 2).await;
    }

    /// Runs so many orders to DONE, audits them, and answers the run's id and
    /// its last status.
    pub async fn run(&self, quantity: u32) -> (String, Status) {
        let run_id = self.client().generate(quantity).await;
        let status = self.done().await;
        assert!(status.is_of(&run_id), "{:#}", status.json);
        self.audit().await;
        (run_id, status)
    }

    /// Waits until this run is DONE, whatever was done to it, with no order given up;
    /// audits it once no worker holds any work.
    pub async fn ends_exact(&self, run_id: &str) -> Status {
        let done = self.done().await;
        assert!(done.is_of(run_id), "{:#}", done.json);
        assert_eq!(done.ledger.both().map(|ledger| ledger.dead), [0, 0], "{:#}", done.json);
        self.at_rest().await;
        self.audit().await;
        done
    }

    /// Holds the run that has ended against MongoDB and Redis.
    pub async fn audit(&self) {
        let report =
            in_time("the audit", verify::verify_run(&self.stores.store, &self.stores.queue));
        let report = report.await.expect("there is a run to audit");
        if !report.holds() {
            let checks = report.checks.iter().map(|check| {
                let mark = if check.ok { "ok" } else { "WRONG" };
                format!("  {mark:5} {}: {}\n", check.name, check.figure)
            });
            panic!(
                "the audit of run {} ({} orders) does not hold:\n{}",
                report.run_id,
                report.quantity,
                checks.collect::<String>()
            );
        }
    }

    /// Ends it: every process must end with exit code 0 when it is asked to,
    /// and nothing may be left, neither processes nor data.
    pub async fn finish(mut self) {
        for member in self.members.iter_mut().filter(|member| !member.gone) {
            assert!(
                member.process.is_running(),
                "{} has ended\n{}",
                member.process.name,
                member.process.tail()
            );
            member.process.signal("TERM").await;
        }
        for member in self.members.iter_mut().filter(|member| !member.gone) {
            let status = member.process.ended().await;
            member.gone = true;
            assert!(
                status.success(),
                "{} ended with {status}\n{}",
                member.process.name,
                member.process.tail()
            );
        }
        for member in &self.members {
            let panicked = member.process.said();
            let panicked = panicked.iter().find(|line| line.contains("panicked at"));
            assert_eq!(panicked, None, "{}", member.process.name);
        }
        let mark = format!("QUEUE_NAME={}", self.settings["QUEUE_NAME"]);
        let left = with_in_environment(&mark);
        assert!(left.is_empty(), "processes of this cluster are left: {left:?}");
        self.stores.remove().await;
        self.finished = true;
    }
}

impl Drop for Cluster {
    /// A test that failed: shows what the processes said, and leaves nothing.
    /// They are killed as they are dropped.
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        for member in &self.members {
            eprint!("{}", member.process.tail());
        }
        self.members.clear();
        let settings = self.settings.clone();
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
            runtime.block_on(async {
                let stores = Stores::connect(&settings).await;
                tokio::time::timeout(DEADLINE, stores.remove()).await.ok();
            });
        });
        removed.join().ok();
        assert!(std::thread::panicking(), "a cluster was not ended with finish()");
    }
}
