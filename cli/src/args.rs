//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use pedidos_common::{
    access::{Role, expiry, key_name},
    config::with_flags,
};
use reqwest::Url;
use serde::Serialize;

use crate::failure::EXIT_CODES;

/// Follows a run of orders, operates it, audits it.
#[derive(Debug, Parser)]
#[command(name = "pedidos", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Where the API is
    #[arg(
        long,
        global = true,
        env = "PEDIDOS_URL",
        default_value = "http://localhost:3000",
        value_parser = api_url
    )]
    pub url: Url,
    /// A key, or a token. Others on this machine can see it here while it is used: better in
    /// PEDIDOS_KEY, or in the file ~/.config/pedidos/key
    #[arg(long, global = true, env = "PEDIDOS_KEY", hide_env_values = true)]
    pub key: Option<Secret>,
    #[command(flatten)]
    pub tls: Tls,
    #[command(subcommand)]
    pub verb: Verb,
}

/// A key or token. It is never shown.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// With an API at an https:// address.
#[derive(Debug, Args)]
pub struct Tls {
    /// Authorities to trust for https://, as PEM [default: the system's]
    #[arg(long, global = true, env = "PEDIDOS_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Certificate and key to show, as PEM in one file
    #[arg(long, global = true, env = "PEDIDOS_CLIENT_CERT_FILE", value_name = "FILE")]
    pub client_cert_file: Option<PathBuf>,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a run; prints its id
    Generate(Generate),
    /// Show the current run
    Status {
        /// Print the API's answer as it is
        #[arg(long)]
        json: bool,
    },
    /// Follow the current run to its end
    Follow,
    /// Cancel the current run
    Cancel(Cancel),
    /// Delete all orders, runs and queue state
    Reset {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let no new work be claimed
    Pause,
    /// Let work be claimed again
    Resume,
    /// Print the log lines of every process
    Logs(Logs),
    /// Print the audit trail: who changed what, or was refused; the newest first
    AuditLog(AuditLog),
    /// Make, list and revoke the keys of an API, in its file of keys
    #[command(subcommand)]
    Key(KeyVerb),
    /// Hold the ended run against what it should be, in the stores themselves
    #[command(long_about = AUDIT)]
    Audit,
}

const AUDIT: &str = "\
Hold the ended run against what it should be: every order against the generator, the ledger, \
the fence and the queue. Reads MongoDB and Redis themselves, not the API; takes the settings \
of API and worker, from flags, the environment and .env. Changes nothing.";

/// What is to be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeyVerb {
    /// Make a key: its hash is appended to the file, and the key itself printed, this once
    New(NewKey),
    /// List the keys of a file
    List {
        #[command(flatten)]
        file: KeysFile,
    },
    /// Revoke a key; APIs that use the file see it within a second
    Revoke {
        #[command(flatten)]
        file: KeysFile,
        /// Whose
        #[arg(long, value_name = "N")]
        name: String,
    },
}

/// Make a key.
#[derive(Debug, Args)]
pub struct NewKey {
    #[command(flatten)]
    pub file: KeysFile,
    /// Whom it is for: the audit trail shows it
    #[arg(long, value_name = "N", value_parser = key_name)]
    pub name: String,
    /// What it may do: viewer (look), operator (start and steer runs) or admin (destroy)
    #[arg(long, value_name = "R")]
    pub role: Role,
    /// When it expires: 90d, 12h, 2027-01-31 or 2027-01-31T12:00:00Z [default: never]
    #[arg(long, value_name = "D", value_parser = expiry)]
    pub expires: Option<i64>,
}

/// The file of keys.
#[derive(Debug, Args)]
pub struct KeysFile {
    /// The file of keys, the API's API_KEYS_FILE
    #[arg(long = "file", value_name = "F", env = "API_KEYS_FILE")]
    pub path: PathBuf,
}

/// Which lines of the audit trail.
#[derive(Debug, Args)]
pub struct AuditLog {
    /// How many lines at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Print the lines as the API has them, one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Start a run.
#[derive(Debug, Args)]
pub struct Generate {
    #[command(flatten)]
    pub run: NewRun,
    /// The same key answers with the same run [default: random]
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Follow the run to its end
    #[arg(long)]
    pub follow: bool,
}

/// The parameters of a run. What is not given is the API's default.
#[derive(Debug, Args, Serialize)]
pub struct NewRun {
    /// How many orders
    #[arg(long, value_name = "N")]
    pub quantity: Option<u64>,
    /// What they are drawn from: the same seed, the same tiers and prices
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
}

/// How to cancel. What is not given is the API's default.
#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancel {
    /// Drop the queue's dead letters too
    #[arg(
        long,
        value_name = "BOOL",
        require_equals = true,
        num_args = 0..=1,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub purge: Option<bool>,
    /// Hide cancelled orders, and delete them later
    #[arg(
        long,
        value_name = "BOOL",
        require_equals = true,
        num_args = 0..=1,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub remove_pending: Option<bool>,
    /// Empty the logs too
    #[arg(
        long,
        value_name = "BOOL",
        require_equals = true,
        num_args = 0..=1,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    pub reset_logs: Option<bool>,
    /// How long work in flight may take to end, ms
    #[arg(long, value_name = "N")]
    pub wait_timeout_ms: Option<u64>,
}

/// Which log lines.
#[derive(Debug, Args)]
pub struct Logs {
    /// How many lines, the newest
    #[arg(long, value_name = "N")]
    pub lines: Option<u32>,
    /// Of this level only: info, warn or error
    #[arg(long)]
    pub level: Option<String>,
    /// Go on with what is logged from now on
    #[arg(long)]
    pub follow: bool,
}

impl Cli {
    /// Reads the arguments, or ends the process as clap does. The flags of the
    /// settings, which only `audit` has, are in the matches of that command.
    pub fn read() -> (Self, clap::ArgMatches) {
        let matches = Self::command_line().get_matches();
        match Self::from_arg_matches(&matches) {
            Ok(cli) => (cli, matches),
            Err(error) => error.exit(),
        }
    }

    fn command_line() -> clap::Command {
        Self::command().mut_subcommand("audit", with_flags)
    }
}

fn api_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err("only http:// and https:// are spoken here".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        let matches = Cli::command_line().try_get_matches_from(line.split_whitespace())?;
        Cli::from_arg_matches(&matches)
    }

    #[test]
    fn the_definition_is_sound_and_help_tells_the_exit_codes() {
        let mut command = Cli::command_line();
        command.clone().debug_assert();
        let help = command.render_help().to_string();
        assert!(help.contains("PEDIDOS_URL") && help.contains("Exit codes:"), "{help}");
    }

    #[test]
    fn flags_of_cancel_are_true_false_or_left_to_the_api() {
        let line = "pedidos cancel --purge=false --reset-logs --wait-timeout-ms 5";
        let Verb::Cancel(cancel) = parse(line).unwrap().verb else { unreachable!() };
        assert_eq!(
            (cancel.purge, cancel.remove_pending, cancel.reset_logs),
            (Some(false), None, Some(true))
        );
        assert_eq!(cancel.wait_timeout_ms, Some(5));
        assert!(parse("pedidos cancel --purge=maybe").is_err());
    }

    #[test]
    fn only_audit_takes_the_settings() {
        assert!(matches!(parse("pedidos audit --queue-name q").unwrap().verb, Verb::Audit));
        assert!(parse("pedidos status --queue-name q").is_err());
    }

    #[test]
    fn a_key_is_made_with_a_name_a_role_and_a_file_and_shown_nowhere() {
        let line = "pedidos key new --name ci --role operator --file f --expires 90d";
        let Verb::Key(KeyVerb::New(new)) = parse(line).unwrap().verb else { unreachable!() };
        assert_eq!((new.name.as_str(), new.role), ("ci", Role::Operator));
        assert!(new.expires.is_some());
        for line in [
            "pedidos key new --name ci --role root --file f",
            "pedidos key new --name a/b --role admin --file f",
            "pedidos key new --name ci --role admin --file f --expires 2020-01-01",
            "pedidos key new --name ci --file f",
            "pedidos key",
            "pedidos audit-log --limit 0",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
        let cli = parse("pedidos status --key pedidos_hidden").unwrap();
        assert!(!format!("{cli:?}").contains("hidden"), "{cli:?}");
    }

    #[test]
    fn the_url_may_stand_before_and_after_the_verb() {
        let after = parse("pedidos status --url http://a:1/base").unwrap();
        assert_eq!(after.url.as_str(), "http://a:1/base");
        assert_eq!(parse("pedidos --url http://a:1 audit").unwrap().url.port(), Some(1));
    }

    #[test]
    fn what_makes_no_sense_is_bad_usage() {
        for line in [
            "pedidos",
            "pedidos generate --quantity 1e6",
            "pedidos generate --quantity -5",
            "pedidos generate --quantity 1 --quantity 2",
            "pedidos status --url localhost:3000",
            "pedidos status --url ftp://a",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
