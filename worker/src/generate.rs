//! Pushes a chunk's VIP orders once the chunk is stored, and a range's NORMAL orders once the fence
//! is open. A replay does the same as a new run: what MongoDB has already is not written again.
//!
//! The chunk of an import is read and never inserted: its orders were stored before the run began.
//! One whose document is gone is pushed like the others, and becomes a dead letter when it is
//! drained.

use std::ops::Range;

use ::metrics::counter;
use pedidos_core::{
    control::Source,
    order::{Generator, Order, OrderId, Priority},
    run::Phase,
};
use pedidos_pipeline::{
    queue::{Closed, Lease, Push},
    store::{OrderState, Stored},
};
use pedidos_service::metrics as names;
use tokio::time::Instant;

use crate::{
    calls::{timed, until_answered},
    error::WorkError,
    worker::Worker,
};

impl Worker {
    /// Makes sure that the orders of a chunk are stored, if they are generated, then pushes the VIP
    /// ones that are still to be processed.
    pub(crate) async fn generate(
        &self,
        lease: &Lease,
        generator: &Generator,
        indexes: &Range<u32>,
    ) -> Result<Closed, WorkError> {
        let ids = generator.id_range(indexes);
        if !lease.letters.is_empty() {
            let settle = || self.store().settle_letters(&ids, &lease.letters);
            until_answered("letters", settle).await?;
        }
        let stored = until_answered("read_chunk", || self.store().orders_in(&ids)).await?;
        if lease.source == Source::Generated {
            let orders = generator.orders(indexes.clone());
            let missing: Vec<Order> =
                orders.filter(|order| stored.get(&order.id).is_none()).collect();
            if !missing.is_empty() {
                self.insert(lease, &missing).await?;
            }
        }
        let [vip, normal] = self.by_priority(lease, generator, indexes).await?;
        // Only now: a cancel that comes later counts what is stored, and one that came before is
        // seen here. Also if another worker stored the chunk: this Redis may have gone back to
        // before that cancel.
        self.check_run_active(lease, &ids).await?;
        let replay = stored.any_terminal();
        let started = Instant::now();
        let push = Push { late: stored.late_vip, ..sorted(&vip, &stored) };
        let pushed = self.queue().push_chunk(&lease.token, &push, normal.len() as u64, replay);
        let closed = timed("push_chunk", pushed).await?;
        self.progress.add_pushing(Priority::Vip, started);
        if closed != Closed::Stale {
            let generated = u64::from(indexes.end - indexes.start);
            counter!(names::GENERATED).increment(generated);
            self.progress.add_generated(generated);
        }
        Ok(closed)
    }

    /// The ids of these orders, VIP and NORMAL.
    async fn by_priority(
        &self,
        lease: &Lease,
        generator: &Generator,
        indexes: &Range<u32>,
    ) -> Result<[Vec<OrderId>; 2], WorkError> {
        let read = || self.store().priorities(lease.source, &lease.run_id, *generator, indexes);
        let priorities = until_answered("read_priorities", read).await?;
        let mut ids = [Vec::new(), Vec::new()];
        for index in indexes.clone() {
            ids[priorities.of(index) as usize].push(generator.id(index));
        }
        Ok(ids)
    }

    async fn insert(&self, lease: &Lease, orders: &[Order]) -> Result<(), WorkError> {
        let insert = || self.store().insert_orders(orders, &lease.run_id, lease.since_ms);
        let refused = until_answered("insert", insert).await?.refused;
        // They fail like any other order: whoever drains them finds no document.
        if let Some((order, why)) = refused.first() {
            tracing::warn!(refused = refused.len(), %order, why,
                "MongoDB refuses to store orders; they become dead letters unless it accepts them later");
        }
        Ok(())
    }

    /// Is the run still active, now that orders of it are written? If not, they are corrected:
    /// marked if the run was cancelled, deleted if it was reset. Nothing of another run is touched.
    async fn check_run_active(&self, lease: &Lease, ids: &Range<OrderId>) -> Result<(), WorkError> {
        let control = until_answered("control", || self.store().control()).await?;
        if control.wants(&lease.run_id) {
            return Ok(());
        }
        // While a cancel is under way, too: it has either counted these orders already, or finds
        // them marked, outside its counts.
        let history = until_answered("history", || self.store().run(&lease.run_id)).await?;
        let cancelled = control.cancels(&lease.run_id)
            || history.is_some_and(|run| run.phase == Phase::Aborted);
        if lease.source == Source::Import {
            // It has inserted nothing.
        } else if cancelled {
            let marked = until_answered("cancel", || self.store().cancel_strays(ids)).await?;
            tracing::info!(marked, run = %lease.run_id, "run cancelled; marked its late chunk");
        } else if control.reset_below > lease.ids_ms as i64 {
            let deleted = until_answered("delete", || self.store().delete(ids)).await?;
            tracing::info!(deleted, run = %lease.run_id, "run reset; deleted its late chunk");
        }
        Err(WorkError::RunInactive)
    }

    /// Derives the NORMAL ids of a range again and pushes them.
    pub(crate) async fn enqueue(
        &self,
        lease: &Lease,
        generator: &Generator,
        indexes: &Range<u32>,
    ) -> Result<Closed, WorkError> {
        let started = Instant::now();
        let stored = if lease.replay {
            let ids = generator.id_range(indexes);
            until_answered("read_range", || self.store().orders_in(&ids)).await?
        } else {
            // Outside a replay, no order is terminal before it is pushed. If one is, the drain
            // finds out.
            Stored::default()
        };
        let [_, normal] = self.by_priority(lease, generator, indexes).await?;
        let push = sorted(&normal, &stored);
        let pushed = self.queue().push_normal(&lease.token, &push);
        let closed = timed("push_normal", pushed).await?;
        self.progress.add_pushing(Priority::Normal, started);
        Ok(closed)
    }
}

/// Sorts ids by what the store holds of them.
fn sorted(ids: &[OrderId], stored: &Stored) -> Push {
    let mut push = Push::default();
    for id in ids {
        match stored.get(id) {
            None | Some(OrderState::Pending) => push.todo.push(*id),
            Some(OrderState::Dead) => push.dead += 1,
            Some(OrderState::Processed) => push.processed += 1,
            Some(OrderState::Removed) => push.removed += 1,
        }
    }
    push
}
