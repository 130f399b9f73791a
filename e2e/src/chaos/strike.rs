//! The faults of a run, as they happen.

use std::time::Instant;

use rand::RngExt;

use super::{Run, Undo, Undone, WHILE, plan::Fault};
use crate::{proxy::Network, servers::Server};

impl Run<'_> {
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

    pub(super) async fn thaw_servers(&mut self) {
        let of_server = |undo: &mut Undo| matches!(undo.what, Undone::ThawServer(_));
        for undo in self.undo.extract_if(.., of_server).collect::<Vec<_>>() {
            if let Undone::ThawServer(server) = undo.what {
                self.servers.signal(server, "CONT").await;
            }
        }
    }

    pub(super) async fn strike(&mut self, fault: Fault) {
        // What follows starts processes, and those wait for servers that answer.
        let starts_none =
            matches!(fault, Fault::WorkerFrozen | Fault::NetworkFails(..) | Fault::Receiver(..));
        if !starts_none {
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
                self.seen.freezes(worker);
                self.cluster.process(worker).signal("STOP").await;
                self.later(WHILE, Undone::Thaw(worker));
            }
            Fault::ApiKilled => {
                let index = self.random.random_range(0..self.apis.len());
                let api = self.apis.remove(index);
                self.cluster.kill(api).await;
                let api = self.cluster.start_api().await;
                self.apis.push(api);
            }
            Fault::ServerKilled(server) => {
                let from = Instant::now();
                self.cluster.samples.expect_replay();
                self.servers.kill(server).await;
                self.servers.up().await;
                // Its AOF may lack what it had answered last.
                self.seen.forgets(from);
            }
            Fault::ServerFrozen(server) => {
                self.servers.signal(server, "STOP").await;
                self.later(WHILE, Undone::ThawServer(server));
            }
            Fault::RedisEmptied => {
                let from = Instant::now();
                self.cluster.samples.expect_replay();
                self.servers.empty_redis().await;
                self.seen.forgets(from);
                self.moments = vec![self.servers.moment()];
            }
            Fault::RedisOlder => {
                let at = self.random.random_range(0..self.moments.len());
                let from = Instant::now();
                self.cluster.samples.expect_replay();
                self.servers.back_to(self.moments[at]).await;
                self.seen.forgets(from);
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
                self.later(WHILE, Undone::Heal(worker, server));
            }
            Fault::Receiver(outage, lasts) => {
                self.undo.retain(|undo| !matches!(undo.what, Undone::Mend));
                self.posted.as_mut().expect("the run has a receiver").fall(outage).await;
                self.later(lasts, Undone::Mend);
            }
        }
    }
}
