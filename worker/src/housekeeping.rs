//! What a worker does beside its slots: heartbeats, giving back what others let
//! expire, comparing control, sweeping, saying how it goes.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use ::metrics::counter;
use pedidos_common::{
    control::{Controller, VerbError},
    metrics as names,
    order::Priority,
    queue::QueueError,
    run::Phase,
};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{retry::count_failure, worker::Worker};

/// How often an idle worker looks for something to sweep.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl Worker {
    /// Heartbeats of this worker and its leases; expired leases and due retries
    /// of all go back to their queue.
    pub(crate) async fn keep_leases(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = every((self.lease_time / 4).min(Duration::from_millis(500)));
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            if let Err(error) = self.beat().await {
                tracing::debug!(%error, "a heartbeat failed; the next one follows");
                count_failure(&error.into());
            }
        }
    }

    async fn beat(&self) -> Result<(), QueueError> {
        for token in self.queue().extend(&self.info(), &self.tokens()).await? {
            self.lost(&token);
        }
        let (leases, retries) = self.queue().reclaim().await?;
        if leases > 0 {
            counter!(names::RECLAIMED).increment(leases);
            tracing::info!(leases, "expired leases given back");
        }
        if retries > 0 {
            tracing::debug!(retries, "retries are due");
        }
        Ok(())
    }

    /// Compares control with Redis, notes phase changes in the history, sweeps.
    pub(crate) async fn keep_control(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = every(Controller::COMPARE_EVERY);
        let mut noted = Phase::Idle;
        let mut next_sweep = Instant::now();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            if let Err(error) = self.compare(&mut noted, &mut next_sweep).await {
                tracing::warn!(%error, "control was not compared; trying again");
                count_failure(&error.into());
            }
        }
    }

    async fn compare(&self, noted: &mut Phase, next_sweep: &mut Instant) -> Result<(), VerbError> {
        let (control, snapshot) = self.controller.sync().await?;
        let phase = snapshot.phase();
        if phase != *noted {
            self.controller.note_progress(&control, &snapshot).await?;
            tracing::info!(%phase, "phase");
            *noted = phase;
            // What a run leaves behind is swept soon after its end.
            *next_sweep = Instant::now() + Controller::COMPARE_EVERY;
        }
        if !phase.is_active() && Instant::now() >= *next_sweep {
            *next_sweep = Instant::now() + SWEEP_EVERY;
            self.controller.sweep(snapshot.clock()).await?;
        }
        Ok(())
    }

    /// Wakes the slots at every event. Events may be lost: every wait ends by
    /// itself too.
    pub(crate) async fn listen(self: Arc<Self>, stop: CancellationToken) {
        let mut events = loop {
            match self.queue().events().await {
                Ok(events) => break events,
                Err(error) => {
                    tracing::debug!(%error, "not subscribed to events yet; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_secs(1)) => {}
                        () = stop.cancelled() => return,
                    }
                }
            }
        };
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    // Having missed some is as good as one more.
                    Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {
                        self.wake.notify_waiters();
                    }
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                },
                () = stop.cancelled() => return,
            }
        }
    }

    /// A line now and then on how it goes, while there is something to say.
    pub(crate) async fn report(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = every(self.settings.progress_every);
        let mut before = [0, 0];
        let mut at = Instant::now();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            let now = self.done.each_ref().map(|done| done.load(Ordering::Relaxed));
            let seconds = at.elapsed().as_secs_f64().max(0.001);
            at = Instant::now();
            if now == before {
                continue;
            }
            let rate = |i: usize| ((now[i] - before[i]) as f64 / seconds).round();
            match self.queue().snapshot().await {
                Ok(snapshot) => {
                    let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
                    tracing::info!(
                        phase = %snapshot.phase(),
                        generated = vip.generated + normal.generated,
                        vip = vip.processed,
                        normal = normal.processed,
                        here_generated_per_s = rate(0),
                        here_processed_per_s = rate(1),
                        "progress"
                    );
                }
                Err(error) => tracing::debug!(%error, "no figures for the progress line"),
            }
            if self.settings.log_memory {
                let resident = names::resident_bytes().unwrap_or(0);
                tracing::info!(rss_kib = resident / 1024, "memory");
            }
            before = now;
        }
    }
}
