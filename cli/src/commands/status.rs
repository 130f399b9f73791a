//! `pedidos status`

use pedidos_api_types::status::Status;
use pedidos_core::run::Phase;

use crate::{client::Client, failure::Result, holds, output, table};

pub async fn run(client: &Client, json: bool) -> Result<()> {
    if json {
        return output::json(client.status_text().await?.trim_end());
    }
    let status = client.status().await?;
    output::line(&table::summary(&status))?;
    match held_order(client, &status).await {
        Some(held) => output::line(&held),
        None => Ok(()),
    }
}

/// The health alone names such an order. Without an answer the status is shown as it is.
async fn held_order(client: &Client, status: &Status) -> Option<String> {
    if !holds::is_named(status) || !Phase::from(status.phase).is_active() {
        return None;
    }
    client.health().await.ok()?.held_order.as_ref().map(holds::held_order)
}
