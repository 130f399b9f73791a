//! What each command does, one file a command.

mod audit;
mod audit_log;
mod cancel;
mod change;
mod confirm;
mod fail;
mod follow;
mod generate;
mod import;
mod imports;
mod key;
mod limits;
mod logs;
mod pages;
mod pause;
mod rejects;
mod reset;
mod show;
mod status;

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
        Call::Status => status::run(client).await,
        Call::Follow => follow::current(client).await,
        Call::Cancel(options) => cancel::run(client, &options).await,
        Call::Reset { yes } => reset::run(client, yes).await,
        Call::Change(args) => change::run(client, &args).await,
        Call::Pause => pause::pause(client).await,
        Call::Resume => pause::resume(client).await,
        Call::Limits(new) => limits::run(client, &new).await,
        Call::Fail(args) => fail::run(client, &args).await,
        Call::Logs(args) => logs::run(client, &args).await,
        Call::AuditLog(args) => audit_log::run(client, &args).await,
    }
}
