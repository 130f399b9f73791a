//! `pedidos retry-failed`: puts dead letters back.

use pedidos_api_types::commands::RetriedAnswer;
use pedidos_core::text::count;

use crate::{args::RetryFailed, client::Client, failure::Result, output};

pub async fn run(client: &Client, args: &RetryFailed) -> Result<()> {
    let text = client.retry_failed_text(args).await?;
    if args.json {
        return output::json(text.trim_end());
    }
    output::line(&said(&client.read(&text)?))
}

fn said(answer: &RetriedAnswer) -> String {
    match (answer.retried, answer.matched) {
        (0, 0) => "no dead letter to retry".to_owned(),
        (retried, matched) => {
            format!("dead letters put back: {} of {}", count(retried), count(matched.max(retried)))
        }
    }
}
