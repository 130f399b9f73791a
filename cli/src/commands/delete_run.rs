//! `pedidos delete-run`: deletes a run that has ended, with its orders and its import.

use pedidos_core::text::count;

use super::{confirm, show};
use crate::{args::DeleteRun, client::Client, failure::Result};

pub async fn run(client: &Client, args: &DeleteRun) -> Result<()> {
    let run_id = &args.run_id;
    let what = format!("run {run_id}, its orders, its dead letters and its import");
    confirm::deletion(&what, args.yes).await?;
    show::answer(&client.delete_run(run_id).await?, |answer| {
        let removed = count(answer.removed_orders);
        format!("run {run_id} is deleted\n  orders removed: {removed}")
    })
}
