//! Processes a batch of a run that names a processor: load, call, write the verdicts, ack.
//!
//! Whom to blame. `fail` blames an order by itself. Whatever else goes wrong spends an attempt of an
//! order only if another order vouches for the processor: one that was answered `ok` or `fail` after
//! this one failed before, and within the last minute. Otherwise the processor is at fault: no attempt
//! is spent, and everything waits. So an outage makes no dead letter (I13).

mod verdicts;

use std::{collections::HashMap, time::Duration};

use ::metrics::{counter, histogram};
use pedidos_core::{
    order::{Generator, OrderId, Priority},
    time::iso,
};
use pedidos_pipeline::{
    queue::{Closed, Lease, Outcome, StuckOrder},
    store::{Loaded, PendingOrder},
};
use pedidos_service::metrics as names;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};

use crate::{
    calls::{timed, until_answered},
    dispatcher::Dispatcher,
    drain::{Failures, note},
    error::WorkError,
    processor::{Batch, BatchOrder, Fault, FaultKind, Judgement, Verdict},
    worker::Worker,
};

/// An order vouches for the processor for so long.
const VOUCHES_FOR_MS: i64 = 60_000;

/// The calls of one lease.
struct Calls<'a> {
    lease: &'a Lease,
    priority: Priority,
    /// When the lease was claimed.
    claimed: Instant,
    made: u32,
    /// When a call was made, at the earliest, under which the processor last judged an order of the
    /// run, ms since the epoch.
    vouched_ms: i64,
    /// Was that in this lease?
    vouched: bool,
    /// Orders with their verdicts; none: an answer left the order out.
    judged: Vec<(PendingOrder, Option<Judgement>)>,
    /// Single orders whose calls failed while others vouch for the processor.
    blamed: Vec<(PendingOrder, String)>,
    /// No attempt is spent.
    returned: Vec<OrderId>,
    /// The same, for orders that faulted alone: others are called before them.
    deferred: Vec<(OrderId, Duration)>,
}

impl Calls<'_> {
    /// The time of the run: by Redis' clock, but never back.
    fn now_ms(&self) -> i64 {
        self.lease.claimed_ms + self.claimed.elapsed().as_millis() as i64
    }

    /// Has an order been judged since then, and within the last minute?
    fn vouched_since(&self, then: i64) -> bool {
        self.vouched_ms > then && self.now_ms() - self.vouched_ms <= VOUCHES_FOR_MS
    }

    /// What to show of an order that faults alone.
    fn stuck(&self, order: &PendingOrder, fault: &Fault) -> StuckOrder {
        StuckOrder {
            id: order.id.to_string(),
            run_id: self.lease.run_id.clone(),
            priority: self.priority,
            since_ms: self.now_ms(),
            error: fault.message.clone(),
        }
    }
}

impl Worker {
    /// Processes a batch by the processor that its run names.
    pub(crate) async fn dispatch(
        &self,
        dispatcher: &Dispatcher,
        lease: &Lease,
        generator: &Generator,
        priority: Priority,
        ids: &[OrderId],
    ) -> Result<Closed, WorkError> {
        let claimed = self.leases.claimed(&lease.token);
        let mut loaded = until_answered("load", || self.store().load(ids)).await?;
        let (mut outcome, mut failures) = (Outcome::default(), Failures::new());
        let mut pending = Vec::new();
        for id in ids {
            match loaded.remove(id) {
                Some(Loaded::Pending(order)) => pending.push(*order),
                Some(Loaded::Ended(state)) => note(&mut outcome, *id, state),
                Some(Loaded::Unknown(why)) => failures.push((*id, why)),
                None => {}
            }
        }
        let mut calls = Calls {
            lease,
            priority,
            claimed,
            made: 0,
            vouched_ms: lease.vouched_ms,
            vouched: false,
            judged: Vec::new(),
            blamed: Vec::new(),
            returned: Vec::new(),
            deferred: Vec::new(),
        };
        self.call_all(dispatcher, &mut calls, pending).await?;
        self.record_judged(dispatcher, &calls, &mut outcome, &mut failures).await?;
        outcome.returned.append(&mut calls.returned);
        outcome.deferred.append(&mut calls.deferred);
        outcome.vouched = calls.vouched;
        self.fail(lease, generator, priority, failures, &mut outcome).await?;
        let closed = timed("ack", self.queue().ack(&lease.token, &outcome)).await?;
        if closed != Closed::Stale {
            self.count(priority, ids.len(), &outcome);
        }
        Ok(closed)
    }

    /// Calls the processor until every order is judged, blamed or returned.
    async fn call_all(
        &self,
        dispatcher: &Dispatcher,
        calls: &mut Calls<'_>,
        pending: Vec<PendingOrder>,
    ) -> Result<(), WorkError> {
        if pending.is_empty() {
            return Ok(());
        }
        let Some(admission) = dispatcher.breaker.admit(calls.now_ms()) else {
            calls.returned.extend(pending.iter().map(|order| order.id));
            return Ok(());
        };
        // What failed before is called in smaller parts each time, so that one order does not hold the
        // others up, even if nobody can vouch for the processor meanwhile.
        let size = (pending.len() >> dispatcher.faults(&pending).min(16)).max(1);
        let mut parts = in_parts(pending, size);
        // Parts that failed, when, and how: what the others say decides whom to blame.
        let mut aside: Vec<(Vec<PendingOrder>, i64, Fault)> = Vec::new();
        loop {
            let Some(part) = parts.pop() else {
                let Some((part, at, fault)) = aside.pop() else { break };
                if calls.vouched_since(at) && part.len() == 1 {
                    // The processor may have been mended in between: it is blamed if it fails again.
                    parts.push(part);
                } else if calls.vouched_since(at) {
                    blame(calls, &mut parts, part, &fault);
                } else {
                    self.put_back(dispatcher, calls, part, &fault);
                }
                continue;
            };
            match self.call(dispatcher, calls, &part).await? {
                Ok(verdicts) => {
                    dispatcher.forget_faults(&part);
                    let mut verdicts: HashMap<OrderId, Judgement> =
                        verdicts.into_iter().map(|one| (one.id, one.judgement)).collect();
                    let vouches = |one: &Judgement| {
                        matches!(one, Judgement::Ok { .. } | Judgement::Fail { .. })
                    };
                    if verdicts.values().any(vouches) {
                        (calls.vouched_ms, calls.vouched) = (calls.now_ms(), true);
                        dispatcher.breaker.succeed(calls.now_ms());
                    } else if !calls.vouched_since(calls.now_ms() - VOUCHES_FOR_MS) {
                        let fault = Fault::new(FaultKind::Retry, "it processes no order");
                        log_fault(&fault);
                        if dispatcher.breaker.fault(&fault, calls.now_ms()) {
                            calls.returned.extend(parts.drain(..).flatten().map(|order| order.id));
                        }
                        if let [order] = part.as_slice() {
                            dispatcher.breaker.hold(calls.stuck(order, &fault));
                        }
                    }
                    calls.judged.extend(part.into_iter().map(|order| {
                        let judgement = verdicts.remove(&order.id);
                        (order, judgement)
                    }));
                }
                Err(fault) => {
                    log_fault(&fault);
                    let now = calls.now_ms();
                    let before = dispatcher.note_fault(&part, now);
                    let splits = fault.kind == FaultKind::Refused && part.len() > 1;
                    if splits || before.is_some_and(|before| calls.vouched_since(before)) {
                        blame(calls, &mut parts, part, &fault);
                        continue;
                    }
                    let opens = dispatcher.breaker.fault(&fault, now);
                    aside.push((part, now, fault));
                    if opens {
                        calls.returned.extend(parts.drain(..).flatten().map(|order| order.id));
                    }
                }
            }
        }
        drop(admission);
        Ok(())
    }

    /// Gives back orders whose call failed, and nobody is to blame. A single one waits: others are called
    /// before it.
    fn put_back(
        &self,
        dispatcher: &Dispatcher,
        calls: &mut Calls<'_>,
        part: Vec<PendingOrder>,
        fault: &Fault,
    ) {
        if let [order] = part.as_slice() {
            dispatcher.breaker.hold(calls.stuck(order, fault));
            let times = i64::from(dispatcher.faults(&part));
            calls.deferred.push((order.id, self.delay(times)));
        } else {
            calls.returned.extend(part.iter().map(|order| order.id));
        }
    }

    /// One call; the inner error is the processor's.
    async fn call(
        &self,
        dispatcher: &Dispatcher,
        calls: &mut Calls<'_>,
        orders: &[PendingOrder],
    ) -> Result<Result<Vec<Verdict>, Fault>, WorkError> {
        let limit = dispatcher.settings.timeout;
        self.leases.has_left(&calls.lease.token, limit).await?;
        calls.made += 1;
        let batch = Batch {
            run_id: calls.lease.run_id.clone(),
            queue: self.queue_name.clone(),
            priority: calls.priority,
            // New with every call, and a part of what the orders keep of it.
            batch_id: format!("{}-{}", calls.lease.token.as_str(), calls.made),
            orders: orders.iter().map(|order| sent(order, calls.priority)).collect(),
        };
        let started = Instant::now();
        let answer = timeout(limit, dispatcher.processor.call(&batch)).await;
        let answer = answer.unwrap_or_else(|_| {
            let message = format!("no answer within {limit:?}");
            Err(Fault::new(FaultKind::Timeout, message))
        });
        let result = match &answer {
            Ok(_) => "ok",
            Err(fault) => fault.kind.as_str(),
        };
        counter!(names::PROCESSOR_CALLS, "result" => result).increment(1);
        histogram!(names::PROCESSOR_SECONDS).record(started.elapsed().as_secs_f64());
        Ok(answer)
    }
}

/// The first part last, to be popped first.
fn in_parts(mut orders: Vec<PendingOrder>, size: usize) -> Vec<Vec<PendingOrder>> {
    let mut parts = Vec::new();
    while orders.len() > size {
        let last = (orders.len() - 1) / size * size;
        parts.push(orders.split_off(last));
    }
    parts.push(orders);
    parts
}

/// Halves a part, or blames its only order.
fn blame(
    calls: &mut Calls<'_>,
    parts: &mut Vec<Vec<PendingOrder>>,
    mut part: Vec<PendingOrder>,
    fault: &Fault,
) {
    if part.len() > 1 {
        let second = part.split_off(part.len() / 2);
        parts.extend([second, part]);
    } else {
        calls.blamed.extend(part.into_iter().map(|order| (order, fault.message.clone())));
    }
}

fn log_fault(fault: &Fault) {
    tracing::debug!(error = %fault, kind = fault.kind.as_str(), "a call to the processor failed");
}

fn sent(order: &PendingOrder, priority: Priority) -> BatchOrder {
    let stored = &order.order;
    BatchOrder {
        id: order.id,
        reference: stored.reference.clone(),
        cliente: stored.cliente.clone().unwrap_or_default(),
        valor: stored.valor.unwrap_or_default(),
        tier: stored.tier.clone(),
        priority,
        observacoes: stored.observacoes.clone(),
        dados: stored.dados.clone().and_then(|text| RawValue::from_string(text).ok()),
        created_at: stored.created_at.map(|at| iso(at.timestamp_millis())).unwrap_or_default(),
        attempt: order.attempts + 1,
    }
}
