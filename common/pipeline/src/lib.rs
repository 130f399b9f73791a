//! The fenced pipeline: it alone writes the state of orders and runs.
//!
//! - [`store`]: MongoDB, the truth: control, orders, history.
//! - [`queue`]: Redis, what *is* happening: the scripts and the keys.
//! - [`commands`]: what a person asks for, and what finishes it.
//! - [`receipt`]: what became of each order of a run.
//! - [`verify`]: compares a finished run with what it should be.
//! - [`collection`]: reads a collection of others, as a list to import.
//! - [`events`], [`logs`]: the streams that a reader follows.
//! - [`settings`]: the settings of the queue and of its stores.

pub mod collection;
pub mod commands;
pub mod events;
pub mod logs;
pub mod queue;
pub mod receipt;
pub mod settings;
pub mod store;
pub mod verify;
