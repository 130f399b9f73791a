//! Networks that fail between the workers and a store: reset, hung, one-way, late,
//! narrow, closed; in every phase.

use std::time::Duration;

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster,
    cluster::Kind,
    phases::{ACTIVE, long_in},
    proxy::{Network, Proxy},
    servers::{Server, Servers},
};

/// What is tried. Each ends by itself after a while that is longer than a lease.
const NETWORKS: [(&str, Network); 6] = [
    ("hung", Network::Hung { there: true, back: true }),
    ("deaf", Network::Hung { there: true, back: false }),
    ("mute", Network::Hung { there: false, back: true }),
    ("late", Network::Late(Duration::from_millis(80))),
    ("narrow", Network::Narrow(200_000)),
    ("closed", Network::Closed),
];

/// How long it lasts: longer than a lease of these tests.
const WHILE: Duration = Duration::from_secs(3);

struct Fixture {
    servers: Servers,
    seed: u64,
}

impl Fixture {
    async fn new() -> Self {
        Self { servers: Servers::start().await, seed: 7 }
    }

    /// A run in this phase; the first worker reaches `server` through a proxy only.
    async fn run_in(&self, phase: Phase, server: Server) -> (Cluster, Proxy, String) {
        let mut cluster = Cluster::on(&self.servers, long_in(phase)).await;
        let proxy = Proxy::to(self.servers.address(server), self.seed).await;
        let (setting, address) = match server {
            Server::Redis => ("REDIS_URL", proxy.redis_url()),
            Server::Mongo => ("MONGO_URI", proxy.mongo_uri(&cluster.settings()["QUEUE_NAME"])),
        };
        cluster.start_api().await;
        cluster.start_one(Kind::Worker, &[(setting, &address)]).await;
        cluster.start_worker().await;
        let (run_id, _) = cluster.run_into(phase).await;
        (cluster, proxy, run_id)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_connections_are_reset_in_any_phase_costs_no_order() {
    let fixture = Fixture::new().await;
    for phase in ACTIVE {
        for server in Server::ALL {
            let (cluster, proxy, run_id) = fixture.run_in(phase, server).await;
            for _ in 0..5 {
                proxy.cut();
                let before = cluster.client().status().await;
                let moved = |now: &pedidos_e2e::Status| {
                    now.phase.is_ended() || now.json["ledger"] != before.json["ledger"]
                };
                cluster.wait_for("some progress", moved).await;
            }
            cluster.ends_exact(&run_id).await;
            cluster.finish().await;
        }
    }
    fixture.servers.remove().await;
}

/// One network, in these phases, between one worker and each store.
async fn fails(name: &str, phases: &[Phase]) {
    let (_, network) = NETWORKS.iter().find(|(known, _)| *known == name).unwrap();
    let fixture = Fixture::new().await;
    for phase in phases {
        for server in Server::ALL {
            let (cluster, proxy, run_id) = fixture.run_in(*phase, server).await;
            proxy.set(*network);
            if *network == Network::Closed {
                proxy.cut();
            }
            tokio::time::sleep(WHILE).await;
            proxy.set(Network::Fine);
            cluster.ends_exact(&run_id).await;
            cluster.finish().await;
        }
    }
    fixture.servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_network_hangs_for_longer_than_a_lease_costs_no_order() {
    fails("hung", &ACTIVE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_can_receive_but_not_send_costs_no_order() {
    fails("deaf", &[Phase::Generating, Phase::WaitingNormalDrain]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_can_send_but_not_receive_costs_no_order() {
    fails("mute", &ACTIVE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_network_is_late_or_narrow_costs_no_order() {
    fails("late", &[Phase::Generating, Phase::WaitingNormalDrain]).await;
    fails("narrow", &[Phase::Generating, Phase::WaitingNormalDrain]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_cut_off_a_store_costs_no_order() {
    fails("closed", &ACTIVE).await;
}
