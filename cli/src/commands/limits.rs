//! `pedidos limits`: shows how fast the queue may go, or changes it.

use super::show;
use crate::{args::NewLimits, client::Client, failure::Result, table};

pub async fn run(client: &Client, new: &NewLimits) -> Result<()> {
    let limits =
        if new.is_none() { client.limits().await? } else { client.set_limits(new).await? };
    show::answer(&limits, table::limits)
}
