//! What a person does with single orders: dead letters are tried again, orders
//! of one state are removed.

use super::{Controller, Fate, Letters, RunSpec, verbs::Result};
use crate::{
    control::{Control, Intent, VerbError},
    order::OrderId,
    queue::{Claim, Closed, Lease, Outcome, Snapshot, Take, Token, Work},
    run::Phase,
    store::Found,
};

/// The orders that a clean removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clean {
    /// Those that wait; not the deferred NORMAL orders.
    Wait,
    /// Those in a worker's hands: its leases are revoked first.
    Active,
    /// Those that wait for a retry.
    Delayed,
    /// Those that are processed: they are no longer listed, the ledger stays.
    Completed,
    /// Dead letters.
    Failed,
}

impl Controller {
    /// Orders taken out of the queue at once.
    const PAGE: u64 = 1_000;

    /// Puts dead letters of the current run back, `limit` at most, or this one alone,
    /// and answers how many. The run is replayed for it, and goes on if it was DONE; a
    /// cancelled one has nothing to go on with.
    ///
    /// # Errors
    /// [`VerbError::Active`]: another run was started meanwhile.
    pub async fn retry_failed(&self, limit: u64, only: Option<OrderId>) -> Result<u64> {
        let (control, _) = self.sync().await?;
        let done = |run: &RunSpec| run.end.as_ref().is_some_and(|end| end.phase == Phase::Done);
        let Some(run) =
            control.run.as_ref().filter(|run| control.intent == Intent::Run || done(run))
        else {
            return Ok(0);
        };
        let ids = match only {
            Some(id) if !run.ids().contains(&id) => return Ok(0),
            Some(id) => id.alone(),
            None => run.ids(),
        };
        let mark = Token::random();
        let marked =
            self.store.mark_letters(&ids, mark.as_str(), &control.letters, limit, i64::MAX).await?;
        if marked == 0 {
            return Ok(0);
        }
        let decided = self.decide(&run.run_id, &mark, Verdict::Retry).await?;
        Ok(if decided { marked } else { 0 })
    }

    /// Removes orders of one state, `limit` at most, that are at least `grace_ms`
    /// old: since they were stored; in a worker's hands for `active`, processed
    /// or given up for the last two. Answers how many.
    pub async fn clean(&self, state: Clean, grace_ms: i64, limit: u64) -> Result<u64> {
        let (control, snapshot) = self.sync().await?;
        let before = snapshot.now_ms - grace_ms;
        match state {
            Clean::Wait => self.remove(Take::Waiting, before, limit).await,
            Clean::Delayed => self.remove(Take::Delayed, before, limit).await,
            Clean::Active => self.remove(Take::Active { before }, i64::MAX, limit).await,
            Clean::Completed => self.hide(&control, before, limit).await,
            Clean::Failed => self.remove_letters(&control, before, limit).await,
        }
    }

    /// Takes a page under a lease, marks it removed, acks it: if this process
    /// dies in between, the lease expires and a worker finds out.
    async fn remove(&self, what: Take, before: i64, limit: u64) -> Result<u64> {
        let by = format!("clean:{}", Token::random().as_str());
        let mut removed = 0;
        while removed < limit {
            let (token, most) = (Token::random(), Self::PAGE.min(limit - removed));
            let lease = match self.queue.take(&token, &by, what, most).await? {
                Claim::Work(lease) => lease,
                Claim::Wait(_) => break,
                Claim::Behind => {
                    self.sync().await?;
                    continue;
                }
            };
            match self.remove_page(&lease, before).await {
                Ok((Closed::Counted(_), outcome)) => {
                    removed += outcome.removed.len() as u64;
                    // What is too young has only younger ones behind it.
                    if !outcome.returned.is_empty() {
                        break;
                    }
                }
                // Cancelled or reset meanwhile.
                Ok((Closed::Stale, _)) => break,
                Err(error) => {
                    if let Err(later) = self.queue.release(&token).await {
                        tracing::debug!(%later, "a lease could not be handed back; it will expire");
                    }
                    return Err(error);
                }
            }
        }
        Ok(removed)
    }

    async fn remove_page(&self, lease: &Lease, before: i64) -> Result<(Closed, Outcome)> {
        let Work::Drain(_, ids) = &lease.work else {
            return Ok((Closed::Stale, Outcome::default()));
        };
        self.store.remove_pending(ids, before).await?;
        let stored = self.store.orders_of(ids).await?;
        let mut outcome = Outcome::default();
        for id in ids {
            match stored.get(id) {
                Some(Found::Removed) => outcome.removed.push(*id),
                Some(Found::Dead) => outcome.dead.push(*id),
                Some(Found::Processed) => {}
                // Too young; or gone, and then a worker sees to it.
                Some(Found::Pending) | None => outcome.returned.push(*id),
            }
        }
        Ok((self.queue.ack(&lease.token, &outcome).await?, outcome))
    }

    async fn hide(&self, control: &Control, before: i64, limit: u64) -> Result<u64> {
        let Some(run) = &control.run else { return Ok(0) };
        let mut hidden = 0;
        for ids in run.pages() {
            hidden += self.store.hide_processed(&ids, before, limit - hidden).await?;
            if hidden >= limit {
                break;
            }
        }
        if hidden > 0 {
            let count = |control: &mut Control, _| {
                let same = control.run.as_ref().is_some_and(|now| now.run_id == run.run_id);
                control.hidden += hidden as i64;
                same
            };
            self.change(count).await?;
        }
        Ok(hidden)
    }

    /// Of a run that goes on the replay removes them; of one that has ended they
    /// are moved in its figures, and then removed.
    async fn remove_letters(&self, control: &Control, before: i64, limit: u64) -> Result<u64> {
        let Some(run) = &control.run else { return Ok(0) };
        let mark = Token::random();
        let marked = self
            .store
            .mark_letters(&run.ids(), mark.as_str(), &control.letters, limit, before)
            .await?;
        if marked == 0 {
            return Ok(0);
        }
        match self.decide(&run.run_id, &mark, Verdict::Remove).await {
            Ok(true) => Ok(marked),
            Ok(false) | Err(VerbError::Active { .. }) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Makes a mark count: one compare-and-set. A run that goes on is replayed, and
    /// so is one that is to go on; of one that has ended the figures change.
    /// Answers false if the run is not there to be changed.
    async fn decide(&self, run_id: &str, mark: &Token, verdict: Verdict) -> Result<bool> {
        loop {
            let (control, snapshot) = self.sync().await?;
            let Some(run) = control.run.as_ref().filter(|run| run.run_id == run_id) else {
                return match control.active() {
                    Some(other) => Err(VerbError::Active { run_id: other.run_id.clone() }),
                    None => Ok(false),
                };
            };
            let aborted = run.end.as_ref().is_some_and(|end| end.phase == Phase::Aborted);
            if matches!(control.intent, Intent::Cancel(_)) || aborted && verdict == Verdict::Retry {
                return Ok(false);
            }
            let mut next = control.next();
            if all_read(snapshot.phase()) {
                next.letters.clear();
            }
            let fate = match verdict {
                Verdict::Remove => Fate::Removed,
                Verdict::Retry if fence_was_open(&snapshot) => Fate::RetriedLate,
                Verdict::Retry => Fate::Retried,
            };
            next.letters.push(Letters { mark: mark.as_str().to_owned(), fate });
            let end = next.run.as_mut().and_then(|run| run.end.as_mut());
            if let (Some(end), Verdict::Remove) = (end, verdict) {
                let [vip, normal] = self.store.count_letters(&run.ids(), mark.as_str()).await?;
                let figures = &mut end.figures;
                (figures.vip_dead, figures.vip_removed) =
                    (figures.vip_dead - vip, figures.vip_removed + vip);
                (figures.normal_dead, figures.normal_removed) =
                    (figures.normal_dead - normal, figures.normal_removed + normal);
            } else {
                next.intent = Intent::Run;
                next.orders_version = next.version;
                if let Some(run) = &mut next.run {
                    run.end = None;
                }
            }
            if self.store.set_control(&next).await? {
                self.adopt(&next).await?;
                return Ok(true);
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Retry,
    Remove,
}

/// Has every chunk been read since control last changed? Then what it says of
/// dead letters has been carried out.
const fn all_read(phase: Phase) -> bool {
    !matches!(phase, Phase::Generating | Phase::EnqueueVip | Phase::Error)
}

/// Had the fence opened, before this or before a replay?
fn fence_was_open(snapshot: &Snapshot) -> bool {
    let started = snapshot.run.as_ref().is_some_and(|run| run.figures.normal_start > 0);
    snapshot.phase().fence_open() || started
}
