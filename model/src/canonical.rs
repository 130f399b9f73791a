//! One form for all states from which the same can follow: those that differ only in the
//! names of workers, in how often control was changed, or in what comes to nothing.

mod idle;

use crate::{
    closing::Closing,
    queue::{FREE, NOBODY, Owner, Redis, of},
    scenario::{Scenario, WORKERS},
    state::State,
    store::{Control, End, Status, Store},
    verb::Step,
    worker::Task,
};

impl State {
    /// Brings it into that form.
    pub fn canonical(&mut self, scenario: &Scenario) {
        self.skip_idle_steps(scenario);
        self.forget_lost_steps(scenario);
        self.expire_leases(scenario);
        self.servers().for_each(Redis::forget_unread);
        self.rank_attempts();
        self.rank_versions();
        self.sort_workers(scenario);
    }

    /// Two workers with the same task hold the same leases only if they hold none: then
    /// they are alike.
    fn sort_workers(&mut self, scenario: &Scenario) {
        let count = scenario.workers;
        let mut order: [usize; WORKERS] = std::array::from_fn(|i| i);
        let key = |worker: usize| {
            let held = |redis: &Redis| {
                let bits = redis.leases.iter().map(|owner| u8::from(*owner == of(worker)));
                let saves = redis.savers >> of(worker) & 1;
                bits.fold(saves, |mask, bit| mask << 1 | bit)
            };
            let servers = [Some(&self.redis), self.stale.as_ref(), self.saved.as_ref()];
            (self.workers[worker], servers.map(|redis| redis.map_or(0, held)))
        };
        order[..count].sort_by_key(|worker| key(*worker));
        if order.is_sorted() {
            return;
        }
        let workers = self.workers;
        let mut names: [Owner; WORKERS + 2] = [FREE, NOBODY, 0, 0, 0];
        for (now, before) in order.into_iter().enumerate() {
            self.workers[now] = workers[before];
            names[usize::from(of(before))] = of(now);
        }
        for redis in self.servers() {
            for owner in &mut redis.leases {
                *owner = names[usize::from(*owner)];
            }
            let savers = redis.savers;
            let holders = (0..WORKERS + 2).filter(|owner| savers & (1 << owner) != 0);
            redis.savers = holders.fold(0, |mask, owner| mask | 1 << names[owner]);
        }
    }

    /// What the last attempt to finish a cancel marks is counted. All before it are alike, and
    /// as good as strays: stamps are only ever compared with that of the last, or of a lower.
    fn rank_attempts(&mut self) {
        let Store { control, ended, .. } = self.store;
        let rank = |run: u8, stamp: u8| {
            let of_end = ended[usize::from(run) - 1].map(|end| end.stamp);
            let last = of_end.or_else(|| (control.run == run).then_some(control.attempt));
            u8::from(last == Some(stamp))
        };
        for (i, orders) in self.store.orders.iter_mut().enumerate() {
            for order in orders.iter_mut().filter(|order| order.status == Status::Cancelled) {
                order.stamp = rank(i as u8 + 1, order.stamp);
            }
        }
        self.each_closing(|closing| {
            // Once the end is set, it names the attempt.
            let open = closing.control.end.is_none() && closing.stamp > 0;
            closing.stamp = if open { rank(closing.control.run, closing.stamp) } else { 0 };
        });
        self.each_end(&mut |end| end.stamp = end.stamp.min(1));
        self.each_control(&mut |copy| copy.attempt = u8::from(copy.version >= control.version));
    }

    /// Versions are compared with each other and nothing else, and the next one is one
    /// above the last: so their ranks do as well.
    fn rank_versions(&mut self) {
        let mut present = 0_u64;
        self.each_version(&mut |version| present |= 1 << *version);
        present &= !1;
        self.each_version(&mut |version| {
            let up_to = (2_u64 << *version) - 1;
            *version = (present & up_to).count_ones() as u8;
        });
    }

    fn each_version(&mut self, each: &mut impl FnMut(&mut u8)) {
        self.store.runs.iter_mut().flatten().for_each(|run| each(&mut run.version));
        self.servers().for_each(|redis| each(&mut redis.version));
        self.each_control(&mut |control| {
            each(&mut control.version);
            each(&mut control.orders_version);
        });
    }

    fn each_end(&mut self, each: &mut impl FnMut(&mut End)) {
        let Store { runs, ended, .. } = &mut self.store;
        runs.iter_mut().flatten().filter_map(|run| run.end.as_mut()).for_each(&mut *each);
        ended.iter_mut().flatten().for_each(&mut *each);
        self.servers().filter_map(|redis| redis.end.as_mut()).for_each(&mut *each);
        self.each_control(&mut |control| control.end.iter_mut().for_each(&mut *each));
    }

    fn each_closing(&mut self, mut each: impl FnMut(&mut Closing)) {
        for worker in &mut self.workers {
            if let Task::Close(closing) = &mut worker.task {
                each(closing);
            }
        }
        for verb in &mut self.verbs {
            if let Step::Close(closing) = &mut verb.step {
                each(closing);
            }
        }
    }

    fn each_control(&mut self, each: &mut impl FnMut(&mut Control)) {
        each(&mut self.store.control);
        for worker in &mut self.workers {
            if let Task::Sum(_, control) = &mut worker.task {
                each(control);
            }
        }
        for verb in &mut self.verbs {
            each(&mut verb.control);
            verb.late.iter_mut().for_each(&mut *each);
        }
        self.keeper.iter_mut().for_each(|keeper| each(&mut keeper.control));
        self.each_closing(|closing| each(&mut closing.control));
    }
}
