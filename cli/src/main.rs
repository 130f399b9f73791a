//! The command line `pedidos`: follows a run, operates it, audits it.
//!
//! - [`args`]: what can be said on the command line.
//! - [`client`], [`answer`], [`failure`]: the HTTP API, what it answers, what
//!   goes wrong and with which exit code.
//! - [`credentials`]: the key to call with.
//! - [`verbs`], [`follow`], [`logs`], [`trail`], [`audit`]: what is done.
//! - [`keys`]: the file of keys of an API.
//! - [`progress`], [`table`], [`figure`], [`output`]: how it is shown.

mod answer;
mod args;
mod audit;
mod client;
mod credentials;
mod failure;
mod figure;
mod follow;
mod keys;
mod logs;
mod output;
mod progress;
mod table;
mod trail;
mod verbs;

use std::process::ExitCode;

use clap::ArgMatches;
use pedidos_common::config::Settings;

use crate::{
    args::{Cli, Verb},
    client::{Client, Result},
};

#[tokio::main]
async fn main() -> ExitCode {
    let (cli, matches) = Cli::read();
    match run(cli, &matches).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn run(cli: Cli, matches: &ArgMatches) -> Result<()> {
    // What goes to no API needs no key for it.
    match cli.verb {
        Verb::Key(verb) => return keys::run(&verb),
        Verb::Audit => {
            // The flags of the settings are those of this verb.
            let flags = matches.subcommand_matches("audit").unwrap_or(matches);
            return audit::run(&Settings::or_exit(flags)).await;
        }
        _ => {}
    }
    let client = Client::new(cli.url, credentials::of(cli.key)?, &cli.tls)?;
    match cli.verb {
        Verb::Generate(args) => verbs::generate(&client, &args).await,
        Verb::Status { json } => verbs::status(&client, json).await,
        Verb::Follow => follow::current(&client).await,
        Verb::Cancel(options) => verbs::cancel(&client, &options).await,
        Verb::Reset { yes } => verbs::reset(&client, yes).await,
        Verb::Pause => verbs::pause(&client).await,
        Verb::Resume => verbs::resume(&client).await,
        Verb::Logs(args) => logs::run(&client, &args).await,
        Verb::AuditLog(args) => trail::run(&client, &args).await,
        // Done above.
        Verb::Key(_) | Verb::Audit => Ok(()),
    }
}
