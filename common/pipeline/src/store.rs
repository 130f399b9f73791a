//! The store in MongoDB: the truth. Whatever Redis counts is acknowledged here first, journaled by
//! a majority unless a weaker write concern is set. Nothing else writes to MongoDB.
//!
//! - Orders: `orders` inserts and updates them, `bulk` in parts if the server refuses some,
//!   `listings` lists them, `hidden` and `delete` take them away.
//! - `verdicts`: orders for a named processor, and what it says of them.
//! - Dead letters: `dead` makes them, `letters` carries out what a person decides about them.
//! - Runs: `control`, and the history in `runs`; `deleted_runs` are those that a person deletes.
//! - Imports: `imports` and their blocks in `import_blocks`, whose documents are in
//!   `import_document` and `imported_order`.
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
mod deleted_runs;
mod error;
mod filter;
mod foreign;
mod hidden;
mod import_blocks;
mod import_document;
mod imported_order;
mod imports;
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
mod verdicts;

pub use mongodb::bson::{DateTime, RawDocumentBuf as RawOrder};

pub(crate) use self::{
    error::corrupt,
    imported_order::document as imported_order,
    imports::{Commit, Moved},
    letters::{Letters, Marked},
};

pub use self::{
    audit::AuditFilter,
    audit_line::{AuditLine, AuditOutcome, AuditParameter},
    bulk::Written,
    client::Store,
    dead::GivenUp,
    error::{Result, StoreError},
    foreign::Foreign,
    import_document::{BlockDocument, ImportDocument},
    imported_order::BlockHash,
    letters::LetterFilter,
    order_state::{OrderState, Stored},
    run_document::RunDocument,
    stored_order::{StoredAttempt, StoredLate, StoredOrder, StoredOutcome},
    verdicts::{Asked, Becomes, Judged, JudgedBy, Loaded, PendingOrder, Recorded},
};
