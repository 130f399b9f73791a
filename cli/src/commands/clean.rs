//! `pedidos clean`: removes jobs by state.

use pedidos_core::text::count;

use super::{confirm, show};
use crate::{
    args::Clean,
    client::Client,
    failure::{Failure, Result},
};

pub async fn run(client: &Client, args: &Clean) -> Result<()> {
    let jobs = args.state.jobs();
    let of_run = args.run_id.as_ref().map_or_else(String::new, |id| format!(" of run {id}"));
    confirm::deletion(&format!("{jobs}{of_run}"), args.yes).await?;
    let cleaned = client.clean(args).await?;
    show::answer(&cleaned, |answer| format!("removed: {} {jobs}", count(answer.removed)))?;
    if cleaned.is_partial() {
        let text = "only these are removed: a store stopped answering, or a limit of the queue \
                    holds the rest back; repeat the command for the rest";
        return Err(Failure::Failed(text.into()));
    }
    Ok(())
}
