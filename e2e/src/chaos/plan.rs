//! What happens in one run, and when: drawn from one seed.

use std::time::Duration;

use pedidos_core::run::Phase;
use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng, seq::IndexedRandom};

use super::{
    receiver::{Outage, ReceiverPlan},
    upload::List,
};
use crate::{
    imports::{BUILTIN, is_vip},
    proxy::Network,
    servers::Server,
    status::Status,
};

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
    /// The receiver is at fault, for so long.
    Receiver(Outage, Duration),
}

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
            Self::Receiver(outage, _) => outage.kind().to_owned(),
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

/// What happens while a list is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum UploadFault {
    /// The client is gone in the middle of the list.
    BrokenOff,
    /// Another client sends the same list to any API.
    Twice,
    /// SIGKILL of the API that takes it; another is started.
    ApiKilled,
    /// One of those that a run has.
    Of(Fault),
}

impl UploadFault {
    fn draw(random: &mut impl Rng) -> Self {
        let server = *Server::ALL.choose(random).expect("there are two");
        match random.random_range(0..9) {
            0 | 1 => Self::BrokenOff,
            2 => Self::Twice,
            3 | 4 => Self::ApiKilled,
            5 => Self::Of(Fault::ServerKilled(server)),
            6 => Self::Of(Fault::ServerFrozen(server)),
            7 => Self::Of(Fault::RedisEmptied),
            _ => Self::Of(Fault::RedisOlder),
        }
    }

    #[must_use]
    pub fn kind(self) -> String {
        let what = match self {
            Self::BrokenOff => "client gone".to_owned(),
            Self::Twice => "sent twice at once".to_owned(),
            Self::ApiKilled => "its API killed".to_owned(),
            Self::Of(fault) => fault.kind(),
        };
        format!("upload: {what}")
    }
}

/// A fault of an upload, and when.
#[derive(Debug, Clone, Copy)]
pub struct UploadStop {
    /// At this share of the list the client stops,
    pub(super) at: f64,
    /// and after this time the fault happens: at once, or when the lines that wait are stored.
    pub(super) after: Duration,
    pub(super) fault: UploadFault,
}

/// The list of a run that is imported.
#[derive(Debug, Clone)]
pub struct ImportPlan {
    pub(super) lines: u32,
    /// Each is an attempt of its own to send the list; then it is sent until it is whole.
    pub(super) stops: Vec<UploadStop>,
    /// SIGSTOP of this server as it is started.
    pub(super) frozen_at_start: Option<Server>,
    /// What its orders are posted to; none: they are `builtin`.
    pub(super) receiver: Option<ReceiverPlan>,
}

impl ImportPlan {
    fn draw(random: &mut impl Rng) -> Self {
        let stops = (0..random.random_range(1..=4)).map(|_| {
            let soon = random.random_range(0..4) > 0;
            let after = if soon { 0..150 } else { 1_900..2_200 };
            UploadStop {
                at: random.random_range(0.0..1.0),
                after: Duration::from_millis(random.random_range(after)),
                fault: UploadFault::draw(random),
            }
        });
        let mut stops: Vec<_> = stops.collect();
        stops.sort_by(|one, two| one.at.total_cmp(&two.at));
        let lines = random.random_range(500..16_000);
        let server = *Server::ALL.choose(random).expect("there are two");
        let frozen_at_start = random.random_bool(0.3).then_some(server);
        Self { lines, stops, frozen_at_start, receiver: None }
    }
}

/// Limits of the queue.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Orders in a second.
    pub(super) rate: Option<u32>,
    pub(super) in_flight: Option<u32>,
}

impl Limits {
    /// With which a run of so many orders does not take long.
    fn draw(random: &mut impl Rng, quantity: u32) -> Self {
        let rate = quantity / random.random_range(1..=3);
        let in_flight = random.random_range(40..400);
        Self {
            rate: random.random_bool(0.15).then_some(rate.max(200)),
            in_flight: random.random_bool(0.15).then_some(in_flight),
        }
    }
}

/// What a person does meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Nothing,
    PauseAndResume,
    Cancel,
    Reset,
}

/// One run: how large, on what, and what happens when.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) seed: u64,
    pub(super) quantity: u32,
    pub(super) workers: usize,
    pub(super) apis: usize,
    pub(super) chunk: u32,
    pub(super) batch: u32,
    pub(super) slots: u32,
    /// Each at this share of the run's work, in order.
    pub(super) faults: Vec<(f64, Fault)>,
    pub(super) command: (f64, Command),
    /// The run is that of a list; else its orders are generated.
    pub(super) import: Option<ImportPlan>,
    pub(super) limits: Limits,
    /// The run pauses after so many orders.
    pub(super) pause_after: Option<u32>,
}

impl Plan {
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let random = &mut random;
        let count = random.random_range(1..=4);
        let mut faults: Vec<(f64, Fault)> =
            (0..count).map(|_| (random.random_range(0.0..0.95), Fault::draw(random))).collect();
        faults.sort_by(|one, two| one.0.total_cmp(&two.0));
        let command = match random.random_range(0..10) {
            0 | 1 => Command::PauseAndResume,
            2 => Command::Cancel,
            3 => Command::Reset,
            _ => Command::Nothing,
        };
        let mut plan = Self {
            seed,
            quantity: random.random_range(500..8_000),
            workers: random.random_range(1..=4),
            apis: random.random_range(1..=2),
            chunk: random.random_range(50..1_000),
            batch: random.random_range(10..200),
            slots: random.random_range(1..=6),
            faults,
            command: (random.random_range(0.0..0.95), command),
            import: None,
            limits: Limits { rate: None, in_flight: None },
            pause_after: None,
        };
        // Drawn last: what a seed has always drawn stays.
        if random.random_range(0..3) == 0 {
            let import = ImportPlan::draw(random);
            plan.quantity = List::of(seed, import.lines).accepted.len() as u32;
            plan.import = Some(import);
        }
        if random.random_bool(0.5) {
            plan.draw_receiver(random);
        }
        plan.limits = Limits::draw(random, plan.quantity);
        let pause_after = random.random_range(1..=plan.quantity / 2);
        plan.pause_after = random.random_bool(0.2).then_some(pause_after);
        plan
    }

    /// An import gets a receiver, with outages among the faults, and fewer lines: calls take time.
    fn draw_receiver(&mut self, random: &mut impl Rng) {
        let Some(import) = &mut self.import else { return };
        import.lines = random.random_range(500..4_000);
        let accepted = List::of(self.seed, import.lines).accepted;
        self.quantity = accepted.len() as u32;
        import.receiver = Some(ReceiverPlan::draw(random, &accepted));
        for _ in 0..random.random_range(1..=3) {
            let at = random.random_range(0.1..0.95);
            let (outage, lasts) = Outage::draw(random);
            self.faults.push((at, Fault::Receiver(outage, lasts)));
        }
        self.faults.sort_by(|one, two| one.0.total_cmp(&two.0));
    }

    pub(super) fn receiver(&self) -> Option<&ReceiverPlan> {
        self.import.as_ref()?.receiver.as_ref()
    }

    /// The options of the start of an import.
    pub(super) fn options(&self) -> String {
        let options = self.receiver().map_or_else(|| BUILTIN.to_owned(), ReceiverPlan::options);
        options + &self.canary()
    }

    /// The option of a run that pauses; nothing, if it does not.
    pub(super) fn canary(&self) -> String {
        let option = |after| format!("&pauseAfter={after}");
        self.pause_after.map(option).unwrap_or_default()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.command.1 == Command::Cancel
    }

    /// VIP and NORMAL orders that the receiver fails.
    pub(super) fn failing(&self) -> [u64; 2] {
        let (Some(import), Some(receiver)) = (&self.import, self.receiver()) else { return [0; 2] };
        let accepted = List::of(self.seed, import.lines).accepted;
        let failing = accepted.into_iter().filter(|number| receiver.fails.has(*number));
        let (vip, normal): (Vec<_>, Vec<_>) = failing.partition(|number| is_vip(*number));
        [vip.len() as u64, normal.len() as u64]
    }

    /// Does a dead letter hold the fence?
    pub(super) fn is_held(&self, status: &Status) -> bool {
        let vip = &status.ledger.vip;
        let is_held = status.phase == Phase::WaitingVipDrain && vip.open() == 0 && vip.dead > 0;
        is_held && self.receiver().is_some_and(|receiver| receiver.holds)
    }

    /// What is run.
    #[must_use]
    pub fn subject(&self) -> String {
        let quantity = self.quantity;
        self.import.as_ref().map_or_else(
            || format!("{quantity} orders"),
            |import| {
                let to = if import.receiver.is_some() { " to a receiver" } else { "" };
                format!("{quantity} orders of {} lines{to}", import.lines)
            },
        )
    }
}
