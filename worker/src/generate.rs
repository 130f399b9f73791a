//! Pushes: of a chunk's VIP orders, once the chunk is stored, and of a range's
//! NORMAL orders, once the fence is open. Both are the same for a new run and
//! for a replay: what the store holds already is believed.

use std::{ops::Range, sync::atomic::Ordering, time::Duration};

use ::metrics::counter;
use pedidos_common::{
    metrics as names,
    order::{Generator, Order, OrderId, Priority},
    queue::{Closed, Lease, Push},
    run::Phase,
    store::{Found, Stored},
};
use tokio::time::Instant;

use crate::{
    retry::{Stopped, timed, until_answered},
    worker::Worker,
};

/// How long a late chunk waits for the end of the cancel that it came late for.
/// Not for ever: this very worker may be needed to carry it out.
const CANCEL_TAKES: Duration = Duration::from_secs(5);

impl Worker {
    /// A chunk: makes sure that its orders are stored, then pushes the VIP ones
    /// that are still to be processed.
    pub(crate) async fn generate(
        &self,
        lease: &Lease,
        generator: &Generator,
        indexes: &Range<u32>,
    ) -> Result<Closed, Stopped> {
        let ids = generator.id_range(indexes);
        if !lease.letters.is_empty() {
            let settle = || self.store().settle_letters(&ids, &lease.letters);
            until_answered("letters", settle).await?;
        }
        let stored = until_answered("read_chunk", || self.store().orders_in(&ids)).await?;
        let (mut vip, mut normal, mut missing) = (Vec::new(), 0, Vec::new());
        for order in generator.orders(indexes.clone()) {
            match order.priority() {
                Priority::Vip => vip.push(order.id),
                Priority::Normal => normal += 1,
            }
            if stored.get(&order.id).is_none() {
                missing.push(order);
            }
        }
        if !missing.is_empty() {
            self.insert(lease, &missing).await?;
        }
        // Only now: an order that is stored is either counted by a cancel that comes
        // later, or seen here to be unwanted. Also if another stored it: this Redis may be
        // one that went back to before that cancel.
        self.still_wanted(lease, &ids).await?;
        let replay = stored.any_terminal();
        let began = Instant::now();
        let push = Push { late: stored.late_vip, ..sorted(&vip, &stored) };
        let pushed = self.queue().push_chunk(&lease.token, &push, normal, replay);
        let closed = timed("push_chunk", pushed).await?;
        self.spent_pushing(Priority::Vip as usize, began);
        if closed != Closed::Stale {
            let generated = u64::from(indexes.end - indexes.start);
            counter!(names::GENERATED).increment(generated);
            self.done[0].fetch_add(generated, Ordering::Relaxed);
        }
        Ok(closed)
    }

    async fn insert(&self, lease: &Lease, orders: &[Order]) -> Result<(), Stopped> {
        let insert = || self.store().insert_orders(orders, &lease.run_id, lease.since_ms);
        Ok(until_answered("insert", insert).await?)
    }

    /// Is the run still wanted, now that something of it was written? If not,
    /// what was written is put right: marked if the run was cancelled, deleted
    /// if it was reset; never anything of another run.
    async fn still_wanted(&self, lease: &Lease, ids: &Range<OrderId>) -> Result<(), Stopped> {
        let look = || until_answered("control", || self.store().control());
        let mut control = look().await?;
        if control.wants(&lease.run_id) {
            return Ok(());
        }
        if control.is_cancelling(&lease.run_id) {
            // Who carries it out marks and counts what it finds, also this
            // chunk; and need not wait for this lease. What it misses is seen
            // to below, or by the sweep.
            self.queue().release(&lease.token).await?;
            let deadline = Instant::now() + CANCEL_TAKES;
            while control.is_cancelling(&lease.run_id) {
                if Instant::now() > deadline {
                    return Err(Stopped::Unwanted);
                }
                tokio::time::sleep(CANCEL_TAKES / 50).await;
                control = look().await?;
            }
        }
        let history = until_answered("history", || self.store().run(&lease.run_id)).await?;
        let cancelled = control.cancels(&lease.run_id)
            || history.is_some_and(|run| run.phase == Phase::Aborted);
        if cancelled {
            let marked = until_answered("cancel", || self.store().cancel_strays(ids)).await?;
            tracing::info!(marked, run = %lease.run_id, "its run was cancelled: a late chunk is marked");
        } else if control.reset_below > lease.created_ms as i64 {
            let deleted = until_answered("delete", || self.store().delete(ids)).await?;
            tracing::info!(deleted, run = %lease.run_id, "its run was reset: a late chunk is deleted");
        }
        Err(Stopped::Unwanted)
    }

    /// A range behind the fence: derives its NORMAL ids again and pushes them.
    pub(crate) async fn enqueue(
        &self,
        lease: &Lease,
        generator: &Generator,
        indexes: &Range<u32>,
    ) -> Result<Closed, Stopped> {
        let began = Instant::now();
        let stored = if lease.replay {
            let ids = generator.id_range(indexes);
            until_answered("read_range", || self.store().orders_in(&ids)).await?
        } else {
            // Nothing of this run was terminal before it was pushed. If it is
            // after all, the drain finds out.
            Stored::default()
        };
        let normal: Vec<OrderId> = generator
            .orders(indexes.clone())
            .filter(|order| order.priority() == Priority::Normal)
            .map(|order| order.id)
            .collect();
        let push = sorted(&normal, &stored);
        let pushed = self.queue().push_normal(&lease.token, &push);
        let closed = timed("push_normal", pushed).await?;
        self.spent_pushing(Priority::Normal as usize, began);
        Ok(closed)
    }
}

/// Sorts ids by what the store holds of them.
fn sorted(ids: &[OrderId], stored: &Stored) -> Push {
    let mut push = Push::default();
    for id in ids {
        match stored.get(id) {
            None | Some(Found::Pending) => push.todo.push(*id),
            Some(Found::Dead) => push.dead += 1,
            Some(Found::Processed) => push.processed += 1,
            Some(Found::Removed) => push.removed += 1,
        }
    }
    push
}
