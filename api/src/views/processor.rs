//! The processor of the run, as its workers show it.

use pedidos_api_types::flow::{self, HeldOrder, ProcessorState};
use pedidos_core::{control::RunOptions, run::Ledger, time::iso};
use pedidos_pipeline::queue::{BreakerState, ProcessorInfo, RunView, Snapshot, StuckOrder};

/// Of the workers that have it, the one that is best off counts: it takes the batches.
#[must_use]
pub fn state(snapshot: &Snapshot, run: &RunView) -> ProcessorState {
    let name = run.options.processor_name().to_owned();
    if snapshot.run.is_none() {
        return ProcessorState { name, ..ProcessorState::default() };
    }
    if run.options.processor.is_none() {
        let workers = snapshot.workers.len() as u64;
        let state =
            if workers == 0 { flow::BreakerState::None } else { flow::BreakerState::Closed };
        return ProcessorState { name, state, workers, ..ProcessorState::default() };
    }
    let having: Vec<_> = having(snapshot, &name).collect();
    let Some(best) = having.iter().min_by_key(|info| rank(info.breaker)) else {
        return ProcessorState { name, ..ProcessorState::default() };
    };
    let last = having.iter().max_by_key(|info| (info.last_error.is_some(), info.since_ms));
    ProcessorState {
        state: breaker(best.breaker),
        since: (best.since_ms != 0).then(|| iso(best.since_ms)),
        last_error: last.and_then(|info| info.last_error.clone()),
        workers: having.len() as u64,
        name,
    }
}

/// The order that only a person can end, unless the processor is mended: after a minute.
#[must_use]
pub fn held_order(snapshot: &Snapshot, run: &RunView) -> Option<HeldOrder> {
    const SHOWN_AFTER_MS: i64 = 60_000;
    let stuck = stuck(snapshot, run)?;
    (snapshot.now_ms - stuck.since_ms >= SHOWN_AFTER_MS).then(|| HeldOrder {
        id: stuck.id.clone(),
        since: iso(stuck.since_ms),
        error: stuck.error.clone(),
    })
}

/// Since when an order is as [`held_order`] says, ms since the epoch.
#[must_use]
pub fn stuck_since(snapshot: &Snapshot, run: &RunView) -> Option<i64> {
    stuck(snapshot, run).map(|stuck| stuck.since_ms)
}

fn stuck<'a>(snapshot: &'a Snapshot, run: &'a RunView) -> Option<&'a StuckOrder> {
    let name = run.options.processor.as_deref()?;
    // A worker forgets it with the next order that is judged. If a person has ended it, there may be
    // no other, or only one of the next run.
    let is_open = |stuck: &StuckOrder| {
        let Ledger { waiting, leased, delayed, .. } = snapshot.ledger(stuck.priority);
        stuck.run_id == run.run_id && waiting + leased + delayed > 0
    };
    let stuck = having(snapshot, name).filter_map(|info| info.stuck.as_ref());
    stuck.filter(|stuck| is_open(stuck)).min_by_key(|stuck| stuck.since_ms)
}

pub fn breaker(state: BreakerState) -> flow::BreakerState {
    match state {
        BreakerState::Closed => flow::BreakerState::Closed,
        BreakerState::Open => flow::BreakerState::Open,
        BreakerState::HalfOpen => flow::BreakerState::HalfOpen,
    }
}

/// What keeps a run with a named processor from going on, in words; none: nothing does.
#[must_use]
pub fn trouble(state: &ProcessorState) -> Option<String> {
    if state.name == RunOptions::BUILTIN_NAME {
        return None;
    }
    let name = &state.name;
    match state.state {
        flow::BreakerState::Closed => None,
        flow::BreakerState::None => Some(format!(
            "no worker has the processor '{name}': start one with PROCESSOR_NAME={name} and PROCESSOR_URL"
        )),
        flow::BreakerState::Open | flow::BreakerState::HalfOpen => Some(format!(
            "the processor '{name}' is at fault, and calls wait: {}",
            state.last_error.as_deref().unwrap_or("no reason known")
        )),
    }
}

fn having<'a>(snapshot: &'a Snapshot, name: &'a str) -> impl Iterator<Item = &'a ProcessorInfo> {
    let named = snapshot.workers.iter().filter_map(|worker| worker.info.processor.as_ref());
    named.filter(move |info| info.name == name)
}

const fn rank(state: BreakerState) -> u8 {
    match state {
        BreakerState::Closed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open => 2,
    }
}
