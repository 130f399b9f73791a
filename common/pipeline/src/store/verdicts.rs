//! Orders for a named processor: read whole, and written as it judged them.
//!
//! An order has its attempts in its document. A verdict that spends one is written only if the order
//! is as it was read: a worker that was frozen cannot bury an order that a person has put back. `ok`
//! counts as long as the order is pending, for the work was done.

use std::collections::HashMap;

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::bson::{Bson, DateTime, Document, deserialize_from_document, doc, serialize_to_bson};
use pedidos_core::order::{FALHOU, OrderId, PENDENTE, PROCESSADO};
use serde::{Deserialize, Serialize};

use super::{
    bulk::Orders,
    call::within,
    client::Store,
    error::{Result, StoreError, corrupt},
    filter::{id_of, number, one_of, pending},
    order_state::{MISSING, OrderState, unknown_status},
    stored_order::StoredOrder,
};

/// Errors that an order keeps, the latest last.
const HISTORY_KEPT: usize = 10;

/// An order as its document has it.
#[derive(Debug)]
pub enum Loaded {
    Pending(Box<PendingOrder>),
    Ended(OrderState),
    /// It has no document, or an unknown status.
    Unknown(String),
}

/// An order that may be sent to a processor.
#[derive(Debug, Clone)]
pub struct PendingOrder {
    pub id: OrderId,
    pub order: StoredOrder,
    /// Attempts that were spent.
    pub attempts: i64,
    pub asked: Asked,
    /// When a person put it back.
    retried_at: Option<DateTime>,
    history: Vec<Bson>,
}

/// How often the processor asked for an order to be tried again. Times are ms since the epoch, by
/// the time of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// By the order's name.
    pub times: i64,
    /// Since the first of them.
    pub since: i64,
    /// When it last failed, or was left out; 0: never.
    pub last: i64,
}

/// Who has judged orders, and when.
#[derive(Debug, Clone, Copy)]
pub struct JudgedBy<'a> {
    /// The token of the lease.
    pub batch: &'a str,
    /// The id of the worker that called the processor.
    pub worker: &'a str,
    /// ms since the epoch by Redis' clock.
    pub at: i64,
}

#[derive(Debug, Clone)]
pub struct Judged<'a> {
    pub order: &'a PendingOrder,
    pub becomes: Becomes,
}

/// What becomes of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Becomes {
    Processed {
        note: Option<String>,
    },
    /// Spends an attempt, and is a dead letter.
    Dead {
        error: String,
    },
    /// Is tried again.
    Again {
        error: String,
        /// It spends an attempt.
        spends: bool,
        asked: Asked,
    },
}

/// The result of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    Written,
    /// Too late: the order is in this state, by somebody else.
    Late(OrderState),
    /// The server refuses the order with it, or has no document of it.
    Refused(String),
}

/// The result of several updates in one call.
struct Each {
    matched: u64,
    /// By their number.
    refused: HashMap<usize, String>,
}

impl Store {
    pub fn load<'a>(
        &'a self,
        ids: &'a [OrderId],
    ) -> BoxFuture<'a, Result<HashMap<OrderId, Loaded>>> {
        Box::pin(async move {
            let orders = self.orders.clone_with_type::<Document>();
            let found = within(orders.find(one_of(ids))).await?;
            let found: Vec<Document> = within(found.try_collect()).await?;
            let mut loaded = HashMap::with_capacity(ids.len());
            for order in found {
                let Ok(id) = id_of(order.get_str("_id")) else { continue };
                loaded.insert(id, read(id, order)?);
            }
            let missing: Vec<OrderId> =
                ids.iter().filter(|id| !loaded.contains_key(id)).copied().collect();
            if !missing.is_empty() {
                // An order that the server refuses is a dead letter that is kept apart.
                let apart = self.kept_apart(one_of(&missing)).await?;
                loaded.extend(missing.into_iter().map(|id| {
                    let dead = apart.contains(&id);
                    let unknown = || Loaded::Unknown(MISSING.to_owned());
                    (id, if dead { Loaded::Ended(OrderState::Dead) } else { unknown() })
                }));
            }
            Ok(loaded)
        })
    }

    /// Writes what a batch's orders become. Answers for each of them, in their order. Repeating it
    /// changes nothing.
    pub fn record_verdicts<'a>(
        &'a self,
        by: JudgedBy<'a>,
        judged: &'a [Judged<'a>],
    ) -> BoxFuture<'a, Result<Vec<Recorded>>> {
        Box::pin(async move {
            let (mut plain, mut each, mut of) = (Vec::new(), Vec::new(), Vec::new());
            for one in judged {
                if one.becomes == (Becomes::Processed { note: None }) {
                    plain.push(one.order.id);
                } else {
                    each.push(statement(one, by)?);
                    of.push(one.order.id);
                }
            }
            let mut refused: HashMap<OrderId, String> = HashMap::new();
            let mut written = 0;
            if !plain.is_empty() {
                let update = processed(by);
                let these = Orders::These(&plain);
                let result = self.update_orders(these, &pending(), &update).await?;
                written += result.count;
                refused.extend(result.refused);
            }
            let result = self.update_each(&each).await?;
            written += result.matched;
            refused.extend(result.refused.into_iter().map(|(number, why)| (of[number], why)));
            if written == judged.len() as u64 {
                return Ok(vec![Recorded::Written; judged.len()]);
            }
            self.read_back(by, judged, &refused).await
        })
    }

    /// Who has written these orders?
    async fn read_back(
        &self,
        JudgedBy { batch, worker, at }: JudgedBy<'_>,
        judged: &[Judged<'_>],
        refused: &HashMap<OrderId, String>,
    ) -> Result<Vec<Recorded>> {
        let ids: Vec<OrderId> = judged.iter().map(|one| one.order.id).collect();
        let fields = doc! { "_id": 1, "status": 1, "outcome.batch": 1 };
        let orders = self.orders.clone_with_type::<Document>();
        let found = within(orders.find(one_of(&ids)).projection(fields)).await?;
        let found: Vec<Document> = within(found.try_collect()).await?;
        let found: HashMap<OrderId, Document> = found
            .into_iter()
            .filter_map(|order| Some((id_of(order.get_str("_id")).ok()?, order)))
            .collect();
        let mut late = Vec::new();
        let recorded = judged.iter().map(|one| {
            let id = one.order.id;
            if let Some(why) = refused.get(&id) {
                return Recorded::Refused(why.clone());
            }
            let Some(order) = found.get(&id) else {
                return Recorded::Refused(MISSING.to_owned());
            };
            let wrote = order.get_document("outcome").and_then(|outcome| outcome.get_str("batch"));
            if wrote.is_ok_and(|wrote| wrote == batch) {
                return Recorded::Written;
            }
            match order.get_str("status").ok().and_then(OrderState::of) {
                Some(state) => {
                    let status = one.becomes.name();
                    let what = doc! { "batch": batch, "worker": worker, "status": status };
                    late.push((id, what));
                    Recorded::Late(state)
                }
                None => Recorded::Refused("the order has an unknown status".to_owned()),
            }
        });
        let recorded = recorded.collect();
        let late: Vec<_> = late
            .into_iter()
            .map(|(id, mut what)| {
                what.insert("at", DateTime::from_millis(at));
                (doc! { "_id": id.to_string() }, doc! { "$set": { "outcome.late": what } })
            })
            .collect();
        self.update_each(&late).await?;
        Ok(recorded)
    }

    /// Several updates of one order each, in one call.
    async fn update_each(&self, updates: &[(Document, Document)]) -> Result<Each> {
        let mut result = Each { matched: 0, refused: HashMap::new() };
        if updates.is_empty() {
            return Ok(result);
        }
        let list = updates.iter().map(|(q, u)| Bson::Document(doc! { "q": q, "u": u }));
        let mut command = doc! { "update": self.orders.name() };
        command.insert("updates", list.collect::<Vec<_>>());
        command.insert("ordered", false);
        if let Some(concern) = self.orders.write_concern() {
            command.insert("writeConcern", serialize_to_bson(concern).map_err(corrupt)?);
        }
        let answer = within(self.database.run_command(command)).await?;
        if let Ok(error) = answer.get_document("writeConcernError") {
            return Err(StoreError::Unavailable(format!("not acknowledged: {error}")));
        }
        result.matched = u64::try_from(number(answer.get("n"))?).unwrap_or(0);
        let errors = answer.get_array("writeErrors").map(Vec::as_slice).unwrap_or_default();
        for error in errors.iter().filter_map(Bson::as_document) {
            let at = usize::try_from(number(error.get("index"))?).map_err(corrupt)?;
            result.refused.insert(at, error.get_str("errmsg").unwrap_or("refused").to_owned());
        }
        Ok(result)
    }
}

impl Becomes {
    /// As metrics and documents have it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Processed { .. } => "ok",
            Self::Dead { .. } => "fail",
            Self::Again { .. } => "retry",
        }
    }
}

/// A document, taken apart.
fn read(id: OrderId, document: Document) -> Result<Loaded> {
    let status = document.get_str("status").ok();
    match status.and_then(OrderState::of) {
        Some(OrderState::Pending) => {}
        Some(ended) => return Ok(Loaded::Ended(ended)),
        None => {
            return Ok(Loaded::Unknown(unknown_status(status)));
        }
    }
    let outcome = document.get_document("outcome").ok();
    let asked = outcome.and_then(|outcome| outcome.get_document("asked").ok());
    let asked = asked.and_then(|asked| deserialize_from_document(asked.clone()).ok());
    let attempts = outcome.and_then(|outcome| number(outcome.get("attempts")).ok());
    let history = outcome.and_then(|outcome| outcome.get_array("history").ok());
    Ok(Loaded::Pending(Box::new(PendingOrder {
        id,
        attempts: attempts.unwrap_or(0),
        asked: asked.unwrap_or_default(),
        retried_at: document.get_datetime("retriedAt").ok().copied(),
        history: history.cloned().unwrap_or_default(),
        order: deserialize_from_document(document).map_err(corrupt)?,
    })))
}

fn processed(JudgedBy { batch, worker, .. }: JudgedBy<'_>) -> Document {
    doc! {
        "$set": {
            "status": PROCESSADO, "outcome.batch": batch, "outcome.worker": worker,
        },
        "$currentDate": { "processedAt": true },
    }
}

/// The filter and the update of one verdict.
fn statement(judged: &Judged<'_>, by: JudgedBy<'_>) -> Result<(Document, Document)> {
    let JudgedBy { batch, worker, at } = by;
    let order = judged.order;
    let mut filter = doc! { "_id": order.id.to_string(), "status": PENDENTE };
    let (error, spends) = match &judged.becomes {
        Becomes::Processed { note } => {
            let mut update = processed(by);
            if let (Some(note), Ok(set)) = (note, update.get_document_mut("$set")) {
                set.insert("outcome.note", note);
            }
            return Ok((filter, update));
        }
        Becomes::Dead { error } => (error, true),
        Becomes::Again { error, spends, .. } => (error, *spends),
    };
    // Null is also what is not there.
    let loaded = (order.attempts > 0).then_some(order.attempts);
    filter.insert("outcome.attempts", loaded);
    filter.insert("retriedAt", order.retried_at);
    // A call that is repeated because its answer was lost: what does not raise the attempts would
    // match again.
    filter.insert("outcome.batch", doc! { "$ne": batch });
    let mut set = doc! { "outcome.batch": batch, "outcome.worker": worker };
    let mut update = Document::new();
    if spends {
        let attempt = order.attempts + 1;
        set.insert("outcome.attempts", attempt);
        let mut history = order.history.clone();
        let at = DateTime::from_millis(at);
        let failed = doc! { "attempt": attempt, "at": at, "error": error, "worker": worker };
        history.push(failed.into());
        let surplus = history.len().saturating_sub(HISTORY_KEPT);
        set.insert("outcome.history", history.split_off(surplus));
    }
    match &judged.becomes {
        Becomes::Again { asked, .. } => {
            set.insert("outcome.asked", serialize_to_bson(asked).map_err(corrupt)?);
        }
        Becomes::Processed { .. } | Becomes::Dead { .. } => {
            set.insert("status", FALHOU);
            set.insert("outcome.error", error);
            update.insert("$currentDate", doc! { "outcome.at": true });
        }
    }
    update.insert("$set", set);
    Ok((filter, update))
}
