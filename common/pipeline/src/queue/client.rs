//! The connection of a process to its queue. Every call goes through [`Queue::ask`].

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::{ClientLike, EventInterface, HashesInterface, PubsubInterface},
    types::{Key, Value, scripts::Script},
};
use futures_util::future::BoxFuture;
use pedidos_core::order::OrderId;
use tokio::sync::broadcast;

use super::{
    connection::Connection,
    error::{Result, is_not_the_master},
    keys::RedisKeys,
};
use crate::settings::{QueueSettings, RedisSettings};

/// A connection to one queue. Cloning shares it. Its methods answer boxed futures, for the
/// reason that [`Store`](crate::store::Store) gives.
#[derive(Clone)]
pub struct Queue {
    connection: Arc<RwLock<Connection>>,
    redis: RedisSettings,
    keys: RedisKeys,
    script_keys: Vec<Key>,
    pub(super) settings: QueueSettings,
    /// The highest version of control that this process has seen. A Redis that
    /// knows less is refused by `claim` and by `Controller::sync`.
    seen: Arc<AtomicI64>,
    /// Raised when the connection was made again, or shows an older Redis.
    generation: Arc<AtomicU64>,
    /// The last generation whose state was compared with control. Nothing else is answered
    /// before that.
    compared: Arc<AtomicU64>,
}

impl Queue {
    /// A worker without a heartbeat for this long does not count as alive.
    pub const WORKER_ALIVE: Duration = Duration::from_secs(5);
    /// A worker without a heartbeat for this long is forgotten.
    pub(super) const WORKER_FORGOTTEN: Duration = Duration::from_mins(1);

    /// Connects in the background, and again whenever the connection is lost. Fails if the
    /// settings name no server.
    pub fn connect(redis: &RedisSettings, settings: &QueueSettings) -> Result<Self> {
        let keys = RedisKeys::new(&settings.name);
        let generation = Arc::new(AtomicU64::new(1));
        let connection = Connection::open(redis, &generation)?;
        Ok(Self {
            connection: Arc::new(RwLock::new(connection)),
            redis: redis.clone(),
            script_keys: keys.of_scripts().into_iter().map(Key::from).collect(),
            keys,
            settings: settings.clone(),
            seen: Arc::default(),
            generation,
            compared: Arc::default(),
        })
    }

    #[must_use]
    pub const fn keys(&self) -> &RedisKeys {
        &self.keys
    }

    /// The connection in use, which may end at any moment: use [`Self::ask`] for calls.
    #[must_use]
    pub fn client(&self) -> Client {
        self.connection().client
    }

    fn connection(&self) -> Connection {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Warns of a server that may lose more than a second of writes, or evict keys.
    pub fn warn_of_risks(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            use fred::{interfaces::ConfigInterface, types::Value};
            for (setting, good, warning) in [
                (
                    "appendonly",
                    "yes",
                    "Redis keeps no AOF: a restart empties it, and runs are replayed from MongoDB; set appendonly yes",
                ),
                (
                    "maxmemory-policy",
                    "noeviction",
                    "Redis may evict keys when it is full, and a run would be replayed; set maxmemory-policy noeviction",
                ),
            ] {
                // Hosted servers may refuse to tell: then no warning.
                let Ok(answer) = self.client().config_get::<Value, _>(setting).await else {
                    continue;
                };
                let told: std::collections::HashMap<String, String> =
                    answer.convert().unwrap_or_default();
                if told.get(setting).is_some_and(|value| value != good) {
                    tracing::warn!(setting, value = told.get(setting), "{warning}");
                }
            }
            Ok(())
        })
    }

    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.connection().close().await;
        })
    }

    /// Replaces the connections by new ones, once these are there. Calls in flight end on the
    /// old ones, which are then closed. Control is compared before anything else is asked on
    /// the new ones.
    pub fn renew(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut new = Connection::open(&self.redis, &self.generation)?;
            new.established().await;
            self.set_uncompared();
            {
                let mut current = self.connection.write().unwrap_or_else(PoisonError::into_inner);
                std::mem::swap(&mut *current, &mut new);
            }
            new.close().await;
            Ok(())
        })
    }

    /// The number of the connection in use: a later one has a higher number.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.connection().generation()
    }

    /// Was the state behind this connection compared with control?
    #[must_use]
    pub fn is_compared(&self, generation: u64) -> bool {
        self.compared.load(Ordering::Acquire) >= generation
    }

    /// `generation`: as it was before the comparison began.
    pub(crate) fn set_compared(&self, generation: u64) {
        self.compared.fetch_max(generation, Ordering::AcqRel);
    }

    /// Control must be compared again before anything else is answered.
    pub fn set_uncompared(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn seen_version(&self) -> i64 {
        self.seen.load(Ordering::Acquire)
    }

    /// From now on a Redis with an older version of control is refused.
    pub fn note_version(&self, version: i64) {
        self.seen.fetch_max(version, Ordering::AcqRel);
    }

    /// Asks on the connection in use, and again on the new one if it was replaced meanwhile and
    /// the answer was lost with it: a call must be safe to repeat.
    pub(crate) async fn ask<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, Error>>,
    {
        loop {
            let connection = self.connection();
            let Connection { client, ended, .. } = &connection;
            let answer = tokio::select! {
                biased;
                answer = ask(client.clone()) => answer,
                () = ended.cancelled() => {
                    Err(Error::new(ErrorKind::Canceled, "the connection was closed"))
                }
            };
            if let Err(error) = &answer
                && is_not_the_master(error)
            {
                connection.search_master(error);
            }
            if answer.is_ok() || self.client().id() == client.id() {
                return Ok(answer?);
            }
        }
    }

    pub(super) async fn call(&self, script: &Script, args: Vec<Value>) -> Result<Value> {
        let args = &args;
        self.ask(|client| async move {
            script.evalsha_with_reload(&client, self.script_keys.clone(), args.clone()).await
        })
        .await
    }

    /// How many attempts at each of these orders have failed.
    pub fn attempts<'a>(&'a self, ids: &'a [OrderId]) -> BoxFuture<'a, Result<Vec<u32>>> {
        Box::pin(async move {
            let fields: Vec<Key> =
                ids.iter().map(|id| Key::from(id.as_bytes().as_slice())).collect();
            let fields = &fields;
            let made: Vec<Option<u32>> =
                self.ask(|client| async move {
                    client.hmget(self.keys.attempts(), fields.clone()).await
                })
                .await?;
            Ok(made.into_iter().map(|made| made.unwrap_or(0)).collect())
        })
    }

    /// Phase and progress events, and wake-ups. Pub/sub may lose some: an event shortens a wait,
    /// nothing depends on it.
    pub fn events(&self) -> BoxFuture<'_, Result<broadcast::Receiver<fred::types::Message>>> {
        Box::pin(async move {
            let subscriber = self.connection().subscriber;
            let events = subscriber.message_rx();
            subscriber.subscribe(self.keys.events()).await?;
            Ok(events)
        })
    }

    /// How long a lease lasts without a heartbeat.
    #[must_use]
    pub const fn lease_time(&self) -> Duration {
        self.settings.lease
    }

    pub(super) fn lease_ms(&self) -> Value {
        (self.settings.lease.as_millis() as i64).into()
    }
}

pub(super) fn packed<'a>(ids: impl IntoIterator<Item = &'a OrderId>) -> Value {
    Value::from(OrderId::pack(ids).as_slice())
}
