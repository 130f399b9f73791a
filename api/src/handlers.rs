//! The operations: each handler is a call of `Controller`, `Queue` or `Store`, and its answer.
//! Their doc comments are the summaries and descriptions of the OpenAPI document.
//!
//! - [`runs`], [`receipts`], [`imports`], [`queue`], [`flow`], [`logs`], [`probes`], [`session`], [`audit`]: the
//!   operations by tag.
//! - [`responses`], [`import_responses`]: their answers, with status and headers.
//! - [`completion`]: a command that has begun ends, also if its client goes away.

pub mod audit;
pub mod completion;
pub mod flow;
pub mod import_responses;
pub mod imports;
pub mod logs;
pub mod probes;
pub mod queue;
pub mod receipts;
pub mod responses;
pub mod runs;
pub mod session;
pub mod tag;
