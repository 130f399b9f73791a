//! A list of orders, as a client sends it: NDJSON, or CSV with a header line, perhaps as gzip.
//!
//! The reader does no input and output of its own: it is fed bytes, in pieces of any length, and
//! yields records, one a line. How the bytes are cut changes nothing. Its memory is bounded,
//! whatever it is fed: a piece, a record, and what one step of gzip unpacks.
//!
//! A mistake in a line is a [`Reject`] of that line. Only what makes the rest unreadable is a
//! [`ListError`]. A [`Chain`] hashes the records, so that a list that is sent again can be compared
//! with what is there of it, without parsing it. An [`ExportLine`] is a line on its way back.
//!
//! ```
//! use pedidos_core::list::{ListFormat, ListReader};
//!
//! let mut list = ListReader::new(ListFormat::Csv, false);
//! list.feed(b"ref;cliente;valor;priority\r\nA-1;Ana;12,50;VIP\r\n");
//! list.end();
//! let record = list.next()?.expect("the list has one record");
//! let order = record.parse(None).expect("it is an order");
//! assert_eq!((record.line(), order.valor), (2, 12.5));
//! assert!(list.next()?.is_none());
//! # Ok::<(), pedidos_core::list::ListError>(())
//! ```

mod cells;
mod chain;
mod dados;
mod draft;
mod encoded;
mod error;
mod export;
mod field;
mod format;
mod header;
mod json;
mod lines;
mod order_line;
mod reader;
mod record;
mod reject;
mod sniff;
mod source;
pub mod spreadsheet;
mod table;
mod valor;

pub use self::{
    chain::Chain,
    error::ListError,
    export::{ExportFormat, ExportLine},
    format::ListFormat,
    order_line::OrderLine,
    reader::ListReader,
    record::{LINE_LIMIT, Record},
    reject::{Reject, RejectCode},
};

#[cfg(test)]
mod tests;
