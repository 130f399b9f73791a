//! `pedidos reset`

use pedidos_core::text::count;

use super::confirm;
use crate::{client::Client, failure::Result, output};

pub async fn run(client: &Client, yes: bool) -> Result<()> {
    confirm::deletion("all orders, all runs and the state of the queue", yes).await?;
    let answer = client.reset().await?;
    let (orders, runs) = (count(answer.removed_orders), count(answer.removed_runs));
    output::line(&format!("{}\n  orders removed: {orders}\n  runs removed: {runs}", answer.message))
}
