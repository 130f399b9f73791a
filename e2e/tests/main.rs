//! The pipeline, end to end: real processes on real stores.
//!
//! `make test` runs all of it. One alone: `make test` once, then
//! `scripts/services with cargo test --release --workspace --test e2e NAME`.

// A test that cannot go on fails, and may be as large as it likes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::large_futures)]

mod access;
mod answers;
mod audit_trail;
mod cancel;
mod clean;
mod clocks;
mod close;
mod connections;
mod contract;
mod deaths;
mod events;
mod generate;
mod health;
mod history;
mod hygiene;
mod jobs;
mod key_command;
mod limits;
mod monitoring;
mod networks_fail;
mod pause;
mod poison;
mod readme;
mod redis_emptied;
mod redises_fail;
mod refusals;
mod reset;
mod retry_failed;
mod runs;
mod secrets;
mod secure_stores;
mod servers_die;
mod settings;
mod steps;
mod stores_away;
mod tls;
mod traces;
mod verbs_meet;
