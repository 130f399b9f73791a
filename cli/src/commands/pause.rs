//! `pedidos pause` and `pedidos resume`

use pedidos_core::text::count;

use crate::{client::Client, failure::Result, output};

pub async fn pause(client: &Client) -> Result<()> {
    let in_flight = client.pause().await?.in_flight;
    let still = in_flight.map(|leases| format!("; still in flight: {}", count(leases)));
    output::line(&format!("paused{}", still.unwrap_or_default()))
}

pub async fn resume(client: &Client) -> Result<()> {
    client.resume().await?;
    output::line("resumed")
}
