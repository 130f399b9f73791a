//! One change of control: the compare-and-set, also if its answer is lost, and then its effect in
//! Redis. The change is accepted with the compare-and-set: any process that finds Redis behind
//! control does the rest.

use pedidos_core::control::Control;

use super::{
    controller::Controller,
    error::{CommandError, Result},
};
use crate::{queue::Token, store::StoreError};

#[derive(Debug, Clone)]
pub struct Change {
    /// After the change.
    pub control: Control,
    /// This call changed it. If not, there was nothing to change.
    pub set: bool,
    /// Redis was raised to it. If not, another process does that within seconds of Redis being
    /// back.
    pub in_redis: bool,
}

impl Controller {
    /// Changes control, and tries again as long as others are faster. `change` answers false if
    /// there is nothing to change. After an error nothing was changed, unless it is
    /// [`CommandError::OutcomeUnknown`].
    pub(super) async fn change(
        &self,
        mut change: impl FnMut(&mut Control, i64) -> bool,
    ) -> Result<Change> {
        loop {
            let (control, snapshot) = self.sync().await?;
            let mut next = control.next();
            if !change(&mut next, snapshot.now_ms) {
                return Ok(Change { control, set: false, in_redis: true });
            }
            if self.set(&mut next).await? {
                let in_redis = self.raise_redis(&next).await;
                return Ok(Change { control: next, set: true, in_redis });
            }
        }
    }

    /// The compare-and-set. Answers false if another process was faster.
    pub(super) async fn set(&self, next: &mut Control) -> Result<bool> {
        next.sign(Token::random().as_str());
        match self.store.set_control(next).await {
            Ok(true) => Ok(true),
            // Or the driver has repeated the call, and the first one made this change.
            Ok(false) => {
                let now = self.store.control().await?;
                Ok(now.version >= next.version && now.has_change_of(next) == Some(true))
            }
            Err(cause) => self.was_set(next, cause).await,
        }
    }

    /// Finds out the outcome of a compare-and-set whose answer was lost.
    async fn was_set(&self, next: &Control, cause: StoreError) -> Result<bool> {
        let unknown = |cause| CommandError::OutcomeUnknown {
            run_id: next.run.as_ref().map(|run| run.run_id.clone()),
            cause,
        };
        loop {
            let now = self.store.control().await.map_err(unknown)?;
            if now.version >= next.version {
                return now.has_change_of(next).ok_or_else(|| unknown(cause));
            }
            // Not written so far. Raise the version, so that a late write does not find its
            // predecessor.
            let mut raised = now.next();
            raised.sign(Token::random().as_str());
            if self.store.set_control(&raised).await.map_err(unknown)? {
                return Err(cause.into());
            }
        }
    }

    /// Raises Redis to an accepted change. Answers whether that succeeded.
    pub(super) async fn raise_redis(&self, control: &Control) -> bool {
        let adopted = self.adopt(control).await;
        if let Err(error) = &adopted {
            let version = control.version;
            tracing::warn!(%error, version, "the change is accepted; Redis adopts it when both stores answer");
        }
        adopted.is_ok()
    }
}
