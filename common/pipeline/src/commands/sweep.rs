//! The sweep: deletes what a reset left over, what a cancel was to remove, and the rest of deleted
//! runs.

use pedidos_core::control::Source;

use super::{
    controller::Controller,
    error::{CommandError, Result},
    imports::ImportError,
};
use crate::store::StoreError;

impl Controller {
    /// A worker that is frozen for less than this inserts no order again that was deleted.
    pub(crate) const SWEEP_AFTER_MS: i64 = 3_600_000;
    /// A reset that takes longer is finished by other processes.
    const RESET_TAKES_MS: i64 = 120_000;

    /// Deletes what a reset left, finishes deletes of runs, marks strays, and deletes the orders of a
    /// run that was cancelled with `removePending` an hour ago. `now`: ms since the epoch by Redis' clock.
    pub async fn sweep(&self, now: i64) -> Result<()> {
        let control = self.store.control().await?;
        // Before that the API that was asked to reset deletes, and says how much.
        if control.reset_below < now - Self::RESET_TAKES_MS {
            let swept = self.delete_reset(&control).await?;
            if swept.orders + swept.runs > 0 {
                tracing::info!(orders = swept.orders, runs = swept.runs, "swept after a reset");
            }
        }
        self.sweep_deleted_runs(now).await?;
        if control.active().is_none() {
            self.mark_strays(now).await?;
            self.sweep_imports(now).await.map_err(command_error)?;
        }
        while let Some(run) = self.store.run_to_sweep(now - Self::SWEEP_AFTER_MS).await? {
            let mut deleted = 0;
            for ids in run.pages() {
                self.store.cancel_strays(&ids).await?;
                deleted += self.store.delete_cancelled(&ids).await?;
            }
            self.store.mark_swept(&run.run_id).await?;
            tracing::info!(deleted, run = %run.run_id, "swept after a cancel");
        }
        Ok(())
    }

    /// A worker that died between its insert and its read of control leaves strays: pending orders
    /// of a cancelled run, outside its counts. It may be frozen meanwhile, but not for an hour. No
    /// chunk of an import inserts.
    async fn mark_strays(&self, now: i64) -> Result<()> {
        for run in self.store.runs_aborted_since(now - Self::SWEEP_AFTER_MS).await? {
            if run.source() == Source::Import || !self.store.has_pending(&run.ids()).await? {
                continue;
            }
            let mut marked = 0;
            for ids in run.pages() {
                marked += self.store.cancel_strays(&ids).await?;
            }
            tracing::info!(marked, run = %run.run_id, "cancelled the strays of a cancelled run");
        }
        Ok(())
    }
}

/// A sweep of imports is refused nothing that it asks for; what is left are the stores.
fn command_error(error: ImportError) -> CommandError {
    match error {
        ImportError::Command(error) => error,
        error => CommandError::Store(StoreError::Corrupt(error.to_string())),
    }
}
