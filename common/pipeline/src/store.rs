//! The store in MongoDB: the truth. Whatever Redis counts is acknowledged here first, journaled by
//! a majority unless a weaker write concern is set. Nothing else writes to MongoDB.
//!
//! - Orders: `orders` inserts and updates them, `bulk` in parts if the server refuses some,
//!   `listings` lists them, `hidden` and `delete` take them away.
//! - Dead letters: `dead` makes them, `letters` carries out what a person decides about them.
//! - Runs: `control`, and the history in `runs`.
//! - `audit` and `session_secret` serve the API.
//! - `owner`, `shape` and `foreign` keep other queues and programs apart; `client`, `call` and
//!   `indexes` are the connection.

mod audit;
mod audit_line;
mod bulk;
mod call;
mod client;
mod control;
mod dead;
mod delete;
mod error;
mod filter;
mod foreign;
mod hidden;
mod indexes;
mod letters;
mod listings;
mod order_state;
mod orders;
mod owner;
mod run_document;
mod runs;
mod session_secret;
mod shape;
mod stored_order;

pub use mongodb::bson::DateTime;

pub use self::{
    audit::AuditFilter,
    audit_line::{AuditLine, AuditOutcome, AuditParameter},
    bulk::Written,
    client::Store,
    error::{Result, StoreError},
    foreign::Foreign,
    order_state::{OrderState, Stored},
    run_document::RunDocument,
    stored_order::{StoredOrder, StoredOutcome},
};
