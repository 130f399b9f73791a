//! Single orders: dead letters that a person decides about, and what is listed.
//!
//! A decision is made in two steps: a mark on each letter, which means nothing by
//! itself, and then the mark's name in control. Dead letters are found by the
//! index on priority and status: there are few of them in however many orders.

use std::{collections::HashMap, ops::Range};

use futures_util::TryStreamExt;
use mongodb::bson::{DateTime, Document, doc};
use serde::Deserialize;

use super::{
    Result, Store,
    orders::{corrupt, id_of, one_of, range},
    within,
};
use crate::{
    control::{Fate, Letters},
    order::{FALHOU, OrderId, PENDENTE, PROCESSADO, Priority, REMOVIDO},
};

/// An order as it is stored, for a person to look at. What is not there, or not
/// as it should be, is none.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the contract's field names")]
pub struct StoredOrder {
    #[serde(rename = "_id")]
    pub id: String,
    pub cliente: Option<String>,
    pub valor: Option<f64>,
    pub tier: Option<String>,
    pub priority: Option<String>,
    pub observacoes: Option<String>,
    pub status: Option<String>,
    pub created_at: Option<DateTime>,
    pub run_id: Option<String>,
    pub processed_at: Option<DateTime>,
    pub retried_at: Option<DateTime>,
    pub outcome: Option<StoredOutcome>,
}

/// Why an order was given up.
#[derive(Debug, Clone, Deserialize)]
pub struct StoredOutcome {
    /// What the store said.
    pub error: Option<String>,
    /// How often it was tried.
    pub attempts: Option<u32>,
    /// When it was given up, by MongoDB's clock.
    pub at: Option<DateTime>,
}

/// Orders looked for, and written, at once.
const PAGE: i64 = 1_000;

fn dead(ids: &Range<OrderId>, priority: Priority) -> Document {
    let mut filter = doc! { "priority": priority.as_str(), "status": FALHOU };
    filter.extend(range(ids));
    filter
}

impl Store {
    /// Puts a mark on dead letters, `limit` at most, that were given up at or before
    /// a time (ms since the epoch) and that nothing was `decided` about. Answers how
    /// many carry it.
    pub async fn mark_letters(
        &self,
        ids: &Range<OrderId>,
        mark: &str,
        decided: &[Letters],
        limit: u64,
        before: i64,
    ) -> Result<u64> {
        let known = decided.iter().map(|letters| letters.mark.as_str());
        let known: Vec<&str> = known.chain([mark]).collect();
        let mut marked = 0;
        for priority in Priority::ALL {
            let mut filter = dead(ids, priority);
            filter.insert("outcome.marks", doc! { "$nin": &known });
            if before != i64::MAX {
                filter.insert("outcome.at", doc! { "$lte": DateTime::from_millis(before) });
            }
            while marked < limit {
                let most = PAGE.min(i64::try_from(limit - marked).unwrap_or(PAGE));
                let page = self.ids(filter.clone(), most, false).await?;
                if page.is_empty() {
                    break;
                }
                let mut still = one_of(&page);
                still.insert("status", FALHOU);
                let mark = doc! { "$addToSet": { "outcome.marks": mark } };
                marked += within(self.orders.update_many(still, mark)).await?.matched_count;
            }
        }
        Ok(marked)
    }

    /// Dead letters that carry a mark, by priority.
    pub async fn count_letters(&self, ids: &Range<OrderId>, mark: &str) -> Result<[i64; 2]> {
        let mut counts = [0; 2];
        for (count, priority) in counts.iter_mut().zip(Priority::ALL) {
            let mut filter = dead(ids, priority);
            filter.insert("outcome.marks", mark);
            *count = within(self.orders.count_documents(filter)).await? as i64;
        }
        Ok(counts)
    }

    /// Carries out in a range of ids what was decided about dead letters there.
    /// Doing it again changes nothing.
    pub async fn settle_letters(&self, ids: &Range<OrderId>, letters: &[Letters]) -> Result<()> {
        for Letters { mark, fate } in letters {
            for priority in Priority::ALL {
                let mut filter = dead(ids, priority);
                filter.insert("outcome.marks", mark);
                let mut set = doc! { "status": PENDENTE };
                if (priority, *fate) == (Priority::Vip, Fate::RetriedLate) {
                    set.insert("lateVip", true);
                }
                let update = match fate {
                    Fate::Removed => doc! { "$set": { "status": REMOVIDO } },
                    Fate::Retried | Fate::RetriedLate => doc! {
                        "$set": set,
                        "$currentDate": { "retriedAt": true },
                        "$unset": { "outcome": "" },
                    },
                };
                within(self.orders.update_many(filter, update)).await?;
            }
        }
        Ok(())
    }

    /// Takes processed orders of a page of a run off the list, `limit` at most in order of
    /// id, that were processed at or before a time (ms since the epoch). Answers how many.
    pub async fn hide_processed(
        &self,
        ids: &Range<OrderId>,
        before: i64,
        limit: u64,
    ) -> Result<u64> {
        let mut hidden = 0;
        let mut rest = ids.clone();
        while hidden < limit {
            let mut filter = listed(&rest);
            filter.insert("processedAt", doc! { "$lte": DateTime::from_millis(before) });
            let most = PAGE.min(i64::try_from(limit - hidden).unwrap_or(PAGE));
            let page = self.ids(filter, most, true).await?;
            let Some(last) = page.last() else { break };
            rest.start = *last;
            let hide = doc! { "$set": { "hidden": true } };
            hidden += within(self.orders.update_many(one_of(&page), hide)).await?.matched_count;
        }
        Ok(hidden)
    }

    async fn ids(&self, filter: Document, most: i64, sorted: bool) -> Result<Vec<OrderId>> {
        let mut find = self.orders.find(filter).projection(doc! { "_id": 1 }).limit(most);
        if sorted {
            find = find.sort(doc! { "_id": 1 });
        }
        let page: Vec<_> = within(within(find).await?.try_collect()).await?;
        page.iter().map(|order| id_of(order.get_str("_id"))).collect()
    }

    /// Processed orders of a run's pages, in order of id.
    pub async fn processed(
        &self,
        pages: impl Iterator<Item = Range<OrderId>>,
        mut skip: u64,
        most: u64,
    ) -> Result<Vec<StoredOrder>> {
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
    }

    /// Dead letters of a priority, in order of id.
    pub async fn dead_letters(
        &self,
        ids: &Range<OrderId>,
        priority: Priority,
        skip: u64,
        most: u64,
    ) -> Result<Vec<StoredOrder>> {
        self.page(dead(ids, priority), skip, most).await
    }

    async fn page(&self, filter: Document, skip: u64, most: u64) -> Result<Vec<StoredOrder>> {
        let orders = self.orders.clone_with_type::<StoredOrder>();
        let find = orders.find(filter).sort(doc! { "_id": 1 }).skip(skip).limit(most as i64);
        within(within(find).await?.try_collect()).await
    }

    /// These orders.
    pub async fn stored_orders(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, StoredOrder>> {
        let collection = self.orders.clone_with_type::<StoredOrder>();
        let mut orders = HashMap::new();
        for page in ids.chunks(PAGE as usize) {
            let mut cursor = within(collection.find(one_of(page))).await?;
            while let Some(order) = within(cursor.try_next()).await? {
                orders.insert(order.id.parse().map_err(corrupt)?, order);
            }
        }
        Ok(orders)
    }
}

fn listed(ids: &Range<OrderId>) -> Document {
    let mut filter = range(ids);
    filter.insert("status", PROCESSADO);
    filter.insert("hidden", doc! { "$ne": true });
    filter
}
