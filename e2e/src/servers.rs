//! A Redis and a MongoDB-protocol server of a test's own, which it may kill, freeze,
//! empty and send back in time. They are started as everywhere: by `xtask`.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::{Child, Command};
pub use xtask::services::Server;
use xtask::{ports, process, services::Services};

/// Both servers. They are stopped, and their data removed, by [`Servers::remove`],
/// or when they are dropped.
pub struct Servers {
    folder: PathBuf,
    services: Services,
}

/// A moment of a Redis, to which it can be sent back.
#[derive(Debug, Clone, Copy)]
pub struct Moment(u64);

impl Servers {
    /// Starts both, with empty data.
    pub async fn start() -> Self {
        let name = format!("pedidos-servers-{}", uuid::Uuid::new_v4().simple());
        let folder = std::env::temp_dir().join(name);
        let servers = Self { services: Services::own(folder.clone()), folder };
        servers.up().await;
        servers
    }

    /// Starts what does not run, with the data that there are.
    pub async fn up(&self) {
        self.calls(Services::up).await;
    }

    /// Where one listens; the same after every restart, unless another program took it.
    pub fn address(&self, server: Server) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.services.port(server).expect("a port was noted")))
    }

    /// Sends a signal, by name.
    pub async fn signal(&self, server: Server, signal: &'static str) {
        self.calls(move |services| services.signal(server, signal)).await;
    }

    /// SIGKILL, and waits until it is gone: also from its port, which the last of its
    /// threads gives up, and without which it would come back on another.
    pub async fn kill(&self, server: Server) {
        self.calls(move |services| services.kill(server)).await;
    }

    /// This moment of Redis: how long its AOF is. Redis writes whole commands to it
    /// before it answers them, so every such moment lies between two commands.
    pub fn moment(&self) -> Moment {
        Moment(fs::metadata(self.aof()).map_or(0, |file| file.len()))
    }

    /// Redis comes back as it was at that moment.
    pub async fn back_to(&self, moment: Moment) {
        self.kill(Server::Redis).await;
        let aof = fs::File::options().write(true).open(self.aof()).expect("there is an AOF");
        aof.set_len(moment.0).expect("it can be cut");
        drop(aof);
        self.up().await;
    }

    /// Redis comes back empty.
    pub async fn empty_redis(&self) {
        self.kill(Server::Redis).await;
        fs::remove_dir_all(self.data(Server::Redis).join("appendonlydir")).expect("it has an AOF");
        self.up().await;
    }

    fn aof(&self) -> PathBuf {
        let folder = self.data(Server::Redis).join("appendonlydir");
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut parts = files.map(|file| file.path());
        let part = parts.find(|path| path.to_string_lossy().ends_with(".incr.aof"));
        part.unwrap_or_else(|| panic!("no AOF in {}", folder.display()))
    }

    fn data(&self, server: Server) -> PathBuf {
        self.services.data(server)
    }

    /// What blocks while it waits for a server.
    async fn calls(&self, call: impl FnOnce(&Services) -> xtask::Result + Send + 'static) {
        let services = self.services.clone();
        let called = tokio::task::spawn_blocking(move || call(&services)).await;
        called.expect("it ends").unwrap_or_else(|failure| panic!("{failure}"));
    }

    /// Stops both and removes their data.
    pub async fn remove(self) {
        // A frozen one could not end.
        for server in Server::ALL {
            self.signal(server, "CONT").await;
        }
        self.calls(|services| services.down(&Server::ALL)).await;
        fs::remove_dir_all(&self.folder).expect("the data can be removed");
    }
}

impl Drop for Servers {
    /// A test that failed: nothing may be left.
    fn drop(&mut self) {
        if !self.folder.exists() {
            return;
        }
        for pid in Server::ALL.into_iter().filter_map(|server| self.services.pid(server)) {
            let _gone = process::signal("KILL", &[i64::from(pid)]);
        }
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// Starts a server that a test needs with arguments of its own. Its lines go to `log` beside its
/// data, and it is killed when it is dropped.
pub(crate) fn spawn(program: &Path, arguments: &[impl AsRef<str>], data: &Path) -> Child {
    let log = fs::File::create(data.join("log")).expect("a log can be made");
    Command::new(program)
        .args(arguments.iter().map(AsRef::as_ref))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file has a second handle"))
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()))
}

/// A port for such a server, which was free a moment ago.
pub(crate) fn free_port(is_free: impl Fn(u16) -> bool) -> u16 {
    ports::any(12_000..20_000, |port| ports::is_free(port) && is_free(port))
}

/// The path of a program that `xtask` has found or installed.
pub(crate) fn installed(program: fn() -> xtask::Result<PathBuf>) -> PathBuf {
    program().unwrap_or_else(|failure| panic!("{failure}"))
}
