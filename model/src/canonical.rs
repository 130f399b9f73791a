//! One canonical form for all states that can be followed by the same states. They differ only
//! in the names of workers, in how often control changed, or in steps without effect.

mod idle;

use crate::{
    ending::{self, Ending},
    queue::{FREE, NOBODY, Owner, Redis, of},
    request::Step,
    scenario::{ORDERS, Scenario, WORKERS},
    state::State,
    store::{Control, End, Intent, Progress, Stamps, Status, Store, bit},
    worker::Task,
};

impl State {
    pub fn canonical(&mut self, scenario: &Scenario) {
        self.skip_idle_steps(scenario);
        self.forget_lost_steps(scenario);
        self.expire_leases(scenario);
        self.servers().for_each(Redis::forget_unread);
        self.forget_changes();
        self.rank_attempts();
        self.rank_versions();
        self.sort_workers(scenario);
    }

    /// Only a request whose answer was lost asks whether its change is recorded.
    fn forget_changes(&mut self) {
        let mut asked = 0;
        for (i, request) in self.requests.iter().enumerate() {
            if matches!(request.step, Step::Unsure | Step::Raise) || request.late.is_some() {
                asked |= bit(i as u8 + 1);
            }
        }
        self.each_control(&mut |control| control.changes &= asked);
    }

    /// Sorts the workers. Two workers with the same task hold the same leases only if they hold
    /// none, and then they can be exchanged.
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

    /// Attempts to finish a cancel are only compared with each other, and only during the cancel,
    /// so their ranks are enough. After the end, only one thing matters about a stamp: whether
    /// the end counts it.
    fn rank_attempts(&mut self) {
        let Store { control, ended, .. } = self.store;
        self.each_control(&mut |copy| {
            if copy.version < control.version || copy.intent != Intent::Cancel {
                (copy.attempt, copy.stamps, copy.from) = Default::default();
            }
        });
        let counted = |run: u8, page: usize, stamp: u8| match ended[usize::from(run) - 1] {
            _ if control.cancelling(run) => stamp,
            Some(end) => u8::from(end.aborted && end.stamps[page] == stamp),
            None => 0,
        };
        for (i, orders) in self.store.orders.iter_mut().enumerate() {
            for (page, order) in orders.iter_mut().enumerate() {
                let cancelled = order.status == Status::Cancelled;
                order.stamp = if cancelled { counted(i as u8 + 1, page, order.stamp) } else { 0 };
            }
        }
        self.each_ending(|ending| {
            let run = ending.control.run;
            if ending.stamp == 0 || control.cancelling(run) {
                return;
            }
            // After the last page nothing is marked any more.
            let page = usize::from(ending.page).min(ORDERS - 1);
            ending.stamp = if run == 0 { 0 } else { counted(run, page, ending.stamp) };
            ending.stamps = Stamps::default();
        });
        self.each_end(&mut |end| end.stamps = [u8::from(end.aborted); ORDERS]);
        for redis in self.servers() {
            if !control.cancelling(redis.run) {
                redis.progress = Progress::default();
            }
        }
        let mut present = 0_u64;
        self.each_attempt(&mut |attempt| present |= 1 << *attempt);
        present &= !1;
        self.each_attempt(&mut |attempt| {
            if *attempt > 0 {
                *attempt = (present & ((2_u64 << *attempt) - 1)).count_ones() as u8;
            }
        });
    }

    /// Visits every attempt of the cancel in progress.
    fn each_attempt(&mut self, each: &mut impl FnMut(&mut u8)) {
        let control = self.store.control;
        if control.intent != Intent::Cancel {
            return;
        }
        for order in &mut self.store.orders[usize::from(control.run) - 1] {
            each(&mut order.stamp);
        }
        self.servers().for_each(|redis| each(&mut redis.progress.attempt));
        self.each_control(&mut |copy| {
            each(&mut copy.attempt);
            each(&mut copy.from.attempt);
            copy.stamps.iter_mut().for_each(&mut *each);
        });
        self.each_ending(|ending| {
            if ending.control.run != control.run {
                return;
            }
            each(&mut ending.stamp);
            ending.stamps.iter_mut().for_each(&mut *each);
            if let ending::Step::Take(from) = &mut ending.step {
                each(&mut from.attempt);
            }
        });
    }

    /// Versions are only compared with each other, and the next one is the last plus one, so their
    /// ranks are enough.
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
            each(&mut control.base);
        });
    }

    fn each_end(&mut self, each: &mut impl FnMut(&mut End)) {
        let Store { runs, ended, .. } = &mut self.store;
        runs.iter_mut().flatten().filter_map(|run| run.end.as_mut()).for_each(&mut *each);
        ended.iter_mut().flatten().for_each(&mut *each);
        self.servers().filter_map(|redis| redis.end.as_mut()).for_each(&mut *each);
        self.each_control(&mut |control| control.end.iter_mut().for_each(&mut *each));
    }

    fn each_ending(&mut self, mut each: impl FnMut(&mut Ending)) {
        for worker in &mut self.workers {
            if let Task::End(ending) = &mut worker.task {
                each(ending);
            }
        }
        for request in &mut self.requests {
            if let Step::End(ending) = &mut request.step {
                each(ending);
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
        for request in &mut self.requests {
            each(&mut request.control);
            request.late.iter_mut().for_each(&mut *each);
        }
        self.reconciler.iter_mut().for_each(|reconciler| each(&mut reconciler.control));
        self.each_ending(|ending| each(&mut ending.control));
    }
}
