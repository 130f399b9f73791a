//! Retry-failed: puts dead letters back.

use pedidos_core::{
    control::{Control, Intent, RunSpec},
    order::OrderId,
    run::Phase,
};

use super::{controller::Controller, error::Result, letter_decision::Wanted};
use crate::store::{LetterFilter, Letters, Marked};

/// The result of a retry of dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retried {
    /// Dead letters that were meant.
    pub matched: u64,
    /// Of them, those that are put back.
    pub retried: u64,
}

impl Controller {
    /// Puts `limit` dead letters of a run back at most, or `only` this one. Answers none if there is no
    /// such run. `run_id`: a run of the history, which becomes the current one
    /// again. An ended run is opened again; a cancelled one is not. Fails with
    /// [`CommandError::Active`](super::CommandError::Active) if another run is active.
    pub async fn retry_failed(
        &self,
        limit: u64,
        only: Option<OrderId>,
        run_id: Option<&str>,
        filter: &LetterFilter,
    ) -> Result<Option<Retried>> {
        let Some(control) = self.with_letters(run_id).await? else { return Ok(None) };
        let done = |run: &RunSpec| run.end.as_ref().is_some_and(|end| end.phase == Phase::Done);
        let Some(run) =
            control.run.as_ref().filter(|run| control.intent == Intent::Run || done(run))
        else {
            return Ok(Some(Retried::default()));
        };
        let ids = match only {
            Some(id) if !run.ids().contains(&id) => return Ok(Some(Retried::default())),
            Some(id) => id.alone(),
            None => run.ids(),
        };
        let mark = self.new_mark().await?;
        let letters = Letters { ids, filter, decided: &control.letters, before: i64::MAX };
        let Marked { matched, marked } = self.store.mark_letters(&letters, &mark, limit).await?;
        let decided = marked > 0 && self.decide(&run.run_id, &mark, Wanted::Retry).await?;
        Ok(Some(Retried { matched, retried: if decided { marked } else { 0 } }))
    }

    /// Control with that run, or with the current one. None if there is no such run.
    async fn with_letters(&self, run_id: Option<&str>) -> Result<Option<Control>> {
        match run_id {
            Some(run_id) => self.reopen(run_id).await,
            None => Ok(Some(self.sync().await?.0)),
        }
    }
}
