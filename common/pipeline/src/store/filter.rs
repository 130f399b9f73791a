//! Filters by id and status, and the reading of ids and numbers.

use std::ops::Range;

use mongodb::bson::{Bson, Document, doc};
use pedidos_core::order::{FALHOU, OrderId, PENDENTE, PROCESSADO, Priority};

use super::error::{Result, StoreError, corrupt};

pub(super) fn pending() -> Document {
    doc! { "status": PENDENTE }
}

pub(super) fn range(ids: &Range<OrderId>) -> Document {
    doc! { "_id": { "$gte": ids.start.to_string(), "$lt": ids.end.to_string() } }
}

pub(super) fn one_of(ids: &[OrderId]) -> Document {
    let ids: Vec<Bson> = ids.iter().map(|id| Bson::String(id.to_string())).collect();
    doc! { "_id": { "$in": ids } }
}

pub(super) fn id_of<E: std::fmt::Display>(id: std::result::Result<&str, E>) -> Result<OrderId> {
    id.map_err(corrupt)?.parse().map_err(corrupt)
}

pub(super) fn dead(ids: &Range<OrderId>, priority: Priority) -> Document {
    let mut filter = doc! { "priority": priority.as_str(), "status": FALHOU };
    filter.extend(range(ids));
    filter
}

/// Processed orders that are listed.
pub(super) fn listed(ids: &Range<OrderId>) -> Document {
    let mut filter = range(ids);
    filter.insert("status", PROCESSADO);
    filter.insert("hidden", doc! { "$ne": true });
    filter
}

/// Servers answer a count as any of BSON's numbers.
pub(super) fn number(value: Option<&Bson>) -> Result<i64> {
    match value {
        Some(Bson::Int32(n)) => Ok(i64::from(*n)),
        Some(Bson::Int64(n)) => Ok(*n),
        Some(Bson::Double(n)) => Ok(*n as i64),
        other => Err(StoreError::Corrupt(format!("{other:?} is not a count"))),
    }
}
