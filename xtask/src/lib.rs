//! What make and the scripts do beyond calling cargo. Tests start their servers by it, too.
//!
//! - [`services`]: a private Redis and a private MongoDB-protocol server.
//! - [`ports`], [`process`]: those of this system.
//! - `run`, `prepare`, `stop`: `make run`, its preparation, what it has left running.
//! - `contract`, `check_k8s`, `check_metrics`: parts of `make check`.
//! - `bare_debian`: a fresh clone on a machine that has only Rust.
//! - `need`, `tools`: the tools of others, and their versions, which `tools.env` pins.

mod bare_debian;
mod check_k8s;
mod check_metrics;
mod command;
mod contract;
mod events;
mod failure;
mod need;
pub mod ports;
mod prepare;
pub mod process;
mod project;
mod run;
pub mod services;
mod signals;
mod stop;
mod tools;

use std::{env, ffi::OsString, process::ExitCode};

pub use self::failure::{Failure, Result};
use self::{command::say, project::Project};

const USAGE: &str = "\
xtask services ...               a private Redis and MongoDB: scripts/services
xtask run                        one run of orders, followed live: make run
xtask stop                       ends what make run and make services-up left running
xtask prepare CMD...             builds with CMD, and meanwhile installs the servers
xtask contract                   Spectral and Schemathesis: a part of make check
xtask check-metrics              rules and dashboard on a real Prometheus: the same
xtask check-k8s                  images and manifests: the same
xtask bare-debian [CMD...]       each command in a fresh clone on a bare Debian
xtask have node                  succeeds if a Node is there that is new enough
xtask need node WHY              installs one if not; prints the folder that it is in";

/// What `scripts/xtask` runs.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let name = arguments.first().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let code = dispatch(&name, arguments.get(1..).unwrap_or_default());
    ExitCode::from(code.unwrap_or_else(|failure| {
        if !failure.message.is_empty() {
            say(&format!("{name}: {failure}"));
        }
        failure.code
    }))
}

fn dispatch(name: &str, arguments: &[OsString]) -> Result<u8> {
    let project = Project::of_environment();
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match (name, words.as_slice()) {
        // Whatever command it is given runs where it was called.
        ("services", _) => return services::command_line(arguments),
        ("run", []) => return run::run(&project),
        ("stop", []) => stop::stop(&project)?,
        ("prepare", [_, ..]) => prepare::prepare(&project, arguments)?,
        ("contract", []) => contract::contract(&project)?,
        ("check-metrics", []) => check_metrics::check_metrics(&project)?,
        ("check-k8s", []) => check_k8s::check_k8s(&project)?,
        ("bare-debian", commands) => return bare_debian::bare_debian(&project, commands),
        ("have", ["node"]) => return Ok(u8::from(!need::has_node(&need::node_path(&project)?))),
        ("need", ["node", why]) => need::print_node(&project, why)?,
        _ => {
            say(USAGE);
            return Ok(2);
        }
    }
    Ok(0)
}
