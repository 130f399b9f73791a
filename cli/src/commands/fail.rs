//! `pedidos fail`: ends an order that its processor does not end.

use super::show;
use crate::{args::FailOrder, client::Client, failure::Result, output};

pub async fn run(client: &Client, args: &FailOrder) -> Result<()> {
    show::answer(&client.fail_order(&args.id).await?, |answer| {
        format!("order {} is a dead letter ({})", answer.id, answer.status)
    })?;
    output::note("the run reads its orders again: its counters start over, and end exact");
    Ok(())
}
