//! The states of orders, as the store has them.

use std::collections::HashMap;

use pedidos_core::order::{CANCELADO, FALHOU, OrderId, PENDENTE, PROCESSADO, REMOVIDO};

/// The error of an order without a document.
pub(super) const MISSING: &str = "order document missing from MongoDB";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderState {
    Pending,
    /// By any worker.
    Processed,
    Dead,
    /// Removed or cancelled.
    Removed,
}

impl OrderState {
    /// None if no order has such a status: somebody else has written it.
    pub(super) fn of(status: &str) -> Option<Self> {
        match status {
            PENDENTE => Some(Self::Pending),
            PROCESSADO => Some(Self::Processed),
            FALHOU => Some(Self::Dead),
            REMOVIDO | CANCELADO => Some(Self::Removed),
            _ => None,
        }
    }

    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending)
    }
}

/// The states of a set of orders. An order that is not in it has no document, or an unknown status.
#[derive(Debug, Default)]
pub struct Stored {
    pub(super) found: HashMap<OrderId, OrderState>,
    /// The documents with a status that no order has, and that status.
    pub(super) unknown: HashMap<OrderId, Option<String>>,
    /// VIP orders among them that were put back after the fence had opened.
    pub late_vip: u64,
}

impl Stored {
    #[must_use]
    pub fn get(&self, id: &OrderId) -> Option<OrderState> {
        self.found.get(id).copied()
    }

    /// Does the order have no document, and no letter that is kept apart?
    #[must_use]
    pub fn is_missing(&self, id: &OrderId) -> bool {
        !self.found.contains_key(id) && !self.unknown.contains_key(id)
    }

    /// Why [`Self::get`] answers none for an order.
    #[must_use]
    pub fn why_unknown(&self, id: &OrderId) -> String {
        match self.unknown.get(id) {
            Some(status) => unknown_status(status.as_deref()),
            None => MISSING.to_owned(),
        }
    }

    #[must_use]
    pub fn any_terminal(&self) -> bool {
        self.found.values().any(|found| found.is_terminal())
    }
}

/// What is said of an order whose status no order has; none: it has no text as status.
pub(super) fn unknown_status(status: Option<&str>) -> String {
    match status {
        Some(status) => format!("the order has the unknown status '{status}'"),
        None => "the order has no status, or one that is not text".to_owned(),
    }
}
