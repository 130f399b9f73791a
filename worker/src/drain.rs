//! Processes a batch with one write. Only orders that this write does not change are looked at one
//! by one, and only they can fail.

use std::collections::HashMap;

use ::metrics::counter;
use pedidos_core::{
    backoff::doubled,
    control::Source,
    order::{Generator, OrderId, Priority},
};
use pedidos_pipeline::{
    queue::{Closed, Lease, Outcome},
    store::{GivenUp, OrderState, Written},
};
use pedidos_service::metrics as names;

use crate::{
    calls::{timed, until_answered},
    error::WorkError,
    worker::Worker,
};

/// Orders that failed, with the reason.
pub(crate) type Failures = Vec<(OrderId, String)>;

impl Worker {
    /// Processes a batch: MongoDB first, then the ack.
    pub(crate) async fn drain(
        &self,
        lease: &Lease,
        generator: &Generator,
        priority: Priority,
        ids: &[OrderId],
    ) -> Result<Closed, WorkError> {
        let (mut outcome, failures) = self.process(priority, ids).await?;
        self.fail(lease, generator, priority, failures, &mut outcome).await?;
        let closed = timed("ack", self.queue().ack(&lease.token, &outcome)).await?;
        if closed != Closed::Stale {
            self.count(priority, ids.len(), &outcome);
        }
        Ok(closed)
    }

    pub(crate) fn count(&self, priority: Priority, orders: usize, outcome: &Outcome) {
        let Outcome { retry, dead, removed, returned, deferred, vouched: _ } = outcome;
        let [retried, dead, removed, returned] =
            [retry.len(), dead.len(), removed.len(), returned.len() + deferred.len()];
        // Every order that the outcome does not name.
        let processed = orders - (retried + dead + removed + returned);
        self.progress.add_processed(processed as u64);
        for (label, count) in [
            ("processed", processed),
            ("retried", retried),
            ("dead", dead),
            ("removed", removed),
            ("returned", returned),
        ] {
            counter!(names::ORDERS, "priority" => priority.as_str(), "outcome" => label)
                .increment(count as u64);
            tracing::Span::current().record(label, count as i64);
        }
    }

    /// Marks the batch processed. If that does not change every order, MongoDB says what became of
    /// each, whoever wrote it. Answers with that, and with the orders that failed: MongoDB refused
    /// their write, or has no document of theirs.
    async fn process(
        &self,
        priority: Priority,
        ids: &[OrderId],
    ) -> Result<(Outcome, Failures), WorkError> {
        let mark = || self.store().mark_processed(ids, priority);
        let Written { count, refused } = until_answered("update", mark).await?;
        let (mut outcome, mut failures) = (Outcome::default(), Failures::new());
        if count == ids.len() as u64 {
            return Ok((outcome, failures));
        }
        let refused: HashMap<OrderId, String> = refused.into_iter().collect();
        let stored = until_answered("read_back", || self.store().orders_of(ids)).await?;
        for id in ids {
            // Another worker may have written it meanwhile: what MongoDB has last counts.
            let unknown = match stored.get(id) {
                Some(OrderState::Processed) => continue,
                Some(OrderState::Dead) => {
                    outcome.dead.push(*id);
                    continue;
                }
                Some(OrderState::Removed) => {
                    outcome.removed.push(*id);
                    continue;
                }
                Some(OrderState::Pending) => "order still pendente after its update".to_owned(),
                None => stored.why_unknown(id),
            };
            let error = refused.get(id).cloned().unwrap_or(unknown);
            failures.push((*id, error));
        }
        Ok((outcome, failures))
    }

    /// Decides for each order that failed by itself, if the run is still active: a retry after a
    /// delay, or a dead letter once its attempts are spent. MongoDB has a dead letter before Redis
    /// counts it.
    pub(crate) async fn fail(
        &self,
        lease: &Lease,
        generator: &Generator,
        priority: Priority,
        failures: Failures,
        outcome: &mut Outcome,
    ) -> Result<(), WorkError> {
        if failures.is_empty() {
            return Ok(());
        }
        let control = until_answered("control", || self.store().control()).await?;
        if !control.wants(&lease.run_id) {
            return Err(WorkError::RunInactive);
        }
        let ids: Vec<OrderId> = failures.iter().map(|(id, _)| *id).collect();
        let made = self.queue().attempts(&ids).await?;
        for ((id, error), made) in failures.into_iter().zip(made) {
            let attempt = made + 1;
            if attempt < self.settings.max_attempts {
                let delay = doubled(self.settings.retry_backoff, made, self.lease_time);
                tracing::debug!(order = %id, attempt, ?delay, error, "order failed; retrying it later");
                outcome.retry.push((id, delay));
            } else {
                tracing::error!(order = %id, attempt, error, "order failed its last attempt; it becomes a dead letter");
                let order = generator.order(id.index());
                let given_up = GivenUp {
                    id,
                    priority,
                    run_id: &lease.run_id,
                    attempts: attempt,
                    error: &error,
                    order: (lease.source == Source::Generated).then_some((&order, lease.since_ms)),
                };
                let dead = || self.store().mark_dead(given_up);
                let state = until_answered("dead_letter", dead).await?;
                note(outcome, id, state);
            }
        }
        Ok(())
    }
}

/// Sorts an order by its state, whoever wrote it. What is not named in an outcome is processed.
pub(crate) fn note(outcome: &mut Outcome, id: OrderId, state: OrderState) {
    match state {
        OrderState::Processed => {}
        OrderState::Dead => outcome.dead.push(id),
        OrderState::Removed => outcome.removed.push(id),
        OrderState::Pending => outcome.returned.push(id),
    }
}
