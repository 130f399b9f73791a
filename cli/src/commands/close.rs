//! `pedidos close`: one replica of the API opens new connections to Redis.

use super::show;
use crate::{client::Client, failure::Result};

pub async fn run(client: &Client) -> Result<()> {
    show::answer(&client.close().await?, |_| {
        "one replica has new connections to Redis; the queue has not changed".to_owned()
    })
}
