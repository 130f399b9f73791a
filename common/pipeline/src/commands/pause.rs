//! Pause and resume: stop claims, and let them go on.

use pedidos_core::control::{Pause, PausedBy};

use super::{controller::Controller, error::Result};

impl Controller {
    /// Answers how many leases are still open; none if Redis is not raised to the pause yet.
    pub async fn pause(&self) -> Result<Option<u64>> {
        let change = self
            .change(|control, now| {
                let lifted = control.paused.is_none();
                control.paused.get_or_insert(Pause { at: now, by: PausedBy::Person });
                lifted
            })
            .await?;
        if !change.in_redis {
            return Ok(None);
        }
        match self.queue.snapshot().await {
            Ok(snapshot) => Ok(Some(snapshot.leases)),
            Err(error) if change.set => {
                tracing::warn!(%error, "paused; cannot count the open leases");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Answers whether Redis is raised to it already.
    pub async fn resume(&self) -> Result<bool> {
        let change = self.change(|control, _| {
            let lifted = control.paused.take();
            // The canary has had its pause: otherwise it would pause at once again.
            if lifted.as_ref().is_some_and(|pause| pause.by == PausedBy::PauseAfter)
                && let Some(run) = &mut control.run
            {
                run.options.flow.pause_after = None;
            }
            lifted.is_some()
        });
        Ok(change.await?.in_redis)
    }
}
