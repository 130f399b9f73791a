//! The blocks of imports, and the orders that an upload inserts.

use std::{collections::HashMap, ops::Range};

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::{
    bson::{Document, RawDocumentBuf, doc, serialize_to_document},
    error::{ErrorKind, InsertManyError},
};
use pedidos_core::{
    control::{RunSpec, Source},
    import::BLOCK_LINES,
    order::{Generator, OrderId, Priorities, VipBits},
};

use super::{
    bulk::Written,
    call::{CALL_TIMEOUT, in_time, within},
    client::Store,
    error::{DUPLICATE_KEY, Result, StoreError, corrupt},
    filter::{id_of, number, one_of},
    import_document::BlockDocument,
};

/// What the server says of the orders of a block.
#[derive(Debug, Default)]
pub(crate) struct Inserted {
    /// Orders that are not there: another one has their id or their `ref`. By their place.
    pub in_the_way: Vec<usize>,
    /// Orders that the server refuses, by their place, and why.
    pub refused: Vec<(usize, String)>,
}

/// An order that has a `ref`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder {
    pub id: OrderId,
    pub attempt: i64,
}

impl Store {
    pub(crate) fn insert_imported<'a>(
        &'a self,
        orders: impl Iterator<Item = &'a RawDocumentBuf> + Send + 'a,
    ) -> BoxFuture<'a, Result<Inserted>> {
        Box::pin(async move {
            let insert = self.orders.insert_many(orders).ordered(false);
            let failed = match in_time(CALL_TIMEOUT, insert).await {
                None => {
                    let why = format!("no answer within {CALL_TIMEOUT:?}");
                    return Err(StoreError::Unavailable(why));
                }
                Some(Ok(_)) => return Ok(Inserted::default()),
                Some(Err(error)) => match error.kind.as_ref() {
                    ErrorKind::InsertMany(InsertManyError {
                        write_errors: Some(failed),
                        write_concern_error: None,
                        ..
                    }) => failed.clone(),
                    _ => return Err(error.into()),
                },
            };
            let mut inserted = Inserted::default();
            for failed in failed {
                if failed.code == DUPLICATE_KEY {
                    inserted.in_the_way.push(failed.index);
                } else {
                    let why = format!("{} (code {})", failed.message, failed.code);
                    inserted.refused.push((failed.index, why));
                }
            }
            Ok(inserted)
        })
    }

    /// Are the orders at fault, or the store? See [`Self::believed`].
    pub(crate) async fn believe_refused(
        &self,
        count: u64,
        refused: Vec<(OrderId, String)>,
    ) -> Result<()> {
        self.believed(Written { count, refused }).await.map(drop)
    }

    /// The attempts that wrote these orders; one that is not there is left out.
    pub(crate) fn attempts_of<'a>(
        &'a self,
        ids: &'a [OrderId],
    ) -> BoxFuture<'a, Result<HashMap<OrderId, i64>>> {
        Box::pin(async move {
            let orders = self.orders.clone_with_type::<Document>();
            let fields = doc! { "_id": 1, "attempt": 1 };
            let mut found = within(orders.find(one_of(ids)).projection(fields)).await?;
            let mut attempts = HashMap::new();
            while let Some(order) = within(found.try_next()).await? {
                attempts.insert(id_of(order.get_str("_id"))?, number(order.get("attempt"))?);
            }
            Ok(attempts)
        })
    }

    /// The orders of an import that have these refs.
    pub(crate) fn holders_of<'a>(
        &'a self,
        import_id: &'a str,
        references: &'a [&'a str],
    ) -> BoxFuture<'a, Result<HashMap<String, Holder>>> {
        Box::pin(async move {
            let orders = self.orders.clone_with_type::<Document>();
            let filter = doc! { "runId": import_id, "ref": { "$in": references } };
            let fields = doc! { "_id": 1, "ref": 1, "attempt": 1 };
            let mut found = within(orders.find(filter).projection(fields)).await?;
            let mut holders = HashMap::new();
            while let Some(order) = within(found.try_next()).await? {
                let reference = order.get_str("ref").map_err(corrupt)?.to_owned();
                let id = id_of(order.get_str("_id"))?;
                holders.insert(reference, Holder { id, attempt: number(order.get("attempt"))? });
            }
            Ok(holders)
        })
    }

    /// Deletes orders that an earlier attempt wrote. What a later one wrote stays.
    pub(crate) fn delete_earlier<'a>(
        &'a self,
        ids: &'a [OrderId],
        attempt: i64,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut filter = one_of(ids);
            filter.insert("attempt", doc! { "$lt": attempt });
            within(self.orders.delete_many(filter)).await.map(drop)
        })
    }

    /// Replaces the block that an earlier attempt wrote in its place. Answers false if there is
    /// one of a later attempt.
    pub(crate) fn save_block<'a>(
        &'a self,
        block: &'a BlockDocument,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mine = doc! { "_id": &block.id, "attempt": { "$lte": block.attempt } };
            let document = serialize_to_document(block).map_err(corrupt)?;
            match within(self.import_blocks.replace_one(mine, document).upsert(true)).await {
                Ok(_) => Ok(true),
                Err(StoreError::Rejected(error)) if error.contains(&DUPLICATE_KEY.to_string()) => {
                    Ok(false)
                }
                Err(error) => Err(error),
            }
        })
    }

    /// The next blocks of an import from a line on, in order, as far as its `lines` go.
    pub fn blocks_from<'a>(
        &'a self,
        import_id: &'a str,
        line: i64,
        lines: i64,
        most: i64,
    ) -> BoxFuture<'a, Result<Vec<BlockDocument>>> {
        Box::pin(async move {
            let ids = doc! {
                "$gte": BlockDocument::id_of(import_id, line),
                "$lt": BlockDocument::id_of(import_id, lines),
            };
            let blocks = self.import_blocks.clone_with_type::<BlockDocument>();
            let find = blocks.find(doc! { "_id": ids }).sort(doc! { "_id": 1 }).limit(most);
            within(within(find).await?.try_collect()).await
        })
    }

    /// The priorities of a run's orders in a range of indexes.
    pub fn priorities<'a>(
        &'a self,
        source: Source,
        run_id: &'a str,
        generator: Generator,
        indexes: &'a Range<u32>,
    ) -> BoxFuture<'a, Result<Priorities>> {
        Box::pin(async move {
            Ok(match source {
                Source::Generated => Priorities::Generated(generator),
                Source::Import => Priorities::Imported(self.vip_bits(run_id, indexes).await?),
            })
        })
    }

    /// As [`Self::priorities`], of a run.
    pub(crate) async fn priorities_of(
        &self,
        run: &RunSpec,
        indexes: &Range<u32>,
    ) -> Result<Priorities> {
        self.priorities(run.source, &run.run_id, run.generator(), indexes).await
    }

    /// Blocks that were never committed begin behind the last order: their orders are beyond
    /// every range of the run.
    async fn vip_bits(&self, import_id: &str, indexes: &Range<u32>) -> Result<VipBits> {
        let filter = doc! {
            "importId": import_id,
            "first": {
                "$gt": i64::from(indexes.start) - i64::from(BLOCK_LINES),
                "$lt": i64::from(indexes.end),
            },
        };
        let fields = doc! { "first": 1, "count": 1, "vip": 1 };
        let mut found = within(self.import_blocks.find(filter).projection(fields)).await?;
        let mut bits = VipBits::none(indexes);
        let mut covered = 0;
        while let Some(block) = within(found.try_next()).await? {
            let (first, count) = (number(block.get("first"))? as u32, number(block.get("count"))?);
            let bytes = block.get_binary_generic("vip").map_err(corrupt)?;
            let of_block = VipBits::of(first, bytes.clone());
            let both = first.max(indexes.start)..indexes.end.min(first + count as u32);
            covered += both.len();
            both.filter(|index| of_block.has(*index)).for_each(|index| bits.set(index));
        }
        if covered < indexes.len() {
            return Err(StoreError::Corrupt(format!(
                "the blocks of import {import_id} say the priority of {covered} of the {} orders \
                 from index {}",
                indexes.len(),
                indexes.start
            )));
        }
        Ok(bits)
    }

    /// Deletes the blocks of an import.
    pub(crate) fn delete_blocks<'a>(&'a self, import_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let blocks = doc! { "importId": import_id };
            within(self.import_blocks.delete_many(blocks)).await.map(drop)
        })
    }
}
