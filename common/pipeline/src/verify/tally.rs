//! Counts the documents of a run.

use std::collections::HashSet;

use mongodb::bson::{Bson, Document};
use pedidos_core::{
    control::RunSpec,
    order::{CANCELADO, FALHOU, OrderId, PENDENTE, PROCESSADO, Priority, REMOVIDO},
};

use super::report::Check;

/// Counts of the documents of one priority.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub processed: u64,
    pub dead: u64,
    pub removed: u64,
    /// Of the removed orders those that were cancelled.
    pub cancelled: u64,
    pub first_processed: Option<i64>,
    pub last_processed: Option<i64>,
}

/// Counts of the documents of a run.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    pub by_priority: [Tally; 2],
    pub strays: u64,
    pub pending: u64,
    pub missing: Examples,
    pub surplus: Examples,
    pub altered: Examples,
    pub wrong_note: Examples,
}

/// A number, and the first few examples.
#[derive(Debug, Default)]
pub(super) struct Examples {
    count: u64,
    first: Vec<String>,
}

impl Examples {
    pub fn add(&mut self, what: &impl ToString) {
        self.count += 1;
        if self.first.len() < 3 {
            self.first.push(what.to_string());
        }
    }

    pub fn check(self, name: &'static str) -> Check {
        let ok = self.count == 0;
        let figure =
            if ok { "0".into() } else { format!("{}: {}", self.count, self.first.join(", ")) };
        Check { name, figure, ok }
    }
}

/// What an order is known to be, whatever its document says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub id: OrderId,
    pub priority: Priority,
    /// Its `observacoes` until it is processed; none: not known.
    pub note: Option<&'a str>,
}

impl Tallies {
    /// A cancelled run has not made all of its orders.
    pub fn without_document(&mut self, order: Known<'_>, complete: bool, apart: &HashSet<OrderId>) {
        if apart.contains(&order.id) {
            self.by_priority[order.priority as usize].dead += 1;
        } else if complete {
            self.missing.add(&order.id);
        }
    }

    /// Counts an order by its document.
    pub fn count(
        &mut self,
        order: Known<'_>,
        document: &Document,
        run: &RunSpec,
        apart: &HashSet<OrderId>,
    ) {
        if !matches!(document.get("createdAt"), Some(Bson::DateTime(_))) {
            self.altered.add(&order.id);
        }
        let status = document.get_str("status").unwrap_or_default();
        let stamp = run.end.as_ref().map(|end| end.stamp_at(order.id.index()));
        if status == CANCELADO && document.get_i64("cancelAttempt").ok() != stamp {
            self.strays += 1;
            return;
        }
        let note = document.get_str("observacoes").unwrap_or_default();
        let due = match status {
            // A named processor leaves it alone.
            PROCESSADO if run.options.processor.is_none() => Some(order.priority.processed_note()),
            _ => order.note,
        };
        if due.is_some_and(|due| note != due) {
            self.wrong_note.add(&order.id);
        }
        let tally = &mut self.by_priority[order.priority as usize];
        match status {
            PROCESSADO => tally.processed += 1,
            FALHOU => tally.dead += 1,
            REMOVIDO => tally.removed += 1,
            CANCELADO => {
                tally.removed += 1;
                tally.cancelled += 1;
            }
            // The server refuses to change it, or its status is unknown: its letter is kept apart.
            _ if apart.contains(&order.id) => tally.dead += 1,
            PENDENTE => self.pending += 1,
            other => self.altered.add(&format!("{} ({other})", order.id)),
        }
        let late = document.contains_key("retriedAt");
        if let (PROCESSADO, false, Ok(at)) = (status, late, document.get_datetime("processedAt")) {
            let at = at.timestamp_millis();
            tally.first_processed = Some(tally.first_processed.map_or(at, |first| first.min(at)));
            tally.last_processed = Some(tally.last_processed.map_or(at, |last| last.max(at)));
        } else if status == PROCESSADO && !late {
            self.altered.add(&format!("{} (no processedAt)", order.id));
        }
    }
}
