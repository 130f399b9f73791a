//! `pedidos limits`: shows how fast the queue may go, or changes it.

use crate::{args::Limits, client::Client, failure::Result, output, table};

pub async fn run(client: &Client, args: &Limits) -> Result<()> {
    let text = if args.new.is_none() {
        client.limits_text().await?
    } else {
        client.set_limits_text(&args.new).await?
    };
    if args.json {
        return output::json(text.trim_end());
    }
    output::line(&table::limits(&client.read(&text)?))
}
