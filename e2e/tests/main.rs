//! The pipeline, end to end: real processes on real stores.
//!
//! `make test` runs all of it. One alone: `scripts/build tests`, then
//! `scripts/test --test e2e NAME`.

// A test that cannot go on fails, and may be as large as it likes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::large_futures)]

mod accepted;
mod access;
mod answers;
mod audit_trail;
mod cancel;
mod clean;
mod clocks;
mod close;
mod command_line;
mod commands_meet;
mod compared;
mod connections;
mod contract;
mod deaths;
mod delete_run;
mod events;
mod exports;
mod figures;
mod filters;
mod flow;
mod follow;
mod generate;
mod guarded_start;
mod health;
mod history;
mod imports;
mod imports_fail;
mod imports_killed;
mod imports_memory;
mod imports_refused;
mod imports_rejected;
mod jobs;
mod key_command;
mod layering;
mod limits;
mod looking_back;
mod manifests;
mod memory;
mod monitoring;
mod networks_fail;
mod old_and_new;
mod origins;
mod outputs;
mod pause;
mod poison;
mod processors;
mod proxies;
mod readme;
mod receivers;
mod receivers_die;
mod receivers_fail;
mod receivers_told;
mod redis_emptied;
mod redis_full;
mod redises_fail;
mod refusals;
mod reset;
mod response_headers;
mod retry_after_end;
mod retry_failed;
mod runs;
mod secrets;
mod secure_stores;
mod seeds;
mod servers_die;
mod settings;
mod shared_database;
mod slots;
mod steps;
mod stores_away;
mod story;
mod tls;
mod traces;
