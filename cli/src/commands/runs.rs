//! `pedidos runs`: the history, or one run of it.

use pedidos_api_types::runs::Run;

use super::{pages, show};
use crate::{args::Runs, client::Client, failure::Result, output, run_table};

pub async fn run(client: &Client, args: &Runs) -> Result<()> {
    if let Some(id) = &args.id {
        return show::answer(&client.run(id).await?, run_table::one);
    }
    let mut runs = Vec::new();
    let page = async |page| client.runs(&page).await;
    pages::print("runs", &args.listed, page, |page: Vec<Run>| {
        runs.extend(page);
        Ok(())
    })
    .await?;
    if output::is_json() { Ok(()) } else { output::line(&run_table::list(&runs)) }
}
