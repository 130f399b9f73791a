//! `pedidos reset`

use std::{io, thread};

use pedidos_core::text::count;
use tokio::sync::oneshot;

use crate::{
    client::Client,
    failure::{Failure, Result},
    output,
};

pub async fn run(client: &Client, yes: bool) -> Result<()> {
    if !yes {
        confirm().await?;
    }
    let answer = client.reset().await?;
    let (orders, runs) = (count(answer.removed_orders), count(answer.removed_runs));
    output::line(&format!("{}\n  orders removed: {orders}\n  runs removed: {runs}", answer.message))
}

async fn confirm() -> Result<()> {
    if !output::can_ask() {
        let text = "reset deletes all orders and runs, and there is no terminal to ask on; add \
                    --yes to confirm";
        return Err(Failure::Usage(text.into()));
    }
    output::ask("Delete all orders, all runs and the state of the queue? [y/N] ");
    // On a thread that nobody waits for, so that Ctrl-C ends a process that waits for an answer.
    let (sender, answer) = oneshot::channel();
    thread::spawn(move || {
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        sender.send(read.map(|_| answer))
    });
    let answer = answer.await.unwrap_or_else(|_| Ok(String::new()))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Failed("not confirmed; nothing was deleted".into())),
    }
}
