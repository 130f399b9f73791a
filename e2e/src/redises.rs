//! Several Redis servers of a test's own: a master and its replica behind Sentinel, or
//! the masters of a Redis Cluster.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Child,
};

use crate::{
    process,
    proxy::Proxy,
    servers,
    wait::{DEADLINE, POLL, poll},
};

/// Servers that belong together. They stop when it is dropped.
pub struct Redises {
    folder: PathBuf,
    program: PathBuf,
    nodes: Vec<Node>,
    /// What the replica hears of its master goes through here.
    pub replication: Option<Proxy>,
}

struct Node {
    port: u16,
    arguments: Vec<String>,
    child: Child,
}

/// The name of the master that Sentinel watches.
const SERVICE: &str = "pedidos";
const SLOTS: u16 = 16_384;

impl Redises {
    fn new() -> Self {
        let name = format!("pedidos-redises-{}", uuid::Uuid::new_v4().simple());
        Self {
            folder: std::env::temp_dir().join(name),
            program: servers::installed(xtask::services::redis_server),
            nodes: Vec::new(),
            replication: None,
        }
    }

    /// A master, a replica that hears of it through a proxy, and a Sentinel.
    pub async fn behind_sentinel() -> Self {
        let mut redises = Self::new();
        redises.add(free_port(), &[]).await;
        let master = redises.nodes[0].port;
        let replication = Proxy::to(SocketAddr::from(([127, 0, 0, 1], master)), 0).await;
        let follows = format!("127.0.0.1 {}", replication.address.port());
        redises.replication = Some(replication);
        redises.add(free_port(), &["--replicaof", &follows]).await;
        redises.says(1, "INFO replication", "master_link_status:up").await;
        let watched = [
            format!("sentinel monitor {SERVICE} 127.0.0.1 {master} 1"),
            format!("sentinel down-after-milliseconds {SERVICE} 1000"),
            format!("sentinel failover-timeout {SERVICE} 5000"),
        ];
        let port = free_port();
        let file = redises.data(port).join("sentinel.conf");
        fs::create_dir_all(redises.data(port)).expect("a folder can be made");
        fs::write(&file, watched.join("\n") + "\n").expect("a file can be written");
        redises.add(port, &[&file.to_string_lossy(), "--sentinel"]).await;
        // It has heard of the replica, through its master.
        redises.says(2, "INFO sentinel", "slaves=1").await;
        redises
    }

    /// A master and its replica, with nobody that watches over them.
    pub async fn pair() -> Self {
        let mut redises = Self::new();
        redises.add(free_port(), &[]).await;
        let follows = format!("127.0.0.1 {}", redises.nodes[0].port);
        redises.add(free_port(), &["--replicaof", &follows]).await;
        redises.says(1, "INFO replication", "master_link_status:up").await;
        redises
    }

    pub fn address(&self, node: usize) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.nodes[node].port))
    }

    /// Makes a master of the replica, and a replica of the master. As Redis does it, no
    /// connection of a client is ended for it.
    pub async fn change_places(&self, master: usize) {
        let (replica, port) = (1 - master, self.nodes[1 - master].port);
        self.says(replica, "REPLICAOF NO ONE", "OK").await;
        self.says(master, &format!("REPLICAOF 127.0.0.1 {port}"), "OK").await;
    }

    /// One command to one of them; it must say this.
    pub async fn tell(&self, node: usize, command: &str, says: &str) {
        self.says(node, command, says).await;
    }

    /// Three masters of a Redis Cluster.
    pub async fn cluster() -> Self {
        let mut redises = Self::new();
        for _ in 0..3 {
            let port = free_port();
            redises
                .add(port, &["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"])
                .await;
        }
        let first = redises.nodes[0].port;
        for node in 0..3 {
            let (from, to) =
                (SLOTS / 3 * node, if node == 2 { SLOTS } else { SLOTS / 3 * (node + 1) });
            let node = usize::from(node);
            redises.says(node, &format!("CLUSTER ADDSLOTSRANGE {from} {}", to - 1), "OK").await;
            redises.says(node, &format!("CLUSTER MEET 127.0.0.1 {first}"), "OK").await;
        }
        for node in 0..3 {
            redises.says(node, "CLUSTER INFO", "cluster_state:ok").await;
        }
        redises
    }

    /// What `REDIS_URL` says of them.
    pub fn url(&self) -> String {
        let port = self.nodes.last().expect("there are some").port;
        if self.replication.is_some() {
            format!("redis-sentinel://127.0.0.1:{port}?sentinelServiceName={SERVICE}")
        } else {
            format!("redis-cluster://127.0.0.1:{port}")
        }
    }

    /// Waits until Sentinel calls another node master than this one.
    pub async fn failed_over(&self, from: usize) {
        let replica = self.nodes[1 - from].port;
        self.says(2, &format!("SENTINEL MASTER {SERVICE}"), &format!("\n{replica}\r\n")).await;
    }

    /// Does this node take itself for a master? One that does not answer may do so.
    pub async fn is_master(&self, node: usize) -> bool {
        let role = ask(self.nodes[node].port, "ROLE").await;
        !role.is_ok_and(|role| role.contains("slave"))
    }

    /// The node of a cluster that holds the keys of this queue.
    pub async fn holds(&self, queue: &str) -> usize {
        let slot = ask(self.nodes[0].port, &format!("CLUSTER KEYSLOT {{{queue}}}")).await;
        let slot = slot.expect("a node answers");
        let slot = slot.lines().next().unwrap_or_default().trim_start_matches(':');
        let slot: u16 = slot.parse().expect("a slot is a number");
        usize::from((slot / (SLOTS / 3)).min(2))
    }

    pub async fn signal(&self, node: usize, signal: &str) {
        let pid = self.nodes[node].child.id().expect("it runs");
        assert!(process::signal(pid, signal).await, "no Redis at {pid}");
    }

    /// SIGKILL.
    pub async fn kill(&mut self, node: usize) {
        let child = &mut self.nodes[node].child;
        child.start_kill().expect("it is still there");
        child.wait().await.expect("a child can be waited for");
    }

    pub async fn restart(&mut self, node: usize) {
        let Node { port, arguments, .. } = &self.nodes[node];
        self.nodes[node].child = self.spawn(*port, arguments);
        self.says(node, "PING", "PONG").await;
    }

    async fn add(&mut self, port: u16, more: &[&str]) {
        let of = |more: &[&str]| more.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let dir = self.data(port);
        fs::create_dir_all(&dir).expect("a folder can be made");
        let mut arguments = of(more);
        arguments.extend(of(&["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]));
        arguments.push(dir.to_string_lossy().into_owned());
        if !more.contains(&"--sentinel") {
            arguments.extend(of(&["--save", "", "--appendonly", "yes"]));
        }
        let child = self.spawn(port, &arguments);
        self.nodes.push(Node { port, arguments, child });
        self.says(self.nodes.len() - 1, "PING", "PONG").await;
    }

    fn spawn(&self, port: u16, arguments: &[String]) -> Child {
        servers::spawn(&self.program, arguments, &self.data(port))
    }

    fn data(&self, port: u16) -> PathBuf {
        self.folder.join(port.to_string())
    }

    /// Asks a node until it says this.
    async fn says(&self, node: usize, command: &str, wanted: &str) {
        let port = self.nodes[node].port;
        let mut last = None;
        let said = poll(POLL, async || {
            last = ask(port, command).await.ok();
            last.as_ref().is_some_and(|said| said.contains(wanted)).then_some(())
        });
        let said = tokio::time::timeout(DEADLINE, said).await.is_ok();
        assert!(said, "{command} never said {wanted} but {last:?}");
    }
}

impl Drop for Redises {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _gone = node.child.start_kill();
        }
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// One command; its answer as it comes.
async fn ask(port: u16, command: &str) -> std::io::Result<String> {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
    stream.write_all(format!("{command}\r\nECHO \"{END}\"\r\n").as_bytes()).await?;
    let mut said = String::new();
    let all = async {
        while !said.contains(END) {
            if stream.read_line(&mut said).await? == 0 {
                break;
            }
        }
        Ok::<_, std::io::Error>(())
    };
    tokio::time::timeout(Duration::from_secs(2), all).await??;
    Ok(said)
}

/// The answer of the command that is asked behind another.
const END: &str = "that was all";

/// A cluster needs the port 10,000 above it, too.
fn free_port() -> u16 {
    servers::free_port(|port| xtask::ports::is_free(port + 10_000))
}
