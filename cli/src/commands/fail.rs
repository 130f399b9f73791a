//! `pedidos fail`: ends an order that its processor does not end.

use crate::{args::FailOrder, client::Client, failure::Result, output};

pub async fn run(client: &Client, args: &FailOrder) -> Result<()> {
    let answer = client.fail_order(&args.id).await?;
    output::line(&format!("order {} is a dead letter ({})", answer.id, answer.status))?;
    output::note("the run reads its orders again: its counters start over, and end exact");
    Ok(())
}
