//! `pedidos retry-failed`: puts dead letters back.

use pedidos_core::text::count;

use super::show;
use crate::{args::RetryFailed, client::Client, failure::Result};

pub async fn run(client: &Client, args: &RetryFailed) -> Result<()> {
    show::answer(&client.retry_failed(args).await?, |answer| match answer.retried {
        0 => "no dead letters to retry".to_owned(),
        retried => format!("dead letters put back: {}; `pedidos follow`", count(retried)),
    })
}
