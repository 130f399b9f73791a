//! `pedidos ready`: whether the API takes calls.

use serde_json::json;

use crate::{client::Client, failure::Result, output};

pub async fn run(client: &Client, live: bool) -> Result<()> {
    let is = if live {
        client.alive().await?;
        "alive"
    } else {
        client.ready().await?;
        "ready"
    };
    if output::is_json() {
        output::json(&json!({ is: true }).to_string())
    } else {
        output::line(is)
    }
}
