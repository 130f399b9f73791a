//! Random faults at random moments of random runs, all drawn from one seed, so that a run
//! that failed can be had again.

use std::{collections::BTreeMap, time::Duration};

use pedidos_common::run::Phase;
use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use tokio::time::Instant;

use crate::{
    Cluster, POLL, Status,
    cluster::{Id, Kind},
    in_time,
    proxy::Network,
    servers::{Moment, Server, Servers},
    steps::Wires,
};

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// SIGKILL of a worker; another is started.
    WorkerKilled,
    /// SIGKILL of every worker; as many are started.
    AllWorkersKilled,
    /// SIGTERM of a worker; another is started.
    WorkerStopped,
    /// SIGSTOP of a worker for longer than a lease.
    WorkerFrozen,
    /// SIGKILL of an API; another is started.
    ApiKilled,
    /// SIGKILL of a server; it comes back with its data.
    ServerKilled(Server),
    /// SIGSTOP of a server for longer than a lease.
    ServerFrozen(Server),
    /// Redis comes back empty.
    RedisEmptied,
    /// Redis comes back as it was at an earlier moment of the run.
    RedisOlder,
    /// The network between a worker and a server, for longer than a lease.
    NetworkFails(Server, Network),
    /// Every connection between a worker and a server is reset.
    ConnectionsReset(Server),
}

/// How long what ends by itself lasts: longer than a lease of these runs.
const WHILE: Duration = Duration::from_millis(2_500);
const LEASE_MS: &str = "1500";

const NETWORKS: [Network; 6] = [
    Network::Hung { there: true, back: true },
    Network::Hung { there: true, back: false },
    Network::Hung { there: false, back: true },
    Network::Late(Duration::from_millis(60)),
    Network::Narrow(200_000),
    Network::Closed,
];

impl Fault {
    fn draw(random: &mut impl Rng) -> Self {
        let server = *Server::ALL.choose(random).expect("there are two");
        match random.random_range(0..13) {
            0 | 1 => Self::WorkerKilled,
            2 => Self::AllWorkersKilled,
            3 => Self::WorkerStopped,
            4 => Self::WorkerFrozen,
            5 => Self::ApiKilled,
            6 => Self::ServerKilled(server),
            7 => Self::ServerFrozen(server),
            8 => Self::RedisEmptied,
            9 => Self::RedisOlder,
            10 => Self::ConnectionsReset(server),
            _ => Self::NetworkFails(server, *NETWORKS.choose(random).expect("there are some")),
        }
    }

    /// Its kind, for the report.
    #[must_use]
    pub fn kind(self) -> String {
        let of = |server| if server == Server::Redis { "Redis" } else { "MongoDB" };
        match self {
            Self::WorkerKilled => "worker killed".to_owned(),
            Self::AllWorkersKilled => "every worker killed at once".to_owned(),
            Self::WorkerStopped => "worker asked to end".to_owned(),
            Self::WorkerFrozen => "worker frozen past its lease".to_owned(),
            Self::ApiKilled => "API killed".to_owned(),
            Self::ServerKilled(server) => format!("{} killed", of(server)),
            Self::ServerFrozen(server) => format!("{} frozen", of(server)),
            Self::RedisEmptied => "Redis emptied".to_owned(),
            Self::RedisOlder => "Redis back in time".to_owned(),
            Self::ConnectionsReset(server) => format!("connections to {} reset", of(server)),
            Self::NetworkFails(server, network) => {
                let how = match network {
                    Network::Hung { there: true, back: true } => "hung",
                    Network::Hung { there: true, .. } => "hung one way (there)",
                    Network::Hung { .. } => "hung one way (back)",
                    Network::Late(_) => "late",
                    Network::Narrow(_) => "narrow",
                    _ => "closed",
                };
                format!("network to {} {how}", of(server))
            }
        }
    }
}

/// What a person does meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Nothing,
    PauseAndResume,
    Cancel,
    Reset,
}

/// One run: how large, on what, and what happens when.
#[derive(Debug, Clone)]
pub struct Plan {
    seed: u64,
    quantity: u32,
    workers: usize,
    apis: usize,
    chunk: u32,
    batch: u32,
    slots: u32,
    /// Each at this share of the run's work, in order.
    faults: Vec<(f64, Fault)>,
    verb: (f64, Verb),
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let random = &mut random;
        let count = random.random_range(1..=4);
        let mut faults: Vec<(f64, Fault)> =
            (0..count).map(|_| (random.random_range(0.0..0.95), Fault::draw(random))).collect();
        faults.sort_by(|one, two| one.0.total_cmp(&two.0));
        let verb = match random.random_range(0..10) {
            0 | 1 => Verb::PauseAndResume,
            2 => Verb::Cancel,
            3 => Verb::Reset,
            _ => Verb::Nothing,
        };
        Self {
            seed,
            quantity: random.random_range(500..8_000),
            workers: random.random_range(1..=4),
            apis: random.random_range(1..=2),
            chunk: random.random_range(50..1_000),
            batch: random.random_range(10..200),
            slots: random.random_range(1..=6),
            faults,
            verb: (random.random_range(0.0..0.95), verb),
        }
    }
}

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
    let mut run_id = run.cluster.client().generate(plan.quantity).await;
    let mut survived = Survived::new();
    let mut verb = Some(plan.verb);
    for (at, fault) in &plan.faults {
        if verb.is_some_and(|(when, _)| when <= *at) {
            run.verb(plan, verb.take().expect("it is some"), &mut run_id).await;
        }
        run.until(plan, *at).await;
        run.strike(*fault).await;
        *survived.entry(fault.kind()).or_default() += 1;
    }
    if let Some(verb) = verb {
        run.verb(plan, verb, &mut run_id).await;
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
        let until = Instant::now() + crate::DEADLINE;
        loop {
            self.undo_due(Instant::now()).await;
            let status = self.cluster.client().try_status().await;
            if let Some(status) = status.as_ref().filter(|status| wanted(status)) {
                return status.clone();
            }
            let json = status.map(|status| status.json);
            assert!(Instant::now() < until, "{what}: not in time, {json:#?}");
            tokio::time::sleep(POLL).await;
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

    /// A verb is asked for until it is done: a store may be away.
    async fn ask(&mut self, path: &str) {
        let until = Instant::now() + crate::DEADLINE;
        loop {
            self.undo_due(Instant::now()).await;
            let answer = self.cluster.client().try_raw(reqwest::Method::POST, path, None).await;
            if answer.as_ref().is_some_and(|answer| matches!(answer.status, 200 | 202)) {
                return;
            }
            let known = answer.as_ref().is_none_or(|answer| answer.status == 503);
            assert!(known && Instant::now() < until, "{path}: {answer:#?}");
            tokio::time::sleep(POLL).await;
        }
    }

    async fn verb(&mut self, plan: &Plan, (at, verb): (f64, Verb), run_id: &mut String) {
        if verb == Verb::Nothing {
            return;
        }
        self.until(plan, at).await;
        match verb {
            Verb::Nothing => {}
            Verb::PauseAndResume => {
                self.ask("/pedidos/queue/pause").await;
                self.ask("/pedidos/queue/resume").await;
            }
            Verb::Cancel => {
                self.ask("/pedidos/cancel?waitTimeoutMs=500&pollIntervalMs=10").await;
            }
            Verb::Reset => {
                self.ask("/pedidos/reset").await;
                let key = format!("chaos-{}", plan.seed);
                let path = format!("/pedidos/generate?quantity={}", plan.quantity);
                let accepted = in_time("the run after a reset", async {
                    loop {
                        self.undo_due(Instant::now()).await;
                        let client = self.cluster.client();
                        let method = reqwest::Method::POST;
                        let answer = client.try_raw(method, &path, Some(&key)).await;
                        if let Some(answer) = answer.filter(|answer| answer.status != 503) {
                            break answer.json(202);
                        }
                        tokio::time::sleep(POLL).await;
                    }
                });
                let accepted = accepted.await;
                accepted["runId"].as_str().unwrap_or_default().clone_into(run_id);
            }
        }
    }

    /// All is well again: the run ends by itself, and adds up.
    async fn end(mut self, plan: &Plan, run_id: &str) {
        let wanted = if plan.verb.1 == Verb::Cancel {
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
