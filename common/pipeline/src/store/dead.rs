//! Orders that are given up. A dead letter is an order with the status `falhou` and its error. If
//! the server refuses the order with these, or at all, the letter is kept apart, in `dead_letters`.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::bson::{Bson, Document, doc};

use pedidos_core::order::{
    CANCELADO, FALHOU, Order, OrderId, PENDENTE, PROCESSADO, Priority, REMOVIDO,
};

use super::{
    bulk::Written,
    call::within,
    client::Store,
    error::{Result, StoreError},
    filter::{id_of, one_of, range},
    order_state::{MISSING, OrderState},
};

fn outcome(error: &str, attempts: u32) -> Document {
    doc! { "outcome.error": error, "outcome.attempts": i64::from(attempts) }
}

/// An order that is given up.
#[derive(Debug, Clone, Copy)]
pub struct GivenUp<'a> {
    pub id: OrderId,
    pub priority: Priority,
    pub run_id: &'a str,
    pub attempts: u32,
    pub error: &'a str,
    /// The order, if its document can be written again, and when it was created, ms since the
    /// epoch. Nobody can write an imported one again.
    pub order: Option<(&'a Order, i64)>,
}

impl Store {
    /// Makes an order a dead letter. A missing document is written again, so that a replay finds
    /// it. If it cannot be, or the server refuses it, the letter is kept apart. Answers the state of
    /// the order: another worker may have processed it.
    pub fn mark_dead<'a>(&'a self, given_up: GivenUp<'a>) -> BoxFuture<'a, Result<OrderState>> {
        Box::pin(async move {
            let GivenUp { id, priority, run_id, attempts, error, order } = given_up;
            let mut marked = self.set_dead(id, attempts, error).await;
            // The document is missing, or another worker was faster: the insert tells.
            if let (Ok(false), Some((order, created_at))) = (&marked, order) {
                let orders = std::slice::from_ref(order);
                let Written { refused, .. } =
                    self.insert_orders(orders, run_id, created_at).await?;
                marked = match refused.into_iter().next() {
                    Some((_, why)) => Err(StoreError::Rejected(why)),
                    None => self.set_dead(id, attempts, error).await,
                };
            }
            let why = match marked {
                Ok(true) => return Ok(OrderState::Dead),
                Ok(false) => match self.orders_of(&[id]).await?.get(&id) {
                    Some(found) => return Ok(found),
                    // It has a status that no order has, or a unique index of the collection has
                    // another document in its place.
                    None if order.is_none() => error.to_owned(),
                    None => format!("{error}; it cannot be written again"),
                },
                Err(StoreError::Rejected(why)) => format!("{error}; as a dead letter: {why}"),
                Err(error) => return Err(error),
            };
            tracing::warn!(order = %id, why, "a dead letter cannot be marked; kept apart");
            let mut letter = outcome(&why, attempts);
            letter.insert("runId", run_id);
            letter.insert("priority", priority.as_str());
            let letter = doc! { "$set": letter, "$currentDate": { "outcome.at": true } };
            let id = doc! { "_id": id.to_string() };
            within(self.dead_letters.update_one(id, letter).upsert(true)).await?;
            Ok(OrderState::Dead)
        })
    }

    /// Answers whether the order was pending.
    async fn set_dead(&self, id: OrderId, attempts: u32, error: &str) -> Result<bool> {
        let mut set = outcome(error, attempts);
        set.insert("status", FALHOU);
        let update = doc! { "$set": set, "$currentDate": { "outcome.at": true } };
        let pending = doc! { "_id": id.to_string(), "status": PENDENTE };
        Ok(within(self.orders.update_one(pending, update)).await?.matched_count == 1)
    }

    /// Keeps the letters of pending orders apart that the server refuses to change.
    pub(super) async fn keep_apart(&self, refused: &[(OrderId, String)]) -> Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        let ids: Vec<OrderId> = refused.iter().map(|(id, _)| *id).collect();
        let fields = doc! { "_id": 1, "status": 1, "priority": 1, "runId": 1 };
        let stored = self.documents_of(&ids, fields).await?;
        for (id, why) in refused {
            let Some(order) = stored.get(id).filter(|order| is_pending(order)) else { continue };
            tracing::warn!(order = %id, why, "MongoDB refuses to change an order; its letter is kept apart");
            self.keep_letter(*id, why, order).await?;
        }
        Ok(())
    }

    async fn keep_letter(&self, id: OrderId, why: &str, order: &Document) -> Result<()> {
        let mut letter = outcome(why, 1);
        for field in ["runId", "priority"] {
            letter.insert(field, order.get(field).cloned().unwrap_or(Bson::Null));
        }
        let letter = doc! { "$setOnInsert": letter, "$currentDate": { "outcome.at": true } };
        let id = doc! { "_id": id.to_string() };
        within(self.dead_letters.update_one(id, letter).upsert(true)).await.map(drop)
    }

    /// Keeps letters apart of orders of an import that somebody has deleted.
    pub(crate) fn keep_missing_apart<'a>(
        &'a self,
        run_id: &'a str,
        missing: &'a [(OrderId, Priority)],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for (id, priority) in missing {
                let order = doc! { "runId": run_id, "priority": priority.as_str() };
                self.keep_letter(*id, MISSING, &order).await?;
            }
            Ok(())
        })
    }

    /// Keeps letters apart of orders that have a status which no order has: a cancel cannot
    /// tell what they are, and does not change what somebody else has written.
    pub(crate) fn keep_unknown_apart<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let known = [PENDENTE, PROCESSADO, FALHOU, REMOVIDO, CANCELADO];
            let mut filter = range(ids);
            filter.insert("status", doc! { "$nin": known });
            let fields = doc! { "_id": 1, "status": 1, "priority": 1, "runId": 1 };
            let orders = self.orders.clone_with_type::<Document>();
            let found = within(orders.find(filter).projection(fields)).await?;
            let found: Vec<Document> = within(found.try_collect()).await?;
            for order in found {
                let Ok(id) = id_of(order.get_str("_id")) else { continue };
                let status = order.get("status").map_or_else(|| "none".to_owned(), Bson::to_string);
                let why = format!("the order has the unknown status {status}");
                tracing::warn!(order = %id, why, "an order cannot be cancelled; its letter is kept apart");
                self.keep_letter(id, &why, &order).await?;
            }
            Ok(())
        })
    }

    async fn documents_of(
        &self,
        ids: &[OrderId],
        fields: Document,
    ) -> Result<HashMap<OrderId, Document>> {
        let orders = self.orders.clone_with_type::<Document>();
        let found = within(orders.find(one_of(ids)).projection(fields)).await?;
        let found: Vec<Document> = within(found.try_collect()).await?;
        let by_id = |order: Document| Ok((id_of(order.get_str("_id"))?, order));
        found.into_iter().map(by_id).collect()
    }

    pub(crate) fn letters_kept_apart<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
    ) -> BoxFuture<'a, Result<HashSet<OrderId>>> {
        Box::pin(async move { self.kept_apart(range(ids)).await })
    }

    pub(super) async fn kept_apart(&self, filter: Document) -> Result<HashSet<OrderId>> {
        let letters = within(self.dead_letters.find(filter)).await?;
        let letters: Vec<Document> = within(letters.try_collect()).await?;
        letters.iter().map(|letter| id_of(letter.get_str("_id"))).collect()
    }
}

fn is_pending(order: &Document) -> bool {
    order.get_str("status").is_ok_and(|status| status == PENDENTE)
}
