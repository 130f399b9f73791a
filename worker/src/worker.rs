//! The loop of a worker: claim → do → ack, in as many slots as configured.
//! There is no leader: every worker does whatever the queue hands out next.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ::metrics::{counter, gauge, histogram};
use pedidos_common::{
    backoff::Backoff,
    config::{Settings, WorkerSettings},
    control::Controller,
    metrics as names,
    order::Generator,
    queue::{Claim, Closed, Lease, Queue, QueueError, Token, Work, WorkerInfo},
    store::Store,
};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    metrics::span_of,
    retry::{Stopped, count_failure, timed},
};

/// Chunks that a worker builds at once; more of them are not faster.
const CHUNKS_AT_ONCE: usize = 3;

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Work was done, or was no longer to be done.
    Worked,
    /// There was none; ask again after this time, or when an event arrives.
    Idle(Duration),
}

/// One worker.
pub struct Worker {
    pub(crate) id: String,
    pub(crate) controller: Controller,
    pub(crate) settings: WorkerSettings,
    pub(crate) lease_time: Duration,
    shutdown_grace: Duration,
    /// The leases in hand; each token stops its work when the lease is gone.
    held: Mutex<HashMap<Token, CancellationToken>>,
    /// Chunks that may still be built at once. Each is some ten megabytes on
    /// its way: this is what bounds a worker's memory, whatever its slots (I10).
    chunks: Arc<Semaphore>,
    /// Time spent pushing VIP and NORMAL ids since it was last told, µs.
    pushing_us: [AtomicU64; 2],
    /// Orders that this worker has generated and processed.
    pub(crate) done: [AtomicU64; 2],
    /// Wakes the slots that wait for work.
    pub(crate) wake: Notify,
}

impl Worker {
    /// A worker that has done nothing yet.
    #[must_use]
    pub fn new(id: String, controller: Controller, settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            id,
            controller,
            settings: settings.worker.clone(),
            lease_time: settings.queue.lease,
            shutdown_grace: settings.shutdown_grace,
            held: Mutex::default(),
            chunks: Arc::new(Semaphore::new(CHUNKS_AT_ONCE)),
            pushing_us: Default::default(),
            done: Default::default(),
            wake: Notify::new(),
        })
    }

    pub(crate) const fn queue(&self) -> &Queue {
        &self.controller.queue
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.controller.store
    }

    /// Works until shutdown, then finishes what is in hand within the grace
    /// time, or hands it back.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        tracing::info!(worker = %self.id, slots = self.settings.slots, "worker started");
        let housekeeping = CancellationToken::new();
        let mut keepers = JoinSet::new();
        keepers.spawn(Arc::clone(&self).keep_leases(housekeeping.clone()));
        keepers.spawn(Arc::clone(&self).keep_control(housekeeping.clone()));
        keepers.spawn(Arc::clone(&self).listen(housekeeping.clone()));
        keepers.spawn(Arc::clone(&self).report(housekeeping.clone()));
        let mut slots = JoinSet::new();
        for _ in 0..self.settings.slots {
            slots.spawn(Arc::clone(&self).slot(shutdown.clone()));
        }
        shutdown.cancelled().await;
        // A slot that is done with its lease does not claim another.
        let finished = async { while slots.join_next().await.is_some() {} };
        if tokio::time::timeout(self.shutdown_grace, finished).await.is_err() {
            slots.shutdown().await;
        }
        self.hand_back().await;
        housekeeping.cancel();
        while keepers.join_next().await.is_some() {}
        if let Err(error) = self.queue().leave(&self.id).await {
            tracing::debug!(%error, "the others will notice by themselves that this worker is gone");
        }
        tracing::info!(worker = %self.id, "worker stopped");
    }

    /// Gives back at once what did not get done in time: nobody has to wait
    /// for a lease to expire.
    async fn hand_back(&self) {
        for token in self.tokens() {
            match self.queue().release(&token).await {
                Ok(()) => tracing::info!("handed a lease back"),
                Err(error) => {
                    tracing::warn!(%error, "a lease could not be handed back; it will expire");
                }
            }
        }
    }

    async fn slot(self: Arc<Self>, shutdown: CancellationToken) {
        let mut backoff = Backoff::default();
        while !shutdown.is_cancelled() {
            // Armed before the claim, so that no wake-up in between is lost.
            let woken = self.wake.notified();
            let pause = match self.step().await {
                Ok(Step::Worked) => {
                    backoff.reset();
                    continue;
                }
                Ok(Step::Idle(pause)) => {
                    backoff.reset();
                    pause
                }
                Err(error) => {
                    let pause = backoff.after_failure();
                    count_failure(&error);
                    if error.is_outage() {
                        // Said once for all slots by the housekeeping.
                        tracing::debug!(%error, ?pause, "a step failed; trying again");
                    } else {
                        tracing::warn!(%error, ?pause, "a step failed; trying again");
                    }
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = shutdown.cancelled() => {}
                    }
                    continue;
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = woken => {}
                () = shutdown.cancelled() => {}
            }
        }
    }

    /// One claim, and what it asks for.
    ///
    /// # Errors
    /// A store did not answer, or not as it should. Nothing is lost by that:
    /// the lease is handed back, or expires.
    pub async fn step(&self) -> Result<Step, Stopped> {
        let mut chunk = self.chunks.clone().try_acquire_owned().ok();
        match self.claim(chunk.is_some()).await? {
            Claim::Wait(pause) => Ok(Step::Idle(pause)),
            Claim::Behind => {
                self.controller.sync().await?;
                Ok(Step::Worked)
            }
            Claim::Work(lease) => {
                if !matches!(lease.work, Work::Generate(_)) {
                    chunk = None;
                }
                let span = span_of(&lease);
                let settled = self.under(&lease, chunk.is_some()).instrument(span).await;
                drop(chunk);
                settled
            }
        }
    }

    /// The work of a lease, until it is closed, gone, or handed back.
    async fn under(&self, lease: &Lease, chunk: bool) -> Result<Step, Stopped> {
        let began = Instant::now();
        let stale = self.hold(&lease.token);
        let worked = tokio::select! {
            // Work first: a heartbeat that crosses an ack finds its
            // lease closed, and that is no loss.
            biased;
            worked = self.work(lease) => worked,
            // Not a chunk, though: what was inserted of a run that is
            // wanted no more has to be put right.
            () = stale.cancelled(), if !chunk => Err(Stopped::Stale),
        };
        self.settle(lease, worked, began).await
    }

    /// Asks for work. A lost answer is asked for again with the same token, so
    /// that the lease is not left to expire.
    async fn claim(&self, generate: bool) -> Result<Claim, QueueError> {
        let token = Token::random();
        let mut pushing = self
            .pushing_us
            .each_ref()
            .map(|spent| Duration::from_micros(spent.swap(0, Ordering::Relaxed)));
        let mut backoff = Backoff::default();
        let began = Instant::now();
        loop {
            let claimed = self.queue().claim(&token, &self.id, pushing, generate);
            match timed("claim", claimed).await {
                Err(error @ QueueError::Unavailable(_))
                    if began.elapsed() < self.lease_time / 2 =>
                {
                    count_failure(&error.into());
                    tokio::time::sleep(backoff.after_failure()).await;
                    pushing = [Duration::ZERO; 2];
                }
                claimed => return claimed,
            }
        }
    }

    async fn work(&self, lease: &Lease) -> Result<Closed, Stopped> {
        let orders = Generator::new(lease.seed, lease.created_ms);
        match &lease.work {
            Work::Generate(indexes) => self.generate(lease, &orders, indexes).await,
            Work::Enqueue(indexes) => self.enqueue(lease, &orders, indexes).await,
            Work::Drain(priority, ids) => self.drain(lease, &orders, *priority, ids).await,
            Work::Save => match self.controller.finish_run(&lease.run_id).await? {
                // Its lease went with the run.
                Some(end) => Ok(Closed::Counted(end.phase)),
                None => Err(Stopped::Unwanted),
            },
        }
    }

    /// After the work: the lease is closed, gone, or handed back.
    async fn settle(
        &self,
        lease: &Lease,
        worked: Result<Closed, Stopped>,
        began: Instant,
    ) -> Result<Step, Stopped> {
        let outcome = match worked {
            Ok(Closed::Counted(_)) => {
                let kind = lease.work.kind();
                counter!(names::LEASES, "kind" => kind).increment(1);
                histogram!(names::LEASE_SECONDS, "kind" => kind)
                    .record(began.elapsed().as_secs_f64());
                Ok(Step::Worked)
            }
            gone @ (Ok(Closed::Stale) | Err(Stopped::Stale)) => {
                counter!(if gone.is_ok() { names::STALE } else { names::LOST }).increment(1);
                tracing::warn!("a lease was gone: its work is another's now");
                Ok(Step::Worked)
            }
            Err(stopped) => {
                let released = self.queue().release(&lease.token).await;
                match stopped {
                    Stopped::Unwanted => released.map(|()| Step::Worked).map_err(Stopped::from),
                    stopped => Err(stopped),
                }
            }
        };
        // Whatever came of it: a lease that nobody works on must not be extended.
        self.let_go(&lease.token);
        outcome
    }

    fn hold(&self, token: &Token) -> CancellationToken {
        let stale = CancellationToken::new();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(token.clone(), stale.clone());
        gauge!(names::BUSY).set(held.len() as f64);
        stale
    }

    fn let_go(&self, token: &Token) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(token);
        gauge!(names::BUSY).set(held.len() as f64);
    }

    /// The leases in hand.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// This lease is gone: whoever works on it shall stop.
    pub(crate) fn lost(&self, token: &Token) {
        if let Some(stale) = self.held.lock().unwrap_or_else(PoisonError::into_inner).get(token) {
            stale.cancel();
        }
    }

    /// Time that was spent on a push, to be told with the next claim.
    pub(crate) fn spent_pushing(&self, priority: usize, began: Instant) {
        let spent = began.elapsed().as_micros() as u64;
        self.pushing_us[priority].fetch_add(spent, Ordering::Relaxed);
    }

    /// What others may know of this worker.
    pub(crate) fn info(&self) -> WorkerInfo {
        WorkerInfo {
            id: self.id.clone(),
            host: hostname::get()
                .map(|host| host.to_string_lossy().into_owned())
                .unwrap_or_default(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            slots: self.settings.slots,
            busy: self.tokens().len() as u32,
        }
    }
}
