//! A private Redis and a private MongoDB-protocol server, for this clone or for a test.
//!
//! Each has a folder with its data, its log, and notes of its port and process id. A server that
//! the environment names is used as it is; else a program on PATH is started, else Docker's image,
//! else a program that is installed for it.

mod answers;
mod choice;
mod command_line;
mod install;
mod start;

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

pub(crate) use self::command_line::command_line;
use crate::{
    command::{quietly, say},
    failure::{Context, Failure, Result, fail},
    ports, process,
    project::Project,
    signals::Interrupt,
};

/// The database in a MongoDB server of ours.
const DATABASE: &str = "ecommerce";

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

    /// As its folder is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Mongo => "mongo",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|server| server.name() == name)
    }
}

/// Both servers, in one folder.
#[derive(Debug, Clone)]
pub struct Services {
    project: Project,
    state: PathBuf,
    /// `REDIS_URL` and `MONGO_URI`, if they are set.
    given: [Option<String>; 2],
    /// Whether standard error says what is done.
    tells: bool,
    interrupt: Interrupt,
}

impl Services {
    /// Those of the environment: `SERVICES_DIR`, `REDIS_URL`, `MONGO_URI`.
    pub fn of_environment() -> Self {
        let project = Project::of_environment();
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let state = variable("SERVICES_DIR").map(PathBuf::from);
        let state = state.map(|folder| std::path::absolute(&folder).unwrap_or(folder));
        Self {
            state: state.unwrap_or_else(|| project.local("services")),
            project,
            given: ["REDIS_URL", "MONGO_URI"].map(variable),
            tells: true,
            interrupt: Interrupt::default(),
        }
    }

    /// Those of a test, in a folder of its own. Only failures are told.
    pub fn own(folder: PathBuf) -> Self {
        Self {
            project: Project::of_environment(),
            state: folder,
            given: [None, None],
            tells: false,
            interrupt: Interrupt::default(),
        }
    }

    fn tell(&self, line: &str) {
        if self.tells {
            say(line);
        }
    }

    // ---------------------------------------------------------------- what is noted

    fn folder(&self, server: Server) -> PathBuf {
        self.state.join(server.name())
    }

    /// Where its data are.
    pub fn data(&self, server: Server) -> PathBuf {
        self.folder(server).join("data")
    }

    fn log(&self, server: Server) -> PathBuf {
        self.folder(server).join("log")
    }

    /// The first line of a note that an earlier call has left.
    fn noted(&self, server: Server, what: &str) -> Option<String> {
        let text = fs::read_to_string(self.folder(server).join(what)).ok()?;
        text.lines().next().map(str::to_owned)
    }

    fn note(&self, server: Server, what: &str, text: impl std::fmt::Display) -> Result {
        let file = self.folder(server).join(what);
        fs::write(&file, format!("{text}\n")).context(file.display())
    }

    /// The port that it has, or had when it last ran.
    pub fn port(&self, server: Server) -> Option<u16> {
        self.noted(server, "port")?.parse().ok()
    }

    fn container(&self, server: Server) -> Option<String> {
        (self.noted(server, "engine")? == "docker").then(|| self.noted(server, "container"))?
    }

    /// The process that was started here, if it still is that process. It is known by its
    /// working directory, which nobody else's has: a process id alone may be reused.
    fn our_pid(&self, server: Server) -> Option<u32> {
        if self.noted(server, "engine")? == "docker" {
            let container = self.container(server)?;
            let mut docker = Command::new("docker");
            docker.args(["inspect", "-f", "{{.State.Pid}}", &container]);
            return quietly(&mut docker).parse().ok().filter(|pid| *pid > 0);
        }
        let pid = self.noted(server, "pid")?.parse().ok()?;
        let ours = fs::canonicalize(self.data(server)).ok()?;
        (process::is_alive(pid) && process::folder(pid)? == ours).then_some(pid)
    }

    // --------------------------------------------------------------- what is asked

    /// The address of a server that was not started here, if one is given.
    fn external(&self, server: Server) -> Option<&str> {
        let given = self.given[server as usize].as_deref()?;
        // After `eval "$(scripts/services env)"` it is ours that is given.
        (given != self.url(server)).then_some(given)
    }

    fn url(&self, server: Server) -> String {
        let port = self.port(server).map_or_else(String::new, |port| port.to_string());
        match server {
            Server::Redis => format!("redis://127.0.0.1:{port}"),
            Server::Mongo => format!("mongodb://127.0.0.1:{port}/{DATABASE}"),
        }
    }

    /// The process of one that was started here.
    pub fn pid(&self, server: Server) -> Option<u32> {
        self.external(server).is_none().then(|| self.our_pid(server))?
    }

    fn address(&self, server: Server) -> Result<String> {
        if let Some(given) = self.external(server) {
            return Ok(given.to_owned());
        }
        if self.our_pid(server).is_none() {
            let name = server.name();
            return fail(format!("{name}: not running; start it with: scripts/services up"));
        }
        Ok(self.url(server))
    }

    /// A line for each, and whether both are there.
    pub fn status(&self) -> (String, bool) {
        let (mut lines, mut both) = (String::new(), true);
        for server in Server::ALL {
            let what = if self.external(server).is_some() {
                "the one in the environment".to_owned()
            } else if let Some(pid) = self.our_pid(server) {
                let (url, found) = (self.url(server), self.noted(server, "found"));
                format!("{url}, process {pid}, {}", found.unwrap_or_default())
            } else {
                both = false;
                "not running".to_owned()
            };
            let _ = writeln!(lines, "{}: {what}", server.name());
        }
        (lines, both)
    }

    // -------------------------------------------------------------- up and down

    /// Other calls wait for as long as the file that it answers is open.
    fn lock(&self) -> Result<File> {
        let file = self.state.join("lock");
        fs::create_dir_all(&self.state).context(self.state.display())?;
        let lock = File::options().create(true).append(true).open(&file).context(file.display())?;
        if lock.try_lock().is_err() {
            self.tell("services: waiting for another call to finish");
            lock.lock().context(file.display())?;
        }
        Ok(lock)
    }

    /// Installs what is missing, so that [`Self::up`] need not.
    fn install(&self) -> Result {
        let _locked = self.lock()?;
        for server in Server::ALL {
            if self.external(server).is_none() {
                let found = self.choose(server)?.found;
                self.tell(&format!("{}: {found}", server.name()));
            }
        }
        Ok(())
    }

    /// Starts what does not run, with the data that there are.
    pub fn up(&self) -> Result {
        self.up_noting(&mut Vec::new())
    }

    /// The same; `started` gets what this call started, also if it fails.
    fn up_noting(&self, started: &mut Vec<Server>) -> Result {
        let _locked = self.lock()?;
        for server in Server::ALL {
            let name = server.name();
            if self.external(server).is_some() {
                self.tell(&format!("{name}: using the one in the environment, nothing started"));
            } else if let Some(pid) = self.our_pid(server) {
                let port = self.port(server).unwrap_or(0);
                let log = self.log(server);
                if !answers::answers(server, port) {
                    let log = log.display();
                    return fail(format!(
                        "{name}: process {pid} runs but does not answer, see {log}"
                    ));
                }
                let found = self.noted(server, "found").unwrap_or_default();
                self.tell(&format!(
                    "{name}: running already on 127.0.0.1:{port}, process {pid} ({found})"
                ));
            } else {
                self.start(server)?;
                started.push(server);
            }
        }
        Ok(())
    }

    /// Stops these; their data stay.
    pub fn down(&self, servers: &[Server]) -> Result {
        let _locked = self.lock()?;
        servers.iter().try_for_each(|server| self.stop(*server))
    }
}

/// What tests do to servers of their own.
impl Services {
    /// Sends a signal, by name.
    pub fn signal(&self, server: Server, name: &str) -> Result {
        let sent = self.pid(server).is_some_and(|pid| process::signal(name, &[i64::from(pid)]));
        if sent {
            Ok(())
        } else {
            fail(format!("{}: no process to send SIG{name} to", server.name()))
        }
    }

    /// SIGKILL, and waits until it is gone: also from its port, which the last of its threads
    /// gives up, and without which it would come back on another.
    pub fn kill(&self, server: Server) -> Result {
        let pid = self.pid(server);
        self.signal(server, "KILL")?;
        let deadline = Instant::now() + Duration::from_mins(1);
        let port = self.port(server).unwrap_or(0);
        while pid.is_some_and(process::is_alive) || ports::is_open(port) {
            if Instant::now() > deadline {
                return fail(format!("{}: still running after SIGKILL", server.name()));
            }
            thread::sleep(process::POLL);
        }
        Ok(())
    }
}

/// The path of `redis-server`, which is installed if there is none.
pub fn redis_server() -> Result<PathBuf> {
    install::Installer::new(&Project::of_environment(), true).redis_server()
}

/// The path of `secantusd-rs`, which speaks MongoDB's protocol and is installed if there is none.
pub fn secantus() -> Result<PathBuf> {
    install::Installer::new(&Project::of_environment(), true).secantus()
}

fn display(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Failure::new(format!("{} is not UTF-8", path.display())))
}
