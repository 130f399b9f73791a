//! Steps without effect, and steps whose moment makes no difference.

use crate::{
    ending::{
        self, Ending,
        Step::{Adopt, Count, Ensure, Mark, Settle},
    },
    queue::of,
    request::{Request, Step},
    scenario::{Broken, Command, Scenario},
    state::State,
    store::Control,
    worker::{Chunk, Drain, Task},
};

impl State {
    /// Takes at once every step that changes nothing, whenever it is taken: writing a run document
    /// that exists and that nothing deletes; updating a Redis that is up to date and cannot fall
    /// behind.
    pub(super) fn skip_idle_steps(&mut self, scenario: &Scenario) {
        let kept = !scenario.commands.contains(&Command::Reset)
            && !scenario.is(Broken::RunDocumentByState);
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
        let skip = |ending: &mut Ending, version: u8| {
            if ending.step == Ensure && ensured(&ending.control) {
                ending.step = Adopt;
            }
            ending.step == Adopt && version >= ending.control.version
        };
        for (request, command) in self.requests.iter_mut().zip(&scenario.commands) {
            if request.step == Step::Ensure && ensured(&request.control) {
                request.step = Step::Adopt;
            }
            if request.step == Step::Adopt && told(&request.control) {
                request.step = request.after_adopt(scenario, *command);
            }
            if let Step::End(ending) = &mut request.step
                && skip(ending, redis)
            {
                request.step = Step::Over;
            }
            if request.step == Step::Over {
                *request = Request { late: request.late, ..Request::over() };
            }
        }
        for worker in 0..scenario.workers {
            let least = if self.workers[worker].on_stale_master { redis.min(stale) } else { redis };
            if let Task::End(ending) = &mut self.workers[worker].task
                && skip(ending, least)
            {
                self.drop_token(worker);
            }
        }
        if let Some(reconciler) = &mut self.reconciler {
            reconciler.ensured |= reconciler.control.put_back == 0 && ensured(&reconciler.control);
            if told(&reconciler.control) {
                self.reconciler = None;
            }
        }
    }

    /// Expires at once every lease that no process will present again. This only allows more:
    /// nothing that was possible before becomes impossible. On the stale master these are the
    /// leases of all workers that do not talk to it, and never will.
    pub(super) fn expire_leases(&mut self, scenario: &Scenario) {
        if let Some(stale) = &mut self.stale {
            for (worker, holder) in self.workers.iter().enumerate() {
                if !holder.on_stale_master {
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

    /// Forgets steps that cannot have an effect: a compare-and-set on a version that is gone; an
    /// ack or a push under a lease that no server has or can have again.
    pub(super) fn forget_lost_steps(&mut self, scenario: &Scenario) {
        let control = self.store.control;
        let now = control.version;
        let forget = |ending: &mut Ending| {
            let marks = matches!(ending.step, Settle | Mark | Count);
            if marks || ending.step == ending::Step::Set && ending.stamp != 0 {
                let Control { run, letters, .. } = ending.control;
                ending.control = Control { run, letters, ..Control::default() };
            }
        };
        for request in &mut self.requests {
            // Control has passed this version, so the late write will fail.
            request.late = request.late.filter(|late| late.version > now);
            let reset_below = request.control.reset_below;
            match &mut request.step {
                Step::End(ending) if ending.is_lost(&control) => *request = Request::over(),
                Step::End(ending) => forget(ending),
                Step::Set if request.control.version != now => {
                    request.step = request.tries_again();
                    request.control = Control::default();
                }
                Step::Read | Step::Decide => request.control = Control::default(),
                Step::DeleteOrders | Step::DeleteRuns => {
                    request.control = Control { reset_below, ..Control::default() };
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
                Task::End(ending) if ending.is_lost(&control) => self.lose(scenario, worker),
                Task::End(ending) => forget(ending),
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

    /// The worker can only hand the end back. It does so at once, where that makes no difference.
    fn lose(&mut self, scenario: &Scenario, worker: usize) {
        self.workers[worker].task = Task::End(Ending::LOST);
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
