//! How this process reaches Redis: time-outs on every call, reconnection with
//! backoff and jitter for as long as it takes.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fred::{
    clients::{Client, SubscriberClient},
    interfaces::{ClientLike, EventInterface},
    types::{
        Builder,
        config::{ReconnectPolicy, TcpConfig},
    },
};

use tokio_util::sync::CancellationToken;

use super::{QueueError, Result};
use crate::config::RedisSettings;

/// No call waits longer. A call may have taken effect all the same: the
/// scripts are made so that asking again is safe.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the server may take to welcome, and to take leave.
const CEREMONY: Duration = Duration::from_millis(500);

/// One connection for calls, one for events. Cloning shares them.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) subscriber: SubscriberClient,
    /// Nobody answers on it any more: whoever still waits, waits in vain.
    pub(super) ended: CancellationToken,
}

impl Connection {
    /// Starts to connect. `reconnected` is set whenever it has been done anew.
    pub(super) fn open(redis: &RedisSettings, reconnected: &Arc<AtomicBool>) -> Result<Self> {
        let mut config = redis.config().map_err(QueueError::Settings)?;
        // Retry the first connection as any other.
        config.fail_fast = false;
        let mut builder = Builder::from_config(config);
        builder
            .with_performance_config(|performance| {
                performance.default_command_timeout = COMMAND_TIMEOUT;
            })
            .with_connection_config(|connection| {
                connection.connection_timeout = COMMAND_TIMEOUT;
                connection.internal_command_timeout = COMMAND_TIMEOUT;
                // A connection on which an answer is overdue is given up: its
                // bytes may be vanishing.
                connection.unresponsive.max_timeout = Some(COMMAND_TIMEOUT + COMMAND_TIMEOUT / 5);
                connection.unresponsive.interval = Duration::from_secs(1);
                // Never sent twice behind our back: who asked decides.
                connection.max_command_attempts = 1;
                connection.auto_client_setname = true;
                connection.tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
            })
            .set_policy(ReconnectPolicy::new_exponential(0, 100, 2_000, 2));
        let (client, subscriber) = (builder.build()?, builder.build_subscriber_client()?);
        let flag = Arc::clone(reconnected);
        // A call says only that there was no answer in time. Why there is no connection, for
        // example a certificate that is not trusted, is known here alone; said when it changes.
        let told = Arc::new(Mutex::new(String::new()));
        let last = Arc::clone(&told);
        client.on_reconnect(move |_| {
            flag.store(true, Ordering::Release);
            last.lock().unwrap_or_else(PoisonError::into_inner).clear();
            async { Ok(()) }
        });
        client.on_error(move |(error, _)| {
            let error = error.to_string();
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if *told != error {
                tracing::warn!(%error, "no connection to Redis");
                *told = error;
            }
            async { Ok(()) }
        });
        client.connect();
        subscriber.connect();
        // Subscribes again after every reconnection.
        subscriber.manage_subscriptions();
        Ok(Self { client, subscriber, ended: CancellationToken::new() })
    }

    /// Waits until calls are answered at once; not long, should Redis be out of reach.
    pub(super) async fn established(&self) {
        let waited = tokio::time::timeout(CEREMONY, self.client.wait_for_connect()).await;
        if !matches!(waited, Ok(Ok(()))) {
            tracing::debug!(?waited, "connections to Redis are not there yet");
        }
    }

    /// Ends both. Politely, if the server answers at once: what is in flight is
    /// answered first, and there is nothing to lose.
    pub(super) async fn close(&self) {
        tokio::join!(leave(&self.client), leave(&self.subscriber));
        self.ended.cancel();
    }
}

async fn leave(client: &impl ClientLike) {
    // There is nobody to take leave of before it is connected, but it must hear that it ends.
    let wait = if client.is_connected() { CEREMONY } else { Duration::ZERO };
    if !matches!(tokio::time::timeout(wait, client.quit()).await, Ok(Ok(()))) {
        tracing::debug!(?wait, "a connection to Redis ended without a goodbye");
    }
}
