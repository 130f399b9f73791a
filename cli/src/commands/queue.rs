//! `pedidos queue`: how many orders are in each state.

use super::show;
use crate::{client::Client, failure::Result, table};

pub async fn run(client: &Client) -> Result<()> {
    show::answer(&client.queue().await?, table::queue)
}
