//! `pedidos retry-failed`: puts dead letters back.

use pedidos_api_types::commands::RetriedAnswer;
use pedidos_core::text::count;

use super::show;
use crate::{args::RetryFailed, client::Client, failure::Result};

pub async fn run(client: &Client, args: &RetryFailed) -> Result<()> {
    show::answer(&client.retry_failed(args).await?, said)
}

fn said(answer: &RetriedAnswer) -> String {
    match (answer.retried, answer.matched) {
        (0, 0) => "no dead letter to retry".to_owned(),
        (retried, matched) => {
            format!("dead letters put back: {} of {}", count(retried), count(matched.max(retried)))
        }
    }
}
