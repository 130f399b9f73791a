//! Fail: a person ends an order that its processor does not end.

use pedidos_core::{control::Source, order::OrderId};

use super::{controller::Controller, error::Result};
use crate::store::{GivenUp, Loaded, OrderState};

/// What is kept as the error of the order.
const ERROR: &str = "ended by a person";

/// The result of ending an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOrder {
    /// It is a dead letter now.
    Failed,
    /// It was terminal before: nothing has changed.
    Ended(OrderState),
    /// The current run does not have it, or has ended, or is being cancelled.
    NotFound,
}

impl Controller {
    /// Makes an order of the current run a dead letter, whatever holds it: also while no worker has
    /// its processor. The run is read again from MongoDB; a worker that has the order under a lease
    /// finds that out.
    pub async fn fail_order(&self, id: OrderId) -> Result<FailOrder> {
        let (control, _) = self.sync().await?;
        let run = control.run.as_ref().filter(|run| control.wants(&run.run_id));
        let has = |index: u32| i64::from(index) < run.map_or(0, |run| run.quantity);
        let Some(run) = run.filter(|run| has(id.index()) && run.generator().id(id.index()) == id)
        else {
            return Ok(FailOrder::NotFound);
        };
        let attempts = match self.store.load(&[id]).await?.remove(&id) {
            Some(Loaded::Ended(state)) => return Ok(FailOrder::Ended(state)),
            Some(Loaded::Pending(order)) => order.attempts,
            Some(Loaded::Unknown(_)) | None => 0,
        };
        let indexes = id.index()..id.index() + 1;
        let priorities = self.store.priorities_of(run, &indexes).await?;
        let order = run.generator().order(id.index());
        let given_up = GivenUp {
            id,
            priority: priorities.of(id.index()),
            run_id: &run.run_id,
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            error: ERROR,
            order: (run.source == Source::Generated).then_some((&order, run.created_ms)),
        };
        match self.store.mark_dead(given_up).await? {
            OrderState::Dead => {}
            state => return Ok(FailOrder::Ended(state)),
        }
        let run_id = run.run_id.clone();
        self.change(|control, _| {
            let wanted = control.wants(&run_id);
            control.orders_version = control.version;
            wanted
        })
        .await?;
        Ok(FailOrder::Failed)
    }
}
