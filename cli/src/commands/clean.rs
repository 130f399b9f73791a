//! `pedidos clean`: removes jobs by state.

use pedidos_api_types::commands::CleanAnswer;
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
    confirm::deletion(&format!("{jobs}{}{of_run}", args.filter.words()), args.yes).await?;
    let cleaned = client.clean(args).await?;
    show::answer(&cleaned, |answer| said(answer, jobs))?;
    if cleaned.is_partial() {
        let text = "only these are removed: a store stopped answering, or a limit of the queue \
                    holds the rest back; repeat the command for the rest";
        return Err(Failure::Failed(text.into()));
    }
    Ok(())
}

fn said(answer: &CleanAnswer, jobs: &str) -> String {
    let of = answer.matched.map_or_else(String::new, |matched| format!(" of {}", count(matched)));
    format!("removed: {}{of} {jobs}", count(answer.removed))
}

#[cfg(test)]
mod tests {
    use pedidos_api_types::commands::CleanState;

    use super::*;

    #[test]
    fn what_is_removed_is_told_beside_what_was_meant() {
        let mut answer = CleanAnswer { removed: 1_500, matched: None, state: CleanState::Wait };
        assert_eq!(said(&answer, "waiting orders"), "removed: 1,500 waiting orders");
        answer.matched = Some(2_000);
        assert_eq!(said(&answer, "dead letters"), "removed: 1,500 of 2,000 dead letters");
    }
}
