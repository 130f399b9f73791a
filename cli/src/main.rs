//! The command line `pedidos`: follows a run, operates it, audits it.
//!
//! - [`args`]: what can be said on the command line.
//! - [`client`], [`answer`], [`failure`]: the HTTP API, what it answers, what
//!   goes wrong and with which exit code.
//! - [`verbs`], [`follow`], [`logs`], [`audit`]: what is done.
//! - [`progress`], [`table`], [`figure`], [`output`]: how it is shown.

mod answer;
mod args;
mod audit;
mod client;
mod failure;
mod figure;
mod follow;
mod logs;
mod output;
mod progress;
mod table;
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
    let client = Client::new(cli.url, &cli.tls)?;
    match cli.verb {
        Verb::Generate(args) => verbs::generate(&client, &args).await,
        Verb::Status { json } => verbs::status(&client, json).await,
        Verb::Follow => follow::current(&client).await,
        Verb::Cancel(options) => verbs::cancel(&client, &options).await,
        Verb::Reset { yes } => verbs::reset(&client, yes).await,
        Verb::Pause => verbs::pause(&client).await,
        Verb::Resume => verbs::resume(&client).await,
        Verb::Logs(args) => logs::run(&client, &args).await,
        Verb::Audit => {
            // The flags of the settings are those of this verb.
            let flags = matches.subcommand_matches("audit").unwrap_or(matches);
            audit::run(&Settings::or_exit(flags)).await
        }
    }
}
