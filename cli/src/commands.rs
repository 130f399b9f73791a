//! What each command does, one file a command.

mod audit;
mod audit_log;
mod cancel;
mod change;
mod clean;
mod close;
mod completions;
mod confirm;
mod delete_run;
mod events;
mod export;
mod fail;
mod follow;
mod generate;
mod health;
mod import;
mod imports;
mod jobs;
mod key;
mod limits;
mod logs;
mod man;
mod metrics;
mod order;
mod pages;
mod pause;
mod queue;
mod ready;
mod rejects;
mod reset;
mod retry_failed;
mod runs;
mod show;
mod status;
mod whoami;

use crate::{
    args::{Call, Cli, Command, KeyCommand},
    client::Client,
    credentials::{self, Credentials},
    failure::Result,
    interrupt,
};

pub async fn run(cli: Cli) -> Result<()> {
    // A command that calls no API does not read the key that is stored for it.
    let call = match cli.command {
        Command::Key(KeyCommand::New(new)) => return key::new(&new),
        Command::Key(KeyCommand::Store) => return key::store(cli.key, &cli.url.parse()?),
        Command::Key(KeyCommand::List { file }) => return key::list(&file.path),
        Command::Key(KeyCommand::Revoke { file, name }) => return key::revoke(&file.path, &name),
        Command::Audit { settings } => return audit::run(&settings),
        Command::Completions { shell } => return completions::run(shell),
        Command::Man { dir } => return man::run(dir.as_deref()),
        Command::Call(call) => call,
    };
    let url = cli.url.parse()?;
    let Credentials { key, hint } = credentials::find(cli.key, &url)?;
    let client = Client::new(url, key, &cli.tls)?;
    let says = || "interrupted; `pedidos status` shows the current state".to_owned();
    let done = interrupt::or(carry_out(call, &client), says).await;
    done.map_err(|failure| failure.with_hint(hint))
}

async fn carry_out(call: Call, client: &Client) -> Result<()> {
    match call {
        Call::Generate(args) => generate::run(client, &args).await,
        Call::Import(args) => Box::pin(import::run(client, &args)).await,
        Call::Imports(args) => imports::run(client, &args).await,
        Call::Rejects(args) => rejects::run(client, &args).await,
        Call::Export(args) => export::run(client, &args).await,
        Call::Order(args) => order::run(client, &args).await,
        Call::Status => status::run(client).await,
        Call::Follow => follow::current(client).await,
        Call::Cancel(options) => cancel::run(client, &options).await,
        Call::Reset { yes } => reset::run(client, yes).await,
        Call::DeleteRun(args) => delete_run::run(client, &args).await,
        Call::Runs(args) => runs::run(client, &args).await,
        Call::Change(args) => change::run(client, &args).await,
        Call::Pause => pause::pause(client).await,
        Call::Resume => pause::resume(client).await,
        Call::Limits(new) => limits::run(client, &new).await,
        Call::Queue => queue::run(client).await,
        Call::Jobs(args) => jobs::run(client, &args).await,
        Call::RetryFailed(args) => retry_failed::run(client, &args).await,
        Call::Clean(args) => clean::run(client, &args).await,
        Call::Fail(args) => fail::run(client, &args).await,
        Call::Close => close::run(client).await,
        Call::Health => health::run(client).await,
        Call::Ready { live } => ready::run(client, live).await,
        Call::Metrics => metrics::run(client).await,
        Call::Logs(args) => logs::run(client, &args).await,
        Call::Events(args) => events::run(client, &args).await,
        Call::AuditLog(args) => audit_log::run(client, &args).await,
        Call::Whoami => whoami::run(client).await,
    }
}
