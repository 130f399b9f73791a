//! One block of an upload: its orders are inserted, then its document is written, and then one
//! compare-and-set of the import moves all counters over it. Only now does it exist.
//!
//! Orders carry the attempt that wrote them. A delete names the attempts that it may delete: those
//! before its own. So a process that was frozen deletes nothing that was committed after it.
//!
//! At first the orders are inserted without a look at their refs. If one collides, or MongoDB
//! refuses an order, the attempt is raised, and the block is stored once more: now each ref is
//! looked up first, and what this upload has inserted before is of an earlier attempt.

use std::collections::HashSet;

use pedidos_core::{
    import::{MOST_REJECTS, REJECTS_SHOWN},
    list::{OrderLine, Record, Reject, RejectCode},
    order::{OrderId, Priority, VipBits},
};

use super::{ImportError, Result, upload::Upload};
use crate::store::{BlockDocument, BlockHash, Commit, DateTime, imported_order};

/// What became of the orders of a block.
enum Tried {
    Stored,
    /// Lines are rejected after all, or may have to be: the others move up.
    Again,
}

/// The reject of a line whose `ref` another order of the import has.
pub(super) fn duplicate(record: &Record, reference: &str) -> Reject {
    let message = format!("ref '{reference}' is given by an earlier line: each is unique");
    record.reject(Some("ref"), RejectCode::DuplicateRef, message)
}

impl Upload {
    pub(super) async fn store_block(&mut self) -> Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.reject_refs_given_twice();
        let (over, hash) = loop {
            if self.looks_up_refs {
                self.reject_taken_refs().await?;
            }
            let over = self.cut_at_limits();
            let mut hash = BlockHash::default();
            match self.insert(&mut hash).await? {
                Tried::Stored => break (over, hash),
                Tried::Again => {
                    self.looks_up_refs = true;
                    self.raise_again().await?;
                }
            }
        };
        self.commit(hash).await?;
        self.block.clear();
        over.map_or(Ok(()), Err)
    }

    fn orders(&self) -> impl Iterator<Item = (usize, &OrderLine)> {
        let lines = self.block.iter().enumerate();
        lines.filter_map(|(place, line)| Some((place, line.content.as_ref().ok()?)))
    }

    fn references(&self) -> impl Iterator<Item = (usize, &str)> {
        self.orders().filter_map(|(place, order)| Some((place, order.reference.as_deref()?)))
    }

    fn reject_duplicates(&mut self, places: &[usize]) {
        for place in places {
            let Some(line) = self.block.get_mut(*place) else { continue };
            let reference = line.content.as_ref().ok().and_then(|order| order.reference.clone());
            line.content = Err(duplicate(&line.record, &reference.unwrap_or_default()));
        }
    }

    fn reject_refs_given_twice(&mut self) {
        let mut seen = HashSet::new();
        let again = self.references().filter(|(_, reference)| !seen.insert(*reference));
        let again: Vec<usize> = again.map(|(place, _)| place).collect();
        self.reject_duplicates(&again);
    }

    /// A ref is taken by an order that is committed. One that is not was left by an earlier attempt,
    /// and is deleted.
    async fn reject_taken_refs(&mut self) -> Result<()> {
        let (accepted, attempt) = (self.import.accepted, self.import.attempt);
        let references: Vec<&str> = self.references().map(|(_, reference)| reference).collect();
        let store = &self.controller.store;
        let holders = store.holders_of(&self.import.import_id, &references).await?;
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for (place, reference) in self.references() {
            let Some(holder) = holders.get(reference) else { continue };
            if i64::from(holder.id.index()) < accepted {
                taken.push(place);
            } else if holder.attempt > attempt {
                return Err(ImportError::Superseded);
            } else {
                left.push(holder.id);
            }
        }
        store.delete_earlier(&left, attempt).await?;
        self.reject_duplicates(&taken);
        Ok(())
    }

    /// Leaves out the lines from the one on that goes beyond a limit of the import.
    fn cut_at_limits(&mut self) -> Option<ImportError> {
        let (mut accepted, mut rejected) = (self.import.accepted, self.import.rejected as u64);
        for (place, line) in self.block.iter().enumerate() {
            let over = match line.content {
                Ok(_) if accepted >= i64::from(self.max_orders) => {
                    Some(ImportError::TooMany(self.max_orders))
                }
                Err(_) if rejected >= MOST_REJECTS => Some(ImportError::TooManyRejects),
                _ => None,
            };
            if over.is_some() {
                self.block.truncate(place);
                return over;
            }
            match line.content {
                Ok(_) => accepted += 1,
                Err(_) => rejected += 1,
            }
        }
        None
    }

    /// The place, the id and the document of each order of the block.
    fn documents(&self, hash: &mut BlockHash) -> Vec<(usize, OrderId, crate::store::RawOrder)> {
        let generator = self.import.generator();
        let created_at = DateTime::from_millis(self.created_at);
        (self.import.accepted as u32..)
            .zip(self.orders())
            .map(|(index, (place, order))| {
                let id = generator.id(index);
                let (import, attempt) = (&self.import.import_id, self.import.attempt);
                (place, id, imported_order(order, id, import, attempt, created_at, hash))
            })
            .collect()
    }

    async fn insert(&mut self, hash: &mut BlockHash) -> Result<Tried> {
        let store = &self.controller.store;
        let attempt = self.import.attempt;
        let mut left = self.documents(hash);
        while !left.is_empty() {
            let inserted = store.insert_imported(left.iter().map(|(_, _, raw)| raw)).await?;
            if !inserted.refused.is_empty() {
                let of = |place: usize| left.get(place).map(|(place, id, _)| (*place, *id));
                let refused = inserted.refused.into_iter();
                let refused: Vec<_> =
                    refused.filter_map(|(place, why)| Some((of(place)?, why))).collect();
                let stored = left.len() - refused.len() - inserted.in_the_way.len();
                let named = refused.iter().map(|((_, id), why)| (*id, why.clone())).collect();
                store.believe_refused(stored as u64, named).await?;
                for ((place, _), why) in refused {
                    let Some(line) = self.block.get_mut(place) else { continue };
                    let message = format!("MongoDB refuses to store this order: {why}");
                    line.content = Err(line.record.reject(None, RejectCode::Refused, message));
                }
                return Ok(Tried::Again);
            }
            let mut in_the_way: HashSet<usize> = inserted.in_the_way.into_iter().collect();
            let mut place = 0;
            left.retain(|_| {
                place += 1;
                in_the_way.remove(&(place - 1))
            });
            let ids: Vec<OrderId> = left.iter().map(|(_, id, _)| *id).collect();
            let attempts = store.attempts_of(&ids).await?;
            if ids.iter().any(|id| attempts.get(id).is_some_and(|there| *there > attempt)) {
                return Err(ImportError::Superseded);
            }
            // An order that is not there was refused for its ref.
            if ids.iter().any(|id| !attempts.contains_key(id)) {
                return Ok(Tried::Again);
            }
            left.retain(|(_, id, _)| attempts.get(id) != Some(&attempt));
            let earlier: Vec<OrderId> = left.iter().map(|(_, id, _)| *id).collect();
            store.delete_earlier(&earlier, attempt).await?;
        }
        Ok(Tried::Stored)
    }

    async fn commit(&mut self, hash: BlockHash) -> Result<()> {
        let Some(last) = self.block.last() else { return Ok(()) };
        let before = self.import.clone();
        let mut after = before.clone();
        after.chain = last.chain.hex();
        after.lines += self.block.len() as i64;
        after.bytes += self.block.iter().map(|line| line.record.size() as i64).sum::<i64>();
        let mut rejects = Vec::new();
        let count = self.orders().count();
        let first = before.accepted as u32;
        let mut vip = VipBits::none(&(first..first + count as u32));
        let mut index = first;
        for line in &self.block {
            match &line.content {
                Ok(order) => {
                    match order.priority {
                        Priority::Vip => {
                            vip.set(index);
                            after.vip += 1;
                        }
                        Priority::Normal => after.normal += 1,
                    }
                    index += 1;
                }
                Err(reject) => rejects.push(reject.clone()),
            }
        }
        after.accepted += count as i64;
        after.rejected += rejects.len() as i64;
        let room = REJECTS_SHOWN.saturating_sub(after.first_rejects.len());
        after.first_rejects.extend(rejects.iter().take(room).cloned());
        let block = BlockDocument {
            id: BlockDocument::id_of(&before.import_id, before.lines),
            import_id: before.import_id.clone(),
            ids_ms: before.ids_ms,
            line: before.lines,
            lines: self.block.len() as i64,
            first: before.accepted,
            count: count as i64,
            attempt: before.attempt,
            vip: BlockDocument::binary(&vip),
            sha256: hash.hex(),
            rejects,
        };
        let store = &self.controller.store;
        if !store.save_block(&block).await? {
            return Err(ImportError::Superseded);
        }
        // An upload that a reset has overtaken is not acknowledged.
        let control = store.control().await?;
        if before.ids_ms < control.reset_below {
            return Err(ImportError::NotFound);
        }
        let commit = Commit { before, after };
        if !store.commit_block(&commit).await? {
            return Err(self.why_not().await?);
        }
        self.import = commit.after;
        Ok(())
    }

    /// Why the import is not as this upload has left it.
    async fn why_not(&self) -> Result<ImportError> {
        let import = self.controller.store.import(&self.import.import_id).await?;
        Ok(match import {
            None => ImportError::NotFound,
            Some(import) if import.state != self.import.state => ImportError::State(import.state),
            Some(_) => ImportError::Superseded,
        })
    }

    /// Raises the attempt again, so that what this upload has stored of the block can be deleted.
    async fn raise_again(&mut self) -> Result<()> {
        match self.controller.store.raise_attempt(&self.import).await? {
            Some(raised) => {
                self.import = raised;
                Ok(())
            }
            None => Err(self.why_not().await?),
        }
    }
}
