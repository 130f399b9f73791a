//! A call, and what is made of its answer.

use super::{
    broken::BrokenCall,
    documents::Status,
    queue::of,
    scenario::{Calls, OrderKind, Set, each},
    state::{Batch, CallActor, Fate, Next, State, Step, Task, take, worker},
};

/// What the receiver says to an order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Fail,
    Retry,
}

/// Sends the next call of this batch. The receiver works on it and answers in the same step: what
/// happens to the worker meanwhile, it may as well happen to it before or after.
pub fn steps(system: &Calls, state: &State, me: usize, batch: Batch, next: &mut Next) {
    take(next, (CallActor::Worker(me), false), state, |after| {
        after.drop_token(me);
        "too little of its lease is left: gives it back"
    });
    let has = |kind| each(batch.call).any(|order| system.orders[order] == kind);
    let mut answers =
        |progress: bool, what: &'static str, verdicts: &dyn Fn(OrderKind) -> Verdict| {
            take(next, (CallActor::Worker(me), progress), state, |after| {
                let said = |order: usize| verdicts(system.orders[order]);
                let mut batch = batch;
                send(system, after, me, &batch);
                hear(system, after, &mut batch, &said);
                go_on(after, me, batch);
                what
            });
        };
    if state.down {
        answers(true, "calls: the receiver says `retry` to everybody", &|_| Verdict::Retry);
    } else if !has(OrderKind::Faults) {
        answers(true, "calls: the receiver answers", &|kind| verdict(kind, Verdict::Ok));
        if has(OrderKind::Moody) {
            let retry = |kind| verdict(kind, Verdict::Retry);
            answers(false, "calls: the receiver says `retry` to an order", &retry);
        }
    }
    if state.down || has(OrderKind::Faults) {
        faults(system, state, me, batch, next);
    } else if state.outages > 0 {
        let mut lost = *state;
        lost.outages -= 1;
        for order in each(batch.call) {
            lost.orders[order].served |= verdict(system.orders[order], Verdict::Ok) == Verdict::Ok;
        }
        faults(system, &lost, me, batch, next);
    }
}

fn verdict(kind: OrderKind, moody: Verdict) -> Verdict {
    match kind {
        OrderKind::Fine => Verdict::Ok,
        OrderKind::Refused => Verdict::Fail,
        OrderKind::Asks | OrderKind::Faults => Verdict::Retry,
        OrderKind::Moody => moody,
    }
}

/// What must hold when a call is sent.
fn send(system: &Calls, after: &mut State, me: usize, batch: &Batch) {
    if batch.call & batch.over != 0 {
        after.record("I12: an order is sent that was terminal when it was loaded");
    }
    let holds = after.redis.held_by(of(me)) & batch.call != 0;
    if holds && batch.call & !system.vip != 0 && after.awaited(system) != 0 {
        after.record("I12: a NORMAL order is sent before every VIP order is terminal");
    }
}

/// Every order has a verdict.
fn hear(system: &Calls, after: &mut State, batch: &mut Batch, said: &dyn Fn(usize) -> Verdict) {
    let others = each(batch.call).any(|order| said(order) != Verdict::Retry);
    batch.vouches |= others;
    for i in each(batch.call) {
        let order = &mut after.orders[i];
        // What is answered to a call from before a person put the order back is about that time.
        let now = order.put == batch.loaded[i].put;
        batch.fates[i] = match said(i) {
            Verdict::Ok => {
                order.served = true;
                Fate::Ok
            }
            Verdict::Fail => {
                order.refused |= now;
                Fate::Fail
            }
            Verdict::Retry => {
                if now {
                    order.answers = (order.answers + 1).min(system.attempts + 1);
                    order.named = (order.named + 1).min(system.attempts + 1);
                }
                let vouched = others || batch.vouched & 1 << i != 0;
                if vouched || system.is(BrokenCall::RetrySpends) {
                    Fate::Spend
                } else if system.gives_up {
                    Fate::Ask
                } else {
                    Fate::Deferred
                }
            }
        };
    }
}

/// The call has no answer. One order: it failed. Several: they are given back, or called one by
/// one.
fn faults(system: &Calls, state: &State, me: usize, batch: Batch, next: &mut Next) {
    let one = batch.call.is_power_of_two();
    take(next, worker(me), state, |after| {
        let mut batch = batch;
        send(system, after, me, &batch);
        for i in each(batch.call) {
            if one {
                alone(system, after, &mut batch, i);
            } else {
                batch.fates[i] = Fate::Faulted;
            }
        }
        go_on(after, me, batch);
        "calls, and has no answer"
    });
    if !one {
        take(next, worker(me), state, |after| {
            let mut batch = batch;
            send(system, after, me, &batch);
            let first: Set = batch.call & batch.call.wrapping_neg();
            (batch.call, batch.later) = (first, batch.call & !first);
            after.workers[me] = Task::Batch(batch);
            "calls, and has no answer: will call one by one"
        });
    }
}

fn alone(system: &Calls, after: &mut State, batch: &mut Batch, i: usize) {
    let order = &mut after.orders[i];
    let vouched = batch.vouched & 1 << i != 0;
    if order.put == batch.loaded[i].put {
        order.answers = (order.answers + 1).min(system.attempts + 1);
    }
    let spends = vouched || system.is(BrokenCall::FaultSpends);
    batch.fates[i] = if spends { Fate::Spend } else { Fate::Deferred };
}

/// The next call of the batch, or its first write.
fn go_on(after: &mut State, me: usize, mut batch: Batch) {
    let first: Set = batch.later & batch.later.wrapping_neg();
    (batch.call, batch.later) = (first, batch.later & !first);
    batch.step = if batch.call == 0 { Step::Write } else { Step::Send };
    if batch.call == 0 {
        (batch.vouched, batch.over) = (0, 0);
        // Who has nothing to write acks.
        if !each(batch.orders).any(|order| batch.fates[order].is_verdict()) {
            batch.step = Step::Ack;
        }
    }
    after.workers[me] = Task::Batch(batch);
}

/// The receiver goes down, and comes back.
pub fn receiver(state: &State, next: &mut Next) {
    if state.down {
        take(next, (CallActor::Fault, true), state, |after| {
            after.down = false;
            "the receiver is back"
        });
    } else if state.outages > 0 && state.control.end.is_none() {
        take(next, (CallActor::Fault, false), state, |after| {
            after.outages -= 1;
            after.down = true;
            "the receiver goes down"
        });
    }
}

/// Orders that have an attempt or are dead through no fault of theirs.
pub fn blamed(system: &Calls, state: &State) -> Option<&'static str> {
    for (i, order) in state.orders.iter().enumerate().take(system.orders.len()) {
        let named = system.gives_up && order.named >= system.attempts;
        let fair = order.refused || order.answers >= system.attempts || named;
        if order.status == Status::Dead && !order.by_person && !fair {
            return Some("I13: an order is a dead letter, and no answer since says so");
        }
        if order.attempts > order.answers + u8::from(order.refused) {
            return Some("I13: an attempt is counted that no answer has cost");
        }
        // Two outages with a success between them may be taken for the order's own failures, and
        // cost one attempt. That an outage costs none is searched with one attempt.
        let fine = system.orders[i] == OrderKind::Fine && system.outages <= system.attempts;
        if fine && order.status == Status::Dead && !order.by_person && !named {
            return Some("I13: a processor at fault made a dead letter");
        }
    }
    None
}
