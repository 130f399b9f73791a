//! The command line, as clap reads it.

mod flow;
mod import;
mod key;
mod queue;
mod receipts;

use std::{ffi::OsString, fmt, path::PathBuf, process};

use clap::{Args, Parser, Subcommand, value_parser};
use pedidos_core::redact::redacted;
use serde::Serialize;

pub use self::{
    flow::{Change, FailOrder, Limits, NewFlow, NewLimits, RunOptions},
    import::{
        Import, Imports, ImportsAction, NewImport, OnRejects, Rejects, StartImport, StartOptions,
    },
    key::{KeyCommand, NewKey},
    queue::{Clean, RetryFailed},
    receipts::{DeleteRun, Export, ExportFormat, ExportOptions, ShowOrder},
};
use crate::{
    address::{Address, DEFAULT_URL},
    failure::EXIT_CODES,
    output,
};

/// The heading in `--help` of the options that every command takes.
const CONNECTION: &str = "Connection to the API";

/// Start runs of orders, follow them, operate them and check them.
#[derive(Debug, Parser)]
#[command(name = "pedidos", version, after_help = EXIT_CODES)]
pub struct Cli {
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
}

/// The commands that call the API.
#[derive(Debug, Subcommand)]
pub enum Call {
    /// Start a run and print its id
    Generate(Generate),
    /// Import a list of your own orders
    #[command(long_about = import::IMPORT, after_help = import::IMPORT_EXIT_CODES)]
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
    Status {
        /// Print the API's answer, which is JSON
        #[arg(long)]
        json: bool,
    },
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
    /// Pause the queue: workers finish what they have, and take nothing new
    Pause,
    /// Resume the queue
    Resume,
    /// Show how fast the queue may go, or change it; also during a run. The limits hold for all workers
    /// together, until they are lifted
    Limits(Limits),
    /// Change what holds a run back: when it pauses, stops, or waits for dead VIP orders
    Change(Change),
    /// End an order of the current run that its processor does not end: it is a dead letter then
    Fail(FailOrder),
    /// Put dead letters back into the queue, with all their attempts
    RetryFailed(RetryFailed),
    /// Remove jobs by state. Their orders are not processed
    Clean(Clean),
    /// Print the log lines of all processes
    Logs(Logs),
    /// Print the audit trail, newest line first: who changed what, and who was refused
    AuditLog(AuditLog),
}

const AUDIT: &str = "\
Check every order of the run that has ended, in MongoDB and Redis. Executes `pedidos-worker \
verify`, which is looked for beside this program, then on PATH. Takes the settings of API and \
worker, from flags, the environment and .env. Changes nothing.";

#[derive(Debug, Args)]
pub struct AuditLog {
    /// How many lines to print at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Print each line as a JSON object, as the API answers it
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Generate {
    #[command(flatten)]
    pub run: NewRun,
    /// Repeating a request with the same key starts no second run, and prints the id of the
    /// first [default: random]
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Follow the run until it ends
    #[arg(long)]
    pub follow: bool,
}

/// The parameters of a run. The API has defaults for those that are not given.
#[derive(Debug, Args, Serialize)]
pub struct NewRun {
    /// How many orders to generate [default: 1000000]
    #[arg(long, value_name = "N")]
    pub quantity: Option<u64>,
    /// Seed of the generator: the same seed gives the same tiers and prices [default: random]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    #[command(flatten)]
    #[serde(flatten)]
    pub options: RunOptions,
}

/// The parameters of a cancel. The API has defaults for those that are not given.
#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancel {
    /// Only this run: if another one is the current run, nothing is changed [default: the current
    /// run]
    #[arg(value_name = "RUN_ID", value_parser = id)]
    pub run_id: Option<String>,
    /// Remove the run's dead letters from the list of failed jobs [default: true]
    #[arg(
        long,
        value_name = "BOOL",
        require_equals = true,
        num_args = 0..=1,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub purge: Option<bool>,
    /// Hide the cancelled orders at once, and delete them an hour later [default: true]
    #[arg(
        long,
        value_name = "BOOL",
        require_equals = true,
        num_args = 0..=1,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub remove_pending: Option<bool>,
    /// Delete the log lines in Redis [default: false]
    #[arg(
        long,
        value_name = "BOOL",
        require_equals = true,
        num_args = 0..=1,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub reset_logs: Option<bool>,
    /// How long to wait for work in flight, in ms [default: 10000]
    #[arg(long, value_name = "N")]
    pub wait_timeout_ms: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Logs {
    /// How many of the newest lines to print [default: 500]
    #[arg(long, value_name = "N")]
    pub lines: Option<u32>,
    /// Print only the lines of this level: info, warn or error
    #[arg(long)]
    pub level: Option<String>,
    /// Then print new lines as they come, until interrupted
    #[arg(long)]
    pub follow: bool,
}

impl Cli {
    /// Reads the arguments, or ends the process as clap does, but without the passwords of
    /// addresses in what it says.
    pub fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            if error.use_stderr() {
                output::note(redacted(&error.render().to_string()).trim_end());
            } else {
                // Help that nobody reads is no failure.
                let _unread = error.print();
            }
            process::exit(error.exit_code())
        })
    }
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

#[cfg(test)]
mod tests;
