//! The protocol of control, lease, fence, reclaim and adopt, searched exhaustively.
//!
//! Every state that workers, APIs, MongoDB and Redis can get into is visited, with up to two
//! faults at any moment. In each the invariants of the design must hold; from each, by steps
//! that happen by themselves, a state at rest must be reachable, and there the figures of
//! every run must be those of its documents. `tests/correct.rs` has the searches of the
//! protocol as it is meant, `tests/broken.rs` one of each thing built wrong. With
//! `-- --nocapture` the tests print the way to what is wrong.
//!
//! # What is modelled
//!
//! Two or three workers of one slot, one API for each verb, a process that compares control
//! with Redis, and a sweep. A process takes one step at a time, a step being one call to a
//! store, and may be overtaken by any other between two steps. So a slow process needs no
//! fault; a fault is that its lease expires meanwhile.
//!
//! | here | there |
//! |---|---|
//! | `control`, `store` | MongoDB: `common/src/control.rs`, `common/src/store/*.rs` |
//! | `queue`, `queue::work` | `common/src/queue/*.lua` |
//! | `worker` | `worker/src/worker.rs` `step`, `settle`; `claim.lua`; the end: `Controller::finish_run` |
//! | `worker::chunk` | `worker/src/generate.rs` `generate`, `still_wanted` |
//! | `worker::drain` | `worker/src/drain.rs` |
//! | `closing` | `common/src/control/verbs.rs` `finish_cancel`, `end` |
//! | `verb`, `verb::letters` | `common/src/control/verbs.rs`, `common/src/control/letters.rs` |
//! | `environment` `compare` | `Controller::sync`, `adopt` |
//! | `environment` `reclaim`, `sweep` | `reclaim.lua`; `Controller::sweep` |
//!
//! # What it found
//!
//! In the code as it was when the model was written, four things. What is meant is modelled
//! with them mended; each is a variant of `tests/broken.rs`, too.
//!
//! - `FinishersShareMarks`: an API and a worker finish one cancel. One has counted; a late
//!   chunk is inserted; the other marks it; the first sets the end, without it. Mended: who
//!   finishes takes an attempt by a compare-and-set on control first, stamps its marks with it,
//!   older ones too, and counts those alone. Who lost its attempt takes no other by itself.
//! - `StoredChunkIsPushedUnseen`: a late chunk is stored after a cancel has counted; Redis goes
//!   back to before the cancel, or is a second master; who claims the chunk there finds it
//!   stored, pushes it, and its orders are processed. Mended: every push looks at control.
//! - `SaveFromAnOlderRedis`: a retry has set control, Redis does not know it yet, and a worker
//!   ends the run with the figures of that Redis. Mended: only of a Redis of control's version.
//! - `DeadUnseen`: an order is refused once, processed by a worker that had frozen, and then
//!   counted dead under a lease that is alive. Mended: what MongoDB says last is counted.
//!
//! # What is left out, and why that is sound
//!
//! - **Sizes.** Runs have two orders, a batch has one: orders of a batch are updated one by
//!   one in MongoDB anyway, and its ack only sums. A cancel has one page, marked at once, and
//!   counted in the step that finds nothing to mark: a count that finds more looks again.
//! - **Order of lists.** Any order that waits may be claimed next, and any chunk: more than
//!   the lists allow. High water only takes steps away, and so does `seen`, the highest
//!   version that a process knows of: here a worker claims from any Redis that is not empty.
//! - **Tokens.** A token is random and used once, so it is told by its holder; once its holder
//!   has dropped it, no call will ever name it again, on whatever server its lease may be.
//! - **Time.** A lease of a process that is alive may expire at any moment (a fault), that of
//!   a dead one has expired; a cancel may stop waiting at any moment; a retry is due at any
//!   moment. Stamps and windows are not modelled.
//! - **Calls without an answer.** MongoDB does not lose what it acknowledged (w: majority,
//!   j: true). A call that times out is modelled for generate's compare-and-set, which may
//!   happen then, later or never; elsewhere it is a process that is slow and then dies.
//! - **The sweep** is one step: what it may do it may do at any later time. So is `ensure_run`:
//!   the filter on the version makes its two calls one.
//! - **`sync` in a verb** waits until somebody has told Redis; that may be this very API.
//! - Not modelled: notes of progress in the history (their filter is `ensure_run`'s),
//!   `removePending`'s deletion after an hour, `clean` of what waits (a lease like any other)
//!   and of what is active (as a lease that expires), hidden orders, MAX_DEAD and its ERROR,
//!   the stamps of a run. I4, I9 and I10, on how orders are derived, on clocks and on memory,
//!   are not what a search of interleavings is for.
//!
//! # How it is kept small
//!
//! Two states from which the same can follow are one (`canonical`): workers have no names;
//! versions and attempts are only compared, so their ranks stand for them, and a search ends
//! however often control is changed; a write that can no longer happen, a step that changes
//! nothing, a lease that nobody can close are not waited for. None of this takes a step away
//! that leads elsewhere: without it the same ends were reached, over some ten times the states.
//!
//! States are told apart by hashes of 64 bits: that two of 30 million share one, and one of
//! them is overlooked, has a chance of 1 in 40,000.
//!
//! # Why the search is our own
//!
//! `stateright` 0.31 (MIT) checks `eventually` on acyclic paths only, as its documentation
//! says, and has nothing for "from every state can be reached". This protocol has cycles: a
//! save that comes to nothing is handed back and claimed again. What hangs there would be
//! missed. It would also bring 45 crates.

mod canonical;
mod closing;
mod control;
mod environment;
mod invariants;
mod queue;
mod scenario;
mod search;
mod state;
mod store;
mod verb;
mod worker;

pub use scenario::{Ask, Broken, Faults, Scenario};
pub use search::{Report, search};
