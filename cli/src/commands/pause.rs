//! `pedidos pause` and `pedidos resume`

use pedidos_core::text::count;

use super::show;
use crate::{client::Client, failure::Result};

pub async fn pause(client: &Client) -> Result<()> {
    show::answer(&client.pause().await?, |answer| {
        let still = answer.in_flight.map(|leases| format!("; still in flight: {}", count(leases)));
        format!("paused{}", still.unwrap_or_default())
    })
}

pub async fn resume(client: &Client) -> Result<()> {
    show::answer(&client.resume().await?, |_| "resumed".to_owned())
}
