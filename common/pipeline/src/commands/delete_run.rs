//! Delete: an ended run with its orders, its letters and its import.
//!
//! First the run document is marked, with the version of control that was read: from then on nobody
//! sees the run, and no process that holds an older control writes over the document. Then control is
//! compared and set. A process that has made the run the current one since has changed control; one
//! that comes later finds the mark. Only then is anything deleted. The document stays for an hour,
//! marked, as the import does.
//!
//! If the process dies in between, the next call or the sweep does the rest. `model/src/deletes`
//! searches this.

use pedidos_core::{
    control::{Control, RunSpec, Source},
    import::ImportState,
};

use super::{controller::Controller, error::Result};
use crate::store::{DateTime, Moved};

/// The result of a delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteRun {
    /// It is deleted; this call has deleted so many orders.
    Deleted(u64),
    NotFound,
    /// Control names it: nothing has changed.
    Current {
        active: bool,
    },
}

impl Controller {
    /// Deletes a run that has ended and is not the current one. Repeating it deletes what is left.
    pub async fn delete_run(&self, run_id: &str) -> Result<DeleteRun> {
        loop {
            let (control, snapshot) = self.sync().await?;
            if control.run.as_ref().is_some_and(|run| run.run_id == run_id) {
                return Ok(DeleteRun::Current { active: control.active().is_some() });
            }
            let Some(document) = self.store.run_or_deleted(run_id).await? else {
                return Ok(DeleteRun::NotFound);
            };
            let run = document.spec();
            // A reset deletes it.
            if run.ids_ms() < control.reset_below {
                return Ok(DeleteRun::NotFound);
            }
            if !document.phase.is_ended() {
                return Ok(DeleteRun::Current { active: true });
            }
            if !self.store.mark_deleted(run_id, control.version, snapshot.now_ms).await? {
                continue;
            }
            let mut next = control.next();
            // Programs of the first format do not know the mark.
            next.format = Control::SECOND_FORMAT;
            next.last_run_id = next.last_run_id.filter(|last| last != run_id);
            if !self.set(&mut next).await? {
                continue;
            }
            self.raise_redis(&next).await;
            let until = snapshot.now_ms + Self::SWEEP_AFTER_MS;
            if run.source == Source::Import {
                self.delete_import_of(run_id, until).await?;
            }
            let orders = self.delete_rest_of(&run).await?;
            self.store.run_is_deleted(run_id, until).await?;
            tracing::info!(run = run_id, orders, "deleted a run");
            return Ok(DeleteRun::Deleted(orders));
        }
    }

    /// From now on it is not started any more.
    async fn delete_import_of(&self, run_id: &str, until: i64) -> Result<()> {
        while let Some(import) = self.store.import(run_id).await? {
            let moved = Moved { sweep_until: until, ..Moved::default() };
            if import.state != ImportState::Started
                || self.store.move_import(&import, ImportState::Deleted, moved).await?
            {
                break;
            }
        }
        Ok(self.store.forget_rejects(run_id).await?)
    }

    /// Answers how many orders there were.
    async fn delete_rest_of(&self, run: &RunSpec) -> Result<u64> {
        let mut orders = 0;
        for ids in run.pages() {
            orders += self.store.delete(&ids).await?;
        }
        // What was never accepted lies above.
        orders += self.store.delete(&run.ids()).await?;
        self.store.delete_letters(&run.ids()).await?;
        self.store.delete_blocks(&run.run_id).await?;
        Ok(orders)
    }

    /// Finishes deletes that a process left, deletes what was stored late, and forgets what was deleted
    /// an hour ago. `now`: ms since the epoch by Redis' clock.
    pub(super) async fn sweep_deleted_runs(&self, now: i64) -> Result<()> {
        for document in self.store.deleted_runs().await? {
            let run = document.spec();
            let Some(until) = document.sweep_until.map(DateTime::timestamp_millis) else {
                self.delete_run(&run.run_id).await?;
                continue;
            };
            self.store.delete(&run.ids()).await?;
            self.store.delete_letters(&run.ids()).await?;
            // Nothing starts an import that is gone, whether or not its run has a document.
            if until < now && self.store.import(&run.run_id).await?.is_none() {
                self.store.forget_run(&run.run_id).await?;
            }
        }
        Ok(())
    }
}
