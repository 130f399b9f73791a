//! Steps that come to nothing, and steps whose moment makes no difference.

use crate::{
    closing::{
        Closing,
        Step::{Adopt, Ensure, Mark, Settle},
    },
    queue::of,
    scenario::{Ask, Broken, Scenario},
    state::State,
    store::Control,
    verb::{Step, Verb},
    worker::{Chunk, Drain, Task},
};

impl State {
    /// A step that changes nothing, now and whenever it is taken, is taken at once: to make
    /// sure of a run document that is there, where nothing deletes it; to tell Redis what it
    /// knows, where it cannot forget.
    pub(super) fn skip_idle_steps(&mut self, scenario: &Scenario) {
        let kept = !scenario.asks.contains(&Ask::Reset) && !scenario.is(Broken::RunDocumentByState);
        let runs = self.store.runs;
        let ensured = |control: &Control| {
            let run = usize::from(control.run);
            kept && (run == 0
                || runs[run - 1].is_some_and(|document| document.version >= control.version))
        };
        let kinds = scenario.kinds;
        let falls = self.saved.is_some() || self.faults > 0 && (kinds.empty || kinds.roll_back);
        let redis = if falls { 0 } else { self.redis.version };
        let stale = self.stale.map_or(redis, |stale| stale.version);
        let told = |control: &Control| redis >= control.version;
        let skip = |closing: &mut Closing, version: u8| {
            if closing.step == Ensure && ensured(&closing.control) {
                closing.step = Adopt;
            }
            closing.step == Adopt && version >= closing.control.version
        };
        for (verb, ask) in self.verbs.iter_mut().zip(&scenario.asks) {
            if verb.step == Step::Ensure && ensured(&verb.control) {
                verb.step = Step::Adopt;
            }
            if verb.step == Step::Adopt && told(&verb.control) {
                verb.step = verb.told(scenario, *ask);
            }
            if let Step::Close(closing) = &mut verb.step
                && skip(closing, redis)
            {
                verb.step = Step::Over;
            }
            if verb.step == Step::Over {
                *verb = Verb { late: verb.late, ..Verb::over() };
            }
        }
        for worker in 0..scenario.workers {
            let least = if self.workers[worker].astray { redis.min(stale) } else { redis };
            if let Task::Close(closing) = &mut self.workers[worker].task
                && skip(closing, least)
            {
                self.drop_token(worker);
            }
        }
        if let Some(keeper) = &mut self.keeper {
            keeper.ensured |= ensured(&keeper.control);
            if told(&keeper.control) {
                self.keeper = None;
            }
        }
    }

    /// A lease that no process will present again expires at once: what it holds back can be
    /// done from then on, and nothing that could be done before is prevented by that. On the
    /// stale master those are the leases of all who do not talk to it, nor ever will again.
    pub(super) fn expire_leases(&mut self, scenario: &Scenario) {
        if let Some(stale) = &mut self.stale {
            for (worker, holder) in self.workers.iter().enumerate() {
                if !holder.astray {
                    stale.disown(of(worker));
                }
            }
        }
        let numbers =
            matches!(scenario.broken, Some(Broken::TokenIsACounter | Broken::AckWithoutToken));
        if !numbers {
            self.servers().for_each(|redis| redis.expire(scenario));
        }
    }

    /// What a process still does, and that comes to nothing whatever happens: a compare-and-set
    /// on a version that is gone; an ack or a push under a lease that no server has, nor can
    /// have again.
    pub(super) fn forget_lost_steps(&mut self, scenario: &Scenario) {
        let now = self.store.control.version;
        let forget = |closing: &mut Closing| {
            if matches!(closing.step, Settle | Mark) && closing.control.version != now {
                let Control { version, run, letters, .. } = closing.control;
                closing.control = Control { version, run, letters, ..Control::default() };
            }
        };
        for verb in &mut self.verbs {
            // This version was passed: the write finds its predecessor gone.
            verb.late = verb.late.filter(|late| late.version > now);
            let reset_below = verb.control.reset_below;
            match &mut verb.step {
                Step::Close(closing) if closing.is_lost(now) => *verb = Verb::over(),
                Step::Close(closing) => forget(closing),
                Step::Set if verb.control.version != now => {
                    verb.step = verb.tries_again();
                    verb.control = Control::default();
                }
                Step::Read | Step::Decide => verb.control = Control::default(),
                Step::DeleteOrders | Step::DeleteRuns => {
                    verb.control = Control { reset_below, ..Control::default() };
                }
                _ => {}
            }
        }
        let tokens = !matches!(
            scenario.broken,
            Some(Broken::TokenIsACounter | Broken::AckWithoutToken | Broken::StaleGeneratorDeletes)
        );
        for worker in 0..scenario.workers {
            let held = self.is_held(worker);
            match &mut self.workers[worker].task {
                Task::Sum(_, control) if control.version != now => self.lose(scenario, worker),
                Task::Close(closing) if closing.is_lost(now) => self.lose(scenario, worker),
                Task::Close(closing) => forget(closing),
                Task::Order { step: Drain::Ack(_), .. }
                | Task::Chunk { step: Chunk::Push, .. }
                | Task::Range { .. }
                    if tokens && !held =>
                {
                    self.workers[worker].task = Task::Idle;
                }
                _ => {}
            }
        }
    }

    /// All that this worker will still do is to hand the end back. That is done at once, where
    /// it makes no difference.
    fn lose(&mut self, scenario: &Scenario, worker: usize) {
        self.workers[worker].task = Task::Close(Closing::LOST);
        let redis = self.redis_of(worker);
        if redis.savers & (1 << of(worker)) == 0 || redis.end_is_held_by_one() {
            redis.give_back_end(scenario, of(worker));
            self.drop_token(worker);
        }
    }

    fn is_held(&mut self, worker: usize) -> bool {
        self.servers().any(|redis| redis.leases.contains(&of(worker)))
    }
}
