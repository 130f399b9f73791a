//! Carries out a cancel page by page: marks what is pending, then counts the page.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use pedidos_core::{
    control::{Control, End, Intent, RunSpec, Source},
    order::{CANCELADO, FALHOU, OrderId, PROCESSADO, Priorities, REMOVIDO},
    run::{Counts, Figures, Phase},
};
use tokio::time::MissedTickBehavior;

use super::{controller::Controller, error::Result};
use crate::queue::{CancelProgress, Hold, Token};

/// Orders that are marked and counted at once.
const PAGE: u32 = 10_000;

/// The attempt that this process makes.
struct Attempt<'a> {
    control: &'a Control,
    run: &'a RunSpec,
    stamp: i64,
    /// There was no attempt before: no order carries another stamp, and none needs a new one.
    first: bool,
    progress: Mutex<CancelProgress>,
}

impl Attempt<'_> {
    fn noted(&self) -> CancelProgress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, change: impl FnOnce(&mut CancelProgress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn ids(&self, page: &Range<u32>) -> Range<OrderId> {
        self.run.generator().id_range(page)
    }
}

impl Controller {
    /// Carries out a cancel from where its last attempt begins: marks what is pending, counts, ends
    /// the run. `first`: this process set the cancel. Keeps the lease meanwhile, and notes with it
    /// how far it is. Answers none if another process took over, or ended the run.
    ///
    /// After an error the attempt is over: a write whose answer was lost may still happen.
    pub(super) async fn finish_cancel(
        &self,
        control: &Control,
        first: bool,
        token: &Token,
        holder: &str,
    ) -> Result<Option<End>> {
        let (Some(run), Intent::Cancel(options)) = (&control.run, &control.intent) else {
            return Ok(None);
        };
        let Some((counting, last)) = control.counting.as_ref().and_then(|c| Some((c, c.last()?)))
        else {
            return Ok(None);
        };
        let marked = counting.before.iter().map(|counts| counts.cancelled as u64).sum();
        let progress = CancelProgress {
            attempt: last.stamp,
            from: last.from,
            before: counting.before,
            marked,
            of: 0,
        };
        let attempt =
            Attempt { control, run, stamp: last.stamp, first, progress: Mutex::new(progress) };
        let counted = tokio::select! {
            counted = self.mark_and_count(&attempt) => counted?,
            () = self.keep_hold(&attempt, token, holder) => None,
        };
        let Some([vip, normal]) = counted else { return Ok(None) };
        let snapshot = self.queue.snapshot().await?;
        let known = match &snapshot.run {
            Some(shown) if shown.run_id == run.run_id => shown.figures.clone(),
            _ => self.store.ensure_run(control).await?,
        };
        let now = snapshot.clock();
        let generating = known.generation_start > 0 && known.generation_end == 0;
        let figures = Figures {
            vip_generated: vip.terminal(),
            vip_processed: vip.processed,
            vip_dead: vip.dead,
            vip_removed: vip.removed + vip.cancelled,
            normal_generated: normal.terminal(),
            normal_deferred: 0,
            normal_processed: normal.processed,
            normal_dead: normal.dead,
            normal_removed: normal.removed + normal.cancelled,
            generation_end: if generating { now } else { known.generation_end },
            ended_at: now,
            ..known
        };
        let end = End {
            phase: Phase::Aborted,
            figures,
            cancelled: vip.cancelled + normal.cancelled,
            attempt: last.stamp,
            attempts: counting.attempts.clone(),
            purge: options.purge,
            remove_pending: options.remove_pending && run.source == Source::Generated,
        };
        loop {
            // Another command, for example a pause, may have changed control meanwhile.
            let control = self.store.control().await?;
            if !control.is_counted_by(&run.run_id, last.stamp) {
                return Ok(None);
            }
            if let Some(end) = self.end(control.next(), end.clone(), now).await? {
                return Ok(Some(end));
            }
        }
    }

    /// Extends the lease, and notes how far the attempt is. Ends when another process has the lease.
    /// While Redis does not answer, nobody else can take it there, and control is read for each
    /// page.
    async fn keep_hold(&self, attempt: &Attempt<'_>, token: &Token, holder: &str) {
        let mut ticks = tokio::time::interval(Self::hold_every(self.queue.lease_time()));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.queue.hold(token, holder, Some(&attempt.noted())).await {
                Ok(Hold::Held { .. } | Hold::Behind) => {}
                Ok(Hold::Taken | Hold::Over) => return,
                Err(error) => {
                    tracing::debug!(%error, "cannot extend the lease of a cancel; trying again");
                }
            }
        }
    }

    /// While a page is marked, the one before it is counted. Answers none if there is a later
    /// attempt.
    async fn mark_and_count(&self, attempt: &Attempt<'_>) -> Result<Option<[Counts; 2]>> {
        let run = attempt.run;
        let quantity = u32::try_from(run.quantity).unwrap_or(u32::MAX);
        let from = u32::try_from(attempt.noted().from).unwrap_or(u32::MAX);
        let mut marked: Option<Range<u32>> = None;
        let pages = (from..quantity).step_by(PAGE as usize);
        for page in pages.map(|from| from..quantity.min(from.saturating_add(PAGE))) {
            if !self.is_last(attempt).await? {
                return Ok(None);
            }
            let count = async {
                match &marked {
                    Some(page) => self.count_page(attempt, page).await,
                    None => Ok(true),
                }
            };
            let ((), goes_on) = tokio::try_join!(self.mark_page(attempt, &page), count)?;
            if !goes_on {
                return Ok(None);
            }
            marked = Some(page);
        }
        if let Some(page) = &marked
            && !self.count_page(attempt, page).await?
        {
            return Ok(None);
        }
        Ok(Some(attempt.noted().before))
    }

    async fn is_last(&self, attempt: &Attempt<'_>) -> Result<bool> {
        let control = self.store.control().await?;
        Ok(control.is_counted_by(&attempt.run.run_id, attempt.stamp))
    }

    async fn mark_page(&self, attempt: &Attempt<'_>, page: &Range<u32>) -> Result<()> {
        let (ids, letters) = (attempt.ids(page), &attempt.control.letters);
        if !letters.is_empty() {
            // Dead letters that are to be retried are pending, too.
            self.store.settle_letters(&ids, letters).await?;
        }
        let marked = self.store.cancel_pending(&ids, attempt.stamp, !attempt.first).await?;
        attempt.note(|progress| progress.marked += marked);
        Ok(())
    }

    /// Counts a marked page. Marks it again while something on it is pending: a late chunk may have
    /// arrived. Answers false if there is a later attempt.
    async fn count_page(&self, attempt: &Attempt<'_>, page: &Range<u32>) -> Result<bool> {
        let ids = attempt.ids(page);
        let priorities = self.store.priorities_of(attempt.run, page).await?;
        loop {
            let (counted, apart) = tokio::join!(
                self.store.count(&ids, attempt.stamp, &priorities),
                self.letters_apart(&priorities, &ids)
            );
            let (counted, apart) = (counted?, apart?);
            let mut counts = counted;
            for (counts, (gone, refused)) in counts.iter_mut().zip(apart) {
                counts.dead += gone + refused;
                counts.pending -= refused;
            }
            if counts.iter().all(|counts| counts.pending <= 0)
                && !self.keep_missing(attempt, page, &priorities, &counts).await?
            {
                attempt.note(|progress| {
                    progress.from = i64::from(page.end);
                    for (sum, page) in progress.before.iter_mut().zip(counts) {
                        *sum += page;
                    }
                });
                return Ok(true);
            }
            if !self.is_last(attempt).await? {
                return Ok(false);
            }
            self.store.keep_unknown_apart(&ids).await?;
            self.mark_page(attempt, page).await?;
        }
    }

    /// Every order of an import was stored: one without a document is a dead letter. Answers
    /// whether there is one that was not kept apart so far.
    async fn keep_missing(
        &self,
        attempt: &Attempt<'_>,
        page: &Range<u32>,
        priorities: &Priorities,
        counts: &[Counts; 2],
    ) -> Result<bool> {
        let known: i64 = counts.iter().map(Counts::terminal).sum();
        let run = attempt.run;
        if run.source == Source::Generated || known >= i64::from(page.end - page.start) {
            return Ok(false);
        }
        let generator = run.generator();
        let ids: Vec<OrderId> = page.clone().map(|index| generator.id(index)).collect();
        let stored = self.store.orders_of(&ids).await?;
        let missing: Vec<_> = ids
            .iter()
            .filter(|id| stored.is_missing(id))
            .map(|id| (*id, priorities.of(id.index())))
            .collect();
        self.store.keep_missing_apart(&run.run_id, &missing).await?;
        Ok(!missing.is_empty())
    }

    /// The dead letters of a page that are kept apart, by priority: those without an order document,
    /// and those whose order MongoDB refuses to change, or has a status that no order has.
    async fn letters_apart(
        &self,
        priorities: &Priorities,
        ids: &Range<OrderId>,
    ) -> Result<[(i64, i64); 2]> {
        let apart: Vec<OrderId> = self.store.letters_kept_apart(ids).await?.into_iter().collect();
        let mut counts = [(0, 0); 2];
        if apart.is_empty() {
            return Ok(counts);
        }
        let stored = self.store.stored_orders(&apart).await?;
        for id in apart {
            let priority = priorities.of(id.index());
            let (gone, refused) = &mut counts[priority as usize];
            match stored.get(&id).map(|order| order.status.as_deref()) {
                None => *gone += 1,
                Some(Some(PROCESSADO | FALHOU | REMOVIDO | CANCELADO)) => {}
                Some(_) => *refused += 1,
            }
        }
        Ok(counts)
    }
}
