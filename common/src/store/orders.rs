//! Orders: inserted once, updated once, never one at a time on the hot path.

use std::{
    collections::{HashMap, HashSet},
    ops::{AddAssign, Range},
};

use futures_util::TryStreamExt;
use mongodb::{
    bson::{Bson, DateTime, Document, doc},
    error::{ErrorKind, InsertManyError},
};

use super::{DUPLICATE_KEY, Result, Store, StoreError, within};
use crate::order::{CANCELADO, FALHOU, Order, OrderId, PENDENTE, PROCESSADO, Priority, REMOVIDO};

/// What the store says of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Still to be processed.
    Pending,
    /// Processed, by whomever.
    Processed,
    /// A dead letter.
    Dead,
    /// Removed or cancelled.
    Removed,
}

impl Found {
    fn of(status: &str) -> Result<Self> {
        match status {
            PENDENTE => Ok(Self::Pending),
            PROCESSADO => Ok(Self::Processed),
            FALHOU => Ok(Self::Dead),
            REMOVIDO | CANCELADO => Ok(Self::Removed),
            other => Err(StoreError::Corrupt(format!("an order of status '{other}'"))),
        }
    }

    /// Nothing more will happen to it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending)
    }
}

/// What the store holds of a set of orders; what is not in it is not there.
#[derive(Debug, Default)]
pub struct Stored {
    found: HashMap<OrderId, Found>,
    /// VIP orders among them that were put back after the fence had opened.
    pub late_vip: u64,
}

impl Stored {
    /// What it holds of one order.
    #[must_use]
    pub fn get(&self, id: &OrderId) -> Option<Found> {
        self.found.get(id).copied()
    }

    /// Is any of them terminal?
    #[must_use]
    pub fn any_terminal(&self) -> bool {
        self.found.values().any(|found| found.is_terminal())
    }
}

/// Orders of a run by priority and status, as MongoDB has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Terminal: processed.
    pub processed: i64,
    /// Terminal: dead letters.
    pub dead: i64,
    /// Terminal: removed by a person.
    pub removed: i64,
    /// Terminal: cancelled with the run.
    pub cancelled: i64,
    /// Not terminal.
    pub pending: i64,
}

impl Counts {
    /// Those that nothing more will happen to.
    #[must_use]
    pub const fn terminal(&self) -> i64 {
        self.processed + self.dead + self.removed + self.cancelled
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.processed += other.processed;
        self.dead += other.dead;
        self.removed += other.removed;
        self.cancelled += other.cancelled;
        self.pending += other.pending;
    }
}

impl Store {
    /// Inserts orders as created at this time, ms since the epoch. Those that are there
    /// already are left as they are (I4).
    pub async fn insert_orders(
        &self,
        orders: &[Order],
        run_id: &str,
        created_at: i64,
    ) -> Result<()> {
        let created_at = DateTime::from_millis(created_at);
        let documents = orders.iter().map(|order| order.to_raw_document(run_id, created_at));
        let insert = self.orders.insert_many(documents).ordered(false);
        let timely = tokio::time::timeout(super::CALL_TIMEOUT, insert);
        let Err(error) = timely.await.map_err(|_| StoreError::Unavailable("no answer".into()))?
        else {
            return Ok(());
        };
        match error.kind.as_ref() {
            ErrorKind::InsertMany(InsertManyError {
                write_errors: Some(failed),
                write_concern_error: None,
                ..
            }) => match failed.iter().find(|write| write.code != DUPLICATE_KEY) {
                None => Ok(()),
                Some(write) => Err(StoreError::Rejected(write.message.clone())),
            },
            _ => Err(error.into()),
        }
    }

    /// What is there of a range of ids.
    pub async fn orders_in(&self, ids: &Range<OrderId>) -> Result<Stored> {
        self.found(range(ids)).await
    }

    /// What is there of a batch.
    pub async fn orders_of(&self, ids: &[OrderId]) -> Result<Stored> {
        let mut stored = self.found(one_of(ids)).await?;
        if stored.found.len() < ids.len() {
            // An order that could not be written at all is a dead letter here.
            let missing: Vec<_> =
                ids.iter().filter(|id| stored.get(id).is_none()).copied().collect();
            let apart = self.kept_apart(one_of(&missing)).await?;
            stored.found.extend(apart.into_iter().map(|id| (id, Found::Dead)));
        }
        Ok(stored)
    }

    /// The dead letters of a range of ids whose orders could not be written.
    pub async fn letters_kept_apart(&self, ids: &Range<OrderId>) -> Result<HashSet<OrderId>> {
        self.kept_apart(range(ids)).await
    }

    async fn kept_apart(&self, filter: Document) -> Result<HashSet<OrderId>> {
        let letters = within(self.dead_letters.find(filter)).await?;
        let letters: Vec<Document> = within(letters.try_collect()).await?;
        letters.iter().map(|letter| id_of(letter.get_str("_id"))).collect()
    }

    async fn found(&self, filter: Document) -> Result<Stored> {
        let fields = doc! { "_id": 1, "status": 1, "lateVip": 1 };
        let mut cursor = within(self.orders.find(filter).projection(fields)).await?;
        let mut stored = Stored::default();
        while let Some(order) = within(cursor.try_next()).await? {
            let status = order.get_str("status").map_err(corrupt)?;
            stored.found.insert(id_of(order.get_str("_id"))?, Found::of(status)?);
            stored.late_vip += u64::from(order.get_bool("lateVip").unwrap_or(false));
        }
        Ok(stored)
    }

    /// When an order was created, ms since the epoch by Redis' clock; none if it is not there.
    pub async fn created_at(&self, id: OrderId) -> Result<Option<i64>> {
        let orders = self.orders.clone_with_type::<Document>();
        let fields = doc! { "_id": 0, "createdAt": 1 };
        let find = orders.find_one(doc! { "_id": id.to_string() }).projection(fields);
        let Some(order) = within(find).await? else { return Ok(None) };
        let at = order.get_datetime("createdAt").map_err(corrupt)?;
        Ok(Some(at.timestamp_millis()))
    }

    /// Marks a batch processed; the time is the server's own. Answers how many
    /// were still pending.
    pub async fn mark_processed(&self, ids: &[OrderId], priority: Priority) -> Result<u64> {
        let mut filter = one_of(ids);
        filter.insert("status", PENDENTE);
        let update = doc! {
            "$set": { "status": PROCESSADO, "observacoes": priority.processed_note() },
            "$currentDate": { "processedAt": true },
        };
        Ok(within(self.orders.update_many(filter, update)).await?.modified_count)
    }

    /// Makes a dead letter of an order that was given up. If its document is gone it is
    /// written again, as created at `created_at` (ms since the epoch), so that a replay
    /// finds it; if the server takes it in no form, it goes into `dead_letters`. Answers
    /// what the order is now: another may have processed it meanwhile.
    pub async fn mark_dead(
        &self,
        order: &Order,
        run_id: &str,
        attempts: u32,
        error: &str,
        created_at: i64,
    ) -> Result<Found> {
        let id = order.id.to_string();
        let outcome = doc! { "outcome.error": error, "outcome.attempts": i64::from(attempts) };
        let with_outcome = |mut set: Document| {
            set.extend(outcome.clone());
            doc! { "$set": set, "$currentDate": { "outcome.at": true } }
        };
        let update = with_outcome(doc! { "status": FALHOU });
        let mark = || {
            within(self.orders.update_one(doc! { "_id": &id, "status": PENDENTE }, update.clone()))
        };
        let marked = match mark().await {
            // Gone, or terminal by another's hand: the insert tells.
            Ok(result) if result.matched_count == 0 => {
                self.insert_orders(std::slice::from_ref(order), run_id, created_at).await?;
                mark().await
            }
            marked => marked,
        };
        match marked {
            Ok(result) if result.matched_count == 1 => return Ok(Found::Dead),
            Ok(_) => {}
            Err(StoreError::Rejected(error)) => {
                tracing::warn!(order = %id, error, "a dead letter cannot be marked; kept apart");
                let letter = with_outcome(doc! { "runId": run_id });
                within(self.dead_letters.update_one(doc! { "_id": &id }, letter).upsert(true))
                    .await?;
                return Ok(Found::Dead);
            }
            Err(error) => return Err(error),
        }
        let found = self.orders_of(&[order.id]).await?.get(&order.id);
        found.ok_or_else(|| StoreError::Unavailable(format!("order {id} comes and goes")))
    }

    /// Removes orders that are still pending and were stored at or before this
    /// time, ms since the epoch.
    pub async fn remove_pending(&self, ids: &[OrderId], before: i64) -> Result<()> {
        let mut filter = one_of(ids);
        filter.insert("status", PENDENTE);
        if before != i64::MAX {
            filter.insert("createdAt", doc! { "$lte": DateTime::from_millis(before) });
        }
        let removed = doc! { "$set": { "status": REMOVIDO } };
        within(self.orders.update_many(filter, removed)).await.map(drop)
    }

    /// Cancels what is pending in a range of ids, and puts this attempt's stamp on that
    /// and on what an earlier attempt cancelled. Answers how many there were.
    pub async fn cancel_pending(&self, ids: &Range<OrderId>, attempt: i64) -> Result<u64> {
        let mut filter = range(ids);
        let earlier = doc! { "status": CANCELADO, "cancelAttempt": { "$lt": attempt } };
        filter.insert("$or", [doc! { "status": PENDENTE }, earlier]);
        let set = doc! { "$set": { "status": CANCELADO, "cancelAttempt": attempt } };
        Ok(within(self.orders.update_many(filter, set)).await?.matched_count)
    }

    /// Cancels what turns up pending in a range of ids after its run was counted: it has
    /// no stamp, and is in no count.
    pub async fn cancel_strays(&self, ids: &Range<OrderId>) -> Result<u64> {
        let mut filter = range(ids);
        filter.insert("status", PENDENTE);
        let set = doc! { "$set": { "status": CANCELADO } };
        Ok(within(self.orders.update_many(filter, set)).await?.modified_count)
    }

    /// Counts a range of ids by priority and status; of what is cancelled, what this
    /// attempt stamped.
    pub async fn count(&self, ids: &Range<OrderId>, attempt: i64) -> Result<[Counts; 2]> {
        let mut filter = range(ids);
        let stamped = doc! { "cancelAttempt": attempt };
        filter.insert("$or", [doc! { "status": { "$ne": CANCELADO } }, stamped]);
        let group = doc! {
            "_id": { "priority": "$priority", "status": "$status" },
            "orders": { "$sum": 1 },
        };
        let pipeline = [doc! { "$match": filter }, doc! { "$group": group }];
        let mut groups = within(self.orders.aggregate(pipeline)).await?;
        let mut counts = [Counts::default(); 2];
        while let Some(group) = within(groups.try_next()).await? {
            let key = group.get_document("_id").map_err(corrupt)?;
            let orders = number(group.get("orders"))?;
            let priority = key.get_str("priority").map_err(corrupt)?;
            let Some(priority) = Priority::ALL.into_iter().find(|p| p.as_str() == priority) else {
                return Err(StoreError::Corrupt(format!("an order of priority '{priority}'")));
            };
            let counts = &mut counts[priority as usize];
            *match key.get_str("status").map_err(corrupt)? {
                PROCESSADO => &mut counts.processed,
                FALHOU => &mut counts.dead,
                REMOVIDO => &mut counts.removed,
                CANCELADO => &mut counts.cancelled,
                _ => &mut counts.pending,
            } += orders;
        }
        Ok(counts)
    }

    /// Deletes a range of ids that a call can walk over. Answers how many orders.
    pub async fn delete(&self, ids: &Range<OrderId>) -> Result<u64> {
        Ok(within(self.orders.delete_many(range(ids))).await?.deleted_count)
    }

    /// Deletes every order below an id, and the letters that were kept apart: what is left
    /// there when the runs are gone. Answers how many orders.
    pub async fn delete_below(&self, floor: OrderId) -> Result<u64> {
        let below = doc! { "_id": { "$lt": floor.to_string() } };
        within(self.dead_letters.delete_many(below.clone())).await?;
        Ok(within(self.orders.delete_many(below)).await?.deleted_count)
    }

    /// Deletes what a cancel marked in a range of ids. Answers how many.
    pub async fn delete_cancelled(&self, ids: &Range<OrderId>) -> Result<u64> {
        let mut filter = range(ids);
        filter.insert("status", CANCELADO);
        Ok(within(self.orders.delete_many(filter)).await?.deleted_count)
    }

    /// The documents of a range of ids, in order: for the audit.
    pub async fn documents(&self, ids: &Range<OrderId>) -> Result<Vec<Document>> {
        let documents = self.orders.clone_with_type::<Document>();
        let find = documents.find(range(ids)).sort(doc! { "_id": 1 });
        within(within(find).await?.try_collect()).await
    }

    /// The run of an order that is still pending, if there is one: when no run
    /// is active there should not be. Reads one entry of an index.
    pub async fn run_of_a_pending_order(&self) -> Result<Option<String>> {
        for priority in Priority::ALL {
            let filter = doc! { "priority": priority.as_str(), "status": PENDENTE };
            let find = self.orders.find_one(filter).projection(doc! { "runId": 1 });
            if let Some(order) = within(find).await? {
                return Ok(Some(order.get_str("runId").map_err(corrupt)?.to_owned()));
            }
        }
        Ok(None)
    }

    /// Orders of this queue's database, of any run.
    pub async fn count_all(&self) -> Result<u64> {
        within(self.orders.count_documents(doc! {})).await
    }
}

pub(super) fn range(ids: &Range<OrderId>) -> Document {
    doc! { "_id": { "$gte": ids.start.to_string(), "$lt": ids.end.to_string() } }
}

pub(super) fn one_of(ids: &[OrderId]) -> Document {
    let ids: Vec<Bson> = ids.iter().map(|id| Bson::String(id.to_string())).collect();
    doc! { "_id": { "$in": ids } }
}

pub(super) fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

pub(super) fn id_of<E: std::fmt::Display>(id: std::result::Result<&str, E>) -> Result<OrderId> {
    id.map_err(corrupt)?.parse().map_err(corrupt)
}

/// Servers answer a count as any of BSON's numbers.
fn number(value: Option<&Bson>) -> Result<i64> {
    match value {
        Some(Bson::Int32(n)) => Ok(i64::from(*n)),
        Some(Bson::Int64(n)) => Ok(*n),
        Some(Bson::Double(n)) => Ok(*n as i64),
        other => Err(StoreError::Corrupt(format!("a count of {other:?}"))),
    }
}
