//! The command line, as clap reads it.

mod definition;
pub mod exit_codes;
mod flow;
mod history;
mod import;
mod key;
mod queue;
mod receipts;
mod run;
#[cfg(test)]
mod tests;

use std::{ffi::OsString, fmt, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::{
    flow::{Change, FailOrder, NewFlow, NewLimits},
    history::{AuditFilter, AuditLog, EventKind, Events, Listed, Logs, Runs},
    import::{
        Import, ImportFilter, Imports, ImportsAction, NewImport, OnRejects, Rejects, StartImport,
        StartOptions,
    },
    key::{KeyCommand, NewKey},
    queue::{Clean, Jobs, RetryFailed},
    receipts::{DeleteRun, Export, ExportFormat, ExportOptions, ShowOrder},
    run::{Cancel, Generate, NewRun},
};
use crate::address::{Address, DEFAULT_URL};

/// The heading in `--help` of the options that every command takes.
const CONNECTION: &str = "Connection to the API";

/// Start runs of orders, follow them, operate them and check them.
#[derive(Debug, Parser)]
#[command(name = "pedidos", version)]
pub struct Cli {
    /// Print one JSON document: the API's answer, as it came. Errors are problem+json on standard
    /// error
    #[arg(long, global = true)]
    pub json: bool,
    /// URL of the API
    #[arg(
        long,
        global = true,
        help_heading = CONNECTION,
        env = "PEDIDOS_URL",
        hide_env_values = true,
        default_value = DEFAULT_URL
    )]
    pub url: Address,
    /// API key or token. Other users can see it in the list of processes: better set PEDIDOS_KEY,
    /// or use `pedidos key store`
    #[arg(
        long,
        global = true,
        help_heading = CONNECTION,
        env = "PEDIDOS_KEY",
        hide_env_values = true
    )]
    pub key: Option<Secret>,
    #[command(flatten)]
    pub tls: Tls,
    #[command(subcommand)]
    pub command: Command,
}

/// A key or token. It is never shown.
#[derive(Clone)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[derive(Debug, Args)]
pub struct Tls {
    /// PEM file of the certificate authorities to trust for https:// [default: the system's]
    #[arg(
        long,
        global = true,
        help_heading = CONNECTION,
        env = "PEDIDOS_CA_FILE",
        value_name = "FILE",
        value_parser = path
    )]
    pub ca_file: Option<PathBuf>,
    /// PEM file with the client certificate and its private key
    #[arg(
        long,
        global = true,
        help_heading = CONNECTION,
        env = "PEDIDOS_CLIENT_CERT_FILE",
        value_name = "FILE",
        value_parser = path
    )]
    pub client_cert_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(flatten)]
    Call(Call),
    /// Create, list and revoke the API's keys, and store a key for this user
    #[command(subcommand)]
    Key(KeyCommand),
    /// Check every order of the run that has ended, in MongoDB and Redis
    #[command(long_about = AUDIT, disable_help_flag = true)]
    Audit {
        /// Settings of API and worker, as flags: `pedidos audit --help` lists them
        #[arg(value_name = "SETTINGS", trailing_var_arg = true, allow_hyphen_values = true)]
        settings: Vec<OsString>,
    },
    /// Print the completions of a shell, for example: pedidos completions bash >
    /// ~/.local/share/bash-completion/completions/pedidos
    Completions {
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page of pedidos (pedidos man | man -l -), or write those of all commands
    /// into a folder
    Man {
        /// The folder, for example ~/.local/share/man/man1
        #[arg(value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// The commands that call the API.
#[derive(Debug, Subcommand)]
pub enum Call {
    /// Start a run and print its id
    Generate(Generate),
    /// Import a list of your own orders
    #[command(long_about = import::IMPORT)]
    Import(Box<Import>),
    /// List imports, show one, start it or discard it
    Imports(Imports),
    /// Write the rejects of an import to standard output: pedidos rejects ID > bad.ndjson
    Rejects(Rejects),
    /// Write the orders of a run, with what became of them: pedidos export > orders.ndjson
    #[command(long_about = receipts::EXPORT)]
    Export(Export),
    /// Show one order and what happened to it: attempts, retries, how it ended
    Order(ShowOrder),
    /// Show the current run
    Status,
    /// Show the progress of the current run until it ends, then its summary
    Follow,
    /// Cancel the current run
    Cancel(Cancel),
    /// Delete all orders, all runs and the state of the queue
    Reset {
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Delete a run that has ended and is not the current one: its orders, its dead letters, its import
    DeleteRun(DeleteRun),
    /// List the runs, the newest first, or show one
    Runs(Runs),
    /// Change what holds a run back: when it pauses, stops, or waits for dead VIP orders
    Change(Change),
    /// Pause the queue: workers finish what they have, and take nothing new
    Pause,
    /// Resume the queue
    Resume,
    /// Show how fast the queue may go, or change it; also during a run. The limits hold for all workers
    /// together, until they are lifted
    Limits(NewLimits),
    /// Show how many orders are in each state
    Queue,
    /// List jobs by state: orders, and the chunks that are being generated
    Jobs(Jobs),
    /// Put dead letters back into the queue, with all their attempts
    RetryFailed(RetryFailed),
    /// Remove jobs by state. Their orders are not processed
    Clean(Clean),
    /// End an order of the current run that its processor does not end: it is a dead letter then
    Fail(FailOrder),
    /// Have one replica of the API open new connections to Redis. The queue does not change
    Close,
    /// Show whether all is well, and if not, why
    Health,
    /// Ask whether the API is ready: whether both its stores take writes
    Ready {
        /// Ask only whether it is alive, and no store
        #[arg(long)]
        live: bool,
    },
    /// Print the metrics of one replica of the API and of the queue, in the format of Prometheus
    Metrics,
    /// Print the log lines of all processes
    Logs(Logs),
    /// Print events as they come, until interrupted: changes of phase, progress, log lines
    Events(Events),
    /// Print the audit trail, newest line first: who changed what, and who was refused
    AuditLog(AuditLog),
    /// Show whose key this is, and what it may do
    Whoami,
}

const AUDIT: &str = "\
Check every order of the run that has ended, in MongoDB and Redis. Executes `pedidos-worker \
verify`, which is looked for beside this program, then on PATH. Takes the settings of API and \
worker, from flags, the environment and .env. Changes nothing.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Takes an empty text too: an empty variable counts as one that is not set.
#[expect(clippy::unnecessary_wraps, reason = "the form of a parser")]
fn path(text: &str) -> Result<PathBuf, std::convert::Infallible> {
    Ok(text.into())
}

/// An id is a part of a path: it must not lead to another one.
fn id(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') {
        return Ok(text.to_owned());
    }
    Err("an id has letters, digits and - alone".to_owned())
}
