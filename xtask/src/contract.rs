//! What other people's tools say of the HTTP contract. Spectral reads openapi/openapi.yaml;
//! Schemathesis tries a live API, with a worker, on MONGO_URI and REDIS_URL (`scripts/services
//! with` gives them), in a database and queue of its own. Both tools are installed into
//! `.local/tools`; node and python3 by apt-get if missing.
//!
//! EXAMPLES (50) and GUARDED_EXAMPLES (10) say how many requests an operation gets.

use std::{
    env,
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio, id},
    time::Duration,
};

use crate::{
    command::{TemporaryFolder, output, run, say, tail},
    events::logged,
    failure::{Context, Failure, Result, fail},
    need, process,
    project::Project,
    signals::{self, Interrupt},
    tools,
};

pub(crate) fn contract(project: &Project) -> Result {
    env::set_current_dir(&project.root).context(project.root.display())?;
    document(project)?;
    need::need_python(project, "Schemathesis")?;
    let schemathesis = need::python_tool(project, "schemathesis", tools::version("SCHEMATHESIS")?)?;
    let mut trial = Trial {
        tool: schemathesis.join("st"),
        config: project.root.join("openapi/schemathesis.toml"),
        programs: project.programs(),
        settings: settings()?,
        interrupt: signals::listen(|_| {})?,
        children: Vec::new(),
        folder: TemporaryFolder::new("pedidos-contract")?,
    };
    trial.start("worker", "pedidos-worker", &[])?;
    let url = trial.start("api", "pedidos-api", &[])?;
    trial.run(&url, &["--max-examples", &variable("EXAMPLES", "50")])?;

    // And one that asks who calls: what is said to take a key is refused without one, or with a
    // wrong one (its check ignored_auth). Shorter: all else has been tried.
    let keys = trial.folder.0.join("keys");
    let mut new = Command::new(trial.programs.join("pedidos"));
    new.args(["key", "new", "--name", "contract", "--role", "admin", "--file"]).arg(&keys);
    let key = output(&mut new)?;
    let limits = [("RATE_LIMIT_READS", "0".into()), ("RATE_LIMIT_WRITES", "0".into())];
    let guarded = [&[("API_KEYS_FILE", keys.into_os_string())][..], &limits].concat();
    let url = trial.start("guarded", "pedidos-api", &guarded)?;
    let header = format!("Authorization: Bearer {key}");
    let examples = variable("GUARDED_EXAMPLES", "10");
    trial.run(&url, &["--max-examples", &examples, "--header", &header])?;
    trial.nothing_failed()
}

fn variable(name: &str, default: &str) -> String {
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

fn document(project: &Project) -> Result {
    let path = need::need_node(project, "Spectral")?;
    let version = tools::version("SPECTRAL")?;
    let folder = project.local(&format!("tools/spectral-{version}"));
    let spectral = need::program(folder.join("node_modules/.bin/spectral"), || {
        need::npm_install(&path, &folder, &format!("@stoplight/spectral-cli@{version}"))
    })?;
    let mut lint = Command::new(spectral);
    lint.args(["lint", "--fail-severity=hint", "--ruleset", "openapi/spectral.yaml"]);
    run(lint.arg("openapi/openapi.yaml").env("PATH", path.joined()))
}

/// What the programs are told.
fn settings() -> Result<Vec<(&'static str, String)>> {
    let given = env::var("MONGO_URI");
    let given = given.map_err(|_| {
        Failure::new("MONGO_URI is not set: scripts/services with scripts/xtask contract")
    })?;
    let queue = format!("contract-{}", id());
    let pairs = [
        ("MONGO_URI", with_database(&given, &queue)),
        ("QUEUE_NAME", queue),
        ("PORT", "0".to_owned()),
        ("ADMIN_PORT", "0".to_owned()),
        ("BACKEND_LOGS", "false".to_owned()),
        // Small runs, many of them.
        ("MAX_ORDERS", "2000".to_owned()),
    ];
    Ok(pairs.to_vec())
}

/// The address with another database in its place.
fn with_database(uri: &str, database: &str) -> String {
    let (server, options) = uri.split_at(uri.find('?').unwrap_or(uri.len()));
    let (scheme, hosts) = server.split_once("://").unwrap_or(("mongodb", server));
    let hosts = hosts.rsplit_once('/').map_or(hosts, |(hosts, _)| hosts);
    format!("{scheme}://{hosts}/{database}{options}")
}

struct Trial {
    tool: PathBuf,
    config: PathBuf,
    programs: PathBuf,
    settings: Vec<(&'static str, String)>,
    interrupt: Interrupt,
    children: Vec<Child>,
    folder: TemporaryFolder,
}

impl Trial {
    fn log(&self, name: &str) -> PathBuf {
        self.folder.0.join(format!("{name}.log"))
    }

    /// Answers where it listens.
    fn start(
        &mut self,
        name: &str,
        program: &str,
        more: &[(&str, std::ffi::OsString)],
    ) -> Result<String> {
        let log = self.log(name);
        let mut command = Command::new(self.programs.join(program));
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.envs(more.iter().map(|(name, value)| (name, value)));
        logged(&mut command, File::create(&log).context(log.display())?)?;
        let child = command.spawn().context(program)?;
        let pid = child.id();
        self.children.push(child);
        let runs = || process::is_alive(pid) && self.interrupt.code().is_none();
        let url = process::listening(&log, Duration::from_mins(1), runs);
        self.interrupt.check()?;
        url.ok_or_else(|| {
            Failure::new(format!("{name} did not start:\n{}", tail(&log, usize::MAX)))
        })
    }

    fn run(&self, url: &str, options: &[&str]) -> Result {
        let mut tool = Command::new(&self.tool);
        // It leaves its notes where it runs.
        tool.current_dir(&self.folder.0).arg("--config-file").arg(&self.config);
        tool.env("SCHEMATHESIS_HOOKS", self.config.with_file_name("schemathesis_hooks.py"));
        tool.args(["run", &format!("{url}/openapi.json"), "--checks", "all"]);
        // A discarded import is shown for an hour, with that state.
        tool.args(["--exclude-checks", "use_after_free"]);
        tool.args(["--request-timeout", "60", "--no-color"]).args(options);
        let result = run(tool.stdin(Stdio::null()));
        self.interrupt.check()?;
        result
    }

    fn nothing_failed(&self) -> Result {
        for name in ["worker", "api", "guarded"] {
            let log = tail(&self.log(name), usize::MAX);
            let failed = |line: &&str| line.contains("internal error") || line.contains("panicked");
            if let Some(line) = log.lines().find(failed) {
                return fail(format!("the API or the worker has failed: {line}"));
            }
        }
        Ok(())
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let all: Vec<_> = self.children.iter().map(|child| i64::from(child.id())).collect();
        process::signal("TERM", &all);
        for child in &mut self.children {
            let pid = child.id();
            if process::wait_for_end(pid, Duration::from_secs(30)) {
                let _ = child.wait();
            } else {
                say(&format!("process {pid} does not end"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_database_of_its_own_keeps_hosts_and_options() {
        let own = |uri| with_database(uri, "own");
        assert_eq!(own("mongodb://a:1/ecommerce"), "mongodb://a:1/own");
        assert_eq!(own("mongodb://a,b"), "mongodb://a,b/own");
        assert_eq!(own("mongodb://u:p@a/x?tls=true"), "mongodb://u:p@a/own?tls=true");
        assert_eq!(own("mongodb://a/?tlsCAFile=/x/y"), "mongodb://a/own?tlsCAFile=/x/y");
    }
}
