//! An exhaustive search of the protocol: control, leases, the fence, reclaim and adopt.
//!
//! The search visits every state that workers, APIs, MongoDB and Redis can reach, with up to two
//! faults at any moment. The invariants must hold in every state. From every state, steps that
//! happen by themselves must be able to reach a state at rest, where the figures of every run
//! match its documents. `tests/correct.rs` searches the correct protocol, `tests/broken.rs`
//! searches variants with one broken part each. With `-- --nocapture` the tests print the steps
//! that lead to an error.
//!
//! # What is modelled
//!
//! Two or three workers with one slot, one API for each command, a process that compares control
//! with Redis, and a sweep. A process takes one step at a time. A step is one call to a store,
//! and any other process may take steps between two of them. A slow process therefore needs no
//! fault; the expiry of its lease is one.
//!
//! | module | what it models |
//! |---|---|
//! | `control`, `store` | MongoDB: `common/core/src/control.rs` and what is below it, `common/pipeline/src/store/*.rs` |
//! | `queue`, `queue::work` | `common/pipeline/src/queue/*.lua` |
//! | `steps::claim` | `claim.lua`; `find` of `worker/src/slot.rs`; `Controller::repair` |
//! | `steps::worker` | `work` and `record` of `worker/src/slot.rs`; `enqueue` of `worker/src/generate.rs`; `Controller::finish_run` |
//! | `steps::chunk` | `worker/src/generate.rs`: `generate`, `insert`, `check_run_active` |
//! | `steps::drain` | `worker/src/drain.rs` |
//! | `ending` | `common/pipeline/src/commands`: `finish_cancel.rs`; `end` of `finish.rs`; `take_over` of `cancel.rs` |
//! | `steps::request` | `common/pipeline/src/commands`: `generate.rs`, `cancel.rs`, `pause.rs`, `reset.rs`; `set` and `was_set` of `change.rs` |
//! | `steps::letters` | `common/pipeline/src/commands`: `retry_failed.rs`, `clean.rs` `remove_letters`, `letter_decision.rs`, `put_back.rs` |
//! | `steps::background` `compare` | `common/pipeline/src/commands/controller.rs`: `sync`, `adopt` |
//! | `steps::background` `reclaim`, `sweep` | `reclaim.lua`; `Controller::sweep`, `Controller::delete_reset` |
//! | `steps::faults` | the faults, and the end of those that last |
//! | `steps::broken` | the steps that only broken variants have |
//!
//! `scenario` says what a search begins with, and `system` how the search sees the protocol.
//! `state`, `request` and `worker` say what processes hold. `invariants` says what must
//! hold, `canonical` keeps the search small, `search` runs it.
//!
//! `Scenario::imported` makes the run that of an import. Its orders are there from the start, a
//! chunk reads them and never inserts, so it corrects nothing if the run is over. Priorities are
//! those of the import's blocks. A person may delete an order's document, which then becomes a
//! dead letter that is kept apart, and an uploader that had stopped may insert an order above what
//! was accepted. `tests/imported.rs` searches that.
//!
//! `imports` is a protocol of its own, with its own table and states; `tests/imports.rs` searches
//! it. So is `calls`, of processors of one's own and of the options that hold a run;
//! `tests/calls.rs` searches it. And so is `deletes`, of a run that is deleted while others retry it or
//! start its import; `tests/deletes.rs` searches it.
//!
//! # What it found
//!
//! Four errors in the code, when the model was written. All are fixed, and `tests/broken.rs` has
//! each as a variant.
//!
//! - `FinishersShareMarks`: an API and a worker finish the same cancel. One has counted, a late
//!   chunk is inserted, the other marks it, and the first sets the end without it. Fix: a process
//!   first starts an attempt by a compare-and-set on control, stamps its marks and older ones
//!   with it, and counts only those. A process that lost its attempt starts no new one by itself.
//! - `StoredChunkIsPushedUnseen`: a late chunk is stored after a cancel has counted. Redis goes
//!   back to before the cancel, or there is a second master. A worker claims the chunk there,
//!   finds it stored, and pushes it, and its orders are processed. Fix: every push first checks
//!   control.
//! - `SaveFromAnOlderRedis`: a retry has set control, Redis has not adopted it, and a worker ends
//!   the run with the figures of that Redis. Fix: the end needs a Redis with control's version.
//! - `DeadUnseen`: an order is refused once, then processed by a worker that had stopped, and
//!   then counted dead under a live lease. Fix: the last state in MongoDB is counted.
//!
//! And one in the design of imports, which the code does not have yet:
//!
//! - `CancelPassesWhatIsGone`: somebody deletes an order. A worker finds no document, and is about
//!   to write the dead letter. A cancel counts the page meanwhile, and finds neither an order nor a
//!   letter. The letter comes after the count, and MongoDB has one dead letter more than the end
//!   says. Fix: a cancel of an import writes the letters of all orders of a page that are gone,
//!   with the priority that the block has, before it counts the page. So the ledger of a cancelled
//!   import has every order.
//!
//! # What is left out, and why that is sound
//!
//! - **Sizes.** A run has two orders and a batch has one: MongoDB updates the orders of a batch
//!   one by one, and the ack only adds them up. A page of a cancel is one order. The code marks a
//!   page while it counts the page before; the model does not, because neither reads the other's.
//! - **Retries.** The code claims due retries where they are. Here a step of its own first moves
//!   them to the waiting list, which allows more.
//! - **The lease of a cancel.** Here a worker may take a cancel over at any moment, and an API
//!   does not wait for a lease. `hold.lua` allows less.
//! - **Order of lists.** Any waiting order and any chunk may be claimed next; the lists allow
//!   less. The high-water mark only removes steps. So does `seen`, the highest version that a
//!   process has seen: here a worker claims from any Redis that is not empty.
//! - **Tokens.** A token is random and used once, so its holder stands for it. Once its holder has
//!   dropped it, no call names it again, on any server.
//! - **Time.** The lease of a live process may expire at any moment (a fault), and that of a dead
//!   one has expired. A cancel may stop waiting at any moment, and a retry is due at any moment.
//!   Stamps and windows are not modelled.
//! - **Calls without an answer.** MongoDB does not lose what it acknowledged (w: majority,
//!   j: true). A call that times out is modelled for the compare-and-set of every command: it may
//!   happen then, later or never. Elsewhere such a process is slow and then dies.
//! - **The sweep** is one step: whatever it may do, it may do later. So is `ensure_run`: the
//!   filter on the version makes its two calls one.
//! - **`sync` in a command** waits until some process has updated Redis, perhaps this API.
//! - **An import with a run beside it.** A scenario with `imported` has no `Generate`, because
//!   `quantity` is that of its only run. `imports` has another run before and after.
//! - Not modelled: notes of progress in the history (their filter is that of `ensure_run`), the
//!   deletion by `removePending` after an hour, `clean` of waiting orders (a lease like any other)
//!   and of active ones (like a lease that expires), hidden orders, MAX_DEAD and its ERROR, the
//!   stamps of a run. I4, I9 and I10 are about deriving orders, clocks and memory, which a search
//!   of interleavings cannot show.
//!
//! # How it is kept small
//!
//! Two states that can be followed by the same states are one (`canonical`). Workers have no
//! names. Versions and attempts are only compared, so their ranks stand for them, and a search
//! ends however often control changes. A write that can no longer happen, a step that changes
//! nothing and a lease that no process can close are not waited for. None of this removes a step
//! that leads elsewhere: without it the search reached the same ends, over about ten times as
//! many states.
//!
//! Hashes of 64 bits identify states. The chance that two of 30 million share a hash, so that one
//! is skipped, is 1 in 40,000.
//!
//! # Why the search is our own
//!
//! `stateright` 0.31 (MIT) checks `eventually` on acyclic paths only, as its documentation says,
//! and has no "can be reached from every state". This protocol has cycles: a save that fails is
//! handed back and claimed again. A run that hangs in one would be missed. It would also add 45
//! crates.

mod calls;
mod canonical;
mod control;
mod deletes;
mod ending;
mod imports;
mod invariants;
mod queue;
mod request;
mod scenario;
mod search;
mod state;
mod steps;
mod store;
mod system;
mod worker;

pub use calls::{BrokenCall, CallCommand, CallFaults, Calls, OrderKind};
pub use deletes::{BrokenDelete, DeleteCommand, Deletes};
pub use imports::{BrokenImport, ImportCommand, Imports};
pub use scenario::{Broken, Command, Faults, Scenario};
pub use search::{Report, search};
