//! `pedidos reset`

use pedidos_core::text::count;

use super::{confirm, show};
use crate::{client::Client, failure::Result};

pub async fn run(client: &Client, yes: bool) -> Result<()> {
    confirm::deletion("all orders, all runs and the state of the queue", yes).await?;
    show::answer(&client.reset().await?, |answer| {
        let (orders, runs) = (count(answer.removed_orders), count(answer.removed_runs));
        format!("{}\n  orders removed: {orders}\n  runs removed: {runs}", answer.message)
    })
}
