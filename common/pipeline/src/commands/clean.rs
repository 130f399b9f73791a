//! Clean: removes orders of one state.

use std::time::Duration;

use pedidos_core::{control::Control, order::Priority};
use tokio::time::{Instant, sleep};

use super::{
    controller::Controller,
    error::{CommandError, Result},
    letter_decision::Wanted,
};
use crate::{
    queue::{Claim, Closed, Lease, Outcome, Take, Token, Work},
    store::{LetterFilter, Letters, Marked, OrderState},
};

/// The state of the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clean {
    /// Waiting orders, without the deferred ones.
    Wait,
    /// Orders that a worker has: it loses its lease.
    Active,
    /// Orders that wait for a retry.
    Delayed,
    /// Processed orders: they are hidden from lists, and the ledger stays.
    Completed,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleaned {
    pub removed: u64,
    /// Dead letters that were meant; none: other orders were.
    pub matched: Option<u64>,
    /// False if a store failed before all orders were removed.
    pub complete: bool,
}

impl Cleaned {
    const fn all(removed: u64) -> Self {
        Self { removed, matched: None, complete: true }
    }
}

/// How long a clean waits for a limit of the queue before it answers with what it has removed.
const LIMITED_FOR: Duration = Duration::from_secs(10);

/// Which orders are taken out of the queue, and of which priority alone.
type Taken = (Take, Option<Priority>);

/// One step of a clean.
enum Page {
    /// There may be more.
    Removed,
    None,
    /// Ask again after this time.
    Limited(Duration),
}

impl Controller {
    /// Orders taken out of the queue at once.
    const PAGE: u64 = 1_000;

    /// As [`Self::clean`], for the dead letters of a run of the history. None if there is no such
    /// run. Fails with [`CommandError::Active`] if another run is active.
    pub async fn clean_failed_of(
        &self,
        run_id: &str,
        grace_ms: i64,
        limit: u64,
        filter: &LetterFilter,
    ) -> Result<Option<Cleaned>> {
        let Some(control) = self.reopen(run_id).await? else { return Ok(None) };
        let before = match grace_ms {
            0 => i64::MAX,
            grace_ms => self.store.now_ms().await? - grace_ms,
        };
        self.remove_letters(&control, before, limit, filter).await.map(Some)
    }

    /// Removes `limit` orders at most that are at least `grace_ms` old: since they were stored, for
    /// `Active` since they were claimed, for the last two states since they were processed or
    /// given up. `filter`: only of one priority; and only dead letters have an error.
    ///
    /// The age is measured by the clock that stamped the order, Redis' or MongoDB's.
    pub async fn clean(
        &self,
        state: Clean,
        grace_ms: i64,
        limit: u64,
        filter: &LetterFilter,
    ) -> Result<Cleaned> {
        let (control, snapshot) = self.sync().await?;
        let before = match state {
            _ if grace_ms == 0 => i64::MAX,
            Clean::Wait | Clean::Delayed | Clean::Active => snapshot.now_ms - grace_ms,
            Clean::Completed | Clean::Failed => self.store.now_ms().await? - grace_ms,
        };
        let what = match state {
            Clean::Completed => {
                let hidden = self.hide(&control, filter.priority, before, limit).await?;
                return Ok(Cleaned::all(hidden));
            }
            Clean::Failed => return self.remove_letters(&control, before, limit, filter).await,
            Clean::Wait => Take::Waiting,
            Clean::Delayed => Take::Delayed,
            Clean::Active => Take::Active { before },
        };
        let before = if state == Clean::Active { i64::MAX } else { before };
        self.remove((what, filter.priority), before, limit).await
    }

    /// Takes a page under a lease, marks it removed, acks it. If this process dies in between, the
    /// lease expires, and a worker finds out what the orders are.
    async fn remove(&self, what: Taken, before: i64, limit: u64) -> Result<Cleaned> {
        let by = format!("clean:{}", Token::random().as_str());
        let mut removed = 0;
        let until = Instant::now() + LIMITED_FOR;
        while removed < limit {
            let most = Self::PAGE.min(limit - removed);
            match self.remove_some(&by, what, before, most, &mut removed).await {
                Ok(Page::Removed) => {}
                Ok(Page::None) => break,
                // A limit of the queue counts for a clean, too.
                Ok(Page::Limited(after)) if Instant::now() + after < until => sleep(after).await,
                Ok(Page::Limited(_)) => {
                    return Ok(Cleaned { complete: false, ..Cleaned::all(removed) });
                }
                // The pages before this one are removed.
                Err(error) if removed > 0 => {
                    tracing::warn!(%error, removed, "a clean stopped before all orders were removed");
                    return Ok(Cleaned { complete: false, ..Cleaned::all(removed) });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Cleaned::all(removed))
    }

    /// Removes a page, if there is one.
    async fn remove_some(
        &self,
        by: &str,
        (what, only): Taken,
        before: i64,
        most: u64,
        removed: &mut u64,
    ) -> Result<Page> {
        let token = Token::random();
        let lease = match self.queue.take(&token, by, what, only, most).await? {
            Claim::Work(lease) => lease,
            Claim::Wait(after, held_by) if held_by.is_limit() => return Ok(Page::Limited(after)),
            Claim::Wait(..) | Claim::Lost { .. } => return Ok(Page::None),
            Claim::Behind => {
                self.sync().await?;
                return Ok(Page::Removed);
            }
        };
        match self.remove_page(&lease, before, removed).await {
            Ok((Closed::Applied(_), outcome)) if outcome.returned.is_empty() => Ok(Page::Removed),
            // Behind an order that is too young are younger ones; or the run was cancelled or reset
            // meanwhile.
            Ok(_) => Ok(Page::None),
            Err(error) => {
                if let Err(later) = self.queue.release(&token).await {
                    tracing::debug!(%later, "cannot give a lease back; it will expire");
                }
                Err(error)
            }
        }
    }

    async fn remove_page(
        &self,
        lease: &Lease,
        before: i64,
        removed: &mut u64,
    ) -> Result<(Closed, Outcome)> {
        let Work::Drain(_, ids) = &lease.work else {
            return Ok((Closed::Stale, Outcome::default()));
        };
        self.store.remove_pending(ids, before).await?;
        let stored = self.store.orders_of(ids).await?;
        let mut outcome = Outcome::default();
        for id in ids {
            match stored.get(id) {
                Some(OrderState::Removed) => outcome.removed.push(*id),
                Some(OrderState::Dead) => outcome.dead.push(*id),
                Some(OrderState::Processed) => {}
                // Too young; or without a document, which a worker deals with.
                Some(OrderState::Pending) | None => outcome.returned.push(*id),
            }
        }
        // They are removed in MongoDB, even if another counts them in Redis.
        *removed += outcome.removed.len() as u64;
        Ok((self.queue.ack(&lease.token, &outcome).await?, outcome))
    }

    async fn hide(
        &self,
        control: &Control,
        only: Option<Priority>,
        before: i64,
        limit: u64,
    ) -> Result<u64> {
        let Some(run) = &control.run else { return Ok(0) };
        let mut hidden = 0;
        for ids in run.pages() {
            hidden += self.store.hide_processed(&ids, only, before, limit - hidden).await?;
            if hidden >= limit {
                break;
            }
        }
        // Count all hidden orders: another clean may run at the same time, or may have died before
        // it counted. A hidden order stays hidden, so the highest count is right.
        let mut all = 0;
        for ids in run.pages() {
            all += self.store.count_hidden(&ids).await?;
        }
        let count = |control: &mut Control, _| {
            let same = control.run.as_ref().is_some_and(|now| now.run_id == run.run_id);
            let more = same && control.hidden < all;
            if more {
                control.hidden = all;
            }
            more
        };
        self.change(count).await?;
        Ok(hidden)
    }

    /// Of an active run the replay removes them; of an ended run the figures change, and then
    /// they are removed.
    async fn remove_letters(
        &self,
        control: &Control,
        before: i64,
        limit: u64,
        filter: &LetterFilter,
    ) -> Result<Cleaned> {
        let of = |matched, removed| Cleaned { matched: Some(matched), ..Cleaned::all(removed) };
        let Some(run) = &control.run else { return Ok(of(0, 0)) };
        let mark = self.new_mark().await?;
        let letters = Letters { ids: run.ids(), filter, decided: &control.letters, before };
        let Marked { matched, marked } = self.store.mark_letters(&letters, &mark, limit).await?;
        if marked == 0 {
            return Ok(of(matched, 0));
        }
        match self.decide(&run.run_id, &mark, Wanted::Remove).await {
            Ok(true) => Ok(of(matched, marked)),
            Ok(false) | Err(CommandError::Active { .. }) => Ok(of(matched, 0)),
            Err(error) => Err(error),
        }
    }
}
