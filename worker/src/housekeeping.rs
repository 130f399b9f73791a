//! What a worker does beside its slots: heartbeats, giving expired leases back, comparing Redis
//! with control, sweeping, logging its progress.

use std::{sync::Arc, time::Duration};

use ::metrics::counter;
use pedidos_core::{backoff::LogOnce, order::Priority, run::Phase};
use pedidos_pipeline::{
    commands::{CommandError, Controller},
    queue::QueueError,
};
use pedidos_service::metrics as names;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{calls::count_failure, metrics::show_breaker, progress::Totals, worker::Worker};

/// How often an idle worker looks for something to sweep.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl Worker {
    /// Sends the heartbeats of this worker and its leases, and gives the expired leases of all
    /// workers back to their queue.
    pub(crate) async fn keep_leases(self: Arc<Self>) {
        let mut ticks = every((self.lease_time / 4).min(Duration::from_millis(500)));
        loop {
            ticks.tick().await;
            if let Err(error) = self.beat().await {
                tracing::debug!(%error, "a heartbeat failed; trying again with the next one");
                count_failure(&error.into());
            }
        }
    }

    async fn beat(&self) -> Result<(), QueueError> {
        let (mut tokens, until) = (self.leases.tokens(), Instant::now() + self.lease_time);
        let info = self.info();
        show_breaker(info.processor.as_ref().map(|processor| processor.breaker));
        for token in self.queue().extend(&info, &tokens).await? {
            self.leases.stop(&token);
            tokens.retain(|extended| *extended != token);
        }
        self.leases.extended(&tokens, until);
        let leases = self.queue().reclaim().await?;
        if leases > 0 {
            counter!(names::RECLAIMED).increment(leases);
            tracing::info!(leases, "expired leases given back");
        }
        Ok(())
    }

    /// Compares control with Redis, notes phase changes in the history, sweeps.
    pub(crate) async fn keep_control(self: Arc<Self>) {
        let mut ticks = every(Controller::COMPARE_EVERY);
        let (mut noted, mut log_once) = (Phase::Idle, LogOnce::default());
        let mut next_sweep = Instant::now();
        loop {
            ticks.tick().await;
            match self.compare(&mut noted, &mut next_sweep).await {
                Err(error) => {
                    if log_once.is_new(&error.to_string()) {
                        tracing::warn!(%error, "cannot compare control with Redis; trying again");
                    }
                    count_failure(&error.into());
                }
                Ok(()) if log_once.is_over() => {
                    tracing::info!("control is compared with Redis again");
                }
                Ok(()) => {}
            }
        }
    }

    async fn compare(
        &self,
        noted: &mut Phase,
        next_sweep: &mut Instant,
    ) -> Result<(), CommandError> {
        let (control, snapshot) = self.controller.sync().await?;
        self.controller.pause_canary(&control, &snapshot).await?;
        let phase = snapshot.phase();
        if phase != *noted {
            self.controller.note_progress(&control, &snapshot).await?;
            tracing::info!(%phase, "phase");
            *noted = phase;
            // The remains of a run are swept soon after its end.
            *next_sweep = Instant::now() + Controller::COMPARE_EVERY;
        }
        if !phase.is_active() && Instant::now() >= *next_sweep {
            *next_sweep = Instant::now() + SWEEP_EVERY;
            self.controller.sweep(snapshot.now_ms).await?;
        }
        Ok(())
    }

    /// Wakes the idle slot at every event: if it gets work, the next one claims, too. An event may be
    /// lost: every wait ends by itself.
    pub(crate) async fn listen(self: Arc<Self>) {
        let mut events = loop {
            match self.queue().events().await {
                Ok(events) => break events,
                Err(error) => {
                    tracing::debug!(%error, "cannot subscribe to events; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        };
        // Events that were missed count as one.
        while let Ok(_) | Err(RecvError::Lagged(_)) = events.recv().await {
            self.wake.notify_one();
        }
    }

    /// Logs the progress now and then, while there is any.
    pub(crate) async fn report(self: Arc<Self>) {
        let mut ticks = every(self.settings.progress_every);
        let mut before = Totals::default();
        let mut at = Instant::now();
        loop {
            ticks.tick().await;
            let now = self.progress.totals();
            let seconds = at.elapsed().as_secs_f64().max(0.001);
            at = Instant::now();
            if now == before {
                continue;
            }
            let rate = |orders: u64| (orders as f64 / seconds).round();
            match self.queue().snapshot().await {
                Ok(snapshot) => {
                    let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
                    tracing::info!(
                        phase = %snapshot.phase(),
                        generated = vip.generated + normal.generated,
                        vip = vip.processed,
                        normal = normal.processed,
                        here_generated_per_s = rate(now.generated - before.generated),
                        here_processed_per_s = rate(now.processed - before.processed),
                        "progress"
                    );
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot read the figures of the progress line");
                }
            }
            if self.settings.log_memory {
                let resident = names::resident_bytes().unwrap_or(0);
                tracing::info!(rss_kib = resident / 1024, "memory");
            }
            before = now;
        }
    }
}
