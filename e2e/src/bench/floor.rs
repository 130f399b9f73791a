//! The floor: the same driver, documents, indexes and write concern, and nothing else.
//! Every order is inserted, then every order is updated, in batches, with as many calls
//! at once as is fastest.

use std::{ops::Range, time::Duration};

use futures_util::{StreamExt, stream};
use pedidos_core::order::{Generator, Order, OrderId, Priority};
use pedidos_pipeline::store::Store;
use tokio::time::Instant;
use xtask::services::{Server, Services};

use super::cpu_time;
use crate::stores::{Stores, own_settings};

/// How a half of the floor is driven.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Drive {
    pub batch: u32,
    pub at_once: usize,
}

const fn drive(batch: u32, at_once: usize) -> Drive {
    Drive { batch, at_once }
}

/// What is tried before the floor is measured, on this many orders.
const TRIED: u32 = 50_000;
const INSERTS: [Drive; 7] = [
    drive(1_000, 2),
    drive(1_000, 4),
    drive(2_000, 2),
    drive(5_000, 2),
    drive(5_000, 4),
    drive(10_000, 1),
    drive(10_000, 2),
];
const UPDATES: [Drive; 7] = [
    drive(125, 2),
    drive(250, 2),
    drive(250, 8),
    drive(500, 2),
    drive(500, 8),
    drive(1_000, 2),
    drive(2_000, 2),
];

/// How both halves are driven: inserts, updates.
pub type Drives = [Drive; 2];

#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// Inserts, updates.
    pub halves: [Duration; 2],
    /// MongoDB's CPU time meanwhile, s; none if the server is not ours.
    pub mongo_cpu_seconds: Option<f64>,
}

/// Finds the best batch and concurrency of each half.
pub async fn find_best() -> Drives {
    let mut best = [(Duration::MAX, INSERTS[0]), (Duration::MAX, UPDATES[0])];
    // Once without looking, so that the first is not measured on cold servers.
    run(TRIED, [INSERTS[0], UPDATES[0]]).await;
    for drives in INSERTS.into_iter().zip(UPDATES).map(<[Drive; 2]>::from) {
        for ((best, took), drive) in
            best.iter_mut().zip(run(TRIED, drives).await.halves).zip(drives)
        {
            if took < best.0 {
                *best = (took, drive);
            }
        }
    }
    best.map(|(_, drive)| drive)
}

/// Inserts and updates so many orders.
///
/// # Panics
/// An order was not inserted or not updated.
pub async fn run(quantity: u32, [inserts, updates]: Drives) -> Took {
    let stores = Stores::connect(&own_settings()).await;
    stores.store.ensure_indexes().await.expect("MongoDB answers");
    let orders = Generator::new(1, 1);
    let store = &stores.store;
    let insert = |part: Range<u32>| async {
        let (created_at, run) = (i64::from(part.start), "the floor");
        let part: Vec<Order> = orders.orders(part).collect();
        let inserted = store.insert_orders(&part, run, created_at).await;
        assert_eq!(inserted.expect("MongoDB inserts").count, part.len() as u64);
    };
    let mongo = Services::of_environment().pid(Server::Mongo);
    let used = || mongo.and_then(cpu_time);
    let before = used();
    let halves = [
        each(quantity, inserts, insert).await,
        update_all(store, quantity, updates, |index| orders.id(index)).await,
    ];
    let after = used();
    stores.remove().await;
    let mongo_cpu_seconds =
        before.zip(after).map(|(before, after)| after.saturating_sub(before).as_secs_f64());
    Took { halves, mongo_cpu_seconds }
}

/// Marks so many orders processed.
///
/// # Panics
/// One of them was not pending.
pub async fn update_all(
    store: &Store,
    quantity: u32,
    drive: Drive,
    id: impl Fn(u32) -> OrderId,
) -> Duration {
    let update = |part: Range<u32>| {
        let ids: Vec<OrderId> = part.map(&id).collect();
        async move {
            let changed = store.mark_processed(&ids, Priority::Normal).await;
            assert_eq!(changed.expect("MongoDB updates").count, ids.len() as u64);
        }
    };
    each(quantity, drive, update).await
}

/// Does all parts, so many at once; answers how long it took.
async fn each<F: Future<Output = ()>>(
    quantity: u32,
    drive: Drive,
    part: impl Fn(Range<u32>) -> F,
) -> Duration {
    let began = Instant::now();
    let parts = (0..quantity).step_by(drive.batch as usize);
    let parts = parts.map(|from| part(from..(from + drive.batch).min(quantity)));
    stream::iter(parts).buffer_unordered(drive.at_once).collect::<()>().await;
    began.elapsed()
}
