//! What every program speaks of, with no store and no network.
//!
//! - [`order`]: orders, their ids, and the generator that makes them.
//! - [`import`], [`list`]: lists of a client's own orders, and how they are read.
//! - [`control`]: the document that says what shall happen to a run.
//! - [`run`]: phases, ledger and figures of a run.
//! - [`role`], [`key_file`]: who may call the API.
//! - [`tls`]: whom a client trusts, and the PEM files that client and server read.
//! - [`text`], [`redact`]: text for a terminal; texts without passwords.
//! - [`backoff`], [`bytes`], [`signals`], [`time`]: small tools.

pub mod backoff;
pub mod bytes;
pub mod control;
pub mod import;
pub mod key_file;
pub mod list;
pub mod order;
pub mod redact;
pub mod role;
pub mod run;
pub mod signals;
pub mod text;
pub mod time;
pub mod tls;
