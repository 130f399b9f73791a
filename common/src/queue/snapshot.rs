//! What Redis shows of a run at one instant.

use std::collections::HashMap;

use fred::types::Value;

use super::{QueueError, Result, WorkerInfo, unexpected};
use crate::{
    order::{OrderId, Priority},
    run::{Figures, Ledger, Phase},
};

/// The queue at one instant: all of it was read in one step, so the ledger
/// balances in every snapshot (I2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The Redis server's clock, ms since the epoch.
    pub now_ms: i64,
    /// The version of control that this Redis has; 0: none, it is empty.
    pub version: i64,
    /// Claims are stopped by a person.
    pub paused: bool,
    /// The last run in the history.
    pub last_run_id: Option<String>,
    /// The run, active or ended.
    pub run: Option<RunView>,
    /// Ids waiting and delayed, VIP first.
    waiting: [u64; 2],
    delayed: [u64; 2],
    leased: [u64; 2],
    /// Leases of every kind.
    pub leases: u64,
    /// When the first of them expires, ms since the epoch; 0: there is none.
    pub first_deadline_ms: i64,
    /// Workers heard of lately.
    pub workers: Vec<WorkerSeen>,
}

/// A worker that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSeen {
    /// What it says of itself.
    pub info: WorkerInfo,
    /// Its last heartbeat, ms since the epoch.
    pub seen_ms: i64,
}

/// The queue at one instant, and what is oldest in it.
#[derive(Debug, Clone)]
pub struct Survey {
    /// All the rest.
    pub snapshot: Snapshot,
    /// Since when the oldest lease is held, ms since the epoch.
    pub oldest_lease_ms: Option<i64>,
    /// The VIP and the NORMAL order that is next to be claimed.
    pub heads: [Option<OrderId>; 2],
}

impl Survey {
    pub(super) fn parse(answer: Value) -> Result<Self> {
        let (oldest, heads) = match &answer {
            Value::Array(parts) if parts.len() == 13 => {
                let head = |at: usize| OrderId::unpack(parts[at].as_bytes().unwrap_or(&[])).next();
                (parts[10].as_i64(), [head(11), head(12)])
            }
            _ => return Err(unexpected(&answer)),
        };
        let oldest_lease_ms = oldest.filter(|since| *since > 0);
        Ok(Self { snapshot: Snapshot::parse(answer)?, oldest_lease_ms, heads })
    }
}

/// A run as Redis has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunView {
    /// Its id.
    pub run_id: String,
    /// Its seed.
    pub seed: i64,
    /// Its creation time, ms since the epoch.
    pub created_ms: i64,
    /// Orders it shall have.
    pub quantity: u64,
    /// Where it is.
    pub phase: Phase,
    /// It is being cancelled, or was.
    pub aborted: bool,
    /// Why it is in phase ERROR.
    pub error: Option<String>,
    /// When anything last went forward, ms since the epoch.
    pub progress_at: i64,
    /// When the phase last changed, ms since the epoch.
    pub phase_at: i64,
    /// The latest stamp given, ms since the epoch: never behind any other.
    pub clock: i64,
    /// Counters and stamps.
    pub figures: Figures,
}

impl Snapshot {
    /// Where the orders of a priority are.
    #[must_use]
    pub fn ledger(&self, priority: Priority) -> Ledger {
        let at = priority as usize;
        Ledger {
            waiting: self.waiting[at],
            leased: self.leased[at],
            delayed: self.delayed[at],
            ..self.run.as_ref().map(|run| run.figures.ledger(priority)).unwrap_or_default()
        }
    }

    /// The run's phase; IDLE without one.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.run.as_ref().map_or(Phase::Idle, |run| run.phase)
    }

    /// Are claims stopped by a person, and is nothing in flight any more?
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.paused && self.leases == 0
    }

    /// The latest time known: for windows that are still open.
    #[must_use]
    pub fn clock(&self) -> i64 {
        self.run.as_ref().map_or(self.now_ms, |run| run.clock.max(self.now_ms))
    }

    pub(super) fn parse(answer: Value) -> Result<Self> {
        let Value::Array(parts) = answer else {
            return Err(unexpected(&answer));
        };
        let bad = || QueueError::Answer(format!("snapshot: {parts:?}"));
        let part = |at: usize| parts.get(at).ok_or_else(bad);
        let int = |at: usize| part(at)?.as_i64().ok_or_else(bad);
        let count = |at: usize| int(at).map(|n| u64::try_from(n).unwrap_or(0));
        let hash: HashMap<String, String> = part(1)?.clone().convert()?;
        let number = |field: &str| hash.get(field).and_then(|n| n.parse().ok()).unwrap_or(0i64);
        let size = |field: &str| u64::try_from(number(field)).unwrap_or(0);
        let info: Vec<Option<String>> = part(8)?.clone().convert()?;
        let beats: Vec<i64> = part(9)?.clone().convert()?;
        let run = match hash.get("runId") {
            None => None,
            Some(run_id) => Some(RunView {
                run_id: run_id.clone(),
                seed: number("seed"),
                created_ms: number("createdAt"),
                quantity: size("quantity"),
                phase: hash.get("phase").ok_or_else(bad)?.parse().map_err(QueueError::Answer)?,
                aborted: number("aborted") == 1,
                error: hash.get("error").cloned(),
                progress_at: number("progressAt"),
                phase_at: number("phaseAt"),
                clock: number("clock"),
                figures: figures(&hash)?,
            }),
        };
        Ok(Self {
            now_ms: int(0)?,
            version: number("version"),
            paused: number("paused") == 1,
            last_run_id: hash.get("lastRunId").filter(|id| !id.is_empty()).cloned(),
            run,
            waiting: [count(2)?, count(4)?],
            delayed: [count(3)?, count(5)?],
            leased: [size("vipLeased"), size("normalLeased")],
            leases: count(6)?,
            first_deadline_ms: int(7)?,
            workers: info
                .into_iter()
                .zip(beats)
                .filter_map(|(json, seen_ms)| {
                    let info = serde_json::from_str(&json?).ok()?;
                    Some(WorkerSeen { info, seen_ms })
                })
                .collect(),
        })
    }
}

/// Figures are fields of the run's hash under the names that serde gives them.
pub(super) fn fields(figures: &Figures) -> Result<Vec<(String, Value)>> {
    match serde_json::to_value(figures) {
        Ok(serde_json::Value::Object(map)) => Ok(map
            .into_iter()
            .map(|(field, figure)| (field, Value::Integer(figure.as_i64().unwrap_or(0))))
            .collect()),
        other => Err(QueueError::Answer(format!("figures: {other:?}"))),
    }
}

fn figures(hash: &HashMap<String, String>) -> Result<Figures> {
    let numbers = hash
        .iter()
        .filter_map(|(field, text)| Some((field.clone(), text.parse::<i64>().ok()?.into())));
    serde_json::from_value(serde_json::Value::Object(numbers.collect()))
        .map_err(|error| QueueError::Answer(format!("figures: {error}")))
}
