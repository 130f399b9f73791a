//! A Redis and a MongoDB-protocol server of a test's own, which it may kill, freeze,
//! empty and send back in time. They are started as everywhere: by `scripts/services`.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{net::TcpStream, process::Command};

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// What is happening.
    Redis,
    /// The truth.
    Mongo,
}

impl Server {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Redis, Self::Mongo];

    const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Mongo => "mongo",
        }
    }
}

/// Both servers. They are stopped, and their data removed, by [`Servers::remove`],
/// or when they are dropped.
pub struct Servers {
    folder: PathBuf,
}

/// A moment of a Redis, to which it can be sent back.
#[derive(Debug, Clone, Copy)]
pub struct Moment(u64);

impl Servers {
    /// Starts both, with empty data.
    pub async fn start() -> Self {
        let name = format!("pedidos-servers-{}", uuid::Uuid::new_v4().simple());
        let servers = Self { folder: std::env::temp_dir().join(name) };
        servers.up().await;
        servers
    }

    /// Starts what does not run, with the data that there are.
    pub async fn up(&self) {
        self.services(&["up"]).await;
    }

    /// Where one listens; the same after every restart, unless another program took it.
    pub fn address(&self, server: Server) -> SocketAddr {
        let port = self.recorded(server, "port").parse().expect("a port was noted");
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// Sends a signal, by name.
    pub async fn signal(&self, server: Server, signal: &str) {
        let pid = self.services(&["pid", server.name()]).await;
        let sent = Command::new("kill").args([&format!("-{signal}"), pid.trim()]).status().await;
        assert!(sent.is_ok_and(|sent| sent.success()), "no {} at {pid}", server.name());
    }

    /// SIGKILL, and waits until it is gone: also from its port, which the last of its
    /// threads gives up, and without which it would come back on another.
    pub async fn kill(&self, server: Server) {
        let pid = self.services(&["pid", server.name()]).await;
        self.signal(server, "KILL").await;
        let process = PathBuf::from("/proc").join(pid.trim());
        let address = self.address(server);
        crate::in_time("the end of a killed server", async {
            while fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z"))
                || TcpStream::connect(address).await.is_ok()
            {
                tokio::time::sleep(crate::POLL).await;
            }
        })
        .await;
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
        self.folder.join(server.name()).join("data")
    }

    fn recorded(&self, server: Server, what: &str) -> String {
        let file = self.folder.join(server.name()).join(what);
        let text = fs::read_to_string(&file);
        text.unwrap_or_else(|error| panic!("{}: {error}", file.display())).trim().to_owned()
    }

    async fn services(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().await.expect("there is a bash");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "scripts/services {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(script());
        command
            .args(arguments)
            .env("SERVICES_DIR", &self.folder)
            .env_remove("MONGO_URI")
            .env_remove("REDIS_URL")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Stops both and removes their data.
    pub async fn remove(self) {
        // A frozen one could not end.
        for server in Server::ALL {
            self.signal(server, "CONT").await;
        }
        self.services(&["down"]).await;
        fs::remove_dir_all(&self.folder).expect("the data can be removed");
    }
}

impl Drop for Servers {
    /// A test that failed: nothing may be left.
    fn drop(&mut self) {
        if !self.folder.exists() {
            return;
        }
        for server in Server::ALL {
            let mut pid = self.command(&["pid", server.name()]);
            let pid = pid
                .as_std_mut()
                .output()
                .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
            if let Ok(pid) = pid.as_deref()
                && !pid.is_empty()
            {
                let _gone = std::process::Command::new("kill").args(["-KILL", pid]).status();
            }
        }
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// The process id of one of the servers of the environment, by name, if they were
/// started by `scripts/services`.
pub async fn pid(name: &str) -> Option<u32> {
    let output = Command::new(script()).args(["pid", name]).output().await.ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// What starts servers, everywhere.
pub(crate) fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/services")
}
