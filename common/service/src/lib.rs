//! How a long-running process of this project is configured, starts, is reached, reports what
//! it does, and ends.
//!
//! - [`config`] reads settings; [`settings`] has the groups that API and worker share.
//! - [`process`] starts and ends a process; [`shutdown`] hears its signals.
//! - [`listener`] accepts connections, with bounds and [`tls`]; [`admin`] serves probes and
//!   metrics.
//! - [`telemetry`] writes log lines, by [`output`] and [`rotate`]; [`traces`] sends spans;
//!   [`metrics`] lists and renders all metrics.

pub mod admin;
pub mod config;
pub mod listener;
pub mod metrics;
pub mod output;
pub mod process;
pub mod rotate;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod traces;
