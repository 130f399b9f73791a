//! How this process reaches Redis: time-outs on every call, reconnection with
//! backoff and jitter for as long as it takes.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use fred::{
    clients::{Client, SubscriberClient},
    error::Error,
    interfaces::{ClientLike, EventInterface},
    types::{
        Builder,
        config::{ReconnectPolicy, Server, TcpConfig},
    },
};

use tokio::sync::broadcast::{Receiver, error::TryRecvError};
use tokio_util::sync::CancellationToken;

use super::error::{QueueError, Result};
use crate::settings::RedisSettings;

/// No call waits longer. A call may have taken effect all the same: the
/// scripts are made so that asking again is safe.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the first answer of a connection, and the answer to QUIT, are waited for.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_millis(500);

/// Between two searches for the master.
const SEARCH_EVERY: Duration = Duration::from_millis(500);

/// Between two log lines that say so.
const LOG_EVERY: Duration = Duration::from_secs(30);

/// One connection for calls, one for events. Cloning shares them.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) subscriber: SubscriberClient,
    /// Cancelled when no answer can come any more.
    pub(super) ended: CancellationToken,
    /// Reconnections that `generation` does not count yet. The driver reports one before it
    /// sends anything there, so whoever has an answer can tell by which connection it came.
    renewals: Arc<Mutex<Receiver<Server>>>,
    generation: Arc<AtomicU64>,
    search: Arc<Search>,
}

/// The search for the master, while the connected server is none.
#[derive(Default)]
struct Search {
    is_on: AtomicBool,
    logged: Mutex<Option<Instant>>,
}

impl Connection {
    /// Starts to connect. `generation` is raised with every reconnection.
    pub(super) fn open(redis: &RedisSettings, generation: &Arc<AtomicU64>) -> Result<Self> {
        let mut config = redis.config().map_err(QueueError::Settings)?;
        // Retry the first connection like any other.
        config.fail_fast = false;
        let mut builder = Builder::from_config(config);
        builder
            .with_performance_config(|performance| {
                performance.default_command_timeout = COMMAND_TIMEOUT;
            })
            .with_connection_config(|connection| {
                connection.connection_timeout = COMMAND_TIMEOUT;
                connection.internal_command_timeout = COMMAND_TIMEOUT;
                // Close a connection on which an answer is overdue: its bytes may be lost.
                connection.unresponsive.max_timeout = Some(COMMAND_TIMEOUT + COMMAND_TIMEOUT / 5);
                connection.unresponsive.interval = Duration::from_secs(1);
                // The driver must not repeat a call: the caller decides.
                connection.max_command_attempts = 1;
                connection.auto_client_setname = true;
                connection.tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
            })
            .set_policy(ReconnectPolicy::new_exponential(0, 100, 2_000, 2));
        let (client, subscriber) = (builder.build()?, builder.build_subscriber_client()?);
        let renewals = Arc::new(Mutex::new(client.reconnect_rx()));
        // Only the driver knows why there is no connection, for example an untrusted
        // certificate. A call knows only that no answer came. Logged when it changes.
        let told = Arc::new(Mutex::new(String::new()));
        let last = Arc::clone(&told);
        client.on_reconnect(move |_| {
            last.lock().unwrap_or_else(PoisonError::into_inner).clear();
            async { Ok(()) }
        });
        client.on_error(move |(error, _)| {
            let error = error.to_string();
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if *told != error {
                tracing::warn!(%error, "cannot connect to Redis");
                *told = error;
            }
            async { Ok(()) }
        });
        client.connect();
        subscriber.connect();
        // Subscribe again after every reconnection.
        subscriber.manage_subscriptions();
        let generation = Arc::clone(generation);
        Ok(Self {
            client,
            subscriber,
            ended: CancellationToken::new(),
            renewals,
            generation,
            search: Arc::default(),
        })
    }

    pub(super) fn generation(&self) -> u64 {
        let mut renewals = self.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        while let Ok(_) | Err(TryRecvError::Lagged(_)) = renewals.try_recv() {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        self.generation.load(Ordering::Acquire)
    }

    /// Connects again, to the server that Sentinel, the cluster or the address names now. A
    /// master that is demoted need not close the connections of its clients, and would answer
    /// them with errors for ever.
    pub(super) fn search_master(&self, error: &Error) {
        if self.search.is_on.swap(true, Ordering::AcqRel) {
            return;
        }
        {
            let mut last = self.search.logged.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_none_or(|last| last.elapsed() >= LOG_EVERY) {
                *last = Some(Instant::now());
                let error = error.details();
                tracing::warn!(error, "this Redis is not the master: connecting again to find it");
            }
        }
        let Self { client, subscriber, search, .. } = self.clone();
        tokio::spawn(async move {
            let (calls, events) =
                tokio::join!(client.force_reconnection(), subscriber.force_reconnection());
            for error in [calls, events].into_iter().filter_map(std::result::Result::err) {
                tracing::debug!(%error, "cannot reconnect to Redis; trying again");
            }
            tokio::time::sleep(SEARCH_EVERY).await;
            search.is_on.store(false, Ordering::Release);
        });
    }

    /// Waits until the connection is there, but not long.
    pub(super) async fn established(&self) {
        let waited = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.client.wait_for_connect()).await;
        if !matches!(waited, Ok(Ok(()))) {
            tracing::debug!(?waited, "Redis is not connected yet");
        }
    }

    /// Closes both with QUIT, if the server answers at once: then calls in flight are answered
    /// first.
    pub(super) async fn close(&self) {
        tokio::join!(quit(&self.client), quit(&self.subscriber));
        self.ended.cancel();
    }
}

async fn quit(client: &impl ClientLike) {
    // Without a connection there is nothing to wait for, but the driver must stop connecting.
    let wait = if client.is_connected() { HANDSHAKE_TIMEOUT } else { Duration::ZERO };
    if !matches!(tokio::time::timeout(wait, client.quit()).await, Ok(Ok(()))) {
        tracing::debug!(?wait, "a connection to Redis was closed without an answer to QUIT");
    }
}
