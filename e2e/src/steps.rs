//! The steps of a process' work. Each is one call to a store, so a process that reaches
//! both stores through proxies can be stopped just before any of them, or just after.

use pedidos_pipeline::queue;

use crate::{
    cluster::{Cluster, Id, Kind},
    proxy::{Network, Proxy, When},
    servers::{Server, Servers},
};

/// A call to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A script of the queue, by name.
    Script(&'static str),
    /// A command of MongoDB's, and the collection that it names.
    Command(&'static str, &'static str),
    /// The write of control that sets this intent.
    Intent(&'static str),
}

impl Step {
    const fn server(self) -> Server {
        match self {
            Self::Script(_) => Server::Redis,
            Self::Command(..) | Self::Intent(_) => Server::Mongo,
        }
    }

    /// What a request has in it that is this step, and no other.
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Script(wanted) => {
                let scripts = queue::scripts();
                let script = scripts.iter().find(|(name, _)| *name == wanted);
                script.expect("there is such a script").1.clone().into_bytes()
            }
            Self::Command(command, collection) => field(command, collection),
            Self::Intent(intent) => field("kind", intent),
        }
    }
}

/// A field of text, as BSON has it.
fn field(name: &str, value: &str) -> Vec<u8> {
    let length = (value.len() as i32 + 1).to_le_bytes();
    [b"\x02", name.as_bytes(), b"\0", &length, value.as_bytes(), b"\0"].concat()
}

/// Between one process and both stores.
pub struct Wires {
    redis: Proxy,
    mongo: Proxy,
}

impl Wires {
    /// Starts a process that reaches both servers through these only.
    pub async fn start(cluster: &mut Cluster, kind: Kind, servers: &Servers) -> (Id, Self) {
        Self::start_one(cluster, kind, servers, &[]).await
    }

    /// The same, with a process that is told something else than the others.
    pub async fn start_one(
        cluster: &mut Cluster,
        kind: Kind,
        servers: &Servers,
        told: &[(&str, &str)],
    ) -> (Id, Self) {
        let to = async |server| Proxy::to(servers.address(server), 0).await;
        let wires = Self { redis: to(Server::Redis).await, mongo: to(Server::Mongo).await };
        let redis = wires.redis.redis_url();
        let mongo = wires.mongo.mongo_uri(&cluster.settings()["QUEUE_NAME"]);
        let settings = [&[("REDIS_URL", redis.as_str()), ("MONGO_URI", &mongo)], told].concat();
        (cluster.start_one(kind, &settings).await, wires)
    }

    const fn to(&self, server: Server) -> &Proxy {
        match server {
            Server::Redis => &self.redis,
            Server::Mongo => &self.mongo,
        }
    }

    const fn of(&self, step: Step) -> &Proxy {
        self.to(step.server())
    }

    /// From now on the network to this server is like this.
    pub fn network(&self, server: Server, network: Network) {
        self.to(server).set(network);
    }

    /// Resets every connection to this server.
    pub fn cut(&self, server: Server) {
        self.to(server).cut();
    }

    /// Stops the process at this step, when it comes there next.
    pub fn stop_at(&self, step: Step, when: When) {
        self.of(step).stop_at(&step.bytes(), when);
    }

    /// Waits until the process has reached this step.
    pub async fn caught(&self, step: Step) {
        self.of(step).caught().await;
    }

    /// Lets it go on: late, what it had sent arrives.
    pub fn let_go(&self, step: Step) {
        self.of(step).let_go();
    }
}
