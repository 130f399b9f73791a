//! Cancel: one compare-and-set, and then one process that carries it out, under a lease that it
//! keeps for as long as it takes.

use std::time::Duration;

use pedidos_core::{
    backoff::Backoff,
    control::{CancelOptions, Control, Counting, End, Intent},
    order::Priority,
    run::Ledger,
};
use tokio::time::Instant;

use super::{controller::Controller, error::Result};
use crate::{
    logs,
    queue::{Hold, Snapshot, Token},
};

#[derive(Debug)]
pub enum Cancel {
    /// There was no active run.
    Nothing,
    /// The current run is not the one that was to be cancelled: nothing has changed.
    Other {
        run_id: String,
    },
    Ended(Cancelled),
    /// The cancel is accepted, and continues.
    Accepted(CancelledSoFar),
}

/// A cancel that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    pub run_id: String,
    pub end: End,
    /// How long it waited for open leases.
    pub waited: Duration,
    /// Leases that were still open then; their work no longer counts.
    pub still_active: u64,
    /// The log lines in Redis were deleted.
    pub logs_reset: bool,
}

/// A cancel in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelledSoFar {
    pub run_id: String,
    /// How long it waited for open leases.
    pub waited: Duration,
    /// Leases that are still open.
    pub still_active: u64,
    /// Orders that are marked, and orders that were open when the cancel began.
    pub marked: [u64; 2],
    /// VIP, NORMAL. None if Redis does not answer.
    pub ledgers: Option<[Ledger; 2]>,
    /// The error of a store, if there was one.
    pub cause: Option<String>,
}

/// The result of waiting for a cancel.
#[derive(Debug)]
enum CarriedOut {
    /// The run was reset.
    Gone,
    /// The run has ended.
    Ended(Box<Cancelled>),
    /// Not in time: another process is still carrying it out.
    TimedOut,
}

/// The state of a cancel.
enum CancelState {
    /// The run was reset.
    Gone,
    /// The run has ended.
    Ended(Box<End>),
    /// Look again after this time.
    Wait(Duration),
}

/// A process that waits for a cancel, or carries it out.
struct Waiter<'a> {
    run_id: &'a str,
    options: &'a CancelOptions,
    began: Instant,
    token: Token,
    /// Its name in the lease.
    name: String,
    /// The stamp of its own attempt, if it has one.
    stamp: Option<i64>,
    waited: Duration,
    still_active: u64,
}

impl Controller {
    /// A cancel answers this long after the time that it waits for leases.
    const CANCEL_ANSWERS: Duration = Duration::from_secs(10);
    /// How often a process that waits for a cancel looks.
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    /// The longest time between two looks at open leases.
    const POLL_EVERY: Duration = Duration::from_millis(500);

    /// Cancels the active run, or joins one in progress. Answers when it is done, or when that
    /// takes longer than promised: the cancel continues all the same. `run_id`: only this run; the
    /// compare-and-set that accepts the cancel is one on the control that was looked at for it.
    pub async fn cancel(&self, options: &CancelOptions, run_id: Option<&str>) -> Result<Cancel> {
        let began = Instant::now();
        let mut other = None;
        let change = self
            .change(|control, _| {
                let current = control.run.as_ref().map(|run| &run.run_id);
                let is_other = |id: &&String| run_id.is_some_and(|wanted| wanted != id.as_str());
                other = current.filter(is_other).cloned();
                let running = other.is_none() && control.intent == Intent::Run;
                if running {
                    control.intent = Intent::Cancel(options.clone());
                    control.counting = Some(Counting::new(control.version));
                }
                running
            })
            .await?;
        if let Some(run_id) = other {
            return Ok(Cancel::Other { run_id });
        }
        let control = change.control;
        let Some(run_id) = control.active().map(|run| run.run_id.clone()) else {
            // If another process ended the run, it must be in the history before this answers.
            self.store.ensure_run(&control).await?;
            return Ok(Cancel::Nothing);
        };
        let timeout = Duration::from_millis(options.wait_timeout_ms);
        let until = began + timeout + Self::CANCEL_ANSWERS;
        // A task of its own: the cancel continues when this call ends or its client goes away.
        let mut carried_out = tokio::spawn({
            let (controller, run_id, options) = (self.clone(), run_id.clone(), options.clone());
            let stamp = change.set.then_some(control.version);
            async move { controller.carry_out(&run_id, &options, stamp, began, until).await }
        });
        let cause = match tokio::time::timeout_at(until, &mut carried_out).await {
            Ok(Ok(Ok(CarriedOut::Ended(cancelled)))) => return Ok(Cancel::Ended(*cancelled)),
            Ok(Ok(Ok(CarriedOut::Gone))) => return Ok(Cancel::Nothing),
            Ok(Ok(Err(error))) => Some(error.to_string()),
            Ok(Err(error)) => {
                tracing::error!(%error, run = %run_id, "the task of a cancel failed; another process continues it");
                None
            }
            Ok(Ok(Ok(CarriedOut::TimedOut))) | Err(_) => None,
        };
        let waited = began.elapsed().min(timeout);
        Ok(Cancel::Accepted(self.so_far(run_id, waited, cause).await))
    }

    async fn so_far(
        &self,
        run_id: String,
        waited: Duration,
        cause: Option<String>,
    ) -> CancelledSoFar {
        let snapshot = self.queue.snapshot().await.ok();
        let cancelling = snapshot.as_ref().and_then(Snapshot::cancelling);
        CancelledSoFar {
            run_id,
            waited,
            // One of them is the cancel's own.
            still_active: snapshot.as_ref().map_or(0, |seen| seen.leases.saturating_sub(1)),
            marked: cancelling.map_or([0; 2], |cancelling| [cancelling.marked, cancelling.of]),
            ledgers: snapshot.map(|seen| Priority::ALL.map(|priority| seen.ledger(priority))),
            cause,
        }
    }

    /// Waits until the run has ended. The process that has the lease carries the cancel out. `stamp`:
    /// the attempt of the process that set the cancel. `until`: how long stores that do not answer,
    /// and other processes, are waited for.
    async fn carry_out(
        &self,
        run_id: &str,
        options: &CancelOptions,
        stamp: Option<i64>,
        began: Instant,
        until: Instant,
    ) -> Result<CarriedOut> {
        let token = Token::random();
        let name = format!("cancel:{}", Token::random().as_str());
        let (waited, still_active) = (Duration::ZERO, 0);
        let mut progress =
            Waiter { run_id, options, began, token, name, stamp, waited, still_active };
        let mut backoff = Backoff::default();
        loop {
            let pause = match self.try_to_carry_out(&mut progress).await {
                Ok(CancelState::Gone) => return Ok(CarriedOut::Gone),
                Ok(CancelState::Ended(end)) => {
                    let cleared = if options.reset_logs {
                        let cleared = logs::clear(&self.queue).await;
                        cleared.inspect_err(|error| tracing::warn!(%error, "the log lines in Redis were not deleted"))
                    } else {
                        Ok(())
                    };
                    return Ok(CarriedOut::Ended(Box::new(Cancelled {
                        run_id: run_id.to_owned(),
                        end: *end,
                        waited: progress.waited,
                        still_active: progress.still_active,
                        logs_reset: options.reset_logs && cleared.is_ok(),
                    })));
                }
                Ok(CancelState::Wait(pause)) => {
                    backoff.reset();
                    pause
                }
                Err(error) if Instant::now() < until => {
                    // Its last write may still happen: its marks count no further.
                    progress.stamp = None;
                    tracing::warn!(%error, run = %run_id, "the cancel continues when the stores answer");
                    backoff.after_failure()
                }
                Err(error) => return Err(error),
            };
            if Instant::now() >= until {
                return Ok(CarriedOut::TimedOut);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// One look at the cancel. Carries it out if this process has the lease and need not wait for
    /// other leases any more.
    async fn try_to_carry_out(&self, progress: &mut Waiter<'_>) -> Result<CancelState> {
        let (control, snapshot) = self.sync().await?;
        let run = control.run.as_ref().filter(|run| run.run_id == progress.run_id);
        let Some(run) = run else { return Ok(CancelState::Gone) };
        if !control.is_cancelling(progress.run_id) {
            return Ok(run
                .end
                .clone()
                .map_or(CancelState::Gone, |end| CancelState::Ended(Box::new(end))));
        }
        let Hold::Held { others } = self.queue.hold(&progress.token, &progress.name, None).await?
        else {
            return Ok(CancelState::Wait(Self::LOOK_EVERY));
        };
        let timeout = Duration::from_millis(progress.options.wait_timeout_ms);
        if others > 0 && progress.began.elapsed() < timeout {
            let poll = Duration::from_millis(progress.options.poll_interval_ms);
            let left = timeout.saturating_sub(progress.began.elapsed());
            return Ok(CancelState::Wait(poll.min(Self::POLL_EVERY).min(left)));
        }
        (progress.waited, progress.still_active) = (progress.began.elapsed(), others);
        let mine = progress.stamp.take().filter(|stamp| control.is_counted_by(&run.run_id, *stamp));
        let first = mine.is_some();
        let control =
            if first { Some(control) } else { self.take_over(&control, &snapshot).await? };
        let Some(control) = control else { return Ok(CancelState::Wait(Duration::ZERO)) };
        let ended = self.finish_cancel(&control, first, &progress.token, &progress.name).await?;
        Ok(ended
            .map_or(CancelState::Wait(Self::LOOK_EVERY), |end| CancelState::Ended(Box::new(end))))
    }

    /// Makes a new attempt at the cancel, from where the last one stopped: from there on the marks
    /// of this attempt count. Answers none if another process was faster.
    ///
    /// Redis has how far the last attempt was. An older Redis costs pages that are done again. What
    /// an earlier attempt noted counts for nothing.
    pub(super) async fn take_over(
        &self,
        control: &Control,
        snapshot: &Snapshot,
    ) -> Result<Option<Control>> {
        let mut next = control.next();
        let unknown = Counting { attempts: Vec::new(), before: Default::default() };
        let known = control.counting.clone().unwrap_or(unknown);
        let last = known.last();
        let (mut from, mut before) = (last.map_or(0, |last| last.from), known.before);
        if let Some(noted) = snapshot.cancelling()
            && last.is_some_and(|last| last.stamp == noted.attempt)
            && noted.from > from
        {
            (from, before) = (noted.from, noted.before);
        }
        next.counting = Some(known.go_on(from, before, next.version));
        if !self.set(&mut next).await? {
            return Ok(None);
        }
        tracing::info!(from, stamp = next.version, "continuing a cancel as a new attempt");
        self.raise_redis(&next).await;
        Ok(Some(next))
    }

    /// How often a lease is extended.
    pub(super) fn hold_every(lease: Duration) -> Duration {
        (lease / 4).min(Self::POLL_EVERY)
    }
}
