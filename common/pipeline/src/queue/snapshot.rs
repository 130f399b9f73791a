//! `snapshot` reads everything that status shows, at one instant.
//!
//! - Arguments: after how many ms without a heartbeat a worker does not count as alive; 1 to
//!   look for what is oldest too, which takes a read for each lease.
//! - Answers, in this order: the clock; the run's hash; VIP orders that wait and are delayed;
//!   the same of NORMAL; the number of leases; what is to be shown of live workers; the last
//!   heartbeat of each. If asked for, then since when the oldest lease is held (0: there is
//!   none), and the first VIP and the first NORMAL id that wait (empty: there is none).
//! - Guarantees: it changes nothing; all of it is of one instant, so the ledger balances (I2).

use std::{collections::HashMap, sync::LazyLock};

use fred::types::{Value, scripts::Script};
use futures_util::future::BoxFuture;
use pedidos_core::{
    control::{Flow, Limits, OnVipFailure, PausedBy, RunOptions, Source},
    order::OrderId,
    run::Phase,
};

use super::{
    answer::Answer,
    client::Queue,
    error::{QueueError, Result},
    figures::figures,
    hold::CancelProgress,
    script::script,
    view::{RunView, Snapshot, Survey, WorkerSeen},
};

pub(super) static SNAPSHOT: LazyLock<Script> =
    LazyLock::new(|| script("no-writes", include_str!("snapshot.lua")));

impl Queue {
    pub fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot>> {
        Box::pin(async move {
            let alive = (Self::WORKER_ALIVE.as_millis() as i64).into();
            Snapshot::read(&self.call(&SNAPSHOT, vec![alive]).await?)
        })
    }

    /// As [`Self::snapshot`], and what is oldest: that costs a read for each lease.
    pub fn survey(&self) -> BoxFuture<'_, Result<Survey>> {
        Box::pin(async move {
            let alive = (Self::WORKER_ALIVE.as_millis() as i64).into();
            Survey::read(&self.call(&SNAPSHOT, vec![alive, 1.into()]).await?)
        })
    }
}

/// The answer, in its order.
struct Fields<'a> {
    now_ms: i64,
    hash: HashMap<String, String>,
    vip_waiting: u64,
    vip_delayed: u64,
    normal_waiting: u64,
    normal_delayed: u64,
    leases: u64,
    workers: Vec<Option<String>>,
    heartbeats: Vec<i64>,
    /// The rest, which only a survey has.
    rest: Answer<'a>,
}

impl<'a> Fields<'a> {
    fn read(answer: &'a Value) -> Result<Self> {
        let mut answer = Answer::read(answer)?;
        let count = |answer: &mut Answer<'_>| answer.int().map(|n| u64::try_from(n).unwrap_or(0));
        Ok(Self {
            now_ms: answer.int()?,
            hash: answer.value()?.clone().convert()?,
            vip_waiting: count(&mut answer)?,
            vip_delayed: count(&mut answer)?,
            normal_waiting: count(&mut answer)?,
            normal_delayed: count(&mut answer)?,
            leases: count(&mut answer)?,
            workers: answer.value()?.clone().convert()?,
            heartbeats: answer.value()?.clone().convert()?,
            rest: answer,
        })
    }

    fn number(&self, field: &str) -> i64 {
        self.hash.get(field).and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    fn size(&self, field: &str) -> u64 {
        u64::try_from(self.number(field)).unwrap_or(0)
    }

    /// None: not set, or this Redis was written by a program that does not know it.
    fn limit(&self, field: &str) -> Option<i64> {
        self.hash.get(field)?.parse().ok()
    }

    fn options(&self) -> RunOptions {
        RunOptions {
            processor: self.hash.get("processor").filter(|name| !name.is_empty()).cloned(),
            flow: Flow {
                pause_after: self.limit("pauseAfter"),
                on_vip_failure: if self.number("hold") == 1 {
                    OnVipFailure::Hold
                } else {
                    OnVipFailure::Continue
                },
                max_failed_percent: self.limit("maxFailedPercent"),
            },
        }
    }

    fn run(&self) -> Result<Option<RunView>> {
        let Some(run_id) = self.hash.get("runId") else { return Ok(None) };
        let phase: Phase = match self.hash.get("phase") {
            Some(phase) => phase.parse().map_err(QueueError::Answer)?,
            None => return Err(QueueError::Answer(format!("run {run_id} has no phase"))),
        };
        let aborted = self.number("aborted") == 1;
        let figures = figures(&self.hash)?;
        Ok(Some(RunView {
            run_id: run_id.clone(),
            seed: self.number("seed"),
            created_ms: self.number("createdAt"),
            source: match self.hash.get("source") {
                Some(source) => source.parse().map_err(QueueError::Answer)?,
                None => Source::Generated,
            },
            quantity: self.size("quantity"),
            options: self.options(),
            phase,
            aborted,
            cancelling: (aborted && phase.is_active())
                .then(|| CancelProgress::read(&self.hash))
                .transpose()?,
            error: self.hash.get("error").cloned(),
            progress_at: self.number("progressAt"),
            phase_at: self.number("phaseAt"),
            clock: self.number("clock"),
            ahead: self.number("ahead"),
            hidden: self.size("hidden"),
            purged: self.number("purged") == 1,
            figures: match self.hash.get("first").filter(|json| !json.is_empty()) {
                Some(json) => figures.with_times_of(
                    &serde_json::from_str(json)
                        .map_err(|error| QueueError::Answer(format!("first: {error}")))?,
                ),
                None => figures,
            },
        }))
    }

    fn snapshot(self) -> Result<Snapshot> {
        Ok(Snapshot {
            now_ms: self.now_ms,
            version: self.number("version"),
            paused: self.number("paused") == 1,
            paused_by: match self.hash.get("pausedBy").map(String::as_str) {
                Some("pauseAfter") => PausedBy::PauseAfter,
                _ => PausedBy::Person,
            },
            limits: Limits {
                orders_per_second: self.limit("rate"),
                max_in_flight: self.limit("maxInFlight"),
            },
            last_run_id: self.hash.get("lastRunId").filter(|id| !id.is_empty()).cloned(),
            run: self.run()?,
            waiting: [self.vip_waiting, self.normal_waiting],
            delayed: [self.vip_delayed, self.normal_delayed],
            leased: [self.size("vipLeased"), self.size("normalLeased")],
            leases: self.leases,
            workers: self
                .workers
                .into_iter()
                .zip(self.heartbeats)
                .filter_map(|(json, seen_ms)| {
                    let info = serde_json::from_str(&json?).ok()?;
                    Some(WorkerSeen { info, seen_ms })
                })
                .collect(),
        })
    }
}

impl Snapshot {
    pub(super) fn read(answer: &Value) -> Result<Self> {
        Fields::read(answer)?.snapshot()
    }
}

impl Survey {
    fn read(answer: &Value) -> Result<Self> {
        let mut seen = Fields::read(answer)?;
        let oldest = seen.rest.value()?.as_i64();
        let mut head = || -> Result<Option<OrderId>> {
            Ok(OrderId::unpack(seen.rest.value()?.as_bytes().unwrap_or(&[])).next())
        };
        let heads = [head()?, head()?];
        let snapshot = seen.snapshot()?;
        Ok(Self { snapshot, oldest_lease_ms: oldest.filter(|since| *since > 0), heads })
    }
}
