//! Limits of the queue, what holds a run back, and the canary.

use pedidos_core::{
    control::{Control, Flow, Limits, OnVipFailure, Pause, PausedBy},
    order::Priority,
    run::Phase,
};

use super::{controller::Controller, error::Result};
use crate::queue::Snapshot;

/// A change of one limit or option; none: it stays as it is.
pub type Set<T> = Option<T>;

/// Changes of the limits.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewLimits {
    pub orders_per_second: Set<Option<i64>>,
    pub max_in_flight: Set<Option<i64>>,
}

/// Changes of what holds a run back.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewFlow {
    pub pause_after: Set<Option<i64>>,
    pub on_vip_failure: Set<OnVipFailure>,
    pub max_failed_percent: Set<Option<i64>>,
}

impl Controller {
    /// Answers the limits after the change.
    pub async fn set_limits(&self, new: NewLimits) -> Result<Limits> {
        let change = self
            .change(|control, _| {
                let before = control.limits;
                let Limits { orders_per_second, max_in_flight } = &mut control.limits;
                *orders_per_second = new.orders_per_second.unwrap_or(*orders_per_second);
                *max_in_flight = new.max_in_flight.unwrap_or(*max_in_flight);
                if !control.limits.is_none() {
                    control.format = Control::SECOND_FORMAT;
                }
                control.limits != before
            })
            .await?;
        Ok(change.control.limits)
    }

    /// Changes what holds the current run back. Answers it after the change; none if this is not the
    /// current run, or if it has ended or is being cancelled. In ERROR the run starts over from
    /// MongoDB: what stopped it is looked at again.
    pub async fn set_flow(&self, run_id: &str, new: NewFlow) -> Result<Option<Flow>> {
        loop {
            let (control, snapshot) = self.sync().await?;
            if !control.wants(run_id) {
                return Ok(None);
            }
            let mut next = control.next();
            let Some(run) = next.run.as_mut() else { return Ok(None) };
            let flow = &mut run.options.flow;
            flow.pause_after = new.pause_after.unwrap_or(flow.pause_after);
            flow.on_vip_failure = new.on_vip_failure.unwrap_or(flow.on_vip_failure);
            flow.max_failed_percent = new.max_failed_percent.unwrap_or(flow.max_failed_percent);
            let (flow, stopped) = (*flow, snapshot.phase() == Phase::Error);
            if control.run.as_ref().is_some_and(|run| run.options.flow == flow) && !stopped {
                return Ok(Some(flow));
            }
            next.format = Control::SECOND_FORMAT;
            if stopped {
                next.orders_version = next.version;
            }
            if self.set(&mut next).await? {
                self.raise_redis(&next).await;
                return Ok(Some(flow));
            }
        }
    }

    /// Pauses a run whose canary is over: so many of its orders are terminal, and others are not. A
    /// pause of a person stays as it is.
    pub async fn pause_canary(&self, control: &Control, snapshot: &Snapshot) -> Result<()> {
        if control.paused.is_some() || !is_over(control, snapshot) {
            return Ok(());
        }
        let mut next = control.next();
        next.paused = Some(Pause { at: snapshot.now_ms, by: PausedBy::PauseAfter });
        match self.set(&mut next).await {
            Ok(true) => {
                self.raise_redis(&next).await;
                tracing::info!("paused: the canary of the run is over");
                Ok(())
            }
            // Control has changed: the next comparison looks again.
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn is_over(control: &Control, snapshot: &Snapshot) -> bool {
    let Some(run) = control.run.as_ref().filter(|run| control.wants(&run.run_id)) else {
        return false;
    };
    let shown = snapshot.run.as_ref().is_some_and(|shown| shown.run_id == run.run_id);
    let terminal: u64 =
        Priority::ALL.map(|priority| snapshot.ledger(priority).terminal()).iter().sum();
    let terminal = i64::try_from(terminal).unwrap_or(i64::MAX);
    let after = run.options.flow.pause_after;
    shown && after.is_some_and(|after| after <= terminal && terminal < run.quantity)
}
