//! Work of one's own: a named processor is called for each order (I12, I13), and a run is held and
//! throttled (`onVipFailure`, `pauseAfter`). Its states are its own: those of the rest of this crate
//! would have to carry every call.
//!
//! Two workers claim batches of one or two orders of an import's run, load the documents, call the
//! receiver, write its verdicts and ack. The receiver goes down, or says `retry` to everybody, at any
//! moment; leases expire, workers die, answers of MongoDB are lost, Redis is emptied or goes back;
//! a person retries, cleans, pauses, resumes, changes the options of the run, or ends an order.
//!
//! | module | what it models |
//! |---|---|
//! | `calls::documents` | MongoDB: control, orders with their `outcome` |
//! | `calls::state` | what workers hold, and the state of everything |
//! | `calls::queue` | the scripts: `adopt`, `claim`, `ack`, `push_chunk`, `advance` |
//! | `calls::worker` | claim, chunk, loading; the save, in one step; a worker that knows no processors |
//! | `calls::answer` | the receiver, and whom its answer blames |
//! | `calls::write` | the verdicts in MongoDB, then the ack |
//! | `calls::people` | commands, and the pause of `pauseAfter` |
//! | `calls::faults` | faults, and `Controller::sync` |
//! | `calls::check` | what must hold |
//!
//! # Whom to blame
//!
//! The rule of the design was: an order that fails spends an attempt while some order of the run
//! was answered `ok` or `fail` within the last minute. The search found that this makes dead letters
//! of an outage (`VouchedByTheLastMinute`): one order succeeds, the receiver goes down, and another
//! order that is called alone fails `MAX_ATTEMPTS` times before that minute is over (five attempts
//! with backoff take 8 s). It becomes a dead letter, and the fence opens. What is modelled instead
//! needs no clock:
//!
//! - Redis counts the claims of batches. Each lease has its number.
//! - An ack that reports a failure of an order (`retry`, or a call of it alone that faulted) notes the
//!   last number, for the order. An ack with an `ok` or `fail` notes the number of its own lease, for
//!   the run, if that is higher.
//! - A failure spends an attempt if the number of the run is higher than that of the order: since the
//!   order failed last, another one was sent, and succeeded. Or if the same answer has an `ok`
//!   or `fail` for another order.
//!
//! So what fails because of one outage has no success between its failures, and costs nothing. An
//! order that fails whatever happens to others is blamed from its second failure on.
//!
//! Three simpler forms are variants. The time of the ack, instead of that of the claim, lets a call
//! from before an outage vouch in it (`VouchedByTheAck`). A call of several that faults must not be
//! noted for each of them, because one of them may be the reason (`BatchFaultIsHeldAgainstAll`).
//! That retries ran out must not vouch (`ExhaustionVouches`).
//!
//! # What else it found
//!
//! - `AskedIsKept`: an order that was given up because the receiver said `retry` by name for long
//!   enough is put back with its `outcome.asked`, and given up at its first `retry`. A retry of
//!   dead letters forgets `asked`, too.
//! - `AskedTwice`: a `retry` by name that costs no attempt leaves `attempts` as they are. If the
//!   answer to the write is lost, the write is repeated, its filter still matches, and it counts
//!   twice. The filter of a verdict also wants `outcome.batch` to be another.
//! - `ResumeForgetsTheCanary`: a person pauses and resumes before `pauseAfter` is reached. If that
//!   clears `pauseAfter`, the rest of the run is not stopped. Only the end of a pause *by*
//!   `pauseAfter` clears it.
//! - `CanaryTrustsRedis`: somebody sees in Redis that `pauseAfter` is reached. Meanwhile a person
//!   raises it, or puts dead letters back, and the run is paused before so many orders are done. The
//!   compare-and-set of the pause names the version of control that the Redis had that was asked.
//!
//! # What is left out, and why that is sound
//!
//! - **The breaker, the rate, `maxInFlight`**: they only remove steps. A worker may give a batch back
//!   at any moment.
//! - **Time.** A retry is due, `RETRY_FOR_MS` is over, a lease of a dead worker has expired at any
//!   moment; that of a live one expires by a fault.
//! - **Calls.** The receiver works and answers in one step. A worker that stops before or after it
//!   stands for a request or an answer that is late. A write that times out and happens later is that
//!   of a worker that stopped before it.
//! - **NORMAL orders** wait in Redis from their chunk on, behind the fence; the ranges are in the rest
//!   of this crate. So are cancel and reset, two masters, a deleted list, a deleted document, the save
//!   of the end, commands whose answer is lost.
//! - **`pauseAfter`** allows `n` orders more for each replay: not only if Redis is emptied or goes
//!   back, also by a retry of dead letters. A call of before it may still be under way.

mod answer;
mod broken;
mod check;
mod documents;
mod faults;
mod people;
mod queue;
mod scenario;
mod state;
mod worker;
mod write;

pub use self::{
    broken::BrokenCall,
    scenario::{CallCommand, CallFaults, Calls, OrderKind},
};
use self::{
    scenario::WORKERS,
    state::{CallActor, Next, State},
};
use crate::search::System;

impl System for Calls {
    type State = State;
    type Actor = CallActor;

    fn first(&self) -> State {
        State::first(self)
    }

    fn steps(&self, state: &State, next: &mut Next) {
        for me in 0..WORKERS {
            worker::steps(self, state, me, next);
        }
        worker::old(self, state, next);
        for me in 0..self.commands.len() {
            people::steps(self, state, me, next);
        }
        people::canary(self, state, next);
        faults::background(self, state, next);
        answer::receiver(state, next);
        faults::faults(self, state, next);
        for step in next {
            check::canonical(self, &mut step.after);
        }
    }

    fn violation(&self, state: &State) -> Option<&'static str> {
        check::violation(self, state)
    }

    fn is_settled(&self, state: &State) -> bool {
        check::is_settled(self, state)
    }

    fn violation_at_rest(&self, state: &State) -> Option<&'static str> {
        check::violation_at_rest(self, state)
    }

    fn describe(&self, state: &State) -> Vec<String> {
        let orders = &state.orders[..self.orders.len()];
        let orders = orders.iter().map(|order| format!("{order:?}"));
        orders.chain([format!("{:?}", state.control), format!("{:?}", state.redis)]).collect()
    }
}
