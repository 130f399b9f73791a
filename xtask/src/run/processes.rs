//! The processes of one `make run`.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    command::{exit_code, say, tail},
    events::{Event, Events, in_own_session, logged},
    failure::{Context, Failure, Result, fail},
    process,
    signals::Interrupt,
    stop,
};

/// How long one may take to end after SIGTERM.
const TO_END: Duration = Duration::from_mins(1);

pub(super) struct Processes {
    pub folder: PathBuf,
    pub interrupt: Interrupt,
    events: Events,
    /// Process ids and names of those whose end was not seen, in the order of their start.
    pub running: Vec<(u32, String)>,
}

impl Processes {
    pub fn new(folder: PathBuf) -> Result<Self> {
        let events = Events::listen()?;
        let interrupt = events.interrupt.clone();
        Ok(Self { folder, interrupt, events, running: Vec::new() })
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// One that runs beside us, with a setting of its own.
    pub fn start(&mut self, name: &str, program: &Path, setting: (&str, &str)) -> Result {
        let log = self.log(name);
        let mut command = in_own_session(program);
        command.env(setting.0, setting.1);
        logged(&mut command, File::create(&log).context(log.display())?)?;
        self.spawn(name, program, &mut command).map(drop)
    }

    fn spawn(&mut self, name: &str, program: &Path, command: &mut Command) -> Result<u32> {
        let pid = self.events.start(command.env("LOG_DIR", &self.folder))?;
        self.running.push((pid, name.to_owned()));
        let file = self.folder.join(stop::PIDS);
        let noted = File::options().create(true).append(true).open(&file);
        let noted = noted.and_then(|mut file| writeln!(file, "{pid} {}", program.display()));
        noted.context(file.display())?;
        Ok(pid)
    }

    /// Where each listens that was started, in that order.
    pub fn listening(&self, limit: Duration) -> Result<Vec<String>> {
        let all = self.running.iter();
        all.map(|(pid, name)| {
            let runs = || process::is_alive(*pid) && self.interrupt.code().is_none();
            let url = process::listening(&self.log(name), limit, runs);
            self.interrupt.check()?;
            url.ok_or_else(|| {
                self.show_end_of_log(name);
                Failure::new(format!("{name} did not start listening within {} s", limit.as_secs()))
            })
        })
        .collect()
    }

    /// Runs the command line on this terminal; answers its exit code.
    pub fn client(&mut self, program: &Path, arguments: &[&str]) -> Result<u8> {
        let mut command = in_own_session(program);
        command.args(arguments);
        let pid = self.spawn("pedidos", program, &mut command)?;
        loop {
            if let Some(code) = self.next(Some(pid))? {
                return Ok(code);
            }
        }
    }

    /// Waits for the end of one, or for a signal.
    pub fn look_after(&mut self) -> Result {
        self.next(None).map(drop)
    }

    /// Waits for an event. A worker may end, for the others do its work; the API may not, nor the
    /// last worker. The end of the client is answered with its exit code.
    fn next(&mut self, client: Option<u32>) -> Result<Option<u8>> {
        let (pid, status) = match self.events.next()? {
            Event::Signal(code) => return Err(Failure::silent(code)),
            Event::Ended(pid, status) => (pid, status),
        };
        let Some(at) = self.running.iter().position(|(running, _)| *running == pid) else {
            return Ok(None);
        };
        let (_, name) = self.running.remove(at);
        if client == Some(pid) {
            return Ok(Some(exit_code(status)));
        }
        self.show_end_of_log(&name);
        if name == "api" {
            return fail("the API ended");
        }
        say(&format!("{name} ended; the other workers continue"));
        if self.running.iter().all(|(_, name)| !name.starts_with("worker-")) {
            return fail("no worker is left");
        }
        Ok(None)
    }

    fn show_end_of_log(&self, name: &str) {
        let log = self.log(name);
        say(&format!("--- the end of {}:\n{}", log.display(), tail(&log, 30).trim_end()));
    }

    /// Ends all of them, whatever signals come meanwhile.
    pub fn stop(&mut self) {
        let all: Vec<_> = self.running.iter().map(|(pid, _)| i64::from(*pid)).collect();
        if !all.is_empty() {
            let names: Vec<_> = self.running.iter().map(|(_, name)| name.as_str()).collect();
            say(&format!("stopping: {}", names.join(" ")));
            process::signal("TERM", &all);
        }
        for (pid, name) in &self.running {
            if !process::wait_for_end(*pid, TO_END) {
                say(&format!("{name} (process {pid}) does not end on SIGTERM: killing it"));
                process::signal("KILL", &[i64::from(*pid)]);
            }
        }
        for file in [stop::PIDS, stop::OWN_PID] {
            let _ = fs::remove_file(self.folder.join(file));
        }
    }
}
