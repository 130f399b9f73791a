//! The queue in Redis: what is happening. *Lua decides, Rust names*: every
//! change of state is one script of `queue/`, and beside each stands one method
//! here. Nothing else writes queue state.

mod connection;
pub mod keys;
mod snapshot;

use std::{
    ops::Range,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use fred::{
    clients::{Client, SubscriberClient},
    interfaces::{EventInterface, HashesInterface, PubsubInterface},
    types::{Key, Value, scripts::Script},
};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

pub use self::snapshot::{RunView, Snapshot};
use self::{connection::connect, keys::Keys};
use crate::{
    config::{QueueSettings, RedisSettings},
    control::{Control, Intent},
    order::{OrderId, Priority},
    run::{Figures, Phase},
};

macro_rules! script {
    ($flags:literal, $file:literal) => {
        LazyLock::new(|| {
            Script::from_lua(concat!(
                "#!lua flags=",
                $flags,
                "\n",
                include_str!("queue/prelude.lua"),
                include_str!(concat!("queue/", $file)),
            ))
        })
    };
}

// Scripts that free or close memory may run when Redis is full.
static ADOPT: LazyLock<Script> = script!("allow-oom", "adopt.lua");
static CLAIM: LazyLock<Script> = script!("", "claim.lua");
static PUSH_CHUNK: LazyLock<Script> = script!("", "push_chunk.lua");
static PUSH_NORMAL: LazyLock<Script> = script!("", "push_normal.lua");
static ACK: LazyLock<Script> = script!("allow-oom", "ack.lua");
static EXTEND: LazyLock<Script> = script!("allow-oom", "extend.lua");
static RECLAIM: LazyLock<Script> = script!("allow-oom", "reclaim.lua");
static SNAPSHOT: LazyLock<Script> = script!("no-writes", "snapshot.lua");

/// Why the queue could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueueError {
    /// No answer, or a lost connection. Asking again may help, and is safe:
    /// the scripts answer a repeated call as the first, or with *stale*.
    #[error("Redis is out of reach: {0}")]
    Unavailable(String),
    /// The state in Redis is one that this program does not read.
    #[error("Redis holds the state of another version: {0}")]
    Format(String),
    /// Redis answered with an error: full, not permitted, a foreign key.
    #[error("Redis refused: {0}")]
    Refused(String),
    /// An answer that no script of ours gives.
    #[error("Redis gave an answer that makes no sense: {0}")]
    Answer(String),
}

impl From<fred::error::Error> for QueueError {
    fn from(error: fred::error::Error) -> Self {
        use fred::error::ErrorKind as Kind;
        let details = error.details().to_owned();
        match error.kind() {
            Kind::IO
            | Kind::Timeout
            | Kind::Canceled
            | Kind::Routing
            | Kind::Cluster
            | Kind::Sentinel
            | Kind::Backpressure => Self::Unavailable(details),
            _ if details.starts_with("FORMAT ") => Self::Format(details[7..].to_owned()),
            // What a server says while it starts, fails over or hangs in a script.
            _ if ["LOADING", "MASTERDOWN", "READONLY", "CLUSTERDOWN", "BUSY", "TRYAGAIN"]
                .iter()
                .any(|code| details.starts_with(code)) =>
            {
                Self::Unavailable(details)
            }
            _ => Self::Refused(details),
        }
    }
}

/// Result of a call to the queue.
pub type Result<T> = std::result::Result<T, QueueError>;

/// The name of a lease, made by its claimer: 128 random bits, so that neither
/// another worker nor a Redis that went back in time can give it twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token(String);

impl Token {
    /// A new one, from the operating system's randomness.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// As Redis holds it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What `claim` answered.
#[derive(Debug)]
pub enum Claim {
    /// This Redis knows less of control than the caller: compare first.
    Behind,
    /// Nothing to do; ask again after this time, or when an event arrives.
    Wait(Duration),
    /// Work, under a lease.
    Work(Lease),
}

/// Work under a lease: close it with a push, an ack or a release before its
/// deadline, or it is given to another.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Its name.
    pub token: Token,
    /// The run it belongs to.
    pub run_id: String,
    /// The run's seed.
    pub seed: u64,
    /// The run's creation time, ms since the epoch.
    pub created_ms: u64,
    /// The version of control that Redis had.
    pub version: i64,
    /// The run has been replayed: NORMAL orders may be terminal before they are pushed.
    pub replay: bool,
    /// What is to be done.
    pub work: Work,
}

/// What a lease is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Make sure these orders are stored, then push the VIP ones.
    Generate(Range<u32>),
    /// Process these orders.
    Drain(Priority, Vec<OrderId>),
    /// Push the NORMAL orders among these.
    Enqueue(Range<u32>),
    /// Write the run's end, or carry out its cancel.
    Save,
}

/// What became of a batch; everything not named was processed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Ids to try again, and after how long.
    pub retry: Vec<(OrderId, Duration)>,
    /// Ids that are dead letters, in MongoDB already.
    pub dead: Vec<OrderId>,
    /// Ids that turned out to be removed or cancelled.
    pub removed: Vec<OrderId>,
}

/// What the store was found to hold of the orders of a push.
#[derive(Debug, Default)]
pub struct Push {
    /// Ids still to be processed, in order.
    pub todo: Vec<OrderId>,
    /// Ids that are dead letters already.
    pub dead: Vec<OrderId>,
    /// Orders that were processed already.
    pub processed: u64,
    /// Orders that were removed already.
    pub removed: u64,
}

/// What closing a lease came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Counted once; the phase after it.
    Counted(Phase),
    /// The lease was gone: nothing changed. *Stale means stop, never delete.*
    Stale,
}

/// What other processes may know of a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerInfo {
    /// Its id, made at its start.
    pub id: String,
    /// The machine it runs on.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// Its program's version.
    pub version: String,
    /// Leases it may hold at once.
    pub slots: u32,
    /// Leases it holds.
    pub busy: u32,
}

/// A connection to one queue. Cloning shares it.
#[derive(Clone)]
pub struct Queue {
    client: Client,
    subscriber: SubscriberClient,
    keys: Keys,
    script_keys: Vec<Key>,
    settings: QueueSettings,
    /// The highest version of control that this process has seen. A Redis that
    /// knows less is refused by `claim` and by `Controller::sync`.
    seen: Arc<AtomicI64>,
    /// The connection was made anew: control must be compared before anything else.
    reconnected: Arc<AtomicBool>,
}

impl Queue {
    /// A worker that has not been heard of for this long is not alive.
    pub const WORKER_ALIVE: Duration = Duration::from_secs(5);
    /// How long the server may take to take leave.
    const GOODBYE: Duration = Duration::from_millis(500);
    /// It is forgotten after this long.
    const WORKER_FORGOTTEN: Duration = Duration::from_mins(1);

    /// Starts to connect, and goes on in the background until it succeeds, and
    /// again whenever the connection is lost.
    ///
    /// # Errors
    /// The settings name no server.
    pub fn connect(redis: &RedisSettings, settings: &QueueSettings) -> Result<Self> {
        let (client, subscriber) = connect(redis)?;
        let keys = Keys::new(&settings.name);
        let reconnected = Arc::new(AtomicBool::new(true));
        let flag = Arc::clone(&reconnected);
        client.on_reconnect(move |_| {
            flag.store(true, Ordering::Release);
            async { Ok(()) }
        });
        Ok(Self {
            client,
            subscriber,
            script_keys: keys.of_scripts().into_iter().map(Key::from).collect(),
            keys,
            settings: settings.clone(),
            seen: Arc::default(),
            reconnected,
        })
    }

    /// The queue's keys.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The connection, for what is not queue state: logs, server information.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Warns of a server that may lose more than a second of what it was told,
    /// or throw away keys when it is full.
    pub async fn warn_of_risks(&self) -> Result<()> {
        use fred::{interfaces::ConfigInterface, types::Value};
        for (setting, good, warning) in [
            (
                "appendonly",
                "yes",
                "Redis keeps no AOF: a restart empties it, and runs are replayed from MongoDB",
            ),
            (
                "maxmemory-policy",
                "noeviction",
                "Redis may evict keys when it is full: a run would be replayed",
            ),
        ] {
            // Hosted servers may refuse to tell; one that does is not accused.
            let Ok(answer) = self.client.config_get::<Value, _>(setting).await else {
                continue;
            };
            let told: std::collections::HashMap<String, String> =
                answer.convert().unwrap_or_default();
            if told.get(setting).is_some_and(|value| value != good) {
                tracing::warn!(setting, value = told.get(setting), "{warning}");
            }
        }
        Ok(())
    }

    /// Ends the connections. Politely, if the server answers at once: there is
    /// nothing to lose.
    pub async fn close(&self) {
        use fred::interfaces::ClientLike;
        let both = async { tokio::join!(self.client.quit(), self.subscriber.quit()) };
        match tokio::time::timeout(Self::GOODBYE, both).await {
            Ok((Ok(()), Ok(()))) => {}
            ended => tracing::debug!(?ended, "connections to Redis ended without a goodbye"),
        }
    }

    /// Must control be compared before anything else?
    #[must_use]
    pub fn is_reconnected(&self) -> bool {
        self.reconnected.load(Ordering::Acquire)
    }

    /// As [`Self::is_reconnected`]; the caller will compare.
    #[must_use]
    pub fn take_reconnected(&self) -> bool {
        self.reconnected.swap(false, Ordering::AcqRel)
    }

    /// Control must be compared again before anything else.
    pub fn set_reconnected(&self) {
        self.reconnected.store(true, Ordering::Release);
    }

    /// The highest version of control that this process has seen.
    #[must_use]
    pub fn seen(&self) -> i64 {
        self.seen.load(Ordering::Acquire)
    }

    /// Remembers a version of control.
    pub fn see(&self, version: i64) {
        self.seen.fetch_max(version, Ordering::AcqRel);
    }

    async fn call(&self, script: &Script, args: Vec<Value>) -> Result<Value> {
        Ok(script.evalsha_with_reload(&self.client, self.script_keys.clone(), args).await?)
    }

    /// Raises Redis to this control: exactly the document that was read or
    /// written. `known`: the run's figures as MongoDB has them.
    ///
    /// Answers false if Redis was there already, or further.
    pub async fn adopt(&self, control: &Control, known: &Figures) -> Result<bool> {
        self.see(control.version);
        let (wait_ms, purge) = match &control.intent {
            Intent::Cancel(cancel) => (cancel.wait_timeout_ms, cancel.purge),
            _ => (0, true),
        };
        let run = control.run.as_ref();
        let ended = run.and_then(|run| run.end.as_ref());
        let number = |value: i64| Value::from(value);
        let mut args = vec![
            number(control.version),
            number(control.orders_version),
            run.map_or("", |run| run.run_id.as_str()).into(),
            number(run.map_or(0, |run| run.seed)),
            number(run.map_or(0, |run| run.created_ms)),
            number(run.map_or(0, |run| run.quantity)),
            number(i64::from(self.settings.chunk_size)),
            number(i64::from(self.settings.range_size)),
            number(self.settings.max_dead as i64),
            control.intent.as_str().into(),
            number(i64::from(control.paused.is_some())),
            number(wait_ms as i64),
            number(i64::from(ended.map_or(purge, |end| end.purge))),
            control.last_run_id.as_deref().unwrap_or("").into(),
        ];
        let mut fields = snapshot::fields(ended.map_or(known, |end| &end.figures))?;
        if let Some(end) = ended {
            fields.push(("phase".to_owned(), end.phase.as_str().into()));
        } else {
            fields.retain(|(_, figure)| *figure != Value::Integer(0));
        }
        args.extend(fields.into_iter().flat_map(|(field, figure)| [field.into(), figure]));
        match self.call(&ADOPT, args).await? {
            Value::Integer(adopted) => Ok(adopted == 1),
            other => Err(unexpected(&other)),
        }
    }

    /// Asks for work. Asked again with the same token, it gives the same lease.
    /// `pushing`: time spent pushing VIP and NORMAL since the last claim.
    /// `generate`: a chunk may be given.
    pub async fn claim(
        &self,
        token: &Token,
        worker: &str,
        pushing: [Duration; 2],
        generate: bool,
    ) -> Result<Claim> {
        let args = vec![
            token.as_str().into(),
            self.seen().into(),
            worker.into(),
            i64::from(self.settings.batch_size).into(),
            self.lease_ms(),
            (self.settings.high_water as i64).into(),
            (pushing[0].as_micros() as i64).into(),
            (pushing[1].as_micros() as i64).into(),
            i64::from(generate).into(),
        ];
        let Value::Array(answer) = self.call(&CLAIM, args).await? else {
            return Err(QueueError::Answer("claim: not a list".into()));
        };
        let text = |at: usize| answer.get(at).and_then(Value::as_string);
        let int = |at: usize| answer.get(at).and_then(Value::as_u64);
        let bad = || QueueError::Answer(format!("claim: {answer:?}"));
        let kind = text(0).ok_or_else(bad)?;
        match kind.as_str() {
            "behind" => return Ok(Claim::Behind),
            "wait" => return Ok(Claim::Wait(Duration::from_millis(int(1).ok_or_else(bad)?))),
            _ => {}
        }
        let index = |at| int(at).and_then(|i| u32::try_from(i).ok()).ok_or_else(bad);
        let ids = || {
            let packed = answer.get(7).and_then(Value::as_bytes).ok_or_else(bad)?;
            Ok::<Vec<OrderId>, QueueError>(OrderId::unpack(packed).collect())
        };
        let work = match kind.as_str() {
            "generate" => Work::Generate(index(5)?..index(6)?),
            "enqueue" => Work::Enqueue(index(5)?..index(6)?),
            "vip" => Work::Drain(Priority::Vip, ids()?),
            "normal" => Work::Drain(Priority::Normal, ids()?),
            "save" => Work::Save,
            _ => return Err(bad()),
        };
        Ok(Claim::Work(Lease {
            token: token.clone(),
            run_id: text(1).ok_or_else(bad)?,
            seed: int(2).ok_or_else(bad)?,
            created_ms: int(3).ok_or_else(bad)?,
            version: int(4).ok_or_else(bad)? as i64,
            replay: int(8) == Some(1),
            work,
        }))
    }

    /// A chunk is stored: pushes its VIP orders and counts all of it.
    /// `normal`: its NORMAL orders; `replay`: some order was found terminal.
    pub async fn push_chunk(
        &self,
        token: &Token,
        vip: &Push,
        normal: u64,
        replay: bool,
    ) -> Result<Closed> {
        let count = (vip.todo.len() + vip.dead.len()) as u64 + vip.processed + vip.removed;
        let args = vec![
            token.as_str().into(),
            packed(&vip.todo),
            packed(&vip.dead),
            (count as i64).into(),
            (normal as i64).into(),
            (vip.processed as i64).into(),
            (vip.removed as i64).into(),
            i64::from(replay).into(),
        ];
        closed(&self.call(&PUSH_CHUNK, args).await?)
    }

    /// Pushes the NORMAL orders of a range.
    pub async fn push_normal(&self, token: &Token, normal: &Push) -> Result<Closed> {
        let args = vec![
            token.as_str().into(),
            packed(&normal.todo),
            packed(&normal.dead),
            (normal.processed as i64).into(),
            (normal.removed as i64).into(),
        ];
        closed(&self.call(&PUSH_NORMAL, args).await?)
    }

    /// Closes the lease of a batch and counts what became of it.
    pub async fn ack(&self, token: &Token, outcome: &Outcome) -> Result<Closed> {
        let mut args = vec![
            token.as_str().into(),
            packed(outcome.retry.iter().map(|(id, _)| id)),
            packed(&outcome.dead),
            packed(&outcome.removed),
        ];
        args.extend(outcome.retry.iter().map(|(_, delay)| (delay.as_millis() as i64).into()));
        closed(&self.call(&ACK, args).await?)
    }

    /// A worker's heartbeat, and that of its leases. Answers the tokens that
    /// are leases no more.
    pub async fn extend(&self, info: &WorkerInfo, tokens: &[Token]) -> Result<Vec<Token>> {
        let shown = serde_json::to_string(info).map_err(|e| QueueError::Answer(e.to_string()))?;
        self.heard_of(&info.id, shown, tokens).await
    }

    /// A worker stops: it is not alive from now on.
    pub async fn leave(&self, worker: &str) -> Result<()> {
        self.heard_of(worker, String::new(), &[]).await.map(drop)
    }

    async fn heard_of(&self, worker: &str, shown: String, tokens: &[Token]) -> Result<Vec<Token>> {
        let mut args = vec![
            worker.into(),
            shown.into(),
            (Self::WORKER_FORGOTTEN.as_millis() as i64).into(),
            self.lease_ms(),
        ];
        args.extend(tokens.iter().map(|token| token.as_str().into()));
        let stale: Vec<String> = self.call(&EXTEND, args).await?.convert()?;
        Ok(stale.into_iter().map(Token).collect())
    }

    /// Gives expired leases and due retries back, a hundred of each at most.
    /// Answers how many leases, and how many retries.
    pub async fn reclaim(&self) -> Result<(u64, u64)> {
        Ok(self.call(&RECLAIM, vec![100.into(), self.lease_ms()]).await?.convert()?)
    }

    /// Hands a lease back at once. Nothing happens if it is gone.
    pub async fn release(&self, token: &Token) -> Result<()> {
        self.call(&RECLAIM, vec![0.into(), 0.into(), token.as_str().into()]).await?;
        Ok(())
    }

    /// Everything that status shows, at one instant.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let alive = (Self::WORKER_ALIVE.as_millis() as i64).into();
        Snapshot::parse(self.call(&SNAPSHOT, vec![alive]).await?)
    }

    /// How many attempts at each of these orders have failed so far.
    pub async fn attempts(&self, ids: &[OrderId]) -> Result<Vec<u32>> {
        let fields: Vec<Key> = ids.iter().map(|id| Key::from(id.as_bytes().as_slice())).collect();
        let made: Vec<Option<u32>> = self.client.hmget(self.keys.attempts(), fields).await?;
        Ok(made.into_iter().map(|made| made.unwrap_or(0)).collect())
    }

    /// Phase and progress events, and wake-ups. Some may be lost, as pub/sub
    /// does: an event shortens a wait, nothing depends on it.
    pub async fn events(&self) -> Result<broadcast::Receiver<fred::types::Message>> {
        let events = self.subscriber.message_rx();
        self.subscriber.subscribe(self.keys.events()).await?;
        Ok(events)
    }

    fn lease_ms(&self) -> Value {
        (self.settings.lease.as_millis() as i64).into()
    }
}

fn packed<'a>(ids: impl IntoIterator<Item = &'a OrderId>) -> Value {
    Value::from(OrderId::pack(ids).as_slice())
}

fn closed(answer: &Value) -> Result<Closed> {
    let text = answer.as_str().ok_or_else(|| unexpected(answer))?;
    if text == "stale" {
        return Ok(Closed::Stale);
    }
    text.parse().map(Closed::Counted).map_err(QueueError::Answer)
}

fn unexpected(answer: &Value) -> QueueError {
    QueueError::Answer(format!("{answer:?}"))
}
