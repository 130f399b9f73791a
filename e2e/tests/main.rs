//! The pipeline, end to end: real processes on real stores.
//!
//! `make test` runs all of it. One alone: `make test` once, then
//! `scripts/services with cargo test --release -p pedidos-e2e NAME`.

// A test that cannot go on fails, and may be as large as it likes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::large_futures)]

mod cancel;
mod deaths;
mod generate;
mod pause;
mod redis_emptied;
mod refusals;
mod reset;
mod runs;
mod settings;
mod stores_away;
mod verbs_meet;
