//! One process of the product: its lines, its signals, its end.

use std::{
    collections::{HashMap, VecDeque},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
};

use crate::{
    programs::{FOLDER, program, program_of},
    wait::DEADLINE,
};

/// Lines that are kept of a process, for tests and for failures.
const KEPT: usize = 2_000;
/// Lines that a failure shows of it.
const SHOWN: usize = 40;
/// How long a process may take to end after SIGTERM.
const TO_END: Duration = Duration::from_secs(30);

pub type Environment = HashMap<String, String>;

type Lines = VecDeque<String>;

/// A running process. It is killed if it is dropped.
pub struct Process {
    pub name: String,
    pub pid: u32,
    child: Child,
    /// Standard output and error together.
    lines: watch::Receiver<Lines>,
}

impl Process {
    /// Starts a program of this workspace with this environment and no other,
    /// away from any `.env`.
    pub fn spawn(name: &str, binary: &str, arguments: &[&str], environment: &Environment) -> Self {
        let mut command = Command::new(program_of(environment.get(FOLDER), binary));
        command.args(arguments).current_dir(std::env::temp_dir());
        Self::run(name, command, environment)
    }

    /// The same, with no signal ignored, whoever started these tests: a job in the background
    /// ignores SIGINT.
    pub fn attentive(
        name: &str,
        binary: &str,
        arguments: &[&str],
        environment: &Environment,
    ) -> Self {
        let mut command = Command::new("/usr/bin/env");
        command.arg("--default-signal").arg(program(binary)).args(arguments);
        command.current_dir(std::env::temp_dir());
        Self::run(name, command, environment)
    }

    /// Starts any program with this environment and no other.
    pub fn run(name: &str, mut command: Command, environment: &Environment) -> Self {
        let mut child = command
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let (sender, lines) = watch::channel(Lines::new());
        let sender = Arc::new(sender);
        let out = child.stdout.take().expect("stdout is a pipe");
        let err = child.stderr.take().expect("stderr is a pipe");
        tokio::spawn(keep(out, Arc::clone(&sender)));
        tokio::spawn(keep(err, sender));
        Self { name: name.to_owned(), pid: child.id().expect("it was just started"), child, lines }
    }

    /// Waits for a line that has this in it, also one of before.
    pub async fn line(&self, wanted: &str) -> String {
        let find = |lines: &Lines| lines.iter().find(|line| line.contains(wanted)).cloned();
        let mut lines = self.lines.clone();
        let found = lines.wait_for(|lines| find(lines).is_some());
        let why = match tokio::time::timeout(DEADLINE, found).await {
            Ok(Ok(lines)) => return find(&lines).expect("it was found"),
            Ok(Err(_)) => "it has ended",
            Err(_) => "not in time",
        };
        let name = &self.name;
        panic!("{name}: no line with '{wanted}': {why}\n{}", self.tail())
    }

    /// Where it listens, once it says so.
    pub async fn url(&self) -> String {
        let line = self.line("listening on http").await;
        line.trim_start_matches("listening on ").trim().to_owned()
    }

    /// Waits until the lines so far are as wanted, or this time is over; answers whether they are.
    pub async fn said_in(&self, limit: Duration, wanted: impl Fn(&[String]) -> bool) -> bool {
        let mut lines = self.lines.clone();
        let said = lines.wait_for(|lines| wanted(&lines.iter().cloned().collect::<Vec<_>>()));
        matches!(tokio::time::timeout(limit, said).await, Ok(Ok(_)))
    }

    pub fn tail(&self) -> String {
        let lines = self.lines.borrow();
        let skipped = lines.len().saturating_sub(SHOWN);
        let shown = lines.iter().skip(skipped);
        shown.fold(String::new(), |tail, line| tail + "  " + &self.name + "| " + line + "\n")
    }

    /// All that it has said so far, and is kept.
    pub fn said(&self) -> Vec<String> {
        self.lines.borrow().iter().cloned().collect()
    }

    /// All that it said, now that it has ended.
    pub async fn all(&self) -> String {
        let mut lines = self.lines.clone();
        while lines.changed().await.is_ok() {}
        self.said().join("\n")
    }

    pub async fn signal(&self, signal: &str) {
        let sent = self::signal(self.pid, signal).await;
        assert!(sent, "{}: not there for SIG{signal}\n{}", self.name, self.tail());
    }

    pub async fn ended(&mut self) -> ExitStatus {
        let Ok(ended) = tokio::time::timeout(TO_END, self.child.wait()).await else {
            panic!("{} does not end within {TO_END:?}\n{}", self.name, self.tail())
        };
        ended.expect("a child can be waited for")
    }

    /// SIGTERM: it must end, and with exit code 0.
    pub async fn stop(&mut self) {
        self.signal("TERM").await;
        let status = self.ended().await;
        assert!(status.success(), "{} ended with {status}\n{}", self.name, self.tail());
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.child.start_kill().expect("it is still there");
        self.ended().await;
    }

    /// Memory that it has in RAM, KiB.
    pub fn resident_kib(&self) -> u64 {
        self.memory("VmRSS")
    }

    /// The most that it ever had, KiB: what a limit of its memory would have seen.
    pub fn peak_kib(&self) -> u64 {
        self.memory("VmHWM")
    }

    fn memory(&self, name: &str) -> u64 {
        xtask::process::memory_kib(self.pid, name).expect("it runs")
    }

    /// Connections that it has open to this port, of whatever machine.
    pub fn connections_to(&self, port: u16) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid)).expect("it runs");
        let open = open.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
        let open: Vec<_> = open.map(|link| link.to_string_lossy().into_owned()).collect();
        let mut connections = 0;
        for table in ["tcp", "tcp6"] {
            let table = std::fs::read_to_string(format!("/proc/{}/net/{table}", self.pid));
            for line in table.unwrap_or_default().lines() {
                // Local address, remote one, state (01: established), ..., inode.
                let fields: Vec<_> = line.split_whitespace().collect();
                let [_, _, remote, "01", .., _, _, _, _, _, _] = fields.as_slice() else {
                    continue;
                };
                let socket = format!("socket:[{}]", fields[9]);
                let here = remote.ends_with(&format!(":{port:04X}")) && open.contains(&socket);
                connections += usize::from(here);
            }
        }
        connections
    }

    /// Has it not ended yet?
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

async fn keep(pipe: impl AsyncRead + Unpin, lines: Arc<watch::Sender<Lines>>) {
    let mut pipe = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = pipe.next_line().await {
        lines.send_modify(|lines| {
            lines.push_back(line);
            if lines.len() > KEPT {
                lines.pop_front();
            }
        });
    }
}

/// Sends a signal, by name, to a process. No, if it is not there.
pub(crate) async fn signal(pid: u32, name: &str) -> bool {
    let name = name.to_owned();
    let send = move || xtask::process::signal(&name, &[i64::from(pid)]);
    tokio::task::spawn_blocking(send).await.expect("it ends")
}

/// Processes of this system, other than zombies, that have this in their
/// environment: by a name that only one cluster gives, its own.
pub fn with_in_environment(needle: &str) -> Vec<u32> {
    let needle = needle.as_bytes();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|variable| variable == needle).then_some(pid)
        })
        .collect()
}
