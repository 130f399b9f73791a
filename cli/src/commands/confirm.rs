//! Asks before something is deleted.

use std::{io, thread};

use tokio::sync::oneshot;

use crate::{
    failure::{Failure, Result},
    output,
};

/// Goes on if the person says so, or has said so with --yes. `what`: what is deleted.
pub async fn deletion(what: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !output::can_ask() {
        let text = format!(
            "this deletes {what}, and there is no terminal to ask on; add --yes to confirm"
        );
        return Err(Failure::Usage(text));
    }
    output::ask(&format!("Delete {what}? [y/N] "));
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
