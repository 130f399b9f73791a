//! Random faults at random moments of random runs, all drawn from one seed, so that a run
//! that failed can be had again.

mod import;
mod plan;
pub mod upload;

use std::{collections::BTreeMap, time::Duration};

use pedidos_core::run::Phase;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use tokio::time::Instant;

pub use self::plan::Plan;
use self::plan::{Command, Fault};
use crate::{
    client::Answer,
    cluster::{Cluster, Id, Kind},
    proxy::Network,
    servers::{Moment, Server, Servers},
    status::Status,
    steps::Wires,
    wait::{DEADLINE, POLL, in_time, poll},
};

/// How long what ends by itself lasts: longer than a lease of these runs.
const WHILE: Duration = Duration::from_millis(2_500);
const LEASE_MS: &str = "1500";

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
}

struct Run<'a> {
    servers: &'a Servers,
    cluster: Cluster,
    /// The workers that run, and what is between them and the servers.
    workers: Vec<(Id, Wires)>,
    apis: Vec<Id>,
    undo: Vec<Undo>,
    /// Moments of Redis to go back to.
    moments: Vec<Moment>,
    random: SmallRng,
}

/// Carries out a plan; answers what was survived.
///
/// # Panics
/// An invariant was broken, the run did not end, or its audit does not hold.
pub async fn survive(servers: &Servers, plan: &Plan) -> Survived {
    let text = |number: u32| number.to_string();
    let (chunk, batch, slots) = (text(plan.chunk), text(plan.batch), text(plan.slots));
    let settings = [
        ("GENERATION_CHUNK_SIZE", chunk.as_str()),
        ("NORMAL_ENQUEUE_BATCH_SIZE", &chunk),
        ("ORDERS_BATCH_SIZE", &batch),
        ("ORDERS_QUEUE_CONCURRENCY", &slots),
        ("LEASE_MS", LEASE_MS),
    ];
    let mut run = Run {
        servers,
        cluster: Cluster::on(servers, &settings).await,
        workers: Vec::new(),
        apis: Vec::new(),
        undo: Vec::new(),
        moments: vec![servers.moment()],
        random: SmallRng::seed_from_u64(plan.seed ^ 1),
    };
    for _ in 0..plan.apis {
        let api = run.cluster.start_api().await;
        run.apis.push(api);
    }
    for _ in 0..plan.workers {
        run.start_worker().await;
    }
    let mut survived = Survived::new();
    let mut run_id = match &plan.import {
        Some(import) => run.import(plan, import, &mut survived).await,
        None => run.cluster.client().generate(plan.quantity).await,
    };
    let mut command = Some(plan.command);
    for (at, fault) in &plan.faults {
        if command.is_some_and(|(when, _)| when <= *at) {
            run.command(plan, command.take().expect("it is some"), &mut run_id).await;
        }
        run.until(plan, *at).await;
        run.strike(*fault).await;
        *survived.entry(fault.kind()).or_default() += 1;
    }
    if let Some(command) = command {
        run.command(plan, command, &mut run_id).await;
    }
    run.end(plan, &run_id).await;
    survived
}

impl Run<'_> {
    async fn start_worker(&mut self) {
        let worker = Wires::start(&mut self.cluster, Kind::Worker, self.servers).await;
        self.workers.push(worker);
    }

    /// Until this share of the work is done, or the run has ended.
    async fn until(&mut self, plan: &Plan, share: f64) {
        let goal = (f64::from(plan.quantity) * 2.0 * share) as u64;
        self.wait("progress", |status| {
            let done = status.progress.generated + status.progress.processed_total;
            done >= goal || !status.phase.is_active()
        })
        .await;
        self.moments.push(self.servers.moment());
    }

    /// Looks at the status until it is as wanted, and undoes what is due meanwhile.
    async fn wait(&mut self, what: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        let until = Instant::now() + DEADLINE;
        poll(POLL, async || {
            self.undo_due(Instant::now()).await;
            let status = self.cluster.client().try_status().await;
            if let Some(status) = status.as_ref().filter(|status| wanted(status)) {
                return Some(status.clone());
            }
            let json = status.map(|status| status.json);
            assert!(Instant::now() < until, "{what}: not in time, {json:#?}");
            None
        })
        .await
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
            }
        }
    }

    fn later(&mut self, what: Undone) {
        self.undo.push(Undo { at: Instant::now() + WHILE, what });
    }

    fn any_worker(&mut self) -> usize {
        self.random.random_range(0..self.workers.len())
    }

    /// Takes a worker away; a frozen one is thawed first, a killed one needs not be.
    async fn gone(&mut self, index: usize, politely: bool) {
        let (worker, wires) = self.workers.remove(index);
        let frozen = |undo: &mut Undo| matches!(undo.what, Undone::Thaw(id) if id == worker);
        let was_frozen = self.undo.extract_if(.., frozen).count() > 0;
        if politely {
            if was_frozen {
                self.cluster.process(worker).signal("CONT").await;
            }
            for server in Server::ALL {
                wires.network(server, Network::Fine);
            }
            self.cluster.stop(worker).await;
        } else {
            self.cluster.kill(worker).await;
        }
    }

    async fn thaw_servers(&mut self) {
        let of_server = |undo: &mut Undo| matches!(undo.what, Undone::ThawServer(_));
        for undo in self.undo.extract_if(.., of_server).collect::<Vec<_>>() {
            if let Undone::ThawServer(server) = undo.what {
                self.servers.signal(server, "CONT").await;
            }
        }
    }

    async fn strike(&mut self, fault: Fault) {
        // What follows starts processes, and those wait for servers that answer.
        if !matches!(fault, Fault::WorkerFrozen | Fault::NetworkFails(..)) {
            self.thaw_servers().await;
        }
        match fault {
            Fault::WorkerKilled | Fault::WorkerStopped => {
                let index = self.any_worker();
                self.gone(index, fault == Fault::WorkerStopped).await;
                self.start_worker().await;
            }
            Fault::AllWorkersKilled => {
                let count = self.workers.len();
                for _ in 0..count {
                    self.gone(0, false).await;
                }
                for _ in 0..count {
                    self.start_worker().await;
                }
            }
            Fault::WorkerFrozen => {
                let index = self.any_worker();
                let worker = self.workers[index].0;
                self.cluster.process(worker).signal("STOP").await;
                self.later(Undone::Thaw(worker));
            }
            Fault::ApiKilled => {
                let index = self.random.random_range(0..self.apis.len());
                let api = self.apis.remove(index);
                self.cluster.kill(api).await;
                let api = self.cluster.start_api().await;
                self.apis.push(api);
            }
            Fault::ServerKilled(server) => {
                self.cluster.samples.expect_replay();
                self.servers.kill(server).await;
                self.servers.up().await;
            }
            Fault::ServerFrozen(server) => {
                self.servers.signal(server, "STOP").await;
                self.later(Undone::ThawServer(server));
            }
            Fault::RedisEmptied => {
                self.cluster.samples.expect_replay();
                self.servers.empty_redis().await;
                self.moments = vec![self.servers.moment()];
            }
            Fault::RedisOlder => {
                let at = self.random.random_range(0..self.moments.len());
                self.cluster.samples.expect_replay();
                self.servers.back_to(self.moments[at]).await;
                // Of what was cut off there is no moment any more.
                self.moments.truncate(at + 1);
            }
            Fault::ConnectionsReset(server) => {
                let index = self.any_worker();
                self.workers[index].1.cut(server);
            }
            Fault::NetworkFails(server, network) => {
                let index = self.any_worker();
                let (worker, wires) = &self.workers[index];
                let worker = *worker;
                wires.network(server, network);
                if network == Network::Closed {
                    wires.cut(server);
                }
                self.later(Undone::Heal(worker, server));
            }
        }
    }

    /// A command is asked for until it is done: a store may be away.
    async fn ask(&mut self, path: &str) {
        let answer = self.answer(path, None).await;
        assert!(matches!(answer.status, 200 | 202), "{path}: {answer:#?}");
    }

    /// Asks until a store is there again; what is due is undone meanwhile.
    async fn answer(&mut self, path: &str, key: Option<&str>) -> Answer {
        let asked = poll(POLL, async || {
            self.undo_due(Instant::now()).await;
            let answer = self.cluster.client().try_raw(reqwest::Method::POST, path, key).await;
            answer.filter(|answer| answer.status != 503)
        });
        in_time(path, asked).await
    }

    async fn command(&mut self, plan: &Plan, (at, command): (f64, Command), run_id: &mut String) {
        if command == Command::Nothing {
            return;
        }
        self.until(plan, at).await;
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
                let key = format!("chaos-{}", plan.seed);
                if let Some(import) = &plan.import {
                    *run_id = self.import_again(plan, import, run_id, &key).await;
                    return;
                }
                let path = format!("/pedidos/generate?quantity={}", plan.quantity);
                let accepted = self.answer(&path, Some(&key)).await.json(202);
                accepted["runId"].as_str().unwrap_or_default().clone_into(run_id);
            }
        }
    }

    /// All is well again: the run ends by itself, and adds up.
    async fn end(mut self, plan: &Plan, run_id: &str) {
        let wanted = if plan.command.1 == Command::Cancel {
            // DONE, if the cancel came too late for it.
            |status: &Status| status.phase.is_ended()
        } else {
            |status: &Status| status.phase == Phase::Done
        };
        let status = self.wait("the end", wanted).await;
        assert!(status.is_of(run_id), "{:#}", status.json);
        assert_eq!(status.terminal(), status.progress.generated, "{:#}", status.json);
        assert_eq!(status.ledger.both().map(|ledger| ledger.dead), [0, 0], "{:#}", status.json);
        self.undo_due(Instant::now() + WHILE).await;
        self.cluster.at_rest().await;
        self.cluster.audit().await;
        self.cluster.finish().await;
    }
}
