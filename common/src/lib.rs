//! What the API, the workers and the command line share, in the order in which
//! an order meets it:
//!
//! - [`config`]: settings, checked all at once.
//! - [`control`]: what *shall* happen: one document, changed by compare-and-set.
//! - [`order`]: what an order is, and how it is drawn.
//! - [`store`]: MongoDB, the truth: control, orders, history.
//! - [`queue`]: Redis, what *is* happening: the scripts and the keys.
//! - [`run`]: the vocabulary of both: phases, ledger, figures.
//! - [`access`]: who may call the API: roles, and the file of keys.
//! - [`audit`]: holds a finished run against what it should be.
//! - [`process`]: how a process begins and ends, with [`logs`], [`metrics`], [`traces`],
//!   [`telemetry`], [`rotate`], [`shutdown`] and [`backoff`], and what it serves to
//!   those who look after it: [`admin`].
//! - [`listener`]: how a process is reached, within bounds, with [`tls`].
//! - [`redact`]: passwords stay out of what is said.
//! - [`events`]: what has happened since a reader last looked.

pub mod access;
pub mod admin;
pub mod audit;
pub mod backoff;
pub mod config;
pub mod control;
pub mod events;
pub mod listener;
pub mod logs;
pub mod metrics;
pub mod order;
pub mod process;
pub mod queue;
pub mod redact;
pub mod rotate;
pub mod run;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod traces;
