//! What is ours, with no order in MongoDB: the queue alone, and the generator alone.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use mongodb::bson::DateTime;
use pedidos_core::{
    control::RunOptions,
    order::{Generator, OrderId, Priority},
};
use pedidos_pipeline::{
    commands::{Controller, Generate},
    queue::{Calls, Claim, Closed, Outcome, Push, Queue, Token, Work},
};
use pedidos_service::settings::Settings;
use tokio::{task::JoinSet, time::Instant};

use crate::stores::{Stores, own_settings};

/// Orders that one core turns into documents in a second.
#[must_use]
pub fn generator(quantity: u32) -> f64 {
    let run_id = uuid::Uuid::nil().to_string();
    let created = DateTime::now();
    let began = std::time::Instant::now();
    let mut bytes = 0;
    for order in Generator::new(1, 1).orders(0..quantity) {
        bytes += order.to_raw_document(&run_id, created).as_bytes().len();
    }
    let took = began.elapsed();
    assert!(std::hint::black_box(bytes) > 0);
    f64::from(quantity) / took.as_secs_f64()
}

/// What the queue alone took for a run.
#[derive(Debug, Clone, Copy)]
pub struct QueueAlone {
    /// Deriving and pushing the ids of all orders.
    pub pushing: Duration,
    /// Claiming and acking all of them.
    pub draining: Duration,
}

/// Leases at once, as two busy workers have them.
const SLOTS: u64 = 8;
const BATCH: u32 = 1_000;

/// A run whose orders are written nowhere: pushes, claims and acks, with every order
/// delivered exactly once.
///
/// # Panics
/// One was delivered twice, or not.
pub async fn queue_alone(quantity: u32) -> QueueAlone {
    let orders = Generator::new(1, 1);
    let vip = orders.orders(0..quantity).filter(|order| order.priority() == Priority::Vip);
    let vip = vip.count() as u64;
    let mut settings = own_settings();
    // Everything waits before the first is drained, so that both are seen alone.
    settings.insert("QUEUE_HIGH_WATER".to_owned(), "100000000".to_owned());
    settings.insert("ORDERS_BATCH_SIZE".to_owned(), BATCH.to_string());
    let stores = Stores::connect(&settings).await;
    let queue = &stores.queue;
    let controller = Controller::new(queue.clone(), stores.store.clone());
    let wanted =
        Generate { quantity, seed: Some(1), idempotency_key: None, options: RunOptions::BUILTIN };
    controller.generate(&wanted).await.expect("the run is accepted");
    // While there is more to push, only full batches are drained. So there is none, of
    // fewer than 100,000 orders of a priority.
    let known: HashMap<&str, &str> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut never = Settings::read(&known).expect("the harness' settings are right");
    never.queue.batch_size = 100_000;
    let pushing = Queue::connect(&never.redis, &never.queue).expect("Redis can be asked");
    let ranges = u64::from(quantity).div_ceil(10_000);
    let batches = |orders: u64| orders.div_ceil(u64::from(BATCH));
    let mut drained = Vec::new();
    let mut took = [Duration::ZERO; 2];
    for orders in [vip, u64::from(quantity) - vip] {
        for (what, (queue, leases)) in
            [(&pushing, ranges), (queue, batches(orders))].into_iter().enumerate()
        {
            let began = Instant::now();
            let left = Arc::new(AtomicU64::new(leases));
            let mut slots = JoinSet::new();
            for _ in 0..SLOTS {
                slots.spawn(slot(queue.clone(), Arc::clone(&left)));
            }
            while let Some(slot) = slots.join_next().await {
                drained.extend(slot.expect("a slot ends"));
            }
            took[what] += began.elapsed();
        }
    }
    drained.sort_unstable();
    // The run's creation time, which is in the ids, is Redis' own.
    let run = stores.store.control().await.expect("MongoDB answers").run.expect("there is a run");
    let all = run.generator().orders(0..quantity).map(|order| order.id);
    assert!(drained.into_iter().eq(all), "an order was delivered twice, or not");
    pushing.close().await;
    stores.remove().await;
    QueueAlone { pushing: took[0], draining: took[1] }
}

/// Claims and closes, until so many leases were had. Answers the orders of its batches.
async fn slot(queue: Queue, left: Arc<AtomicU64>) -> Vec<OrderId> {
    let mut drained = Vec::new();
    let none_left = |left: u64| left.checked_sub(1);
    while left.fetch_update(Relaxed, Relaxed, none_left).is_ok() {
        let token = Token::random();
        let claim = queue.claim(&token, "bench", [Duration::ZERO; 2], true, Calls::NONE).await;
        let Ok(Claim::Work(lease)) = claim else { panic!("no work: {claim:?}") };
        let orders = Generator::new(lease.seed, lease.ids_ms);
        let of = |indexes: &Range<u32>, priority| {
            let orders = orders.orders(indexes.clone());
            let todo = orders.filter(|order| order.priority() == priority).map(|order| order.id);
            Push { todo: todo.collect(), ..Push::default() }
        };
        let closed = match &lease.work {
            Work::Generate(indexes) => {
                let vip = of(indexes, Priority::Vip);
                let normal = indexes.len() - vip.todo.len();
                queue.push_chunk(&token, &vip, normal as u64, false).await
            }
            Work::Enqueue(indexes) => {
                queue.push_normal(&token, &of(indexes, Priority::Normal)).await
            }
            Work::Drain(_, ids) => {
                drained.extend_from_slice(ids);
                queue.ack(&token, &Outcome::default()).await
            }
            Work::Save => panic!("the run ends too early"),
        };
        assert!(matches!(closed, Ok(Closed::Applied(_))), "{closed:?}");
    }
    drained
}
