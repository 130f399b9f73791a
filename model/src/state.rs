//! The state of the whole system, and the steps that lead from it.

use crate::{
    queue::{Redis, of},
    request::Request,
    scenario::{COMMANDS, Command, RUNS, Scenario, WORKERS},
    search,
    store::{Control, End, Intent, Order, Status, Store, bit},
    worker::{Task, Worker},
};

/// `Controller::sync` in a worker or API: a process that compares control with Redis and may
/// stop between its steps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reconciler {
    /// Control as it was read.
    pub control: Control,
    /// The run document is written and letters are settled.
    pub ensured: bool,
    /// The orders to queue for a retry, if Redis need not replay.
    pub patch: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct State {
    pub store: Store,
    pub redis: Redis,
    /// The other master, which one worker talks to.
    pub stale: Option<Redis>,
    /// An earlier state that Redis may go back to.
    pub saved: Option<Redis>,
    pub workers: [Worker; WORKERS],
    pub requests: [Request; COMMANDS],
    pub reconciler: Option<Reconciler>,
    /// For broken variants: what a fence or a sweep in two steps has read.
    pub observed: u8,
    /// Faults that may still happen.
    pub faults: u8,
    /// Updates that MongoDB may still refuse.
    pub failures: u8,
    /// Orders of an import that somebody may still delete, and that an uploader may still insert
    /// above what was accepted.
    pub gone: u8,
    pub strays: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    Worker(usize),
    Request(usize, Command),
    Reconciler,
    /// No process.
    Fault,
}

/// A step from one state to the next.
pub type Step = search::Step<State, Actor>;

/// Steps that are gathered.
#[derive(Debug)]
pub struct Steps<'a>(pub &'a mut Vec<Step>);

impl Steps<'_> {
    pub(crate) fn push(
        &mut self,
        (actor, progress): (Actor, bool),
        state: &State,
        change: impl FnOnce(&mut State) -> &'static str,
    ) {
        let mut after = *state;
        let what = change(&mut after);
        self.0.push(Step { actor, what, progress, after });
    }

    pub(crate) fn add(
        &mut self,
        worker: usize,
        state: &State,
        change: impl FnOnce(&mut State) -> &'static str,
    ) {
        self.push((Actor::Worker(worker), true), state, change);
    }

    pub(crate) fn add_request(
        &mut self,
        request: usize,
        command: Command,
        state: &State,
        change: impl FnOnce(&mut State) -> &'static str,
    ) {
        self.push((Actor::Request(request, command), true), state, change);
    }

    pub(crate) fn add_choice(
        &mut self,
        request: usize,
        command: Command,
        state: &State,
        change: impl FnOnce(&mut State) -> &'static str,
    ) {
        self.push((Actor::Request(request, command), false), state, change);
    }
}

impl State {
    /// The first state of a search.
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
                created_by: COMMANDS as u8,
                attempt: 1,
                ..Control::default()
            };
            store.set_control(control);
        }
        if scenario.imported {
            for order in &mut store.orders[0][..scenario.quantity] {
                order.status = Status::Pending;
            }
        }
        Self {
            store,
            redis,
            stale: None,
            saved: None,
            workers: Default::default(),
            requests: Default::default(),
            reconciler: None,
            observed: 0,
            faults: scenario.faults,
            failures: scenario.failures,
            gone: scenario.gone,
            strays: scenario.strays,
        }
    }

    /// The server that this worker talks to.
    pub fn redis_of(&mut self, worker: usize) -> &mut Redis {
        match &mut self.stale {
            Some(stale) if self.workers[worker].on_stale_master => stale,
            _ => &mut self.redis,
        }
    }

    /// Every server, and the saved state of one.
    pub(crate) fn servers(&mut self) -> impl Iterator<Item = &mut Redis> {
        [Some(&mut self.redis), self.stale.as_mut(), self.saved.as_mut()].into_iter().flatten()
    }

    /// The worker closes its lease or dies: no process presents this token again, to any server.
    pub fn drop_token(&mut self, worker: usize) {
        self.workers[worker].task = Task::Idle;
        self.workers[worker].number = 0;
        self.servers().for_each(|redis| redis.disown(of(worker)));
    }

    /// The worker hands its lease back.
    pub fn release(&mut self, scenario: &Scenario, worker: usize) {
        let Worker { task, number, .. } = self.workers[worker];
        self.redis_of(worker).release(scenario, of(worker), task.slot(), number);
        self.drop_token(worker);
    }

    /// `Controller::sweep` has something to do.
    #[must_use]
    pub fn is_sweepable(&self) -> bool {
        (1..=RUNS as u8).any(|run| {
            let i = usize::from(run) - 1;
            let orders = self.store.orders[i];
            let pending = orders.iter().any(|order| order.status == Status::Pending);
            let there = orders.iter().any(|order| order.status != Status::Absent);
            let aborted = |end: End| end.aborted;
            let history = self.store.runs[i];
            let stray = pending && history.is_some_and(|run| run.end.is_some_and(aborted));
            let letters = self.store.control.letters.iter().filter(|letter| **letter != 0);
            let named = letters.fold(0, |bits, letter| bits | bit(*letter));
            let decided = |order: &Order| order.status == Status::Dead && order.marks & named != 0;
            let control = &self.store.control;
            let unsettled = control.run == run && control.end.is_some();
            stray
                || unsettled && orders.iter().any(decided)
                || self.store.is_reset(run) && (there || history.is_some())
        })
    }
}
