//! What follows from each verdict: whose attempt is spent, and what is tried again.

use std::{collections::HashMap, time::Duration};

use ::metrics::counter;
use pedidos_core::{backoff::doubled, order::OrderId};
use pedidos_pipeline::{
    queue::Outcome,
    store::{Asked, Becomes, Judged, JudgedBy, PendingOrder, Recorded},
};
use pedidos_service::metrics as names;

use super::Calls;
use crate::{
    calls::until_answered,
    dispatcher::Dispatcher,
    drain::{Failures, note},
    error::WorkError,
    processor::Judgement,
    worker::Worker,
};

impl Worker {
    /// Writes the verdicts, and sorts their orders into the outcome.
    pub(super) async fn record_judged(
        &self,
        dispatcher: &Dispatcher,
        calls: &Calls<'_>,
        outcome: &mut Outcome,
        failures: &mut Failures,
    ) -> Result<(), WorkError> {
        let now = calls.now_ms();
        let mut judged = Vec::new();
        let mut delays: HashMap<OrderId, Duration> = HashMap::new();
        for (order, judgement) in &calls.judged {
            let becomes = match judgement {
                Some(Judgement::Ok { note }) => Becomes::Processed { note: note.clone() },
                Some(Judgement::Fail { error }) => Becomes::Dead { error: said(error.as_ref()) },
                Some(Judgement::Retry { error, after }) => {
                    if let Some(after) = after {
                        delays.insert(order.id, (*after).min(self.lease_time));
                    }
                    self.again(dispatcher, calls, order, said(error.as_ref()), true)
                }
                None => {
                    let error = "the answer left it out".to_owned();
                    self.again(dispatcher, calls, order, error, false)
                }
            };
            judged.push(Judged { order, becomes });
        }
        for (order, error) in &calls.blamed {
            let asked = Asked { last: now, ..order.asked };
            judged.push(Judged { order, becomes: self.spent(order, error.clone(), asked) });
        }
        if judged.is_empty() {
            return Ok(());
        }
        let by = JudgedBy { batch: calls.lease.token.as_str(), worker: &self.id, at: now };
        let record = || self.store().record_verdicts(by, &judged);
        let recorded = until_answered("verdicts", record).await?;
        for (Judged { order, becomes }, recorded) in judged.iter().zip(recorded) {
            counter!(names::VERDICTS, "verdict" => becomes.name()).increment(1);
            match (recorded, becomes) {
                (Recorded::Written, Becomes::Processed { .. }) => {}
                (Recorded::Written, Becomes::Dead { error }) => {
                    tracing::error!(order = %order.id, error, "order failed; it becomes a dead letter");
                    outcome.dead.push(order.id);
                }
                (Recorded::Written, Becomes::Again { spends, error, asked }) => {
                    let usual = || self.delay(if *spends { order.attempts } else { asked.times });
                    let delay = delays.get(&order.id).copied().unwrap_or_else(usual);
                    tracing::debug!(order = %order.id, ?delay, error, spends, "order failed; retrying it later");
                    let list = if *spends { &mut outcome.retry } else { &mut outcome.deferred };
                    list.push((order.id, delay));
                }
                (Recorded::Late(state), _) => {
                    tracing::warn!(order = %order.id, ?state, "the verdict comes too late");
                    note(outcome, order.id, state);
                }
                (Recorded::Refused(why), _) => failures.push((order.id, why)),
            }
        }
        Ok(())
    }

    /// An order that is to be tried again.
    fn again(
        &self,
        dispatcher: &Dispatcher,
        calls: &Calls<'_>,
        order: &PendingOrder,
        error: String,
        by_name: bool,
    ) -> Becomes {
        let (now, before) = (calls.now_ms(), order.asked);
        let mut asked = Asked { last: now, ..before };
        if by_name {
            asked.times += 1;
            asked.since = if before.times == 0 { now } else { before.since };
        }
        // Judged in the same answer, or since this order failed before.
        let vouched =
            if before.last == 0 { calls.vouched } else { calls.vouched_since(before.last) };
        if vouched {
            return self.spent(order, error, asked);
        }
        let asked_for = Duration::from_millis(u64::try_from(now - asked.since).unwrap_or(0));
        let most = i64::from(self.settings.max_attempts);
        if by_name && asked.times >= most && asked_for >= dispatcher.settings.retry_for {
            return Becomes::Dead { error };
        }
        Becomes::Again { error, spends: false, asked }
    }

    /// An order that spends an attempt: its last one makes it a dead letter.
    fn spent(&self, order: &PendingOrder, error: String, asked: Asked) -> Becomes {
        if order.attempts + 1 >= i64::from(self.settings.max_attempts) {
            Becomes::Dead { error }
        } else {
            Becomes::Again { error, spends: true, asked }
        }
    }

    pub(super) fn delay(&self, times: i64) -> Duration {
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        doubled(self.settings.retry_backoff, times, self.lease_time)
    }
}

fn said(error: Option<&String>) -> String {
    error.cloned().unwrap_or_else(|| "the processor says nothing".to_owned())
}
