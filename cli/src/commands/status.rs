//! `pedidos status`

use pedidos_api_types::status::Status;
use pedidos_core::run::Phase;

use super::show;
use crate::{client::Client, failure::Result, holds, output, table};

pub async fn run(client: &Client) -> Result<()> {
    let answer = client.status().await?;
    show::answer(&answer, table::summary)?;
    if output::is_json() {
        return Ok(());
    }
    match held_order(client, &answer.read()?).await {
        Some(held) => output::line(&held),
        None => Ok(()),
    }
}

/// The health alone names such an order. Without an answer the status is shown as it is.
async fn held_order(client: &Client, status: &Status) -> Option<String> {
    if !holds::is_named(status) || !Phase::from(status.phase).is_active() {
        return None;
    }
    let health = client.health().await.ok()?.read().ok()?;
    health.held_order.as_ref().map(holds::held_order)
}
