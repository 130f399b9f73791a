//! Writes of many orders: the only way to insert or update them.
//!
//! A server refuses a write of many orders because of a single one that breaks a rule of the
//! collection, and does not answer one that is too large in time, however often it is repeated.
//! So a write that is refused or late is repeated in quarters, down to single orders: one that is
//! refused does not hold up the others. Quarters, not halves: to find one order takes as many
//! calls, and a batch of which every order is refused takes two thirds of them.

use std::ops::Range;

use mongodb::{
    bson::{DateTime, Document, doc},
    error::{ErrorKind, InsertManyError},
};

use pedidos_core::order::{Order, OrderId};

use super::{
    call::{CALL_TIMEOUT, in_time, within},
    client::Store,
    error::{DUPLICATE_KEY, Result, StoreError},
    filter::{one_of, range},
};

/// Orders that one call inserts, at most: a small server needs a second for them.
const INSERTED_AT_ONCE: usize = 10_000;

/// The result of a write of many orders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Orders that were written, without those that a call wrote before it was refused: servers
    /// do not tell their number.
    pub count: u64,
    /// Orders that the server refuses one by one, and why.
    pub refused: Vec<(OrderId, String)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Orders<'a> {
    In(&'a Range<OrderId>),
    These(&'a [OrderId]),
}

/// The result of one call.
#[derive(Debug)]
enum Tried {
    Done(u64),
    Refused(String),
    TooSlow,
}

/// The parts that are still to be written, and the results of the others.
struct Parts<'a, T> {
    left: Vec<&'a [T]>,
    count: u64,
    refused: Vec<(&'a T, String)>,
}

impl<'a, T> Parts<'a, T> {
    fn of(all: &'a [T], most: usize) -> Self {
        let left = all.chunks(most.max(1)).rev().collect();
        Self { left, count: 0, refused: Vec::new() }
    }

    /// Answers false if a single order is too slow: then the size is not at fault.
    fn note(&mut self, part: &'a [T], tried: Tried) -> bool {
        match (tried, part) {
            (Tried::Done(count), _) => self.count += count,
            (Tried::Refused(why), [single]) => self.refused.push((single, why)),
            (Tried::TooSlow, [_]) => return false,
            (Tried::Refused(_) | Tried::TooSlow, _) => {
                self.left.extend(part.chunks(part.len().div_ceil(4).max(1)).rev());
            }
        }
        true
    }

    fn written(self, id: impl Fn(&T) -> OrderId) -> Written {
        let refused = self.refused.into_iter().map(|(one, why)| (id(one), why)).collect();
        Written { count: self.count, refused }
    }
}

impl Store {
    /// Updates those of the orders that match the filter, which says nothing of ids.
    pub(super) async fn update_orders(
        &self,
        orders: Orders<'_>,
        filter: &Document,
        update: &Document,
    ) -> Result<Written> {
        let among = |mut ids: Document| {
            ids.extend(filter.clone());
            ids
        };
        let listed;
        let mut parts = match orders {
            Orders::These(ids) => Parts::of(ids, ids.len()),
            Orders::In(ids) => match self.try_update(among(range(ids)), update).await? {
                Tried::Done(count) => return Ok(Written { count, refused: Vec::new() }),
                Tried::Refused(_) | Tried::TooSlow => {
                    listed = self.ids(among(range(ids)), 0, false).await?;
                    Parts::of(&listed, listed.len().div_ceil(4))
                }
            },
        };
        while let Some(part) = parts.left.pop() {
            let tried = self.try_update(among(one_of(part)), update).await?;
            if !parts.note(part, tried) {
                return Err(too_slow());
            }
        }
        self.believed(parts.written(|id| *id)).await
    }

    async fn try_update(&self, filter: Document, update: &Document) -> Result<Tried> {
        let call = self.orders.update_many(filter, update.clone());
        match in_time(CALL_TIMEOUT, call).await {
            None => Ok(Tried::TooSlow),
            Some(Ok(result)) => Ok(Tried::Done(result.matched_count)),
            Some(Err(error)) => match error.into() {
                StoreError::Rejected(why) => Ok(Tried::Refused(why)),
                error => Err(error),
            },
        }
    }

    /// Leaves orders that are stored already as they are (I4). `created_at`: ms since the epoch.
    pub(super) async fn insert_in_parts(
        &self,
        orders: &[Order],
        run_id: &str,
        created_at: i64,
    ) -> Result<Written> {
        let created_at = DateTime::from_millis(created_at);
        let mut parts = Parts::of(orders, INSERTED_AT_ONCE);
        while let Some(part) = parts.left.pop() {
            let documents = part.iter().map(|order| order.to_raw_document(run_id, created_at));
            let insert = self.orders.insert_many(documents).ordered(false);
            let tried = match in_time(CALL_TIMEOUT, insert).await {
                None => Tried::TooSlow,
                Some(Ok(_)) => Tried::Done(part.len() as u64),
                Some(Err(error)) => match error.kind.as_ref() {
                    // Unlike an update, an insert names the orders that are refused.
                    ErrorKind::InsertMany(InsertManyError {
                        write_errors: Some(failed),
                        write_concern_error: None,
                        ..
                    }) => {
                        let refused = failed.iter().filter(|failed| failed.code != DUPLICATE_KEY);
                        let named = refused.filter_map(|failed| {
                            let why = format!("{} (code {})", failed.message, failed.code);
                            Some((part.get(failed.index)?, why))
                        });
                        parts.refused.extend(named);
                        Tried::Done((part.len() - failed.len().min(part.len())) as u64)
                    }
                    _ => match error.into() {
                        StoreError::Rejected(why) => Tried::Refused(why),
                        error => return Err(error),
                    },
                },
            };
            if !parts.note(part, tried) {
                return Err(too_slow());
            }
        }
        self.believed(parts.written(|order| order.id)).await
    }

    /// Are the orders at fault, or the store? The store is, if no order was written and a write
    /// to control fails, too.
    pub(super) async fn believed(&self, written: Written) -> Result<Written> {
        let Some((_, why)) = written.refused.first().filter(|_| written.count == 0) else {
            return Ok(written);
        };
        let good = doc! { "$currentDate": { "probedAt": true } };
        let probe = self.control.update_one(doc! { "_id": &self.queue }, good);
        match within(probe).await {
            Ok(_) => Ok(written),
            Err(StoreError::Rejected(also)) => Err(StoreError::Unavailable(format!(
                "it refuses every write, also one to control ({also}); the first order: {why}"
            ))),
            Err(error) => Err(error),
        }
    }
}

fn too_slow() -> StoreError {
    StoreError::Unavailable(format!("no answer within {CALL_TIMEOUT:?}, not even for one order"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes numbers on a server that refuses some of them and is too slow for more than
    /// `quick` at once. Answers what is refused, and how many calls it took.
    fn write(all: &[u32], refused: &[u32], quick: usize) -> (Option<(u64, Vec<u32>)>, usize) {
        let mut parts = Parts::of(all, all.len());
        let mut calls = 0;
        while let Some(part) = parts.left.pop() {
            calls += 1;
            let tried = if part.len() > quick {
                Tried::TooSlow
            } else if part.iter().any(|one| refused.contains(one)) {
                Tried::Refused("poison".to_owned())
            } else {
                Tried::Done(part.len() as u64)
            };
            if !parts.note(part, tried) {
                return (None, calls);
            }
        }
        let named = parts.refused.iter().map(|(one, _)| **one).collect();
        (Some((parts.count, named)), calls)
    }

    #[test]
    fn whatever_is_refused_the_rest_is_written_in_order() {
        let all: Vec<u32> = (0..250).collect();
        for refused in
            [vec![], vec![0], vec![249], vec![7, 8, 120], (63..250).collect(), all.clone()]
        {
            let (written, calls) = write(&all, &refused, usize::MAX);
            assert_eq!(written, Some((250 - refused.len() as u64, refused.clone())));
            let most = (1 + 16 * refused.len()).min(340);
            assert!(calls <= most, "{calls} calls for {} refused", refused.len());
        }
        assert_eq!(write(&[], &[], usize::MAX), (Some((0, vec![])), 0));
        assert_eq!(write(&[3], &[3], usize::MAX), (Some((0, vec![3])), 1));
    }

    #[test]
    fn what_is_too_slow_is_written_in_smaller_parts_and_a_server_that_hangs_is_said() {
        let all: Vec<u32> = (0..20_000).collect();
        assert_eq!(write(&all, &[5], 1_000).0, Some((19_999, vec![5])));
        assert_eq!(write(&all, &[], 1).0, Some((20_000, vec![])));
        assert_eq!(write(&all, &[], 0).0, None);
    }
}
