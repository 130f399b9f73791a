//! `pedidos imports`: lists imports, shows one, starts one, discards one.

use pedidos_api_types::{commands::GenerateAnswer, imports::Import};
use pedidos_core::{control::RunOptions, text::count};

use super::{follow, pages, show};
use crate::{
    args::{Imports, ImportsAction, StartImport, StartOptions},
    client::{Answer, Client},
    failure::Result,
    import_table, output, upload,
};

pub async fn run(client: &Client, args: &Imports) -> Result<()> {
    match (&args.action, &args.id) {
        (Some(ImportsAction::Start(start)), _) => begin(client, start).await,
        (Some(ImportsAction::Discard { id }), _) => discard(client, id).await,
        (None, Some(id)) => show::answer(&client.import(id).await?, import_table::summary),
        (None, None) => list(client, args).await,
    }
}

async fn list(client: &Client, args: &Imports) -> Result<()> {
    let mut imports = Vec::new();
    let page = async |page| client.imports(&page, &args.filter).await;
    pages::print("imports", &args.listed, page, |page: Vec<Import>| {
        imports.extend(page);
        Ok(())
    })
    .await?;
    if output::is_json() { Ok(()) } else { output::line(&import_table::list(&imports)) }
}

async fn begin(client: &Client, args: &StartImport) -> Result<()> {
    let answer = accepted(client, &args.id, &args.options).await?;
    let accepted = show::accepted(&answer, args.follow)?;
    output::note(&accepted.message);
    let own = args.options.run.want_own_processor(RunOptions::DEFAULT_NAME);
    follow::if_wanted(client, &accepted.run_id, args.follow, own).await
}

/// Starts the import. An import that is started already is answered with the same run, so that the
/// call can be repeated.
pub async fn accepted(
    client: &Client,
    id: &str,
    options: &StartOptions,
) -> Result<Answer<GenerateAnswer>> {
    upload::until_answered(async || client.start_import(id, options).await).await
}

async fn discard(client: &Client, id: &str) -> Result<()> {
    show::answer(&client.discard_import(id).await?, |answer| {
        let removed = count(answer.removed_orders);
        format!("import {id} is discarded\n  orders removed: {removed}")
    })
}
