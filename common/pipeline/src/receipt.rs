//! The receipt of a run: every order with what became of it, in order of id (I15).
//!
//! It is read page by page, in constant memory, and shows each order as it is when it is read. Of a
//! run that has ended, the lines add up to the ledger: an order whose letter is kept apart is dead,
//! whatever its document says, and has a line even without a document. What is outside the ledger
//! has no line: the strays of a cancelled run, and what lies above the last order.

use std::{collections::BTreeMap, ops::Range};

use pedidos_core::{
    control::RunSpec,
    order::{CANCELADO, FALHOU, OrderId, PENDENTE, PROCESSADO, Priority, REMOVIDO},
    run::Phase,
};

use crate::store::{Store, StoreError, StoredOrder};

/// Orders that are read at once.
const PAGE: u64 = 250;

/// Which orders a receipt has; none: all.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReceiptFilter {
    pub status: Option<&'static str>,
    pub priority: Option<Priority>,
}

/// Why a receipt cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the run was deleted while its orders were read")]
    Gone,
}

/// Reads the receipt of a run.
pub struct Receipt {
    store: Store,
    run: RunSpec,
    filter: ReceiptFilter,
    /// Ranges of ids that are still to be read.
    pages: std::vec::IntoIter<Range<OrderId>>,
    page: Option<Page>,
}

/// A range of ids that is being read.
#[derive(Clone)]
struct Page {
    rest: Range<OrderId>,
    /// Some letters of the range are kept apart.
    has_letters: bool,
}

/// One order of any run; none if there is no such order.
pub async fn order(store: &Store, id: OrderId) -> Result<Option<StoredOrder>, StoreError> {
    let stored = store.stored_orders(&[id]).await?.remove(&id);
    if stored.as_ref().is_some_and(is_terminal) {
        return Ok(stored);
    }
    let letter = store.letters_apart(&id.alone()).await?.pop();
    Ok(letter.map(|letter| given_up(stored.clone(), letter)).or(stored))
}

impl Receipt {
    /// Reads a run of the history, from its first order or from the one after this id on. None: there
    /// is no such run.
    pub async fn of(
        store: &Store,
        run_id: &str,
        filter: ReceiptFilter,
        after: Option<OrderId>,
    ) -> Result<Option<Self>, StoreError> {
        let run = store.run(run_id).await?.map(|run| run.spec());
        Ok(run.map(|run| Self::new(store.clone(), run, filter, after)))
    }

    pub(crate) fn new(
        store: Store,
        run: RunSpec,
        filter: ReceiptFilter,
        after: Option<OrderId>,
    ) -> Self {
        let from = after.map(|after| after.alone().end);
        let pages = run.pages().filter_map(|ids| {
            let start = from.map_or(ids.start, |from| from.max(ids.start));
            (start < ids.end).then_some(start..ids.end)
        });
        let pages = pages.collect::<Vec<_>>().into_iter();
        Self { store, run, filter, pages, page: None }
    }

    /// The ids that orders of the run can have.
    #[must_use]
    pub fn ids(&self) -> Range<OrderId> {
        self.run.ids()
    }

    /// The next orders; none: these were all. After an error, the next call reads the same again.
    pub async fn next(&mut self) -> Result<Option<Vec<StoredOrder>>, ReceiptError> {
        loop {
            let Some(Page { rest, has_letters }) = self.page.clone() else {
                let Some(rest) = self.pages.as_slice().first().cloned() else {
                    return if self.is_there().await? { Ok(None) } else { Err(ReceiptError::Gone) };
                };
                let has_letters = self.store.has_letters_apart(&rest).await?;
                self.page = Some(Page { rest, has_letters });
                self.pages.next();
                continue;
            };
            let ReceiptFilter { status, priority } = self.filter;
            let found = self.store.orders_from(&rest, status, priority, PAGE).await?;
            let read =
                if (found.len() as u64) < PAGE { rest.clone() } else { up_to(&rest, &found)? };
            let lines = self.lines(found, &read, has_letters).await?;
            let rest = read.end..rest.end;
            self.page = (!rest.is_empty()).then_some(Page { rest, has_letters });
            if !lines.is_empty() {
                return Ok(Some(lines));
            }
        }
    }

    /// A run that is deleted, by itself or by a reset, has lost orders that this has not read.
    async fn is_there(&self) -> Result<bool, StoreError> {
        let control = self.store.control().await?;
        let run = self.store.run(&self.run.run_id).await?;
        Ok(run.is_some() && self.run.ids_ms() >= control.reset_below)
    }

    /// `read`: the range of ids that these orders are all of, but for those that the filter leaves
    /// out.
    async fn lines(
        &self,
        found: Vec<StoredOrder>,
        read: &Range<OrderId>,
        has_letters: bool,
    ) -> Result<Vec<StoredOrder>, StoreError> {
        let mut lines: BTreeMap<OrderId, StoredOrder> = by_id(found).collect();
        if has_letters && matches!(self.filter.status, None | Some(FALHOU | PENDENTE)) {
            self.add_letters(&mut lines, read).await?;
        }
        lines.retain(|id, order| self.counts(*id, order));
        Ok(lines.into_values().collect())
    }

    /// Letters that are kept apart are of orders that MongoDB does not change, or does not have.
    async fn add_letters(
        &self,
        lines: &mut BTreeMap<OrderId, StoredOrder>,
        read: &Range<OrderId>,
    ) -> Result<(), StoreError> {
        let letters: Vec<(OrderId, StoredOrder)> =
            by_id(self.store.letters_apart(read).await?).collect();
        let ids: Vec<OrderId> = letters.iter().map(|(id, _)| *id).collect();
        let mut stored = self.store.stored_orders(&ids).await?;
        for (id, letter) in letters {
            let order = stored.remove(&id);
            if order.as_ref().is_some_and(is_terminal) {
                continue;
            }
            let order = given_up(order, letter);
            let of = self.filter.priority.map(Priority::as_str);
            if self.filter.status == Some(PENDENTE) {
                lines.remove(&id);
            } else if of.is_none() || order.priority.as_deref() == of {
                lines.insert(id, order);
            }
        }
        Ok(())
    }

    /// Is the order in the ledger of the run?
    fn counts(&self, id: OrderId, order: &StoredOrder) -> bool {
        if order.run_id.as_deref() != Some(&self.run.run_id) {
            return false;
        }
        let end = self.run.end.as_ref();
        match (order.status.as_deref(), end) {
            (Some(CANCELADO), Some(end)) => order.cancel_attempt == Some(end.stamp_at(id.index())),
            (Some(PENDENTE), Some(end)) => end.phase != Phase::Aborted,
            _ => true,
        }
    }
}

/// An id that is none of ours may sort among ours, and is somebody else's.
fn id_of(order: &StoredOrder) -> Option<OrderId> {
    order.id.parse().ok().filter(|id: &OrderId| id.to_string() == order.id)
}

fn by_id(orders: Vec<StoredOrder>) -> impl Iterator<Item = (OrderId, StoredOrder)> {
    orders.into_iter().filter_map(|order| Some((id_of(&order)?, order)))
}

/// The part of this range that a full page of orders is all of.
fn up_to(rest: &Range<OrderId>, found: &[StoredOrder]) -> Result<Range<OrderId>, StoreError> {
    let last = found.iter().rev().find_map(id_of);
    let last = last.ok_or_else(|| {
        StoreError::Corrupt(format!(
            "{} ids that are no order's behind {}",
            found.len(),
            rest.start
        ))
    })?;
    Ok(rest.start..last.alone().end)
}

/// An order whose letter is kept apart: perhaps nothing else is known of it.
fn given_up(order: Option<StoredOrder>, letter: StoredOrder) -> StoredOrder {
    let (status, outcome) = (Some(FALHOU.to_owned()), letter.outcome.clone());
    StoredOrder { status, outcome, ..order.unwrap_or(letter) }
}

fn is_terminal(order: &StoredOrder) -> bool {
    matches!(order.status.as_deref(), Some(PROCESSADO | FALHOU | REMOVIDO | CANCELADO))
}
