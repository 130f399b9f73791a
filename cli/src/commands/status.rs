//! `pedidos status`

use crate::{client::Client, failure::Result, output, table};

pub async fn run(client: &Client, json: bool) -> Result<()> {
    if json {
        return output::json(client.status_text().await?.trim_end());
    }
    output::line(&table::summary(&client.status().await?))
}
