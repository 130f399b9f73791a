//! The state of everything, and its successors.

use crate::{
    queue::{Redis, of},
    scenario::{Ask, RUNS, Scenario, VERBS, WORKERS},
    store::{Control, Intent, Store},
    verb::Verb,
    worker::{Task, Worker},
};

/// A process that compares control with Redis (`Controller::sync`), of whichever worker or
/// API: it has read control, and perhaps made sure of the run document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Keeper {
    /// What it read.
    pub control: Control,
    /// The run document is made sure of.
    pub ensured: bool,
}

/// The state of everything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct State {
    /// MongoDB.
    pub store: Store,
    /// Redis.
    pub redis: Redis,
    /// The other master, to which one worker talks.
    pub stale: Option<Redis>,
    /// Redis at some moment before.
    pub saved: Option<Redis>,
    /// The workers.
    pub workers: [Worker; WORKERS],
    /// What was asked for.
    pub verbs: [Verb; VERBS],
    /// Who compares.
    pub keeper: Option<Keeper>,
    /// Built wrong: what a fence or a sweep in two steps has seen.
    pub peeked: u8,
    /// Faults that may still happen.
    pub faults: u8,
    /// Updates that MongoDB may still refuse.
    pub failures: u8,
}

/// Who took a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// A worker.
    Worker(usize),
    /// A verb.
    Verb(usize, Ask),
    /// Who compares.
    Keeper,
    /// Nobody: it happened.
    Fault,
}

/// A step: who took it, what it was, whether it is one that happens by itself sooner or
/// later (no fault, and nothing that a person may or may not do), and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Who.
    pub who: Who,
    /// What.
    pub what: &'static str,
    /// It happens by itself.
    pub progress: bool,
    /// The state after it.
    pub after: State,
}

/// Steps that may be taken from a state.
#[derive(Default, Debug)]
pub struct Next(pub Vec<Step>);

impl Next {
    pub(crate) fn push(
        &mut self,
        (who, progress): (Who, bool),
        state: &State,
        change: impl FnOnce(&mut State) -> &'static str,
    ) {
        let mut after = *state;
        let what = change(&mut after);
        self.0.push(Step { who, what, progress, after });
    }

    pub(crate) fn add(
        &mut self,
        worker: usize,
        state: &State,
        change: impl FnOnce(&mut State) -> &'static str,
    ) {
        self.push((Who::Worker(worker), true), state, change);
    }

    pub(crate) fn add_verb(
        &mut self,
        verb: usize,
        ask: Ask,
        state: &State,
        change: impl FnOnce(&mut State) -> &'static str,
    ) {
        self.push((Who::Verb(verb, ask), true), state, change);
    }

    pub(crate) fn add_choice(
        &mut self,
        verb: usize,
        ask: Ask,
        state: &State,
        change: impl FnOnce(&mut State) -> &'static str,
    ) {
        self.push((Who::Verb(verb, ask), false), state, change);
    }
}

impl State {
    /// What a search begins with.
    #[must_use]
    pub fn first(scenario: &Scenario) -> Self {
        let mut store = Store::default();
        let mut redis = Redis::default();
        (store.control.version, store.control.attempt) = (1, 1);
        redis.version = 1;
        if scenario.accepted {
            let control = Control {
                version: 2,
                orders_version: 2,
                run: 1,
                intent: Intent::Run,
                last_run: 1,
                created_by: VERBS as u8,
                attempt: 1,
                ..Control::default()
            };
            store.set_control(control);
        }
        Self {
            store,
            redis,
            stale: None,
            saved: None,
            workers: Default::default(),
            verbs: Default::default(),
            keeper: None,
            peeked: 0,
            faults: scenario.faults,
            failures: scenario.failures,
        }
    }

    /// The server that a worker talks to.
    pub fn redis_of(&mut self, worker: usize) -> &mut Redis {
        match &mut self.stale {
            Some(stale) if self.workers[worker].astray => stale,
            _ => &mut self.redis,
        }
    }

    /// Every server, and what was saved of one.
    pub(crate) fn servers(&mut self) -> impl Iterator<Item = &mut Redis> {
        [Some(&mut self.redis), self.stale.as_mut(), self.saved.as_mut()].into_iter().flatten()
    }

    /// A worker is done with its lease, or dies: whatever server still has it, nobody will
    /// present this token again.
    pub fn drop_token(&mut self, worker: usize) {
        self.workers[worker].task = Task::Idle;
        self.workers[worker].number = 0;
        self.servers().for_each(|redis| redis.disown(of(worker)));
    }

    /// There is something for a sweep to do (`Controller::sweep`).
    #[must_use]
    pub fn is_sweepable(&self) -> bool {
        use crate::store::Status;
        (1..=RUNS as u8).any(|run| {
            let i = usize::from(run) - 1;
            let orders = self.store.orders[i];
            let pending = orders.iter().any(|order| order.status == Status::Pending);
            let there = orders.iter().any(|order| order.status != Status::Absent);
            let aborted = |end: crate::store::End| end.aborted;
            let history = self.store.runs[i];
            let stray = pending && history.is_some_and(|run| run.end.is_some_and(aborted));
            let letters = self.store.control.letters.iter().filter(|letter| **letter != 0);
            let named = letters.fold(0, |bits, letter| bits | crate::store::bit(*letter));
            let decided = |order: &crate::store::Order| {
                order.status == Status::Dead && order.marks & named != 0
            };
            let control = &self.store.control;
            let unsettled = control.run == run && control.end.is_some();
            stray
                || unsettled && orders.iter().any(decided)
                || self.store.is_reset(run) && (there || history.is_some())
        })
    }
}
