//! `pedidos rejects`: the rejects of an import, as they come, to standard output.

use std::{io, time::Duration};

use tokio::time::timeout;

use crate::{
    args::Rejects,
    client::Client,
    copy::Copy,
    failure::{Failure, Result},
    output,
};

/// A download that stands still for so long is broken off.
const STILL: Duration = Duration::from_mins(1);

/// With --json the rejects are an array.
pub async fn run(client: &Client, args: &Rejects) -> Result<()> {
    if args.csv && output::is_json() {
        return Err(Failure::Usage("--csv and --json contradict each other".to_owned()));
    }
    let format = if args.csv { "csv" } else { "ndjson" };
    match copy(client, &args.id, format).await {
        // The reader has what it wants.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

async fn copy(client: &Client, id: &str, format: &str) -> Result<()> {
    let late = |_| Failure::Unreachable(format!("no answer within {STILL:?}"));
    let mut answer = timeout(STILL, client.rejects(id, format)).await.map_err(late)??;
    let mut out = Copy::new();
    loop {
        let piece = timeout(STILL, client.piece(&mut answer)).await.map_err(late)?;
        let piece = piece.map_err(|failure| match failure {
            Failure::Unreachable(why) => {
                Failure::Unreachable(format!("{why}; the list of rejects is not whole"))
            }
            other => other,
        })?;
        match piece {
            Some(piece) => out.add(piece.as_ref())?,
            None => return out.finish(),
        }
    }
}
