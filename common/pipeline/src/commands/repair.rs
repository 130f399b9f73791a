//! Repairs a Redis that lacks a part of the run, because somebody deleted a list or a lease: the
//! run is replayed from MongoDB.

use pedidos_core::control::Intent;

use super::{controller::Controller, error::Result};

impl Controller {
    /// Has the run replayed, if control is unchanged since the loss was found: then one of the
    /// processes that find it does so. `version`: the version of control that this Redis had.
    pub async fn repair(&self, version: i64, lost: &str) -> Result<()> {
        let change = self
            .change(|control, _| {
                control.orders_version = control.version;
                control.version == version + 1 && control.intent == Intent::Run
            })
            .await?;
        if change.set {
            let control = change.control;
            let run = control.run.as_ref().map_or("none", |run| run.run_id.as_str());
            tracing::error!(
                lost,
                run,
                version = control.version,
                "Redis has lost a part of the run, which is replayed from MongoDB: check \
                 whether anything else writes to the queue's keys"
            );
        }
        Ok(())
    }
}
