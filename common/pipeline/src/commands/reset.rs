//! Reset: deletes every run and every order.

use pedidos_core::{
    control::{Control, Intent},
    order::OrderId,
};

use super::{controller::Controller, error::Result};
use crate::logs;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetDone {
    pub orders: u64,
    /// In the history.
    pub runs: u64,
    /// Everything is deleted. If not, the reset is accepted, and the sweep deletes the rest.
    pub complete: bool,
}

impl Controller {
    pub async fn reset(&self) -> Result<ResetDone> {
        let change = self
            .change(|control, now| {
                control.run = None;
                control.intent = Intent::Idle;
                (control.counting, control.put_back) = (None, None);
                control.paused = None;
                control.last_run_id = None;
                control.letters = Vec::new();
                control.hidden = 0;
                control.orders_version = control.version;
                control.reset_below = now.max(control.last_run_at).max(control.reset_below) + 1;
                true
            })
            .await?;
        let cleared = logs::clear(&self.queue).await;
        let deleted = self.delete_reset(&change.control).await;
        let complete = change.in_redis && cleared.is_ok() && deleted.is_ok();
        if !complete {
            tracing::warn!(
                ?cleared,
                ?deleted,
                "the reset is accepted; the rest is deleted by the sweep"
            );
        }
        Ok(ResetDone { complete, ..deleted.unwrap_or(ResetDone { orders: 0, runs: 0, complete }) })
    }

    /// Deletes nothing of a later run.
    pub async fn delete_reset(&self, control: &Control) -> Result<ResetDone> {
        let mut done = ResetDone { orders: 0, runs: 0, complete: true };
        for run in self.store.runs_below(control.reset_below).await? {
            for ids in run.pages() {
                done.orders += self.store.delete(&ids).await?;
            }
            let deleted = self.store.delete_run(&run.run_id).await?;
            // Who looks at the history does not see one that is being deleted.
            done.runs += if run.deleted_at.is_none() { deleted } else { 0 };
        }
        self.store.forget_imports_below(control.reset_below).await?;
        let floor = OrderId::floor(control.reset_below as u64);
        done.orders += self.store.delete_below(floor).await?;
        Ok(done)
    }
}
