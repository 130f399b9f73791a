//! The loop of a slot: find work, run it, record what became of it. There is no leader: every
//! slot of every worker does whatever the queue hands out next.

use std::{sync::Arc, time::Duration};

use ::metrics::{counter, histogram};
use pedidos_core::{backoff::Backoff, order::Generator};
use pedidos_pipeline::queue::{Calls, Claim, Closed, Lease, QueueError, Token, Work};
use pedidos_service::metrics as names;
use tokio::{
    sync::{MutexGuard, OwnedSemaphorePermit},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    calls::{count_failure, timed},
    error::WorkError,
    metrics::span_of,
    worker::Worker,
};

/// The wait that `claim` answers with if nothing is due sooner.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The result of a claim.
enum Next {
    /// Work under a lease that was claimed then. A chunk comes with the permit to build one.
    Work(Lease, Instant, Option<OwnedSemaphorePermit>),
    /// Redis was behind control, and has adopted it: claim again.
    Again,
    /// No work: claim again after this time, or when an event arrives.
    Nothing(Duration),
}

/// The turn of the one idle slot that waits for work.
type Turn<'a> = MutexGuard<'a, ()>;

impl Worker {
    /// Works until shutdown.
    pub(crate) async fn slot(self: Arc<Self>, shutdown: CancellationToken) {
        let mut backoff = Backoff::default();
        let mut turn = self.wait_turn(&shutdown).await;
        while !shutdown.is_cancelled() {
            let worked = match self.find().await {
                Ok(Next::Work(lease, claimed, permit)) => {
                    // There may be more: the next idle slot looks for it.
                    turn = None;
                    self.run_lease(lease, claimed, permit).await
                }
                Ok(Next::Again) => Ok(()),
                Ok(Next::Nothing(pause)) => {
                    turn = self.idle(turn, pause, &shutdown).await;
                    Ok(())
                }
                Err(error) => Err(error),
            };
            match worked {
                Ok(()) => backoff.reset(),
                Err(error) => pause_after(&error, backoff.after_failure(), &shutdown).await,
            }
        }
    }

    /// None at shutdown.
    async fn wait_turn(&self, shutdown: &CancellationToken) -> Option<Turn<'_>> {
        tokio::select! {
            turn = self.idle_turn.lock() => Some(turn),
            () = shutdown.cancelled() => None,
        }
    }

    /// Waits for the slot's turn, or, if it has it, for work.
    async fn idle<'a>(
        &'a self,
        turn: Option<Turn<'a>>,
        pause: Duration,
        shutdown: &CancellationToken,
    ) -> Option<Turn<'a>> {
        let Some(turn) = turn.or_else(|| self.idle_turn.try_lock().ok()) else {
            // The slot that waits may not know of a retry that is due sooner than it asks.
            if pause < LONGEST_PAUSE {
                self.wake.notify_one();
            }
            return self.wait_turn(shutdown).await;
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.wake.notified() => {}
            () = shutdown.cancelled() => {}
        }
        Some(turn)
    }

    /// Claims work, and repairs Redis if it is behind control or lacks a part of the run.
    async fn find(&self) -> Result<Next, WorkError> {
        let permit = Arc::clone(&self.chunk_permits).try_acquire_owned().ok();
        let (claimed, claim) = self.claim(permit.is_some()).await?;
        Ok(match claim {
            Claim::Work(lease) => {
                let permit = permit.filter(|_| matches!(lease.work, Work::Generate(_)));
                Next::Work(lease, claimed, permit)
            }
            Claim::Wait(pause, held_by) => {
                if held_by.is_limit() {
                    histogram!(names::THROTTLED).record(pause.as_secs_f64());
                }
                // The breaker may let a call through sooner.
                let breaker = self.dispatcher.as_ref().and_then(|one| one.breaker.wait());
                Next::Nothing(breaker.map_or(pause, |wait| pause.min(wait)))
            }
            Claim::Behind => {
                self.controller.sync().await?;
                Next::Again
            }
            Claim::Lost { version, what } => {
                self.controller.repair(version, &what).await?;
                Next::Again
            }
        })
    }

    /// Asks again with the same token if the answer is lost, so that the lease is not left to
    /// expire. Answers also when the last claim was sent.
    async fn claim(&self, generate: bool) -> Result<(Instant, Claim), QueueError> {
        let calls = self.dispatcher.as_ref().map_or(Calls::NONE, |dispatcher| Calls {
            processor: &dispatcher.settings.name,
            size: dispatcher.settings.batch_size,
            open: dispatcher.breaker.wait().is_none(),
        });
        let token = Token::random();
        let mut pushing = self.progress.take_pushing();
        let mut backoff = Backoff::default();
        let started = Instant::now();
        loop {
            let sent = Instant::now();
            let claimed = self.queue().claim(&token, &self.id, pushing, generate, calls);
            match timed("claim", claimed).await {
                Err(error @ QueueError::Unavailable(_))
                    if started.elapsed() < self.lease_time / 2 =>
                {
                    count_failure(&error.into());
                    tokio::time::sleep(backoff.after_failure()).await;
                    pushing = [Duration::ZERO; 2];
                }
                claimed => return claimed.map(|claim| (sent, claim)),
            }
        }
    }

    /// Runs the work of a lease and records the result. `permit`: held while a chunk is built.
    async fn run_lease(
        &self,
        lease: Lease,
        claimed: Instant,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<(), WorkError> {
        let run = async {
            let started = Instant::now();
            let lost = self.leases.add(&lease.token, claimed, self.lease_time);
            let result = tokio::select! {
                // The work is polled first: a heartbeat that crosses its ack finds the lease
                // closed, and that is no loss.
                biased;
                result = self.work(&lease) => result,
                // A chunk continues: if its run is cancelled or reset, it has to correct what it
                // has inserted.
                () = lost.cancelled(), if permit.is_none() => Err(WorkError::LeaseLost),
            };
            let recorded = self.record(&lease, result, started).await;
            // After a failure, too: a lease that nobody works on must not be extended.
            self.leases.remove(&lease.token);
            recorded
        };
        run.instrument(span_of(&lease)).await
    }

    async fn work(&self, lease: &Lease) -> Result<Closed, WorkError> {
        let orders = Generator::new(lease.seed, lease.ids_ms);
        match &lease.work {
            Work::Generate(indexes) => self.generate(lease, &orders, indexes).await,
            Work::Enqueue(indexes) => self.enqueue(lease, &orders, indexes).await,
            Work::Drain(priority, ids) => match (&lease.processor, &self.dispatcher) {
                (None, _) => self.drain(lease, &orders, *priority, ids).await,
                (Some(name), Some(dispatcher)) if *name == dispatcher.settings.name => {
                    self.dispatch(dispatcher, lease, &orders, *priority, ids).await
                }
                (Some(_), _) => Err(WorkError::NoProcessor),
            },
            Work::Save => {
                match self.controller.finish_run(&lease.run_id, &lease.token, &self.id).await? {
                    // The end of the run closes its lease.
                    Some(end) => Ok(Closed::Applied(end.phase)),
                    None => Err(WorkError::RunInactive),
                }
            }
        }
    }

    /// Counts a lease that was closed or lost; gives back one whose work failed.
    async fn record(
        &self,
        lease: &Lease,
        result: Result<Closed, WorkError>,
        started: Instant,
    ) -> Result<(), WorkError> {
        match result {
            Ok(Closed::Applied(_)) => {
                let kind = lease.work.kind();
                counter!(names::LEASES, "kind" => kind).increment(1);
                histogram!(names::LEASE_SECONDS, "kind" => kind)
                    .record(started.elapsed().as_secs_f64());
                Ok(())
            }
            lost @ (Ok(Closed::Stale) | Err(WorkError::LeaseLost)) => {
                counter!(if lost.is_ok() { names::STALE } else { names::LOST }).increment(1);
                tracing::warn!("lease lost; another worker has this batch");
                Ok(())
            }
            Err(error) => {
                let released = self.queue().release(&lease.token).await;
                match error {
                    WorkError::RunInactive => released.map(drop).map_err(WorkError::from),
                    error => Err(error),
                }
            }
        }
    }
}

/// Logs and counts a failure, and waits.
async fn pause_after(error: &WorkError, pause: Duration, shutdown: &CancellationToken) {
    count_failure(error);
    if error.is_outage() {
        // The housekeeping warns once for all slots.
        tracing::debug!(%error, ?pause, "a step failed; trying again");
    } else {
        tracing::warn!(%error, ?pause, "a step failed; trying again");
    }
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = shutdown.cancelled() => {}
    }
}
