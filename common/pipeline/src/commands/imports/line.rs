//! A line that waits to be stored with its block.

use pedidos_core::list::{Chain, OrderLine, Record, Reject, RejectCode};

pub(super) struct Line {
    pub record: Record,
    pub content: Result<OrderLine, Reject>,
    /// After this line.
    pub chain: Chain,
}

/// The reject of a line whose `ref` another order of the import has.
pub(super) fn duplicate(record: &Record, reference: &str) -> Reject {
    let message = format!("ref '{reference}' is given by an earlier line: each is unique");
    record.reject(Some("ref"), RejectCode::DuplicateRef, message)
}
