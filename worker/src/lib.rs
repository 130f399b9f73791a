//! The worker, as a library: `main` and the programs that build on it start here.
//!
//! - `slot`: the loop: find work, run it, record what became of it. Read this first.
//! - `generate`: stores and pushes a chunk; `drain`: processes a batch.
//! - [`processor`]: code of one's own that processes orders, or a URL; `dispatch`: processes a batch by
//!   it; `dispatcher`: what is known of it; `breaker`: stops calls while it is at fault.
//! - `program`: the program around a worker; a worker with a processor of one's own is [`main`].
//! - [`worker`](Worker): what the slots share; how a worker starts and stops.
//! - `leases`: the leases that are held; `progress`: what is done so far.
//! - `housekeeping`: heartbeats, expired leases, comparison with control, sweep.
//! - `calls`, `error`: calls to the stores, and how work fails.
//! - [`metrics`]: what `/metrics` has from the start; and the span of a lease.
//! - [`settings`]: the settings that a worker alone has.

#![warn(missing_docs)]

mod breaker;
mod calls;
mod dispatch;
mod dispatcher;
mod drain;
mod error;
mod generate;
mod housekeeping;
mod leases;
pub mod metrics;
pub mod processor;
mod program;
mod progress;
pub mod settings;
mod slot;
mod worker;

pub use program::{main, start};
pub use worker::Worker;
