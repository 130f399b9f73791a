//! `pedidos imports`: lists imports, shows one, starts one, discards one.

use pedidos_api_types::{
    commands::GenerateAnswer,
    imports::{Import, ImportsAnswer},
};
use pedidos_core::{control::RunOptions, text::count};
use serde_json::Value;

use super::follow;
use crate::{
    args::{Imports, ImportsAction, StartImport, StartOptions},
    client::{Client, ImportsQuery},
    failure::Result,
    import_table, output, upload,
};

/// The most imports that the API answers at once.
const PAGE: u32 = 200;

pub async fn run(client: &Client, args: &Imports) -> Result<()> {
    match (&args.action, &args.id) {
        (Some(ImportsAction::Start(start)), _) => begin(client, start).await,
        (Some(ImportsAction::Discard { id }), _) => discard(client, id).await,
        (None, Some(id)) => one(client, id, args.json).await,
        (None, None) => list(client, args).await,
    }
}

async fn one(client: &Client, id: &str, json: bool) -> Result<()> {
    let text = client.import_text(id).await?;
    if json {
        return output::json(&text);
    }
    let import: Import = client.read(&text)?;
    output::line(&import_table::summary(&import))
}

async fn list(client: &Client, args: &Imports) -> Result<()> {
    let (mut left, mut cursor) = (args.limit, None);
    let mut imports = Vec::new();
    while left > 0 {
        let query = ImportsQuery {
            limit: left.min(PAGE),
            cursor: cursor.as_deref(),
            state: args.state.as_deref(),
        };
        let page = client.imports_text(&query).await?;
        let answer: ImportsAnswer = client.read(&page)?;
        left = left.saturating_sub(answer.imports.len() as u32);
        if args.json {
            // As they came, with fields that this program does not know.
            let page: Value = client.read(&page)?;
            let lines = page["imports"].as_array().into_iter().flatten();
            lines.map(Value::to_string).try_for_each(|line| output::json(&line))?;
        } else {
            imports.extend(answer.imports);
        }
        cursor = answer.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if args.json { Ok(()) } else { output::line(&import_table::list(&imports)) }
}

/// Only the id goes to standard output, so that scripts can read it.
async fn begin(client: &Client, args: &StartImport) -> Result<()> {
    let accepted = accepted(client, &args.id, &args.options).await?;
    output::line(&accepted.run_id)?;
    output::note(&accepted.message);
    let own = args.options.run.want_own_processor(RunOptions::DEFAULT_NAME);
    follow::if_wanted(client, &accepted.run_id, args.follow, own).await
}

/// Starts the import. An import that is started already is answered with the same run, so that the
/// call can be repeated.
pub async fn accepted(client: &Client, id: &str, options: &StartOptions) -> Result<GenerateAnswer> {
    upload::until_answered(async || client.start_import(id, options).await).await
}

async fn discard(client: &Client, id: &str) -> Result<()> {
    let answer = client.discard_import(id).await?;
    let removed = count(answer.removed_orders);
    output::line(&format!("import {id} is discarded\n  orders removed: {removed}"))
}
