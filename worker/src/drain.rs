//! Processing a batch: one write for all of it. Only what does not go through
//! is looked at one by one, and only that can fail.

use std::sync::atomic::Ordering;

use ::metrics::counter;
use pedidos_common::{
    backoff::{Backoff, doubled},
    metrics as names,
    order::{Generator, OrderId, Priority},
    queue::{Closed, Lease, Outcome},
    store::{Found, StoreError},
};

use crate::{
    metrics,
    retry::{Stopped, timed, until_answered},
    worker::Worker,
};

/// From this size on, a batch of which more than half is refused says that the
/// store is at fault. A smaller one may well be all poison.
const TELLING: usize = 10;

/// Orders that failed, and why.
type Failures = Vec<(OrderId, String)>;

impl Worker {
    /// A batch: MongoDB first, then the ack.
    pub(crate) async fn drain(
        &self,
        lease: &Lease,
        generator: &Generator,
        priority: Priority,
        ids: &[OrderId],
    ) -> Result<Closed, Stopped> {
        let mut backoff = Backoff::default();
        let (mut outcome, failures) = loop {
            let (outcome, mut refused, gone) = self.process(lease, priority, ids).await?;
            // Only what was refused can tell: of an order that is gone, the store has answered.
            if ids.len() < TELLING || refused.len() * 2 <= ids.len() {
                refused.extend(gone);
                break (outcome, refused);
            }
            // Not the orders' fault: no attempt is spent.
            let delay = backoff.after_failure();
            tracing::warn!(refused = refused.len(), of = ids.len(), error = %refused[0].1, ?delay,
                "most of a batch was refused: MongoDB is at fault; trying again");
            tokio::time::sleep(delay).await;
        };
        self.judge(lease, generator, failures, &mut outcome).await?;
        let Outcome { retry, dead, removed, returned } = &outcome;
        let named = retry.len() + dead.len() + removed.len() + returned.len();
        let closed = timed("ack", self.queue().ack(&lease.token, &outcome)).await?;
        if closed != Closed::Stale {
            let processed = (ids.len() - named) as u64;
            self.done[1].fetch_add(processed, Ordering::Relaxed);
            let counts = [
                processed,
                outcome.retry.len() as u64,
                outcome.dead.len() as u64,
                outcome.removed.len() as u64,
                outcome.returned.len() as u64,
            ];
            for (label, count) in metrics::OUTCOMES.into_iter().zip(counts) {
                counter!(names::ORDERS, "priority" => priority.as_str(), "outcome" => label)
                    .increment(count);
                tracing::Span::current().record(label, count as i64);
            }
        }
        Ok(closed)
    }

    /// One write for the batch; if it did not change all of it, the store says
    /// what became of each order, whoever wrote it. Answers that, the orders whose write
    /// was refused, and those that are not there to be written.
    async fn process(
        &self,
        lease: &Lease,
        priority: Priority,
        ids: &[OrderId],
    ) -> Result<(Outcome, Failures, Failures), Stopped> {
        let (changed, mut refused) = self.mark(priority, ids).await?;
        let (mut outcome, mut unknown) = (Outcome::default(), Failures::new());
        if changed == ids.len() as u64 {
            return Ok((outcome, refused, unknown));
        }
        let stored = until_answered("read_back", || self.store().orders_of(ids)).await?;
        // Refused here, and done by another meanwhile: what MongoDB says last counts.
        refused.retain(|(id, _)| !stored.get(id).is_some_and(Found::is_terminal));
        for id in ids {
            match stored.get(id) {
                Some(Found::Processed) => {}
                Some(Found::Dead) => outcome.dead.push(*id),
                Some(Found::Removed) => outcome.removed.push(*id),
                Some(Found::Pending) => {
                    unknown.push((*id, "still pendente after its update".to_owned()));
                }
                None => unknown.push((*id, "its document is gone".to_owned())),
            }
        }
        if !unknown.is_empty() {
            let control = until_answered("control", || self.store().control()).await?;
            if !control.wants(&lease.run_id) {
                return Err(Stopped::Unwanted);
            }
            unknown.retain(|(id, _)| !refused.iter().any(|(failed, _)| failed == id));
        }
        Ok((outcome, refused, unknown))
    }

    /// Marks a batch processed. A part that the server refuses is halved until
    /// the orders are found that it is refused for: they do not fail the rest.
    async fn mark(&self, priority: Priority, ids: &[OrderId]) -> Result<(u64, Failures), Stopped> {
        let (mut changed, mut failures) = (0, Failures::new());
        let mut parts = vec![ids];
        while let Some(part) = parts.pop() {
            let mark = || self.store().mark_processed(part, priority);
            match until_answered("update", mark).await {
                Ok(modified) => changed += modified,
                Err(StoreError::Rejected(error)) if part.len() == 1 => {
                    failures.push((part[0], error));
                }
                Err(StoreError::Rejected(_)) => {
                    let (left, right) = part.split_at(part.len() / 2);
                    parts.extend([right, left]);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok((changed, failures))
    }

    /// Orders that failed are retried after a delay, or given up; what is given
    /// up is in MongoDB before Redis counts it.
    async fn judge(
        &self,
        lease: &Lease,
        generator: &Generator,
        failures: Failures,
        outcome: &mut Outcome,
    ) -> Result<(), Stopped> {
        if failures.is_empty() {
            return Ok(());
        }
        let ids: Vec<OrderId> = failures.iter().map(|(id, _)| *id).collect();
        let made = self.queue().attempts(&ids).await?;
        for ((id, error), made) in failures.into_iter().zip(made) {
            let attempt = made + 1;
            if attempt < self.settings.max_attempts {
                let delay = doubled(self.settings.retry_backoff, made, self.lease_time);
                tracing::debug!(order = %id, attempt, ?delay, error, "an order failed; it is retried");
                outcome.retry.push((id, delay));
            } else {
                tracing::error!(order = %id, attempt, error, "an order is given up");
                let order = generator.order(id.index());
                let dead = || {
                    let (run, created_at) = (&lease.run_id, lease.since_ms);
                    self.store().mark_dead(&order, run, attempt, &error, created_at)
                };
                match until_answered("dead_letter", dead).await? {
                    Found::Dead => outcome.dead.push(id),
                    Found::Removed => outcome.removed.push(id),
                    Found::Processed => {}
                    Found::Pending => outcome.returned.push(id),
                }
            }
        }
        Ok(())
    }
}
