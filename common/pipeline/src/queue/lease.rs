//! Work, and the lease under which a script gives it out.

use std::{ops::Range, time::Duration};

use fred::types::Value;
use pedidos_core::{
    control::{LetterDecision, Source},
    order::{OrderId, Priority},
    run::Phase,
};

use super::{
    answer::Answer,
    error::{QueueError, Result},
    token::Token,
};

#[derive(Debug)]
pub enum Claim {
    /// This Redis has an older version of control than the caller has seen: compare first.
    Behind,
    /// This Redis lacks a part of the run, which must be replayed.
    Lost {
        /// The version of control that it has.
        version: i64,
        what: String,
    },
    /// No work; ask again after this time, or when an event arrives.
    Wait(Duration, HeldBy),
    Work(Lease),
}

/// What holds batches back that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBy {
    /// Nothing that a claim knows of.
    Nothing,
    /// The limit `ordersPerSecond`.
    Rate,
    /// The limit `maxInFlight`.
    InFlight,
    /// The canary of the run.
    PauseAfter,
    /// The caller does not have the processor of the run, or it takes no calls.
    Processor,
}

impl HeldBy {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "" => Self::Nothing,
            "ordersPerSecond" => Self::Rate,
            "maxInFlight" => Self::InFlight,
            "pauseAfter" => Self::PauseAfter,
            "processor" => Self::Processor,
            _ => return None,
        })
    }

    /// Is it a limit of the queue?
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::Rate | Self::InFlight)
    }
}

/// Work under a lease. Close it with a push, an ack or a release before its deadline, or the
/// work is given to another worker.
#[derive(Debug, Clone)]
pub struct Lease {
    pub token: Token,
    pub run_id: String,
    pub seed: u64,
    /// The base of the run's range of ids, ms since the epoch.
    pub ids_ms: u64,
    /// Where the run's orders come from.
    pub source: Source,
    /// The version of control that Redis had.
    pub version: i64,
    /// When it was granted, ms since the epoch by Redis' clock. A worker stamps with this time,
    /// for its own clock may be hours off.
    pub since_ms: i64,
    /// The run has been replayed: NORMAL orders may be terminal before they are pushed.
    pub replay: bool,
    /// What a person decided about dead letters of the run.
    pub letters: Vec<LetterDecision>,
    pub phase: Phase,
    /// The processor of the run; none: the built-in one.
    pub processor: Option<String>,
    /// The time of the run when a batch was claimed, ms since the epoch: it never goes back.
    pub claimed_ms: i64,
    /// The latest claim under which the processor judged an order of the run, likewise; 0: none.
    pub vouched_ms: i64,
    pub work: Work,
}

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

impl Work {
    /// In the order of a run.
    pub const KINDS: [&str; 5] = ["generate", "vip", "enqueue", "normal", "save"];

    /// As the scripts name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Generate(_) => "generate",
            Self::Drain(Priority::Vip, _) => "vip",
            Self::Enqueue(_) => "enqueue",
            Self::Drain(Priority::Normal, _) => "normal",
            Self::Save => "save",
        }
    }

    /// The number of orders; of a range to enqueue with the VIP ones.
    #[must_use]
    pub const fn size(&self) -> usize {
        match self {
            Self::Generate(indexes) | Self::Enqueue(indexes) => {
                (indexes.end - indexes.start) as usize
            }
            Self::Drain(_, ids) => ids.len(),
            Self::Save => 0,
        }
    }
}

/// The answer of `work_of` in `prelude.lua`, in its order.
struct Granted<'a> {
    run_id: String,
    seed: u64,
    ids_ms: u64,
    source: String,
    version: i64,
    /// Of a chunk or a range the first index and the one behind the last.
    first: &'a Value,
    end: &'a Value,
    ids: Vec<OrderId>,
    replay: bool,
    letters: String,
    since_ms: i64,
    phase: String,
    processor: String,
    vouched_ms: i64,
}

impl<'a> Granted<'a> {
    fn read(answer: &mut Answer<'a>) -> Result<Self> {
        Ok(Self {
            run_id: answer.text()?,
            seed: answer.count()?,
            ids_ms: answer.count()?,
            source: answer.text()?,
            version: answer.int()?,
            first: answer.value()?,
            end: answer.value()?,
            ids: answer.ids()?,
            replay: answer.value()?.as_u64() == Some(1),
            letters: answer.text()?,
            since_ms: answer.int()?,
            phase: answer.text()?,
            processor: answer.text()?,
            vouched_ms: answer.int()?,
        })
    }
}

impl Claim {
    /// Reads the answer of a script that gives work out.
    pub(super) fn read(token: &Token, answer: &Value) -> Result<Self> {
        let mut answer = Answer::read(answer)?;
        let kind = answer.text()?;
        match kind.as_str() {
            "behind" => return Ok(Self::Behind),
            "lost" => return Ok(Self::Lost { version: answer.int()?, what: answer.text()? }),
            "wait" => {
                let after = Duration::from_millis(answer.count()?);
                let held_by = HeldBy::read(&answer.text()?);
                return Ok(Self::Wait(after, held_by.ok_or_else(|| answer.unexpected())?));
            }
            _ => {}
        }
        let granted = Granted::read(&mut answer)?;
        let indexes = || {
            let index = |value: &Value| value.as_u64().and_then(|index| u32::try_from(index).ok());
            let range = index(granted.first).zip(index(granted.end)).map(|(first, end)| first..end);
            range.ok_or_else(|| answer.unexpected())
        };
        let work = match kind.as_str() {
            "generate" => Work::Generate(indexes()?),
            "enqueue" => Work::Enqueue(indexes()?),
            "vip" => Work::Drain(Priority::Vip, granted.ids),
            "normal" => Work::Drain(Priority::Normal, granted.ids),
            "save" => Work::Save,
            _ => return Err(answer.unexpected()),
        };
        let claimed_ms = granted.end.as_i64().unwrap_or(granted.since_ms);
        Ok(Self::Work(Lease {
            token: token.clone(),
            run_id: granted.run_id,
            seed: granted.seed,
            ids_ms: granted.ids_ms,
            source: granted.source.parse().map_err(QueueError::Answer)?,
            version: granted.version,
            since_ms: granted.since_ms,
            replay: granted.replay,
            letters: LetterDecision::read(&granted.letters).map_err(QueueError::Answer)?,
            phase: granted.phase.parse().map_err(QueueError::Answer)?,
            processor: Some(granted.processor).filter(|name| !name.is_empty()),
            claimed_ms,
            vouched_ms: granted.vouched_ms,
            work,
        }))
    }
}
