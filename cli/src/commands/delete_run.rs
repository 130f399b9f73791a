//! `pedidos delete-run`: deletes a run that has ended, with its orders and its import.

use pedidos_api_types::runs::DeleteRunAnswer;
use pedidos_core::text::count;

use super::confirm;
use crate::{args::DeleteRun, client::Client, failure::Result, output};

pub async fn run(client: &Client, args: &DeleteRun) -> Result<()> {
    let run_id = &args.run_id;
    let what = format!("run {run_id}, its orders, its dead letters and its import");
    confirm::deletion(&what, args.yes).await?;
    let text = client.delete_run_text(run_id).await?;
    if args.json {
        return output::json(text.trim_end());
    }
    let answer: DeleteRunAnswer = client.read(&text)?;
    let removed = count(answer.removed_orders);
    output::line(&format!("run {run_id} is deleted\n  orders removed: {removed}"))
}
