//! Orders: inserted once and updated once, in batches.

use std::ops::Range;

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::bson::{DateTime, Document, doc};
use pedidos_core::{
    order::{CANCELADO, FALHOU, Order, OrderId, PROCESSADO, Priorities, Priority, REMOVIDO},
    run::Counts,
};

use super::{
    bulk::{Orders, Written},
    call::within,
    client::Store,
    error::{Result, corrupt},
    filter::{id_of, number, one_of, pending, range},
    order_state::{OrderState, Stored},
};

impl Store {
    /// Leaves orders that are stored already as they are (I4). `created_at`: ms since the epoch.
    pub fn insert_orders<'a>(
        &'a self,
        orders: &'a [Order],
        run_id: &'a str,
        created_at: i64,
    ) -> BoxFuture<'a, Result<Written>> {
        Box::pin(self.insert_in_parts(orders, run_id, created_at))
    }

    pub fn orders_in<'a>(&'a self, ids: &'a Range<OrderId>) -> BoxFuture<'a, Result<Stored>> {
        Box::pin(async move { self.found(range(ids)).await })
    }

    pub fn orders_of<'a>(&'a self, ids: &'a [OrderId]) -> BoxFuture<'a, Result<Stored>> {
        Box::pin(async move {
            let mut stored = self.found(one_of(ids)).await?;
            if stored.found.len() < ids.len() {
                // An order that the server refuses is a dead letter that is kept apart.
                let missing: Vec<_> =
                    ids.iter().filter(|id| stored.get(id).is_none()).copied().collect();
                let apart = self.kept_apart(one_of(&missing)).await?;
                stored.found.extend(apart.into_iter().map(|id| (id, OrderState::Dead)));
            }
            Ok(stored)
        })
    }

    async fn found(&self, filter: Document) -> Result<Stored> {
        let fields = doc! { "_id": 1, "status": 1, "lateVip": 1 };
        let mut cursor = within(self.orders.find(filter).projection(fields)).await?;
        let mut stored = Stored::default();
        while let Some(order) = within(cursor.try_next()).await? {
            // An id that is none of ours sorts among ours, and is somebody else's.
            let Ok(id) = id_of(order.get_str("_id")) else { continue };
            let status = order.get_str("status").ok();
            let Some(state) = status.and_then(OrderState::of) else {
                stored.unknown.insert(id, status.map(str::to_owned));
                continue;
            };
            stored.found.insert(id, state);
            stored.late_vip += u64::from(order.get_bool("lateVip").unwrap_or(false));
        }
        Ok(stored)
    }

    /// ms since the epoch by Redis' clock; none if there is no such order.
    pub fn created_at(&self, id: OrderId) -> BoxFuture<'_, Result<Option<i64>>> {
        Box::pin(async move {
            let orders = self.orders.clone_with_type::<Document>();
            let fields = doc! { "_id": 0, "createdAt": 1 };
            let find = orders.find_one(doc! { "_id": id.to_string() }).projection(fields);
            let Some(order) = within(find).await? else { return Ok(None) };
            let at = order.get_datetime("createdAt").map_err(corrupt)?;
            Ok(Some(at.timestamp_millis()))
        })
    }

    /// Marks a batch processed, with the server's time. Answers how many were still pending, and
    /// which the server refuses.
    pub fn mark_processed<'a>(
        &'a self,
        ids: &'a [OrderId],
        priority: Priority,
    ) -> BoxFuture<'a, Result<Written>> {
        Box::pin(async move {
            let update = doc! {
                "$set": { "status": PROCESSADO, "observacoes": priority.processed_note() },
                "$currentDate": { "processedAt": true },
            };
            self.update_orders(Orders::These(ids), &pending(), &update).await
        })
    }

    /// Removes pending orders that were stored at or before a time, ms since the epoch. Orders
    /// that the server refuses to change stay pending.
    pub(crate) fn remove_pending<'a>(
        &'a self,
        ids: &'a [OrderId],
        before: i64,
    ) -> BoxFuture<'a, Result<Written>> {
        Box::pin(async move {
            let mut filter = pending();
            if before != i64::MAX {
                filter.insert("createdAt", doc! { "$lte": DateTime::from_millis(before) });
            }
            let removed = doc! {
                "$set": { "status": REMOVIDO }, "$currentDate": { "removedAt": true },
            };
            self.update_orders(Orders::These(ids), &filter, &removed).await
        })
    }

    /// Cancels the pending orders of a range of ids with this attempt's stamp; `again`: and
    /// stamps what earlier attempts cancelled. An order whose cancel the server refuses becomes a
    /// dead letter that is kept apart. Answers how many were stamped.
    pub(crate) fn cancel_pending<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
        attempt: i64,
        again: bool,
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let set = doc! { "$set": { "status": CANCELADO, "cancelAttempt": attempt } };
            let mut written = self.update_orders(Orders::In(ids), &pending(), &set).await?;
            if again {
                // Not one filter with both: a server may then read more than this range.
                let earlier = doc! { "status": CANCELADO, "cancelAttempt": { "$lt": attempt } };
                written.count += self.update_orders(Orders::In(ids), &earlier, &set).await?.count;
            }
            self.keep_apart(&written.refused).await?;
            Ok(written.count)
        })
    }

    /// Cancels orders that are stored after their run was counted: without a stamp, so that they
    /// are in no count.
    pub fn cancel_strays<'a>(&'a self, ids: &'a Range<OrderId>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let set = doc! { "$set": { "status": CANCELADO } };
            let written = self.update_orders(Orders::In(ids), &pending(), &set).await?;
            if let Some((order, why)) = written.refused.first() {
                let refused = written.refused.len();
                tracing::warn!(refused, %order, why, "MongoDB refuses to cancel strays; they stay pending");
            }
            Ok(written.count)
        })
    }

    /// Counts a range of ids by priority and status; of what is cancelled, what this attempt
    /// stamped. A status that no order has counts as pending. `priorities`: of orders whose
    /// documents have none, or one that no order has.
    pub fn count<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
        attempt: i64,
        priorities: &'a Priorities,
    ) -> BoxFuture<'a, Result<[Counts; 2]>> {
        Box::pin(async move {
            let mut filter = range(ids);
            // What another attempt cancelled is left out here, not by the filter: with an `$or` in
            // it, a server may read more than this range.
            let group = doc! {
                "_id": {
                    "priority": "$priority",
                    "status": "$status",
                    "cancelAttempt": "$cancelAttempt",
                },
                "orders": { "$sum": 1 },
            };
            let pipeline = [doc! { "$match": filter.clone() }, doc! { "$group": group }];
            let mut groups = within(self.orders.aggregate(pipeline)).await?;
            let mut counts = [Counts::default(); 2];
            let mut unknown = false;
            while let Some(group) = within(groups.try_next()).await? {
                let key = group.get_document("_id").map_err(corrupt)?;
                let priority = key.get_str("priority").unwrap_or_default();
                match Priority::ALL.into_iter().find(|known| known.as_str() == priority) {
                    Some(priority) => {
                        if let Some(count) = of_status(&mut counts[priority as usize], key, attempt)
                        {
                            *count += number(group.get("orders"))?;
                        }
                    }
                    None => unknown = true,
                }
            }
            if unknown {
                filter.insert("priority", doc! { "$nin": Priority::ALL.map(Priority::as_str) });
                let fields = doc! { "_id": 1, "status": 1, "cancelAttempt": 1 };
                let orders = self.orders.clone_with_type::<Document>();
                let mut found = within(orders.find(filter).projection(fields)).await?;
                while let Some(order) = within(found.try_next()).await? {
                    let Ok(id) = id_of(order.get_str("_id")) else { continue };
                    let priority = priorities.of(id.index());
                    if let Some(count) = of_status(&mut counts[priority as usize], &order, attempt)
                    {
                        *count += 1;
                    }
                }
            }
            Ok(counts)
        })
    }

    /// In order of id, to verify them.
    pub fn documents<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
    ) -> BoxFuture<'a, Result<Vec<Document>>> {
        Box::pin(async move {
            let documents = self.orders.clone_with_type::<Document>();
            let find = documents.find(range(ids)).sort(doc! { "_id": 1 });
            within(within(find).await?.try_collect()).await
        })
    }

    /// Is there a pending order in a range of ids, but for those whose letters are kept apart?
    pub(crate) fn has_pending<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let apart = self.kept_apart(range(ids)).await?;
            let apart: Vec<String> = apart.iter().map(ToString::to_string).collect();
            let mut filter = range(ids);
            if let Ok(ids) = filter.get_document_mut("_id") {
                ids.insert("$nin", apart);
            }
            filter.extend(pending());
            let find = self.orders.find_one(filter).projection(doc! { "_id": 1 });
            Ok(within(find).await?.is_some())
        })
    }

    /// Of any run.
    pub fn count_all(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move { within(self.orders.count_documents(doc! {})).await })
    }
}

/// The count of orders that have the status of this document; none if another attempt than this
/// one cancelled it.
fn of_status<'a>(counts: &'a mut Counts, document: &Document, attempt: i64) -> Option<&'a mut i64> {
    match document.get_str("status").unwrap_or_default() {
        PROCESSADO => Some(&mut counts.processed),
        FALHOU => Some(&mut counts.dead),
        REMOVIDO => Some(&mut counts.removed),
        CANCELADO => {
            let stamp = number(document.get("cancelAttempt")).ok();
            (stamp == Some(attempt)).then_some(&mut counts.cancelled)
        }
        _ => Some(&mut counts.pending),
    }
}
