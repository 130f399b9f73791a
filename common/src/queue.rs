//! The queue in Redis: what is happening. *Lua decides, Rust names*: every
//! change of state is one script of `queue/`, and beside each stands one method
//! here. Nothing else writes queue state.

mod connection;
pub mod keys;
pub mod limit;
mod snapshot;
#[cfg(test)]
mod strange;
mod work;

use std::{
    sync::{
        Arc, LazyLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::{ClientLike, EventInterface, HashesInterface, PubsubInterface},
    types::{Key, Value, scripts::Script},
};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use self::{connection::Connection, keys::Keys};
pub use self::{
    snapshot::{RunView, Snapshot, Survey, WorkerSeen},
    work::{Claim, Closed, Jobs, Lease, Listed, Outcome, Push, Take, Token, Work},
};
use crate::{
    config::{QueueSettings, RedisSettings},
    control::{Control, Intent, Letters},
    order::{OrderId, Priority},
    redact::redacted,
    run::Figures,
};

/// Changes of phase that Redis keeps, about. A run of ten million orders makes two thousand.
macro_rules! phases_kept {
    () => {
        5000
    };
}
pub(crate) const PHASES_KEPT: i64 = phases_kept!();

macro_rules! script {
    ($flags:literal, $file:literal) => {
        LazyLock::new(|| {
            Script::from_lua(concat!(
                "#!lua flags=",
                $flags,
                "\nlocal PHASES_KEPT = ",
                phases_kept!(),
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
static TAKE: LazyLock<Script> = script!("", "take.lua");
static SNAPSHOT: LazyLock<Script> = script!("no-writes", "snapshot.lua");
static JOBS: LazyLock<Script> = script!("no-writes", "jobs.lua");

/// The scripts by name, and the hashes that they are called by: what Redis' MONITOR
/// and SLOWLOG show of them.
#[must_use]
pub fn scripts() -> [(&'static str, String); 10] {
    [
        ("adopt", &ADOPT),
        ("claim", &CLAIM),
        ("push_chunk", &PUSH_CHUNK),
        ("push_normal", &PUSH_NORMAL),
        ("ack", &ACK),
        ("extend", &EXTEND),
        ("reclaim", &RECLAIM),
        ("take", &TAKE),
        ("snapshot", &SNAPSHOT),
        ("jobs", &JOBS),
    ]
    .map(|(name, script)| (name, script.sha1().to_string()))
}

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
    /// The settings name no server that there could be.
    #[error("REDIS_URL: {0}")]
    Settings(String),
    /// An answer that no script of ours gives.
    #[error("Redis gave an answer that makes no sense: {0}")]
    Answer(String),
}

impl From<Error> for QueueError {
    fn from(error: Error) -> Self {
        use ErrorKind as Kind;
        let details = redacted(error.details()).into_owned();
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

impl QueueError {
    /// What kind of failure it is, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Format(_) => "format",
            Self::Refused(_) => "refused",
            Self::Settings(_) => "settings",
            Self::Answer(_) => "answer",
        }
    }
}

/// Result of a call to the queue.
pub type Result<T> = std::result::Result<T, QueueError>;

/// What other processes may know of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    connection: Arc<RwLock<Connection>>,
    redis: RedisSettings,
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
    /// It is forgotten after this long.
    const WORKER_FORGOTTEN: Duration = Duration::from_mins(1);

    /// Starts to connect, and goes on in the background until it succeeds, and
    /// again whenever the connection is lost.
    ///
    /// # Errors
    /// The settings name no server.
    pub fn connect(redis: &RedisSettings, settings: &QueueSettings) -> Result<Self> {
        let keys = Keys::new(&settings.name);
        let reconnected = Arc::new(AtomicBool::new(true));
        let connection = Connection::open(redis, &reconnected)?;
        Ok(Self {
            connection: Arc::new(RwLock::new(connection)),
            redis: redis.clone(),
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

    /// The connection as it is now, and may end at any moment: [`Self::ask`] is for calls.
    #[must_use]
    pub fn client(&self) -> Client {
        self.connection().client
    }

    fn connection(&self) -> Connection {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
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
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.connection().close().await;
    }

    /// Swaps the connections for new ones, when these are there. Calls in flight end on
    /// the old ones, which are then closed; control is compared before anything else is
    /// asked on the new ones.
    ///
    /// # Errors
    /// The settings name no server.
    pub async fn renew(&self) -> Result<()> {
        let mut new = Connection::open(&self.redis, &self.reconnected)?;
        new.established().await;
        self.set_reconnected();
        {
            let mut current = self.connection.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut *current, &mut new);
        }
        new.close().await;
        Ok(())
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

    /// Asks on the connection, and again on the new one if it was swapped meanwhile and the
    /// answer was lost with it: what is asked here must be safe to ask twice.
    pub(crate) async fn ask<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, Error>>,
    {
        loop {
            let Connection { client, ended, .. } = self.connection();
            let answer = tokio::select! {
                biased;
                answer = ask(client.clone()) => answer,
                () = ended.cancelled() => {
                    Err(Error::new(ErrorKind::Canceled, "the connection was ended"))
                }
            };
            if answer.is_ok() || self.client().id() == client.id() {
                return Ok(answer?);
            }
        }
    }

    async fn call(&self, script: &Script, args: Vec<Value>) -> Result<Value> {
        let args = &args;
        self.ask(|client| async move {
            script.evalsha_with_reload(&client, self.script_keys.clone(), args.clone()).await
        })
        .await
    }

    /// Raises Redis to this control: exactly the document that was read or
    /// written. `known`: the run's figures as MongoDB has them.
    ///
    /// Answers false if Redis was there already, or further.
    pub async fn adopt(&self, control: &Control, known: &Figures) -> Result<bool> {
        self.see(control.version);
        let wait_ms = match &control.intent {
            Intent::Cancel(cancel) => cancel.wait_timeout_ms,
            _ => 0,
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
            control.last_run_id.as_deref().unwrap_or("").into(),
            Letters::written(&control.letters).into(),
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
        claimed(token, &self.call(&CLAIM, args).await?)
    }

    /// Takes orders out of the queue, `most` at most, under a lease, whatever
    /// pause and fence say: for a person who removes them. To be acked.
    pub async fn take(&self, token: &Token, by: &str, what: Take, most: u64) -> Result<Claim> {
        let (state, before) = match what {
            Take::Waiting => ("wait", 0),
            Take::Delayed => ("delayed", 0),
            Take::Active { before } => ("active", before),
        };
        let args = vec![
            token.as_str().into(),
            self.seen().into(),
            by.into(),
            self.lease_ms(),
            state.into(),
            (most as i64).into(),
            before.into(),
        ];
        claimed(token, &self.call(&TAKE, args).await?)
    }

    /// A page of what the queue holds in one state: from `first` to `last`, both
    /// counted. Answers with how many there are.
    pub async fn jobs(&self, state: Listed, first: u64, last: u64) -> Result<(u64, Vec<Jobs>)> {
        let state = match state {
            Listed::Waiting => "waiting",
            Listed::Delayed => "delayed",
            Listed::Active => "active",
        };
        let args = vec![state.into(), (first as i64).into(), (last as i64).into()];
        let answer = self.call(&JOBS, args).await?;
        let Value::Array(parts) = &answer else { return Err(unexpected(&answer)) };
        let (total, parts) = parts.split_first().ok_or_else(|| unexpected(&answer))?;
        let jobs = parts.chunks_exact(5).map(|part| {
            let int = |at: usize| part[at].as_i64().ok_or_else(|| unexpected(&answer));
            let index = |at| int(at).map(|i| u32::try_from(i).unwrap_or(0));
            let ids = || part[4].as_bytes().map(|ids| OrderId::unpack(ids).collect());
            Ok(match (part[0].as_str().as_deref(), ids()) {
                (Some("generate"), _) => Jobs::Chunk(index(2)?..index(3)?, int(1)?),
                (Some("vip"), Some(ids)) => Jobs::Orders(Priority::Vip, ids, int(1)?),
                (Some("normal"), Some(ids)) => Jobs::Orders(Priority::Normal, ids, int(1)?),
                _ => return Err(unexpected(&answer)),
            })
        });
        Ok((total.as_u64().ok_or_else(|| unexpected(&answer))?, jobs.collect::<Result<_>>()?))
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
        let count = vip.todo.len() as u64 + vip.dead + vip.processed + vip.removed;
        let args = vec![
            token.as_str().into(),
            packed(&vip.todo),
            (count as i64).into(),
            (normal as i64).into(),
            (vip.dead as i64).into(),
            (vip.processed as i64).into(),
            (vip.removed as i64).into(),
            i64::from(replay).into(),
            (vip.late as i64).into(),
        ];
        closed(&self.call(&PUSH_CHUNK, args).await?)
    }

    /// Pushes the NORMAL orders of a range.
    pub async fn push_normal(&self, token: &Token, normal: &Push) -> Result<Closed> {
        let args = vec![
            token.as_str().into(),
            packed(&normal.todo),
            (normal.dead as i64).into(),
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
            packed(&outcome.returned),
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

    /// As [`Self::snapshot`], and what is oldest: costs a read for each lease.
    pub async fn survey(&self) -> Result<Survey> {
        let alive = (Self::WORKER_ALIVE.as_millis() as i64).into();
        Survey::parse(self.call(&SNAPSHOT, vec![alive, 1.into()]).await?)
    }

    /// How many attempts at each of these orders have failed so far.
    pub async fn attempts(&self, ids: &[OrderId]) -> Result<Vec<u32>> {
        let fields: Vec<Key> = ids.iter().map(|id| Key::from(id.as_bytes().as_slice())).collect();
        let fields = &fields;
        let made: Vec<Option<u32>> = self
            .ask(|client| async move { client.hmget(self.keys.attempts(), fields.clone()).await })
            .await?;
        Ok(made.into_iter().map(|made| made.unwrap_or(0)).collect())
    }

    /// Phase and progress events, and wake-ups. Some may be lost, as pub/sub
    /// does: an event shortens a wait, nothing depends on it.
    pub async fn events(&self) -> Result<broadcast::Receiver<fred::types::Message>> {
        let subscriber = self.connection().subscriber;
        let events = subscriber.message_rx();
        subscriber.subscribe(self.keys.events()).await?;
        Ok(events)
    }

    /// How long a lease lasts without a heartbeat.
    #[must_use]
    pub const fn lease_time(&self) -> Duration {
        self.settings.lease
    }

    fn lease_ms(&self) -> Value {
        (self.settings.lease.as_millis() as i64).into()
    }
}

/// The answer of the scripts that give work out.
fn claimed(token: &Token, answer: &Value) -> Result<Claim> {
    let Value::Array(parts) = answer else {
        return Err(unexpected(answer));
    };
    let text = |at: usize| parts.get(at).and_then(Value::as_string);
    let int = |at: usize| parts.get(at).and_then(Value::as_u64);
    let bad = || unexpected(answer);
    let kind = text(0).ok_or_else(bad)?;
    match kind.as_str() {
        "behind" => return Ok(Claim::Behind),
        "wait" => return Ok(Claim::Wait(Duration::from_millis(int(1).ok_or_else(bad)?))),
        _ => {}
    }
    let index = |at| int(at).and_then(|i| u32::try_from(i).ok()).ok_or_else(bad);
    let ids = || {
        let packed = parts.get(7).and_then(Value::as_bytes).ok_or_else(bad)?;
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
        since_ms: int(10).ok_or_else(bad)? as i64,
        replay: int(8) == Some(1),
        letters: Letters::read(&text(9).ok_or_else(bad)?).map_err(QueueError::Answer)?,
        phase: text(11).ok_or_else(bad)?.parse().map_err(QueueError::Answer)?,
        work,
    }))
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
