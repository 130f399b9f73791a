//! The end of a run: one compare-and-set, then the history, then Redis.

use pedidos_core::{
    control::{Control, End, Intent},
    order::Priority,
    run::{Ledger, Phase},
};

use super::{controller::Controller, error::Result};
use crate::queue::Token;

impl Controller {
    /// Writes the end of a run whose orders are all terminal, or carries out its cancel. `token`
    /// and `worker`: of the lease of that work. Answers none if the run is not the current one, has
    /// open orders after all, or was ended by another process.
    pub async fn finish_run(
        &self,
        run_id: &str,
        token: &Token,
        worker: &str,
    ) -> Result<Option<End>> {
        let (control, snapshot) = self.sync().await?;
        if control.is_cancelling(run_id) {
            return match self.take_over(&control, &snapshot).await? {
                Some(mine) => self.finish_cancel(&mine, false, token, worker).await,
                None => Ok(None),
            };
        }
        if !control.wants(run_id) {
            return Ok(None);
        }
        // A Redis that is not raised to a retry yet shows the figures before it.
        if snapshot.version != control.version {
            return Ok(None);
        }
        let complete = Priority::ALL.map(|priority| snapshot.ledger(priority));
        let clock = snapshot.clock();
        let Some(run) = snapshot.run.filter(|run| run.run_id == run_id) else {
            return Ok(None);
        };
        let terminal: u64 = complete.iter().map(Ledger::terminal).sum();
        if terminal != run.quantity || complete.iter().any(|ledger| ledger.open() > 0) {
            return Ok(None);
        }
        let end = End {
            phase: Phase::Done,
            figures: run.figures,
            cancelled: 0,
            attempt: 0,
            attempts: Vec::new(),
            purge: false,
            remove_pending: false,
        };
        self.end(control.next(), end, clock).await
    }

    /// Redis shows the end last, so an end that is seen is durable. Answers none if another process
    /// changed control.
    pub(super) async fn end(&self, mut next: Control, end: End, at: i64) -> Result<Option<End>> {
        next.intent = Intent::Ended;
        (next.counting, next.put_back) = (None, None);
        next.lift_canary();
        if let Some(run) = &mut next.run {
            run.end_with(end, at);
            next.last_run_id = Some(run.run_id.clone());
        }
        if !self.set(&mut next).await? {
            return Ok(None);
        }
        self.adopt(&next).await?;
        Ok(next.run.and_then(|run| run.end))
    }
}
