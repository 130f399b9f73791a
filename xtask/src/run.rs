//! The pipeline in one go, on MONGO_URI and REDIS_URL (make run gives them by
//! `scripts/services with`, and builds before that): starts an API and workers, follows a
//! run, then serves until Ctrl-C. From the environment:
//!
//! ```text
//! QUANTITY  orders to generate (1000000)   WORKERS  worker processes (2)
//! SEED      the same orders again          PORT     of the API (3000)
//! EXIT=1    after the run: audit it and stop; exit code 0 if both went well
//! ```

mod figures;
mod processes;

use std::{
    env,
    fs::{self, File},
    path::PathBuf,
    process::{Command, id},
    time::Duration,
};

use self::processes::Processes;
use crate::{
    command::{print, quietly, say},
    failure::{Context, Failure, Result, fail},
    ports,
    project::Project,
    stop,
};

struct Settings {
    quantity: String,
    workers: usize,
    port: u16,
    seed: Option<String>,
    exits: bool,
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

impl Settings {
    fn read() -> Result<Self> {
        let workers = variable("WORKERS").unwrap_or_else(|| "2".to_owned());
        let port = variable("PORT").unwrap_or_else(|| "3000".to_owned());
        // As digits: a sign or a zero ahead is a slip.
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let count = workers.parse().ok().filter(|count| (1..=999).contains(count));
        let count = count.filter(|_| plain(&workers) && !workers.starts_with('0'));
        Ok(Self {
            quantity: variable("QUANTITY").unwrap_or_else(|| "1000000".to_owned()),
            workers: count.ok_or_else(|| {
                Failure::new(format!("WORKERS must be 1 to 999, not '{workers}'"))
            })?,
            port: port
                .parse()
                .ok()
                .filter(|_| plain(&port))
                .ok_or_else(|| Failure::new(format!("PORT must be 0 to 65535, not '{port}'")))?,
            seed: variable("SEED"),
            exits: variable("EXIT").is_some_and(|exit| exit != "0"),
        })
    }
}

/// Answers the exit code.
pub(crate) fn run(project: &Project) -> Result<u8> {
    env::set_current_dir(&project.root).context(project.root.display())?;
    let settings = Settings::read()?;
    let folder = project.run_dir();
    fs::create_dir_all(&folder).context(folder.display())?;
    let file = folder.join(stop::LOCK);
    let lock = File::options().create(true).append(true).open(&file).context(file.display())?;
    if lock.try_lock().is_err() {
        return fail("make run is active in this clone already; make stop ends it");
    }
    let file = folder.join(stop::OWN_PID);
    fs::write(&file, format!("{}\n", id())).context(file.display())?;
    stop::leftovers(project)?;
    let mut run = Run {
        processes: Processes::new(folder)?,
        programs: project.programs(),
        url: String::new(),
        serving: None,
    };
    let result = run.all(&settings);
    run.processes.stop();
    let interrupted = run.processes.interrupt.code();
    match result {
        // Ctrl-C is the way to end serving; before that it breaks something off.
        Err(failure) if interrupted == Some(failure.code) => {
            Ok(run.serving.unwrap_or(failure.code))
        }
        other => other,
    }
}

struct Run {
    processes: Processes,
    programs: PathBuf,
    url: String,
    /// The exit code once there is nothing to do but to serve.
    serving: Option<u8>,
}

impl Run {
    fn all(&mut self, settings: &Settings) -> Result<u8> {
        let redis_before = figures::redis_memory("used_memory");
        self.start(settings)?;
        if self.is_unfinished() {
            say("an earlier run has not ended: it continues now, and the new one follows");
            let code = self.client(&["follow"])?;
            if code != 0 {
                say(&format!("the earlier run ended with exit code {code}"));
            }
        }
        let mut generate = vec!["generate", "--quantity", &settings.quantity];
        if let Some(seed) = &settings.seed {
            generate.extend(["--seed", seed]);
        }
        generate.push("--follow");
        let code = self.client(&generate)?;
        if code == 0 {
            let figures = figures::all(&self.status(), &self.processes, redis_before);
            print(&format!("\n{figures}"))?;
        }
        if settings.exits {
            if code != 0 {
                say(&format!("the run failed (exit code {code}), nothing to audit"));
                return Ok(code);
            }
            return self.client(&["audit"]);
        }
        // Wrong arguments.
        if code == 2 {
            return Ok(2);
        }
        self.serve(code)
    }

    fn start(&mut self, settings: &Settings) -> Result {
        let mut port = settings.port;
        if port != 0 && ports::is_open(port) {
            say(&format!("port {port} is taken: the API gets a free one (PORT=... chooses)"));
            port = 0;
        }
        let api = self.programs.join("pedidos-api");
        self.processes.start("api", &api, ("PORT", &port.to_string()))?;
        let worker = self.programs.join("pedidos-worker");
        for number in 1..=settings.workers {
            self.processes.start(&format!("worker-{number}"), &worker, ("ADMIN_PORT", "0"))?;
        }
        let mut urls = self.processes.listening(Duration::from_mins(1))?.into_iter();
        self.url = urls.next().unwrap_or_default();
        say(&format!(
            "API {}, {} worker(s), logs in {}",
            self.url,
            settings.workers,
            self.processes.folder.display()
        ));
        Ok(())
    }

    /// The status of the run as JSON with no space in it.
    fn status(&self) -> String {
        let mut status = Command::new(self.programs.join("pedidos"));
        let said = quietly(status.args(["--url", &self.url, "status", "--json"]));
        said.split_whitespace().collect()
    }

    /// Is there a run that has not ended?
    fn is_unfinished(&self) -> bool {
        let status = self.status();
        let phase = status.split_once("\"phase\":\"").and_then(|(_, rest)| rest.split('"').next());
        phase.is_some_and(|phase| !["IDLE", "DONE", "ABORTED", "ERROR"].contains(&phase))
    }

    /// The command line, on this terminal, with an eye on the rest.
    fn client(&mut self, arguments: &[&str]) -> Result<u8> {
        let program = self.programs.join("pedidos");
        let arguments = [&["--url", self.url.as_str()], arguments].concat();
        self.processes.client(&program, &arguments)
    }

    fn serve(&mut self, code: u8) -> Result<u8> {
        let (pedidos, url) = (self.programs.join("pedidos"), &self.url);
        if code != 0 {
            let pedidos = pedidos.display();
            print(&format!(
                "\ngenerate ended with exit code {code}, for the reason above. The API keeps \
                 running, so that you can\nlook and act: {pedidos} --url {url} status | cancel | reset\n"
            ))?;
        }
        print(&format!(
            "\nAPI         {url}/\nSwagger UI  {url}/docs\nCtrl-C stops what this command started.\n"
        ))?;
        self.serving = Some(code);
        loop {
            self.processes.look_after()?;
        }
    }
}
