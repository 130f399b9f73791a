//! What the pipeline is made of, one part at a time: the generator, ids, and the scripts on
//! a real Redis. `make benches` runs them; `make bench` measures whole runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mongodb::bson::DateTime;
use pedidos_core::{
    order::{Generator, Order, OrderId, Priority},
    run::Phase,
};
use pedidos_pipeline::queue::{Closed, Lease, Outcome, Push, Work};
use run::Run;

mod run;

/// As large as they are by default.
const CHUNK: u32 = 10_000;
const BATCH: u32 = 1_000;
/// Orders of a run.
const QUANTITY: u32 = 20 * CHUNK;

/// When the run of the orders that are derived here was created.
const CREATED_MS: u64 = 1_763_787_600_000;
const ORDERS: fn() -> Generator = || Generator::new(run::SEED, CREATED_MS);

fn generator(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("generator");
    group.throughput(Throughput::Elements(u64::from(CHUNK)));
    group.bench_function("orders of a chunk", |bencher| {
        bencher.iter(|| {
            ORDERS().orders(0..CHUNK).map(|order| u64::from(order.id.index())).sum::<u64>()
        });
    });
    group.bench_function("documents of a chunk", |bencher| {
        let run_id = uuid::Uuid::nil().to_string();
        let created = DateTime::from_millis(CREATED_MS as i64);
        let document = |order: Order| order.to_raw_document(&run_id, created);
        bencher.iter(|| ORDERS().orders(0..CHUNK).map(document).collect::<Vec<_>>());
    });
    group.finish();
}

fn ids(criterion: &mut Criterion) {
    let ids: Vec<OrderId> = ORDERS().orders(0..BATCH).map(|order| order.id).collect();
    let mut group = criterion.benchmark_group("ids");
    group.throughput(Throughput::Elements(u64::from(BATCH)));
    group.bench_function("pack and unpack a batch", |bencher| {
        bencher.iter(|| OrderId::unpack(&OrderId::pack(&ids)).count());
    });
    group.bench_function("a batch as text", |bencher| {
        bencher.iter(|| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    });
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    group.bench_function("a batch from text", |bencher| {
        let parsed = |texts: Vec<String>| {
            texts.iter().map(|text| text.parse().expect("an id")).collect::<Vec<OrderId>>()
        };
        bencher.iter_batched(|| texts.clone(), parsed, BatchSize::SmallInput);
    });
    group.finish();
}

/// One claim, and the script that closes it; answers the work and how long both took.
async fn claim_and_close(run: &Run) -> (Work, Duration) {
    let began = Instant::now();
    let Lease { token, work, seed, ids_ms, .. } = run.claim().await;
    let claimed = began.elapsed();
    let push = |indexes: &Range<u32>, priority| {
        let orders = Generator::new(seed, ids_ms).orders(indexes.clone());
        let todo = orders.filter(|order| order.priority() == priority).map(|order| order.id);
        (Push { todo: todo.collect(), ..Push::default() }, Instant::now())
    };
    let (closed, began) = match &work {
        Work::Generate(indexes) => {
            let (vip, began) = push(indexes, Priority::Vip);
            let normal = (indexes.len() - vip.todo.len()) as u64;
            (run.queue.push_chunk(&token, &vip, normal, false).await, began)
        }
        Work::Enqueue(indexes) => {
            let (normal, began) = push(indexes, Priority::Normal);
            (run.queue.push_normal(&token, &normal).await, began)
        }
        Work::Drain(..) => {
            let began = Instant::now();
            (run.queue.ack(&token, &Outcome::default()).await, began)
        }
        Work::Save => panic!("the run ends too early"),
    };
    let took = claimed + began.elapsed();
    assert!(matches!(closed, Ok(Closed::Applied(_))), "{closed:?}");
    (work, took)
}

/// How long so many of one kind of work take, in runs made for it.
async fn times(mut count: u64, wanted: fn(&Work) -> bool) -> Duration {
    let mut took = Duration::ZERO;
    while count > 0 {
        let run = Run::start([BATCH, CHUNK, CHUNK], QUANTITY).await;
        let open = async || run.see().await.ledger(Priority::Normal).open() > 0;
        // The first chunk brings the first NORMAL orders.
        while count > 0 && (run.see().await.phase() == Phase::Generating || open().await) {
            let (work, one) = claim_and_close(&run).await;
            if wanted(&work) {
                took += one;
                count -= 1;
            }
        }
        run.remove().await;
    }
    took
}

/// Whether a claim answers with the work that is measured.
type IsWanted = fn(&Work) -> bool;

fn scripts(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("scripts");
    group.sample_size(10);
    let kinds: [(&str, u32, IsWanted); 3] = [
        ("claim and ack of a batch", BATCH, |work| matches!(work, Work::Drain(..))),
        ("claim and push of a chunk", CHUNK, |work| matches!(work, Work::Generate(_))),
        ("claim and push of a range", CHUNK, |work| matches!(work, Work::Enqueue(_))),
    ];
    for (name, orders, wanted) in kinds {
        group.throughput(Throughput::Elements(u64::from(orders)));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| runtime.block_on(times(count, wanted)));
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("snapshot", |bencher| {
        let run = runtime.block_on(Run::start([4, 8, 6], 100_000));
        bencher.iter(|| runtime.block_on(run.see()));
        runtime.block_on(run.remove());
    });
    group.finish();
}

criterion_group!(benches, generator, ids, scripts);
criterion_main!(benches);
