//! An order as a line of an export.

use pedidos_core::{list::ExportLine, time::iso};
use pedidos_pipeline::store::{DateTime, StoredOrder};

#[must_use]
pub fn line(order: StoredOrder) -> ExportLine {
    let time = |at: Option<DateTime>| at.map(|at| iso(at.timestamp_millis()));
    let outcome = order.outcome.unwrap_or_default();
    ExportLine {
        id: order.id,
        reference: order.reference,
        cliente: order.cliente,
        valor: order.valor,
        tier: order.tier,
        priority: order.priority,
        observacoes: order.observacoes,
        dados: order.dados,
        status: order.status,
        error: outcome.error,
        attempts: outcome.attempts,
        note: outcome.note,
        created_at: time(order.created_at),
        processed_at: time(order.processed_at),
        failed_at: time(outcome.at),
        retried_at: time(order.retried_at),
        removed_at: time(order.removed_at),
    }
}
