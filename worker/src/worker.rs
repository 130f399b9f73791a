//! A worker: what its slots share, how it starts and how it stops.

use std::{sync::Arc, time::Duration};

use pedidos_pipeline::{
    commands::Controller,
    queue::{Queue, WorkerInfo},
    store::Store,
};
use pedidos_service::settings::Settings;
use tokio::{
    sync::{Mutex, Notify, Semaphore},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    dispatcher::Dispatcher,
    leases::Leases,
    processor::{AnyProcessor, ProcessorSettings},
    progress::Progress,
    settings::WorkerSettings,
};

/// Chunks that a worker builds at once, at most; more of them are not faster.
const CHUNKS_AT_ONCE: u32 = 3;
/// Orders in the chunks that a worker builds at once: they take most of its memory.
const ORDERS_AT_ONCE: u32 = 30_000;

/// How long a worker that stops tries to give its leases back and to remove its entry.
const SIGN_OFF_TIMEOUT: Duration = Duration::from_secs(5);

/// One worker: as many slots as configured, each with one lease at a time.
pub struct Worker {
    pub(crate) id: String,
    pub(crate) controller: Controller,
    pub(crate) settings: WorkerSettings,
    pub(crate) lease_time: Duration,
    shutdown_grace: Duration,
    pub(crate) leases: Leases,
    /// Permits for chunks that may still be built at once. Ten thousand orders take some ten
    /// megabytes on their way: this bounds a worker's memory, whatever its slots (I10).
    pub(crate) chunk_permits: Arc<Semaphore>,
    pub(crate) progress: Progress,
    /// Wakes the slot that waits for work.
    pub(crate) wake: Notify,
    /// Of the slots without work, one claims and waits, and the others queue up behind it:
    /// however many they are, they cost the queue no more than one.
    pub(crate) idle_turn: Mutex<()>,
    /// None: it has the built-in processor alone.
    pub(crate) dispatcher: Option<Dispatcher>,
    pub(crate) queue_name: String,
}

impl Worker {
    /// `id` names it in Redis, to other workers and to the API. `processor`: of runs that name it.
    pub(crate) fn new(
        id: String,
        controller: Controller,
        settings: &Settings,
        processor: Option<(ProcessorSettings, Box<dyn AnyProcessor>)>,
    ) -> Arc<Self> {
        Arc::new(Self {
            dispatcher: processor.map(|(settings, processor)| Dispatcher::new(settings, processor)),
            queue_name: settings.queue.name.clone(),
            id,
            controller,
            settings: WorkerSettings::of(&settings.values),
            lease_time: settings.queue.lease,
            shutdown_grace: settings.shutdown_grace,
            leases: Leases::default(),
            chunk_permits: Arc::new(Semaphore::new(chunks_at_once(settings.queue.chunk_size))),
            progress: Progress::default(),
            wake: Notify::new(),
            idle_turn: Mutex::default(),
        })
    }

    pub(crate) const fn queue(&self) -> &Queue {
        &self.controller.queue
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.controller.store
    }

    /// Works until shutdown, then finishes its work within the grace time, or gives it
    /// back.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        tracing::info!(worker = %self.id, slots = self.settings.slots, "worker started");
        let mut keepers = JoinSet::new();
        keepers.spawn(Arc::clone(&self).keep_leases());
        keepers.spawn(Arc::clone(&self).keep_control());
        keepers.spawn(Arc::clone(&self).listen());
        keepers.spawn(Arc::clone(&self).report());
        let mut slots = JoinSet::new();
        for _ in 0..self.settings.slots {
            slots.spawn(Arc::clone(&self).slot(shutdown.clone()));
        }
        shutdown.cancelled().await;
        // A slot that is done with its lease does not claim another.
        let finished = async { while slots.join_next().await.is_some() {} };
        if timeout(self.shutdown_grace, finished).await.is_err() {
            slots.shutdown().await;
        }
        // Leases first: the keepers may wait for a store that does not answer.
        let signed_off = async {
            self.give_back().await;
            keepers.shutdown().await;
            self.queue().leave(&self.id).await
        };
        match timeout(SIGN_OFF_TIMEOUT, signed_off).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "cannot remove this worker's entry; it will expire");
            }
            Err(_) => tracing::warn!("Redis does not answer; the open leases will expire"),
        }
        tracing::info!(worker = %self.id, "worker stopped");
    }

    /// Gives back the leases whose work did not get done in time, so that no other worker has
    /// to wait until they expire.
    async fn give_back(&self) {
        match self.queue().release_all(&self.leases.tokens()).await {
            Ok(0) => {}
            Ok(leases) => tracing::info!(leases, "unfinished leases given back"),
            Err(error) => tracing::warn!(%error, "cannot give leases back; they will expire"),
        }
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
            busy: self.leases.count() as u32,
            processor: self.dispatcher.as_ref().map(Dispatcher::info),
        }
    }
}

/// How many chunks of this size are built at once: at least one.
fn chunks_at_once(size: u32) -> usize {
    (ORDERS_AT_ONCE / size.max(1)).clamp(1, CHUNKS_AT_ONCE) as usize
}

#[cfg(test)]
mod tests {
    use super::chunks_at_once;

    #[test]
    fn the_larger_chunks_are_the_fewer_are_built_at_once() {
        for (size, at_once) in [(1, 3), (10_000, 3), (15_000, 2), (30_000, 1), (100_000, 1)] {
            assert_eq!(chunks_at_once(size), at_once, "{size}");
        }
    }
}
