//! Waits for both stores when a process starts, keeps comparing them, and answers probes.

use std::time::Duration;

use pedidos_core::backoff::{Backoff, LogOnce};
use tokio_util::sync::CancellationToken;

use super::{
    controller::Controller,
    error::{CommandError, Result},
    readiness::Ready,
};
use crate::store::StoreError;

impl Controller {
    /// Waits until both stores answer, and prepares them. Logs what is missing, and tries again
    /// with backoff. Answers false if it was asked to stop. Fails if waiting cannot help: the
    /// database is another queue's, or an index is refused.
    pub async fn wait_ready(
        &self,
        shutdown: &CancellationToken,
    ) -> std::result::Result<bool, StoreError> {
        let (mut backoff, mut log_once) = (Backoff::default(), LogOnce::default());
        loop {
            let tried = tokio::select! {
                tried = self.prepare() => tried,
                () = shutdown.cancelled() => return Ok(false),
            };
            let error = match tried {
                Ok(()) => return Ok(true),
                Err(CommandError::Store(error)) if error.is_final() => {
                    tracing::error!(%error, "cannot start");
                    return Err(error);
                }
                Err(error) => error,
            };
            let retry_in = backoff.after_failure();
            if log_once.is_new(&error.to_string()) {
                tracing::warn!(%error, "waiting for the stores");
            }
            tokio::select! {
                () = tokio::time::sleep(retry_in) => {}
                () = shutdown.cancelled() => return Ok(false),
            }
        }
    }

    async fn prepare(&self) -> Result<()> {
        self.store.ping().await?;
        self.store.owned().await?;
        self.store.ensure_indexes().await?;
        self.store.name_runs().await?;
        self.store.warn_of_risks().await?;
        self.sync().await?;
        self.queue.warn_of_risks().await?;
        Ok(())
    }

    /// Compares every two seconds, until shutdown. Writes to Redis each time: a process that only
    /// reads would not notice that its Redis is no longer the master.
    pub async fn keep_current(&self, shutdown: &CancellationToken) {
        let mut ticks = tokio::time::interval(Self::COMPARE_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut log_once = LogOnce::default();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.cancelled() => return,
            }
            let compared = async {
                self.queue.takes_writes().await?;
                self.sync().await
            };
            match compared.await {
                Err(error) if log_once.is_new(&error.to_string()) => {
                    tracing::warn!(%error, "cannot compare control with Redis; trying again");
                }
                Ok(_) if log_once.is_over() => {
                    tracing::info!("control is compared with Redis again");
                }
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Do both stores take writes within a second, and do they agree? The error says what is
    /// wrong.
    pub async fn ready(&self) -> Ready {
        self.readiness.or_ask(self.ask_stores()).await
    }

    async fn ask_stores(&self) -> Ready {
        let (mongo, redis, both) = tokio::join!(
            in_a_second("MongoDB did not acknowledge a write", self.store.takes_writes()),
            in_a_second("Redis did not answer", self.queue.takes_writes()),
            in_a_second("control was not compared with Redis", self.sync()),
        );
        let wrong: Vec<String> =
            [mongo, redis].into_iter().filter_map(std::result::Result::err).collect();
        // While a store is away, the comparison says nothing new.
        if wrong.is_empty() { both } else { Err(wrong.join("; ")) }
    }
}

async fn in_a_second<T, E: std::fmt::Display>(
    failure: &str,
    call: impl Future<Output = std::result::Result<T, E>>,
) -> Ready {
    match tokio::time::timeout(Duration::from_secs(1), call).await {
        Ok(answered) => answered.map(drop).map_err(|error| error.to_string()),
        Err(_) => Err(format!("{failure} within a second")),
    }
}
