//! Makes a run of the history the current one again, for its dead letters.

use pedidos_core::control::{Control, Intent};

use super::{
    controller::Controller,
    error::{CommandError, Result},
};

impl Controller {
    /// Makes an ended run the current one again, as it ended, so that no work begins by this.
    /// Answers none if there is no such run, if it is being deleted, or if it has not ended. Fails with
    /// [`CommandError::Active`] if another run is active.
    pub(super) async fn reopen(&self, run_id: &str) -> Result<Option<Control>> {
        loop {
            let (control, _) = self.sync().await?;
            if control.run.as_ref().is_some_and(|run| run.run_id == run_id) {
                return Ok(Some(control));
            }
            let Some(document) = self.store.run_to_open(run_id).await? else { return Ok(None) };
            let run = document.as_ended();
            if !document.phase.is_ended() || run.ids_ms() < control.reset_below {
                return Ok(None);
            }
            if let Some(active) = control.active() {
                return Err(CommandError::Active { run_id: active.run_id.clone() });
            }
            // The figures of the run that this replaces must be in the history first.
            self.store.ensure_run(&control).await?;
            let mut next = control.next();
            next.orders_version = next.version;
            next.intent = Intent::Ended;
            next.letters = Vec::new();
            (next.counting, next.put_back) = (None, None);
            next.hidden = document.hidden;
            next.run = Some(run);
            if self.set(&mut next).await? {
                tracing::info!(run = %run_id, "an ended run is the current one again");
                self.raise_redis(&next).await;
            }
        }
    }
}
