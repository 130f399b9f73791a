//! Compares control in MongoDB with the state in Redis, and raises Redis to it.

use std::{cmp::Ordering, sync::Arc, time::Duration};

use pedidos_core::control::Control;
use tokio::sync::Mutex;

use super::{
    error::{CommandError, Result},
    readiness::Readiness,
};
use crate::{
    queue::{Queue, Snapshot},
    store::Store,
};

/// Carries out commands.
#[derive(Clone)]
pub struct Controller {
    pub queue: Queue,
    pub store: Store,
    /// Held by the one comparison at a time.
    comparing: Arc<Mutex<()>>,
    pub(super) readiness: Readiness,
}

impl Controller {
    /// How often every process compares control with Redis.
    pub const COMPARE_EVERY: Duration = Duration::from_secs(2);

    #[must_use]
    pub fn new(queue: Queue, store: Store) -> Self {
        Self { queue, store, comparing: Arc::default(), readiness: Readiness::default() }
    }

    /// Compares, and adopts control if Redis has an older version: every two seconds, on every new
    /// connection before anything else, and when a claim says so. Answers control and the state
    /// that agrees with it.
    pub async fn sync(&self) -> Result<(Control, Snapshot)> {
        let _one = self.comparing.lock().await;
        let generation = self.queue.generation();
        let compared = self.compare().await?;
        self.queue.set_compared(generation);
        Ok(compared)
    }

    async fn compare(&self) -> Result<(Control, Snapshot)> {
        // A read of MongoDB may be older than the one that Redis was raised to: read again. Each
        // time takes at least a round trip to both.
        let mut seen = (0, 0);
        for _ in 0..5 {
            let control = self.store.control().await?;
            let snapshot = self.queue.snapshot().await?;
            seen = (snapshot.version, control.version);
            self.queue.note_version(control.version);
            match snapshot.version.cmp(&control.version) {
                Ordering::Less => self.adopt(&control).await?,
                Ordering::Equal => return Ok((control, snapshot)),
                Ordering::Greater => {}
            }
        }
        Err(CommandError::StaleStore { redis: seen.0, mongo: seen.1 })
    }

    /// The snapshot to answer a client with. Compares first if the connection is new.
    pub async fn current(&self) -> Result<Snapshot> {
        loop {
            let generation = self.queue.generation();
            if !self.queue.is_compared(generation) {
                return Ok(self.sync().await?.1);
            }
            let snapshot = self.queue.snapshot().await?;
            // There may have been a reconnection meanwhile.
            if self.queue.generation() != generation {
                continue;
            }
            // Redis is empty or older, though the connection was not lost.
            if snapshot.version >= self.queue.seen_version() && snapshot.version > 0 {
                return Ok(snapshot);
            }
            self.queue.set_uncompared();
        }
    }

    /// Makes sure of the run document, carries out decisions about the dead letters of a run that
    /// has ended (of an active one, its chunks do), then raises Redis to this control. So if
    /// Redis has this version, all the rest is done.
    pub(super) async fn adopt(&self, control: &Control) -> Result<()> {
        let known = self.store.ensure_run(control).await?.stamps();
        if let Some(run) = control.run.as_ref().filter(|run| run.end.is_some()) {
            self.store.settle_letters(&run.ids(), &control.letters).await?;
        }
        let patch = self.patch(control).await?;
        if self.queue.adopt(control, &known, patch.as_ref()).await? {
            tracing::info!(
                version = control.version,
                intent = control.intent.as_str(),
                run = control.run.as_ref().map_or("none", |run| run.run_id.as_str()),
                "adopted control"
            );
        }
        Ok(())
    }
}
