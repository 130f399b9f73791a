//! The verbs: each a compare-and-set on control, then its effect in Redis.

use std::{cmp::Ordering, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{CancelOptions, Control, End, Intent, Pause, RunSpec};
use crate::{
    backoff::Backoff,
    logs,
    order::{OrderId, Priority},
    queue::{Queue, QueueError, Snapshot},
    run::{Figures, Phase},
    store::{Counts, Store, StoreError},
};

/// Why a verb was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VerbError {
    /// Redis did not do its part. What control says is done by others.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// MongoDB did not do its part: nothing has changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// MongoDB went away while it was asked to start a run.
    #[error("outcome unknown: MongoDB went away while run {run_id} was being accepted ({cause})")]
    OutcomeUnknown {
        /// The run that may have been accepted.
        run_id: String,
        /// What MongoDB's driver said.
        cause: StoreError,
    },
    /// There is a run already.
    #[error("run {run_id} is active")]
    Active {
        /// Its id.
        run_id: String,
    },
    /// Redis has a later version of control than MongoDB shows.
    #[error(
        "Redis has seen version {redis} of the control document, MongoDB shows {mongo}: it is \
         catching up, or was emptied (then delete the queue's keys in Redis too)"
    )]
    StaleStore {
        /// The version that Redis has.
        redis: i64,
        /// The version that MongoDB shows.
        mongo: i64,
    },
}

/// Result of a verb.
pub type Result<T> = std::result::Result<T, VerbError>;

/// What a run is asked for with.
#[derive(Debug, Clone)]
pub struct Generate {
    /// How many orders, 1..=MAX_ORDERS; the caller has checked.
    pub quantity: u32,
    /// What to draw them from; none: a random one.
    pub seed: Option<u64>,
    /// Asked again with it, the same run is answered.
    pub idempotency_key: Option<String>,
}

/// A run was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The run.
    pub run_id: String,
    /// How many orders it has.
    pub quantity: i64,
    /// A person's pause holds it back.
    pub paused: bool,
    /// The key had been used: this is the run of then.
    pub repeated: bool,
}

/// A run was cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    /// The run.
    pub run_id: String,
    /// How it ended.
    pub end: End,
    /// How long its leases were waited for.
    pub waited: Duration,
    /// Leases that were still held then; what they do no longer counts.
    pub still_active: u64,
    /// It had been asked for, or had ended, before.
    pub by_another: bool,
}

/// What a reset deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetDone {
    /// Orders.
    pub orders: u64,
    /// Runs of the history.
    pub runs: u64,
}

/// Brings MongoDB's control and Redis' state together, and carries out verbs.
#[derive(Clone)]
pub struct Controller {
    /// What is happening.
    pub queue: Queue,
    /// What shall happen, and the truth about orders.
    pub store: Store,
    /// One comparison at a time.
    comparing: Arc<Mutex<()>>,
}

impl Controller {
    /// How often every process compares control with Redis.
    pub const COMPARE_EVERY: Duration = Duration::from_secs(2);
    /// How long a freeze is survived exactly.
    const SWEEP_AFTER_MS: i64 = 3_600_000;
    /// A cancel looks at least so often whether work in flight is done.
    const LOOK_EVERY: Duration = Duration::from_millis(500);
    /// How long a reset may take before others finish it.
    const RESET_TAKES_MS: i64 = 120_000;

    /// Of this store and this queue.
    #[must_use]
    pub fn new(queue: Queue, store: Store) -> Self {
        Self { queue, store, comparing: Arc::default() }
    }

    /// Compares, and adopts control if Redis is behind. Done every two seconds,
    /// on every new connection before anything else, and when a claim says so.
    /// Answers control and the state that agrees with it.
    pub async fn sync(&self) -> Result<(Control, Snapshot)> {
        let _one = self.comparing.lock().await;
        let reconnected = self.queue.take_reconnected();
        let compared = self.compare().await;
        if compared.is_err() && reconnected {
            self.queue.set_reconnected();
        }
        compared
    }

    async fn compare(&self) -> Result<(Control, Snapshot)> {
        // A read of MongoDB may be older than one whose effect Redis has: read
        // again; each time takes at least a round trip to both.
        let mut seen = (0, 0);
        for _ in 0..5 {
            let control = self.store.control().await?;
            let snapshot = self.queue.snapshot().await?;
            seen = (snapshot.version, control.version);
            self.queue.see(control.version);
            match snapshot.version.cmp(&control.version) {
                Ordering::Less => self.adopt(&control).await?,
                Ordering::Equal => return Ok((control, snapshot)),
                Ordering::Greater => {}
            }
        }
        Err(VerbError::StaleStore { redis: seen.0, mongo: seen.1 })
    }

    /// The snapshot to answer with: compared first if the connection is new.
    pub async fn current(&self) -> Result<Snapshot> {
        loop {
            if self.queue.is_reconnected() {
                return Ok(self.sync().await?.1);
            }
            let snapshot = self.queue.snapshot().await?;
            // An empty or older Redis behind an unbroken connection.
            if snapshot.version >= self.queue.seen() && snapshot.version > 0 {
                return Ok(snapshot);
            }
            self.queue.set_reconnected();
        }
    }

    /// Compares every two seconds, until shutdown.
    pub async fn keep_current(&self, shutdown: &CancellationToken) {
        let mut ticks = tokio::time::interval(Self::COMPARE_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.cancelled() => return,
            }
            if let Err(error) = self.sync().await {
                tracing::warn!(%error, "control was not compared; trying again");
            }
        }
    }

    /// Waits until both stores answer, and prepares them. Says what is missing,
    /// tries again with backoff, and answers false if it was asked to stop.
    pub async fn wait_ready(&self, shutdown: &CancellationToken) -> bool {
        let mut backoff = Backoff::default();
        loop {
            let tried = tokio::select! {
                tried = self.prepare() => tried,
                () = shutdown.cancelled() => return false,
            };
            let Err(error) = tried else { return true };
            let retry_in = backoff.after_failure();
            tracing::warn!(%error, ?retry_in, "waiting for the stores");
            tokio::select! {
                () = tokio::time::sleep(retry_in) => {}
                () = shutdown.cancelled() => return false,
            }
        }
    }

    async fn prepare(&self) -> Result<()> {
        self.store.ping().await?;
        self.store.ensure_indexes().await?;
        self.store.warn_of_risks().await?;
        self.sync().await?;
        self.queue.warn_of_risks().await?;
        Ok(())
    }

    /// Do both stores answer within a second? If not, which does not, and why.
    pub async fn ready(&self) -> std::result::Result<(), String> {
        let (mongo, redis) = tokio::join!(
            in_a_second("MongoDB", self.store.ping()),
            in_a_second("Redis", self.queue.snapshot()),
        );
        let wrong: Vec<String> =
            [mongo, redis].into_iter().filter_map(std::result::Result::err).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    /// Deletes what was given up: what a reset left over, and the orders of
    /// runs that were cancelled with `removePending` an hour ago: a generator
    /// that was frozen for less cannot insert them again. Each is looked for
    /// before it is deleted. `now`: ms since the epoch by Redis' clock.
    pub async fn sweep(&self, now: i64) -> Result<()> {
        let control = self.store.control().await?;
        // The API that was asked to reset deletes too, and says how much.
        if control.reset_below < now - Self::RESET_TAKES_MS {
            let swept = self.delete_reset(&control).await?;
            if swept.orders + swept.runs > 0 {
                tracing::info!(orders = swept.orders, runs = swept.runs, "swept after a reset");
            }
        }
        // A generator that died between its insert and its look at control left
        // these behind, outside the counts of a run that was cancelled.
        if control.active().is_none()
            && let Some(run_id) = self.store.run_of_a_pending_order().await?
            && let Some(run) = self.store.run(&run_id).await?
            && run.phase == Phase::Aborted
        {
            let mut marked = 0;
            for ids in run.pages() {
                marked += self.store.cancel_strays(&ids).await?;
            }
            tracing::info!(marked, run = %run_id, "strays of a cancelled run are marked");
        }
        while let Some(run) = self.store.run_to_sweep(now - Self::SWEEP_AFTER_MS).await? {
            let mut deleted = 0;
            for ids in run.pages() {
                self.store.cancel_strays(&ids).await?;
                deleted += self.store.delete_cancelled(&ids).await?;
            }
            self.store.mark_swept(&run.run_id).await?;
            tracing::info!(deleted, run = %run.run_id, "swept after a cancel");
        }
        Ok(())
    }

    /// Makes sure of the run document, carries out what was decided about dead letters
    /// of a run that has ended (of one that goes on, its chunks do), then raises Redis to
    /// this control. So whoever finds Redis there finds all the rest done.
    pub(super) async fn adopt(&self, control: &Control) -> Result<()> {
        let known = self.store.ensure_run(control).await?.stamps();
        if let Some(run) = control.run.as_ref().filter(|run| run.end.is_some()) {
            self.store.settle_letters(&run.ids(), &control.letters).await?;
        }
        if self.queue.adopt(control, &known).await? {
            tracing::info!(
                version = control.version,
                intent = control.intent.as_str(),
                run = control.run.as_ref().map_or("none", |run| run.run_id.as_str()),
                "adopted control"
            );
        }
        Ok(())
    }

    /// Starts a run. The caller has checked the quantity.
    pub async fn generate(&self, wanted: &Generate) -> Result<Accepted> {
        let run_id = uuid::Uuid::new_v4().to_string();
        loop {
            let (control, snapshot) = self.sync().await?;
            if let Some(key) = &wanted.idempotency_key
                && let Some(accepted) = self.accepted_before(&control, key).await?
            {
                return Ok(accepted);
            }
            if let Some(run) = control.active() {
                return Err(VerbError::Active { run_id: run.run_id.clone() });
            }
            // The run that this replaces takes its figures with it.
            self.store.ensure_run(&control).await?;
            let created_ms =
                snapshot.now_ms.max(control.last_run_at + 1).max(control.reset_below + 1);
            let mut next = control.next();
            next.orders_version = next.version;
            next.last_run_at = created_ms;
            next.intent = Intent::Run;
            next.letters = Vec::new();
            next.hidden = 0;
            next.run = Some(RunSpec {
                run_id: run_id.clone(),
                // Below 2^53, so that every JSON reader gets it whole.
                seed: wanted.seed.unwrap_or_else(|| rand::random::<u64>() >> 11) as i64,
                quantity: i64::from(wanted.quantity),
                created_ms,
                idempotency_key: wanted.idempotency_key.clone(),
                end: None,
            });
            let set = match self.store.set_control(&next).await {
                Ok(set) => set,
                Err(cause) => self.was_set(&next, &run_id, cause).await?,
            };
            if set {
                // Accepted: whoever sees control ahead of Redis finishes this.
                if let Err(error) = self.adopt(&next).await {
                    tracing::warn!(%error, run = %run_id, "accepted; Redis will be told later");
                }
                let quantity = i64::from(wanted.quantity);
                return Ok(Accepted {
                    run_id,
                    quantity,
                    paused: next.paused.is_some(),
                    repeated: false,
                });
            }
        }
    }

    async fn accepted_before(&self, control: &Control, key: &str) -> Result<Option<Accepted>> {
        let current =
            control.run.as_ref().filter(|run| run.idempotency_key.as_deref() == Some(key));
        let (run_id, quantity) = match current {
            Some(run) => (run.run_id.clone(), run.quantity),
            None => match self.store.run_of_key(key).await? {
                Some(run) => (run.run_id, run.quantity),
                None => return Ok(None),
            },
        };
        let paused = control.paused.is_some();
        Ok(Some(Accepted { run_id, quantity, paused, repeated: true }))
    }

    /// The answer to a compare-and-set was lost: what became of it?
    async fn was_set(&self, next: &Control, run_id: &str, cause: StoreError) -> Result<bool> {
        let unknown = |cause| VerbError::OutcomeUnknown { run_id: run_id.to_owned(), cause };
        let mut now = self.store.control().await.map_err(unknown)?;
        while now.version < next.version {
            // Not written, so far. Raise the version, so that a late write of
            // it finds its predecessor gone.
            let raised = now.next();
            if self.store.set_control(&raised).await.map_err(unknown)? {
                return Err(cause.into());
            }
            now = self.store.control().await.map_err(unknown)?;
        }
        Ok(now.run.as_ref().is_some_and(|run| run.run_id == run_id))
    }

    /// One change of control, tried again as long as others are faster.
    /// `change` answers false if there is nothing to change.
    pub(super) async fn change(
        &self,
        mut change: impl FnMut(&mut Control, i64) -> bool,
    ) -> Result<(Control, bool)> {
        loop {
            let (control, snapshot) = self.sync().await?;
            let mut next = control.next();
            if !change(&mut next, snapshot.now_ms) {
                return Ok((control, false));
            }
            if self.store.set_control(&next).await? {
                self.adopt(&next).await?;
                return Ok((next, true));
            }
        }
    }

    /// Stops claims. Answers how many leases are still held.
    pub async fn pause(&self) -> Result<u64> {
        self.change(|control, now| {
            let lifted = control.paused.is_none();
            control.paused.get_or_insert(Pause { at: now });
            lifted
        })
        .await?;
        Ok(self.queue.snapshot().await?.leases)
    }

    /// Lifts a pause.
    pub async fn resume(&self) -> Result<()> {
        self.change(|control, _| control.paused.take().is_some()).await.map(drop)
    }

    /// Forgets every run and every order.
    pub async fn reset(&self) -> Result<ResetDone> {
        let (control, _) = self
            .change(|control, now| {
                control.run = None;
                control.intent = Intent::Idle;
                control.paused = None;
                control.last_run_id = None;
                control.letters = Vec::new();
                control.hidden = 0;
                control.orders_version = control.version;
                control.reset_below = now.max(control.last_run_at).max(control.reset_below) + 1;
                true
            })
            .await?;
        logs::clear(&self.queue).await?;
        self.delete_reset(&control).await
    }

    /// Deletes what a reset has given up; never anything of a later run.
    pub async fn delete_reset(&self, control: &Control) -> Result<ResetDone> {
        let mut done = ResetDone { orders: 0, runs: 0 };
        for run in self.store.runs_below(control.reset_below).await? {
            for ids in run.pages() {
                done.orders += self.store.delete(&ids).await?;
            }
            done.runs += self.store.delete_run(&run.run_id).await?;
        }
        let floor = OrderId::floor(control.reset_below as u64);
        done.orders += self.store.delete_below(floor).await?;
        Ok(done)
    }

    /// Cancels the active run; answers none if there is none. Joins a cancel
    /// that is being carried out.
    pub async fn cancel(&self, options: &CancelOptions) -> Result<Option<Cancelled>> {
        let began = Instant::now();
        let (control, set) = self
            .change(|control, _| {
                let running = control.intent == Intent::Run;
                if running {
                    control.intent = Intent::Cancel(options.clone());
                }
                running
            })
            .await?;
        let Some(run) = control.active().map(|run| run.run_id.clone()) else {
            // What another ended is in the history before this says so.
            self.store.ensure_run(&control).await?;
            return Ok(None);
        };
        let timeout = Duration::from_millis(options.wait_timeout_ms);
        let poll = Duration::from_millis(options.poll_interval_ms).min(Self::LOOK_EVERY);
        let mut poll = tokio::time::interval(poll);
        let still_active = loop {
            poll.tick().await;
            let leases = self.queue.snapshot().await?.leases;
            if leases == 0 || began.elapsed() >= timeout {
                break leases;
            }
        };
        let waited = began.elapsed();
        let mine = if set { self.finish_cancel(&control).await? } else { None };
        let end = match mine {
            Some(end) => Some(end),
            None => self.cancelled_by_another(&run).await?,
        };
        if options.reset_logs {
            logs::clear(&self.queue).await?;
        }
        Ok(end.map(|end| Cancelled { run_id: run, end, waited, still_active, by_another: !set }))
    }

    /// Takes the cancel over from whoever is at it: raises the version, so that this is
    /// the attempt that counts. Answers none if another was faster.
    async fn take_over(&self, control: &Control) -> Result<Option<Control>> {
        let next = control.next();
        if !self.store.set_control(&next).await? {
            return Ok(None);
        }
        self.adopt(&next).await?;
        Ok(Some(next))
    }

    /// Waits until the cancel that others are at has ended. If they make nothing of it,
    /// takes it over; each time later, so that two who wait do not take it from each
    /// other for ever. Answers none if the run is gone.
    async fn cancelled_by_another(&self, run_id: &str) -> Result<Option<End>> {
        let mut patience = None;
        let (mut seen, mut since) = (0, Instant::now());
        loop {
            let (control, snapshot) = self.sync().await?;
            let Some(run) = control.run.as_ref().filter(|run| run.run_id == run_id) else {
                return Ok(None);
            };
            if !control.is_cancelling(run_id) {
                return Ok(run.end.clone());
            }
            if control.version != seen {
                (seen, since) = (control.version, Instant::now());
            }
            // A worker has it, or will have it within its time.
            let alone = snapshot.workers.is_empty();
            let first = if alone { Controller::COMPARE_EVERY } else { self.queue.lease_time() };
            let waits = *patience.get_or_insert(first);
            if since.elapsed() >= waits {
                patience = Some(waits * 2);
                if let Some(mine) = self.take_over(&control).await?
                    && let Some(end) = self.finish_cancel(&mine).await?
                {
                    return Ok(Some(end));
                }
            }
            tokio::time::sleep(Self::LOOK_EVERY / 5).await;
        }
    }

    /// Carries out a cancel: marks what is pending, counts, ends the run. `control`: as
    /// this process set the cancel, or took it over; its version is what marks are
    /// stamped with, and only those are counted. So several may be at it at once, and the
    /// one whose end is set has counted all that it says. Answers none if another took it.
    async fn finish_cancel(&self, control: &Control) -> Result<Option<End>> {
        let (Some(run), Intent::Cancel(options)) = (&control.run, &control.intent) else {
            return Ok(None);
        };
        let attempt = control.version;
        let mut counts = [Counts::default(); 2];
        for ids in run.pages() {
            // A page is counted once nothing in it is pending: a late chunk may
            // still arrive while it is marked.
            let page = loop {
                if self.store.control().await?.version != attempt {
                    return Ok(None);
                }
                // Dead letters that wait for a retry are pending, too.
                self.store.settle_letters(&ids, &control.letters).await?;
                let marked = self.store.cancel_pending(&ids, attempt).await?;
                let page = self.store.count(&ids, attempt).await?;
                if marked == 0 && page.iter().all(|counts| counts.pending == 0) {
                    break page;
                }
            };
            for (sum, page) in counts.iter_mut().zip(page) {
                *sum += page;
            }
        }
        let snapshot = self.queue.snapshot().await?;
        let known = match &snapshot.run {
            Some(shown) if shown.run_id == run.run_id => shown.figures.clone(),
            _ => self.store.ensure_run(control).await?,
        };
        let [vip, normal] = counts;
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
            ended_at: snapshot.clock(),
            ..known
        };
        let end = End {
            phase: Phase::Aborted,
            figures,
            cancelled: vip.cancelled + normal.cancelled,
            attempt,
            purge: options.purge,
            remove_pending: options.remove_pending,
        };
        self.end(control, end).await
    }

    /// Writes the end of a run whose every order is terminal, or carries out its cancel.
    /// Answers none if it is not the current run, has orders that are open after all, or
    /// is ended by another.
    pub async fn finish_run(&self, run_id: &str) -> Result<Option<End>> {
        let control = self.store.control().await?;
        if control.is_cancelling(run_id) {
            return match self.take_over(&control).await? {
                Some(mine) => self.finish_cancel(&mine).await,
                None => Ok(None),
            };
        }
        if !control.wants(run_id) {
            return Ok(None);
        }
        let snapshot = self.queue.snapshot().await?;
        // A Redis that has not heard of a retry yet shows figures of before it.
        if snapshot.version != control.version {
            return Ok(None);
        }
        let complete = Priority::ALL.map(|priority| snapshot.ledger(priority));
        let Some(run) = snapshot.run.filter(|run| run.run_id == run_id) else {
            return Ok(None);
        };
        let terminal: u64 = complete.iter().map(crate::run::Ledger::terminal).sum();
        if terminal != run.quantity || complete.iter().any(|ledger| ledger.open() > 0) {
            return Ok(None);
        }
        let end = End {
            phase: Phase::Done,
            figures: run.figures,
            cancelled: 0,
            attempt: 0,
            purge: false,
            remove_pending: false,
        };
        self.end(&control, end).await
    }

    /// The end is one compare-and-set; then the history; then Redis shows it.
    /// So an end that is seen is durable. Answers none if another changed control.
    async fn end(&self, control: &Control, end: End) -> Result<Option<End>> {
        let mut next = control.next();
        next.intent = Intent::Ended;
        if let Some(run) = &mut next.run {
            run.end = Some(end.clone());
            next.last_run_id = Some(run.run_id.clone());
        }
        if !self.store.set_control(&next).await? {
            return Ok(None);
        }
        self.adopt(&next).await?;
        Ok(Some(end))
    }
}

async fn in_a_second<T, E: std::fmt::Display>(
    store: &str,
    call: impl Future<Output = std::result::Result<T, E>>,
) -> std::result::Result<(), String> {
    match tokio::time::timeout(Duration::from_secs(1), call).await {
        Ok(answered) => answered.map(drop).map_err(|error| error.to_string()),
        Err(_) => Err(format!("{store} did not answer within a second")),
    }
}
