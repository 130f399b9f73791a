//! `pedidos metrics`: the metrics of one replica of the API and of the queue.

use serde_json::Value;

use crate::{client::Client, failure::Result, output, prometheus};

/// With --json each sample is an object.
pub async fn run(client: &Client) -> Result<()> {
    let metrics = client.metrics().await?;
    if output::is_json() {
        return output::json(&Value::Array(prometheus::samples(metrics.text())?).to_string());
    }
    output::line(metrics.text())
}
