//! Lists of orders: ids, processed orders, dead letters; and all of a run for its receipt.

use std::{collections::HashMap, ops::Range};

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::bson::{Document, doc};
use pedidos_core::order::{OrderId, Priority};

use super::{
    call::within,
    client::Store,
    error::{Result, corrupt},
    filter::{dead, id_of, listed, one_of, range},
    stored_order::StoredOrder,
};

/// Orders read at once.
const PAGE: usize = 1_000;

impl Store {
    /// `most`: 0 for all.
    pub(super) async fn ids(
        &self,
        filter: Document,
        most: i64,
        sorted: bool,
    ) -> Result<Vec<OrderId>> {
        let mut find = self.orders.find(filter).projection(doc! { "_id": 1 });
        if most > 0 {
            find = find.limit(most);
        }
        if sorted {
            find = find.sort(doc! { "_id": 1 });
        }
        let page: Vec<_> = within(within(find).await?.try_collect()).await?;
        page.iter().map(|order| id_of(order.get_str("_id"))).collect()
    }

    /// Listed processed orders of a run's pages, in order of id.
    pub fn processed(
        &self,
        pages: Vec<Range<OrderId>>,
        mut skip: u64,
        most: u64,
    ) -> BoxFuture<'_, Result<Vec<StoredOrder>>> {
        Box::pin(async move {
            let mut orders = Vec::new();
            for ids in pages {
                let left = most - orders.len() as u64;
                if left == 0 {
                    break;
                }
                if skip > 0 {
                    let here = within(self.orders.count_documents(listed(&ids))).await?;
                    if here <= skip {
                        skip -= here;
                        continue;
                    }
                }
                orders.extend(self.page(listed(&ids), skip, left).await?);
                skip = 0;
            }
            Ok(orders)
        })
    }

    /// In order of id.
    pub fn dead_letters<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
        priority: Priority,
        skip: u64,
        most: u64,
    ) -> BoxFuture<'a, Result<Vec<StoredOrder>>> {
        Box::pin(async move { self.page(dead(ids, priority), skip, most).await })
    }

    /// In order of id, perhaps of one status and one priority alone.
    pub(crate) fn orders_from<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
        status: Option<&'a str>,
        priority: Option<Priority>,
        most: u64,
    ) -> BoxFuture<'a, Result<Vec<StoredOrder>>> {
        Box::pin(async move {
            let mut filter = range(ids);
            if let Some(status) = status {
                filter.insert("status", status);
            }
            if let Some(priority) = priority {
                filter.insert("priority", priority.as_str());
            }
            self.page(filter, 0, most).await
        })
    }

    /// Letters that are kept apart, in order of id: orders of which nothing else is known.
    pub(crate) fn letters_apart<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
    ) -> BoxFuture<'a, Result<Vec<StoredOrder>>> {
        Box::pin(async move {
            let letters = self.dead_letters.clone_with_type::<StoredOrder>();
            let find = letters.find(range(ids)).sort(doc! { "_id": 1 });
            within(within(find).await?.try_collect()).await
        })
    }

    pub(crate) fn has_letters_apart<'a>(
        &'a self,
        ids: &'a Range<OrderId>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let find = self.dead_letters.find_one(range(ids)).projection(doc! { "_id": 1 });
            Ok(within(find).await?.is_some())
        })
    }

    async fn page(&self, filter: Document, skip: u64, most: u64) -> Result<Vec<StoredOrder>> {
        let orders = self.orders.clone_with_type::<StoredOrder>();
        let find = orders.find(filter).sort(doc! { "_id": 1 }).skip(skip).limit(most as i64);
        within(within(find).await?.try_collect()).await
    }

    pub fn stored_orders<'a>(
        &'a self,
        ids: &'a [OrderId],
    ) -> BoxFuture<'a, Result<HashMap<OrderId, StoredOrder>>> {
        Box::pin(async move {
            let collection = self.orders.clone_with_type::<StoredOrder>();
            let mut orders = HashMap::new();
            for page in ids.chunks(PAGE) {
                let mut cursor = within(collection.find(one_of(page))).await?;
                while let Some(order) = within(cursor.try_next()).await? {
                    orders.insert(order.id.parse().map_err(corrupt)?, order);
                }
            }
            Ok(orders)
        })
    }
}
