//! Random faults at random moments of random runs, all drawn from one seed, so that a run
//! that failed can be had again.
//!
//! - `plan`: what happens in a run, and when; `receiver`: what its orders are posted to.
//! - `import`, `upload`: the run of a list, and the list on its way.
//! - `strike`: the faults; `person`: the commands.
//! - `judge`: what must be so at the receiver.

mod import;
mod judge;
mod person;
mod plan;
mod receiver;
mod strike;
pub mod upload;

use std::{collections::BTreeMap, time::Duration};

use pedidos_core::run::Phase;
use rand::{SeedableRng, rngs::SmallRng};
use tokio::time::{Instant, sleep};

pub use self::plan::Plan;
use self::{
    judge::{Newcomer, Seen},
    receiver::Posted,
};
use crate::{
    cluster::{Cluster, Id, Kind},
    proxy::Network,
    servers::{Moment, Server, Servers},
    status::Status,
    steps::Wires,
    wait::{DEADLINE, POLL, in_time, poll},
};

/// How long what ends by itself lasts: longer than a lease of these runs.
const WHILE: Duration = Duration::from_millis(2_500);
const LEASE: Duration = Duration::from_millis(1_500);

/// How many faults of which kind were survived.
pub type Survived = BTreeMap<String, u64>;

/// Something to be undone when its time has come.
struct Undo {
    at: Instant,
    what: Undone,
}

enum Undone {
    Thaw(Id),
    ThawServer(Server),
    Heal(usize, Server),
    /// The receiver is as it should be.
    Mend,
}

struct Run<'a> {
    servers: &'a Servers,
    plan: &'a Plan,
    cluster: Cluster,
    /// The ids of the run and, after a reset, of the one after it.
    ids: Vec<String>,
    /// The workers that run, and what is between them and the servers.
    workers: Vec<(Id, Wires)>,
    apis: Vec<Id>,
    /// What the orders are posted to, if the run names a processor.
    posted: Option<Posted>,
    /// What the calls are held against.
    seen: Seen,
    undo: Vec<Undo>,
    /// Moments of Redis to go back to.
    moments: Vec<Moment>,
    random: SmallRng,
    survived: Survived,
}

/// Carries out a plan; answers what was survived.
///
/// # Panics
/// An invariant was broken, the run did not end, or its audit does not hold.
pub async fn survive(servers: &Servers, plan: &Plan) -> Survived {
    let mut run = Run::prepare(servers, plan).await;
    let id = match &plan.import {
        Some(import) => run.import(import).await,
        None => run.generate(None).await,
    };
    run.ids.push(id);
    let mut command = Some(plan.command);
    for (at, fault) in &plan.faults {
        if command.is_some_and(|(when, _)| when <= *at) {
            run.command(command.take().expect("it is some")).await;
        }
        run.until(*at).await;
        run.strike(*fault).await;
        run.count(fault.kind());
    }
    if let Some(command) = command {
        run.command(command).await;
    }
    run.end().await
}

impl<'a> Run<'a> {
    /// Starts its processes.
    async fn prepare(servers: &'a Servers, plan: &'a Plan) -> Self {
        let text = |number: u32| number.to_string();
        let (chunk, batch, slots) = (text(plan.chunk), text(plan.batch), text(plan.slots));
        let lease = LEASE.as_millis().to_string();
        let mut settings = vec![
            ("GENERATION_CHUNK_SIZE", chunk.as_str()),
            ("NORMAL_ENQUEUE_BATCH_SIZE", &chunk),
            ("ORDERS_BATCH_SIZE", &batch),
            ("ORDERS_QUEUE_CONCURRENCY", &slots),
            ("LEASE_MS", &lease),
        ];
        let posted = match plan.receiver() {
            Some(receiver) => Some(Posted::start(receiver).await),
            None => None,
        };
        let call = plan.receiver().map(|receiver| text(receiver.batch)).unwrap_or_default();
        if let Some(posted) = &posted {
            settings.extend(posted.receiver.settings());
            settings.extend([("PROCESSOR_BATCH_SIZE", call.as_str()), ("RETRY_BACKOFF_MS", "10")]);
        }
        let mut run = Self {
            servers,
            plan,
            cluster: Cluster::on(servers, &settings).await,
            ids: Vec::new(),
            workers: Vec::new(),
            apis: Vec::new(),
            posted,
            seen: Seen::default(),
            undo: Vec::new(),
            moments: vec![servers.moment()],
            random: SmallRng::seed_from_u64(plan.seed ^ 1),
            survived: Survived::new(),
        };
        for _ in 0..plan.apis {
            let api = run.cluster.start_api().await;
            run.apis.push(api);
        }
        for _ in 0..plan.workers {
            run.start_worker().await;
        }
        run.limit().await;
        run
    }
}

impl Run<'_> {
    /// The id of the current run.
    fn id(&self) -> &str {
        self.ids.last().expect("a run has begun")
    }

    fn count(&mut self, kind: impl Into<String>) {
        *self.survived.entry(kind.into()).or_default() += 1;
    }

    async fn start_worker(&mut self) {
        let newcomer = self.newcomer().await;
        let told = newcomer.as_ref().map(Newcomer::told);
        let (cluster, servers) = (&mut self.cluster, self.servers);
        let worker = Wires::start_one(cluster, Kind::Worker, servers, told.as_slice()).await;
        if let Some(newcomer) = newcomer {
            self.seen.starts(worker.0, newcomer);
        }
        self.workers.push(worker);
    }

    /// Until this share of the work is done, or the run has ended.
    async fn until(&mut self, share: f64) {
        let goal = (f64::from(self.plan.quantity) * 2.0 * share) as u64;
        self.wait("progress", |status| {
            let done = status.progress.generated + status.terminal();
            done >= goal || !status.phase.is_active()
        })
        .await;
        self.moments.push(self.servers.moment());
    }

    /// Looks at the status until it is as wanted; undoes what is due, and does what a person
    /// would, meanwhile.
    async fn wait(&mut self, what: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        let until = Instant::now() + DEADLINE;
        poll(POLL, async || {
            self.undo_due(Instant::now()).await;
            let status = self.cluster.client().try_status().await;
            if let Some(status) = &status {
                self.attend(status).await;
            }
            if let Some(status) = status.as_ref().filter(|status| wanted(status)) {
                return Some(status.clone());
            }
            let json = status.map(|status| status.json);
            assert!(Instant::now() < until, "{what}: not in time, {json:#?}");
            None
        })
        .await
    }

    /// What is due is undone while this is waited for.
    async fn meanwhile<T>(&mut self, what: &str, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(in_time(what, future));
        loop {
            tokio::select! {
                done = &mut future => return done,
                () = sleep(POLL) => self.undo_due(Instant::now()).await,
            }
        }
    }

    async fn undo_due(&mut self, now: Instant) {
        let due = self.undo.extract_if(.., |undo| undo.at <= now).collect::<Vec<_>>();
        for undo in due {
            match undo.what {
                Undone::Thaw(worker) => self.cluster.process(worker).signal("CONT").await,
                Undone::ThawServer(server) => self.servers.signal(server, "CONT").await,
                Undone::Heal(worker, server) => {
                    if let Some((_, wires)) = self.workers.iter().find(|(id, _)| *id == worker) {
                        wires.network(server, Network::Fine);
                    }
                }
                Undone::Mend => {
                    if let Some(posted) = &mut self.posted {
                        posted.mend().await;
                    }
                }
            }
        }
    }

    fn later(&mut self, after: Duration, what: Undone) {
        self.undo.push(Undo { at: Instant::now() + after, what });
    }

    /// All is well again: the run ends by itself, and adds up.
    async fn end(mut self) -> Survived {
        let wanted = if self.plan.is_cancelled() {
            // DONE, if the cancel came too late for it.
            |status: &Status| status.phase.is_ended()
        } else {
            |status: &Status| status.phase == Phase::Done
        };
        let status = self.wait("the end", wanted).await;
        let seen = Instant::now().into_std();
        let done = (status.phase == Phase::Done).then_some(seen);
        assert!(status.is_of(self.id()), "{:#}", status.json);
        assert_eq!(status.terminal(), status.progress.generated, "{:#}", status.json);
        let (dead, failing) = (status.ledger.both().map(|ledger| ledger.dead), self.plan.failing());
        let mut both = dead.iter().zip(&failing);
        let is_right =
            both.all(|(dead, failing)| dead == failing || done.is_none() && dead < failing);
        assert!(is_right, "I13: {failing:?} orders are to fail: {:#}", status.json);
        self.undo_due(Instant::now() + WHILE).await;
        self.cluster.at_rest().await;
        self.cluster.audit().await;
        self.judge(done).await;
        self.cluster.finish().await;
        self.survived
    }
}
