//! The worker, as a library: tests and `main` enter by the same door.
//!
//! - `worker`: the loop: claim → do → ack. Read this first.
//! - `generate`: makes sure of a chunk, and pushes what is to be processed.
//! - `drain`: processes a batch.
//! - `housekeeping`: heartbeats, reclaim, comparison with control, sweep.
//! - [`metrics`]: what it tells at `/metrics`, from the start; and the span of a lease.

mod drain;
mod generate;
mod housekeeping;
pub mod metrics;
mod retry;
mod worker;

pub use worker::{Step, Worker};
