//! A TCP proxy between a process and a store, on which a network fails in the ways
//! that networks do, and which can stop a process at a step of its work: at the first
//! request that says a thing.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// What the network does to bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Network {
    /// It carries them.
    Fine,
    /// Nothing arrives and nothing closes; what was sent arrives once it is well again.
    Hung {
        /// From the process to the store.
        there: bool,
        /// And back.
        back: bool,
    },
    /// Every packet comes late: by half to all of this, drawn from the seed.
    Late(Duration),
    /// So many bytes a second, each way.
    Narrow(u32),
    /// New connections are reset.
    Closed,
}

/// Where a process is stopped at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The request does not reach the store.
    Before,
    /// The store has done it; its answer does not come back.
    After,
}

/// A step that a process is to be stopped at.
#[derive(Debug, Clone, Default)]
enum Trap {
    #[default]
    None,
    Set(Vec<u8>, When),
    /// The process has reached the step, and waits.
    Caught,
}

/// A proxy. Its connections end when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    target: watch::Sender<SocketAddr>,
    network: watch::Sender<Network>,
    trap: watch::Sender<Trap>,
    /// Told when every connection shall be reset.
    cut: watch::Sender<u64>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Carries to this address. `seed` decides how late is late.
    pub async fn to(target: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (target, targets) = watch::channel(target);
        let (network, _) = watch::channel(Network::Fine);
        let (trap, _) = watch::channel(Trap::None);
        let (cut, _) = watch::channel(0);
        let wire = Wire {
            network: network.clone(),
            trap: trap.clone(),
            cut: cut.clone(),
            random: Arc::new(Mutex::new(SmallRng::seed_from_u64(seed))),
        };
        let accepting = tokio::spawn(accept(listener, targets, wire));
        Self { address, target, network, trap, cut, accepting }
    }

    /// New connections lead to this address from now on; those there are go on as they were.
    pub fn lead_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    /// Stops the process at the first request from now on that has these bytes in it.
    /// Its other connections go on.
    pub fn stop_at(&self, step: &[u8], when: When) {
        self.trap.send_replace(Trap::Set(step.to_vec(), when));
    }

    /// Waits until the process has reached the step.
    pub async fn caught(&self) {
        let mut trap = self.trap.subscribe();
        let caught = trap.wait_for(|trap| matches!(trap, Trap::Caught));
        crate::wait::in_time("a process at its step", caught).await.expect("the proxy is there");
    }

    /// Lets it go on from there: late, what it had sent arrives.
    pub fn let_go(&self) {
        self.trap.send_replace(Trap::None);
    }

    /// Its address as a `redis://` URL.
    pub fn redis_url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Its address as a connection string for this database. A server may call itself a
    /// replica set and say where it listens: that must not be believed, or nothing more
    /// would come this way.
    pub fn mongo_uri(&self, database: &str) -> String {
        format!("mongodb://{}/{database}?directConnection=true", self.address)
    }

    /// From now on the network is like this.
    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// Resets every connection there is.
    pub fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What all connections of a proxy share.
#[derive(Clone)]
struct Wire {
    network: watch::Sender<Network>,
    trap: watch::Sender<Trap>,
    cut: watch::Sender<u64>,
    random: Arc<Mutex<SmallRng>>,
}

async fn accept(listener: TcpListener, target: watch::Receiver<SocketAddr>, wire: Wire) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                if *wire.network.borrow() == Network::Closed {
                    reset(&client);
                    continue;
                }
                connections.spawn(wire.clone().carry(client, *target.borrow()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Wire {
    /// One connection, until both ends have closed it or it is cut.
    async fn carry(self, mut client: TcpStream, target: SocketAddr) {
        let mut cut = self.cut.subscribe();
        let Ok(mut server) = TcpStream::connect(target).await else {
            return reset(&client);
        };
        let ended = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            // A request was passed on whose answer is to be kept back.
            let keep_back = AtomicBool::new(false);
            let there = self.pump(from_client, to_server, true, &keep_back);
            let back = self.pump(from_server, to_client, false, &keep_back);
            tokio::select! {
                ended = async { tokio::try_join!(there, back) } => ended.is_ok(),
                _ = cut.changed() => false,
            }
        };
        if !ended {
            reset(&client);
            reset(&server);
        }
    }

    /// One direction of a connection, until the connection ends.
    async fn pump(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        is_there: bool,
        keep_back: &AtomicBool,
    ) -> io::Result<()> {
        let mut network = self.network.subscribe();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let most = match *network.borrow() {
                Network::Narrow(rate) => (rate as usize / 20).clamp(1, buffer.len()),
                _ => buffer.len(),
            };
            let read = from.read(&mut buffer[..most]).await?;
            let hung = |network: &Network| match network {
                Network::Hung { there, back } => *if is_there { there } else { back },
                _ => false,
            };
            if network.wait_for(|network| !hung(network)).await.is_err() {
                return Ok(());
            }
            if is_there {
                self.look_at(&buffer[..read], keep_back).await;
            } else if keep_back.swap(false, Ordering::Relaxed) {
                self.trap.send_replace(Trap::Caught);
                self.let_go().await;
            }
            let network = *network.borrow();
            // Not a wait for anything: a slow network takes this long.
            match network {
                Network::Late(by) => {
                    let random = self.random.lock();
                    let share = random.unwrap_or_else(PoisonError::into_inner).random::<f64>();
                    tokio::time::sleep(by.mul_f64(0.5 + share / 2.0)).await;
                }
                Network::Narrow(rate) => {
                    let takes = Duration::from_secs_f64(read as f64 / f64::from(rate));
                    tokio::time::sleep(takes).await;
                }
                _ => {}
            }
            if read == 0 {
                return to.shutdown().await;
            }
            to.write_all(&buffer[..read]).await?;
        }
    }

    /// Is this the step that somebody waits for?
    async fn look_at(&self, request: &[u8], keep_back: &AtomicBool) {
        let mut hold = false;
        self.trap.send_if_modified(|trap| {
            let Trap::Set(step, when) = trap else { return false };
            if !request.windows(step.len()).any(|window| window == step) {
                return false;
            }
            hold = *when == When::Before;
            keep_back.store(!hold, Ordering::Relaxed);
            // Caught is what holds: another connection may say the same meanwhile.
            *trap = if hold { Trap::Caught } else { Trap::None };
            hold
        });
        if hold {
            self.let_go().await;
        }
    }

    /// Caught, and said once: it may have been let go since. Waits until it is.
    async fn let_go(&self) {
        let mut trap = self.trap.subscribe();
        // The proxy ends with the test.
        let _ended = trap.wait_for(|trap| !matches!(trap, Trap::Caught)).await;
    }
}

/// When it is dropped next, the other end sees a reset and not an end.
fn reset(stream: &TcpStream) {
    // That it is gone already is as good.
    let _gone = stream.set_zero_linger();
}
