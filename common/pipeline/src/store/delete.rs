//! Deletes orders: all of a reset or of a run, and those that a cancel marked.

use std::ops::Range;

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::bson::{Document, doc};
use pedidos_core::order::{CANCELADO, OrderId};

use super::{
    call::within,
    client::Store,
    error::{Result, corrupt},
    filter::{one_of, range},
    shape::our_order,
};

/// Orders read at once.
const LEFT_PAGE: i64 = 1_000;

impl Store {
    /// Deletes a range of ids that one call can delete. Answers how many orders there were.
    pub fn delete<'a>(&'a self, ids: &'a Range<OrderId>) -> BoxFuture<'a, Result<u64>> {
        Box::pin(
            async move { Ok(within(self.orders.delete_many(range(ids))).await?.deleted_count) },
        )
    }

    /// Deletes the letters of a range of ids that are kept apart.
    pub(crate) fn delete_letters<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut letters = range(ids);
            letters.insert("runId", doc! { "$type": "string" });
            within(self.dead_letters.delete_many(letters)).await.map(drop)
        })
    }

    /// Deletes every order of ours below an id, and the letters that are kept apart, when the
    /// runs are deleted already. Answers how many orders there were.
    pub(crate) fn delete_below(&self, floor: OrderId) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            let mut letters = range(&(OrderId::floor(0)..floor));
            letters.insert("runId", doc! { "$type": "string" });
            within(self.dead_letters.delete_many(letters)).await?;
            let orders = self.orders.clone_with_type::<Document>();
            let fields = doc! { "_id": 1, "id": 1, "runId": 1 };
            let mut deleted = 0;
            let mut rest = doc! { "$gte": OrderId::floor(0).to_string() };
            loop {
                rest.insert("$lt", floor.to_string());
                let find = orders.find(doc! { "_id": rest }).sort(doc! { "_id": 1 });
                let find = find.projection(fields.clone()).limit(LEFT_PAGE);
                let page: Vec<Document> = within(within(find).await?.try_collect()).await?;
                let ours: Vec<OrderId> = page.iter().filter_map(our_order).collect();
                if !ours.is_empty() {
                    deleted += within(self.orders.delete_many(one_of(&ours))).await?.deleted_count;
                }
                let Some(last) = page.last() else { return Ok(deleted) };
                rest = doc! { "$gt": last.get_str("_id").map_err(corrupt)? };
            }
        })
    }

    /// Deletes the cancelled orders of a range of ids. Answers how many there were.
    pub(crate) fn delete_cancelled<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let mut filter = range(ids);
            filter.insert("status", CANCELADO);
            Ok(within(self.orders.delete_many(filter)).await?.deleted_count)
        })
    }
}
