//! The verdicts are written to the documents, and then acked.

use super::{
    broken::BrokenCall,
    documents::Status,
    queue::{Outcome, of},
    scenario::{Calls, each},
    state::{Batch, CallActor, Fate, Loaded, Next, State, Step, Task, take, worker},
};

pub fn steps(system: &Calls, state: &State, me: usize, batch: Batch, next: &mut Next) {
    let acks_first = system.is(BrokenCall::AckBeforeWrite);
    if batch.step == Step::Ack || acks_first {
        take(next, worker(me), state, |after| {
            ack(system, after, me, &batch);
            "acks"
        });
        return;
    }
    let verdict = |order: &usize| batch.fates[*order].is_verdict();
    let Some(i) = each(batch.orders).find(verdict) else { return };
    if batch.step == Step::ReadBack {
        take(next, worker(me), state, |after| read_back(system, after, me, batch, i));
        return;
    }
    take(next, worker(me), state, |after| {
        let mut batch = batch;
        if let Some(fate) = write(system, after, me, &mut batch, i) {
            set(after, me, batch, i, fate);
            return "writes a verdict";
        }
        batch.step = Step::ReadBack;
        after.workers[me] = Task::Batch(batch);
        "finds nothing to write"
    });
    if state.faults > 0 && system.kinds.lost_answer {
        take(next, (CallActor::Fault, false), state, |after| {
            after.faults -= 1;
            let mut batch = batch;
            write(system, after, me, &mut batch, i);
            after.workers[me] = Task::Batch(batch);
            "MongoDB's answer is lost: the worker will write again"
        });
    }
}

/// One update, by its filter. Answers what becomes of the order, or `None` if nothing matched.
fn write(
    system: &Calls,
    after: &mut State,
    me: usize,
    batch: &mut Batch,
    i: usize,
) -> Option<Fate> {
    let order = &mut after.orders[i];
    let Loaded { attempts, put } = batch.loaded[i];
    let unfiltered = system.is(BrokenCall::VerdictUnfiltered);
    let same_attempts =
        unfiltered || order.attempts == attempts || system.is(BrokenCall::VerdictWithoutAttempts);
    let same_put = unfiltered || order.put == put || system.is(BrokenCall::VerdictWithoutRetriedAt);
    let unnamed =
        matches!(system.broken, Some(BrokenCall::AskedTwice | BrokenCall::LostAnswerIsTooLate));
    let mine = order.batch == of(me) && !unnamed && !unfiltered;
    let fate = batch.fates[i];
    if order.status != Status::Pending || fate != Fate::Ok && !(same_attempts && same_put && !mine)
    {
        return None;
    }
    order.batch = of(me);
    match fate {
        Fate::Ok => {
            process(after, i);
            return Some(Fate::Processed);
        }
        Fate::Ask => order.asked += 1,
        _ => {
            let back = attempts < order.attempts;
            order.attempts = attempts + 1;
            if back {
                after.record("I13: a verdict from before takes an attempt back");
                return Some(Fate::Retry);
            }
        }
    }
    let spent = match fate {
        Fate::Ask => order.asked >= system.attempts,
        Fate::Spend => order.attempts >= system.attempts,
        _ => false,
    };
    batch.vouches |= spent && system.is(BrokenCall::ExhaustionVouches);
    if spent || fate == Fate::Fail {
        (order.status, order.marks) = (Status::Dead, 0);
        return Some(Fate::Dead);
    }
    Some(if fate == Fate::Ask { Fate::Deferred } else { Fate::Retry })
}

/// The order is processed. The receiver must have said so.
pub fn process(after: &mut State, i: usize) {
    after.orders[i].status = Status::Processed;
    if !after.orders[i].served {
        after.record("I12: an order is processed that the receiver never served");
    }
}

/// Nothing matched: either an earlier try of this write did it, or the verdict is too late. What is
/// stored counts. Whose it is decides only how a pending order comes back.
fn read_back(
    system: &Calls,
    after: &mut State,
    me: usize,
    mut batch: Batch,
    i: usize,
) -> &'static str {
    let order = after.orders[i];
    let pending = order.status == Status::Pending;
    if pending && system.is(BrokenCall::LostAnswerIsTooLate) {
        batch.loaded[i] = Loaded { attempts: order.attempts, put: order.put };
        batch.step = Step::Write;
        after.workers[me] = Task::Batch(batch);
        return "loads the order again, and will write its verdict to that";
    }
    let fate = match order.status {
        Status::Processed => Fate::Processed,
        Status::Dead => Fate::Dead,
        Status::Removed => Fate::Removed,
        Status::Pending if order.batch != of(me) || order.put != batch.loaded[i].put => {
            Fate::Returned
        }
        Status::Pending if batch.fates[i] == Fate::Spend => Fate::Retry,
        Status::Pending => Fate::Deferred,
    };
    set(after, me, batch, i, fate);
    "reads the order back"
}

/// The fate of an order is known. The next write, or the ack.
fn set(after: &mut State, me: usize, mut batch: Batch, i: usize, fate: Fate) {
    batch.fates[i] = fate;
    batch.loaded[i] = Loaded::default();
    let left = each(batch.orders).any(|order| batch.fates[order].is_verdict());
    batch.step = if left { Step::Write } else { Step::Ack };
    after.workers[me] = Task::Batch(batch);
}

fn ack(system: &Calls, after: &mut State, me: usize, batch: &Batch) {
    let mut outcome = Outcome { vouches: batch.vouches, ..Outcome::default() };
    for i in each(batch.orders) {
        let set = match batch.fates[i] {
            // Verdicts are acked unwritten in a broken variant alone.
            Fate::Processed | Fate::Ok => &mut outcome.figures.processed,
            Fate::Dead | Fate::Fail => &mut outcome.figures.dead,
            Fate::Removed => &mut outcome.figures.removed,
            Fate::Retry | Fate::Deferred | Fate::Spend | Fate::Ask => &mut outcome.delayed,
            Fate::Faulted => &mut outcome.faulted,
            Fate::Returned | Fate::Open => &mut outcome.returned,
        };
        *set |= 1 << i;
    }
    after.redis.ack(system, of(me), outcome);
    after.drop_token(me);
}
