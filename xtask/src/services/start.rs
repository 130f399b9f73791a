//! One server is started, and stopped.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    Server, Services,
    answers::answers,
    choice::{Choice, Engine, mongo_image, redis_image},
    display,
};
use crate::{
    command::{quietly, run, tail},
    events::{in_own_session, logged, wait_in_a_thread},
    failure::{Context, Result, fail},
    ports, process,
};

const TO_START: Duration = Duration::from_mins(1);
const TO_END: Duration = Duration::from_mins(1);
/// Below the range that the kernel hands to outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
const REDIS: [&str; 8] = [
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "everysec",
    "--maxmemory-policy",
    "noeviction",
];

impl Services {
    pub(super) fn start(&self, server: Server) -> Result {
        let (name, folder) = (server.name(), self.folder(server));
        let choice = self.choose(server)?;
        let (engine, before) = (choice.engine.name(), self.noted(server, "engine"));
        if let Some(before) = before.filter(|before| before != engine) {
            return fail(format!(
                "{name}: the data in {} are from {before}, and now there is only {engine}: bring \
                 {before} back, or start over without any data: rm -r {}",
                folder.display(),
                self.state.display()
            ));
        }
        fs::create_dir_all(self.data(server)).context(folder.display())?;
        self.note(server, "engine", engine)?;
        let log = self.log(server);
        let mut port = 0;
        for attempt in 1..=5 {
            port = self.free_port(server, attempt);
            self.note(server, "port", port)?;
            let lines = File::create(&log).context(log.display())?;
            if self.launch(server, &choice, port, lines).is_ok() && self.is_ready(server, port)? {
                let (found, pid) = (&choice.found, self.our_pid(server).unwrap_or(0));
                self.note(server, "found", found)?;
                self.tell(&format!(
                    "{name}: {found}; started on 127.0.0.1:{port}, process {pid}, data in {}",
                    folder.display()
                ));
                return Ok(());
            }
            // Somebody was faster on that port: once more with another.
            let said = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).to_lowercase();
            if !said.contains("already in use") && !said.contains("already allocated") {
                break;
            }
        }
        let last = tail(&log, 20);
        let _ = self.stop(server);
        fail(format!(
            "{name}: {} did not start (port {port}, log {}); its last lines are:\n{last}",
            choice.program.display(),
            log.display()
        ))
    }

    /// The one of last time if it is free.
    fn free_port(&self, server: Server, attempt: u32) -> u16 {
        let before = self.port(server).filter(|port| attempt == 1 && !ports::is_open(*port));
        before.unwrap_or_else(|| ports::any(PORTS, |port| !ports::is_open(port)))
    }

    fn launch(&self, server: Server, choice: &Choice, port: u16, log: File) -> Result {
        let (data, port) = (self.data(server), port.to_string());
        let mut arguments: Vec<&str> = Vec::new();
        match choice.engine {
            Engine::Docker => return self.launch_container(server, &data, &port, log),
            Engine::RedisServer => {
                arguments.extend(["--port", &port, "--bind", "127.0.0.1"]);
                arguments.extend(REDIS);
            }
            Engine::Mongod => {
                arguments.extend(["--port", &port, "--bind_ip", "127.0.0.1"]);
                arguments.extend(["--dbpath", ".", "--nounixsocket"]);
            }
            Engine::Secantus => {
                // The empty file keeps it from looking for settings in the user's home.
                let settings = self.folder(server).join("secantusd.toml");
                File::create(&settings).context(settings.display())?;
                // Without --sync-on-commit a killed server loses writes that it acknowledged.
                arguments.extend(["--port", &port, "--host", "127.0.0.1", "--storage-path", "."]);
                arguments.extend(["--sync-on-commit", "--cache-size", "1G"]);
                arguments.extend(["--config", "../secantusd.toml"]);
            }
        }
        // A session of its own: the terminal's Ctrl-C does not reach it.
        let mut command = in_own_session(&choice.program);
        command.args(arguments).current_dir(&data);
        logged(&mut command, log)?;
        let child = command.spawn().context(choice.program.display())?;
        let pid = wait_in_a_thread(child, |_, _| {});
        self.note(server, "pid", pid)
    }

    fn launch_container(&self, server: Server, data: &Path, port: &str, log: File) -> Result {
        let file = self.folder(server).join("container");
        let id = |option| quietly(Command::new("id").arg(option));
        let mut docker = Command::new("docker");
        docker.args(["run", "--detach", "--rm", "--user", &format!("{}:{}", id("-u"), id("-g"))]);
        docker.args(["--name", &format!("pedidos-{}-{port}", server.name())]);
        let (to, inside) = match server {
            Server::Redis => (6379, "/data"),
            Server::Mongo => (27017, "/data/db"),
        };
        docker.args(["--publish", &format!("127.0.0.1:{port}:{to}")]);
        docker.args(["--volume", &format!("{}:{inside}", display(data)?)]);
        match server {
            Server::Redis => docker.arg(redis_image()?).arg("redis-server").args(REDIS),
            Server::Mongo => docker.arg(mongo_image()?).arg("--bind_ip_all"),
        };
        let container = File::create(&file).context(file.display())?;
        run(docker.stdin(Stdio::null()).stdout(container).stderr(log))
    }

    /// Waits until it answers. No, if it has ended or time has.
    fn is_ready(&self, server: Server, port: u16) -> Result<bool> {
        let deadline = Instant::now() + TO_START;
        while self.our_pid(server).is_some() && Instant::now() < deadline {
            // Another program may answer on a port that ours did not get.
            if answers(server, port) && self.our_pid(server).is_some() {
                return Ok(true);
            }
            if let Err(interrupted) = self.interrupt.check() {
                self.stop(server)?;
                return Err(interrupted);
            }
            thread::sleep(process::POLL);
        }
        Ok(false)
    }

    pub(super) fn stop(&self, server: Server) -> Result {
        let name = server.name();
        let pid = self.our_pid(server);
        if let Some(pid) = pid {
            if let Some(container) = self.container(server) {
                let mut docker = Command::new("docker");
                docker.args(["stop", "--time", "60", &container]).stdout(Stdio::null());
                run(&mut docker)?;
            } else {
                process::signal("TERM", &[i64::from(pid)]);
                if !process::wait_for_end(pid, TO_END) {
                    let log = self.log(server);
                    let log = log.display();
                    return fail(format!("{name}: process {pid} does not end, see {log}"));
                }
            }
        }
        for note in ["pid", "container"] {
            let _ = fs::remove_file(self.folder(server).join(note));
        }
        if pid.is_some() {
            self.tell(&format!("{name}: stopped"));
        }
        Ok(())
    }
}
