//! A cancel of many orders beside the floor: MongoDB marking as many, a page at a time.

use futures_util::{StreamExt, stream};
use mongodb::{
    bson::{Document, doc},
    options::{Acknowledgment, WriteConcern},
};
use pedidos_core::{
    control::RunSpec,
    order::{CANCELADO, PENDENTE},
    run::Phase,
};
use pedidos_pipeline::store::Store;
use reqwest::Method;
use tokio::time::Instant;

use super::ours;
use crate::{
    stores::{Stores, own_settings},
    wait::{POLL, poll},
};

/// Orders inserted in a call, and calls at once.
const INSERT: (u32, usize) = (5_000, 2);

#[derive(Debug, Clone, Copy, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Took {
    /// By `POST /pedidos/cancel`, until ABORTED is seen, s.
    pub ours: f64,
    /// By one `updateMany` a page, and nothing else, s.
    pub floor: f64,
}

impl Took {
    /// How often the floor goes into it.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.ours / self.floor
    }
}

/// Both, one after the other, of as many orders.
pub async fn run(quantity: u32) -> Took {
    let (floor, run) = Box::pin(floor(quantity)).await;
    Took { ours: Box::pin(cancelled(quantity, &run)).await, floor }
}

async fn insert(store: &Store, run: &RunSpec) {
    let (batch, at_once) = INSERT;
    let quantity = run.quantity as u32;
    let parts = (0..quantity).step_by(batch as usize).map(|from| async move {
        let orders: Vec<_> = run.generator().orders(from..quantity.min(from + batch)).collect();
        let inserted = store.insert_orders(&orders, &run.run_id, run.created_ms).await;
        inserted.expect("MongoDB inserts");
    });
    stream::iter(parts).buffer_unordered(at_once).collect::<()>().await;
}

/// MongoDB's own time, and the run that it was measured with.
async fn floor(quantity: u32) -> (f64, RunSpec) {
    let stores = Stores::connect(&own_settings()).await;
    stores.store.ensure_indexes().await.expect("MongoDB answers");
    let run = RunSpec::generated("the floor".to_owned(), 1, i64::from(quantity), 1);
    insert(&stores.store, &run).await;
    let began = Instant::now();
    let mut marked = 0;
    // As a cancel writes it.
    let durable = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
    let orders = stores.database.collection::<Document>("orders");
    for page in run.pages() {
        let ids = doc! { "$gte": page.start.to_string(), "$lt": page.end.to_string() };
        let cancel = doc! { "$set": { "status": CANCELADO, "cancelAttempt": 1_i64 } };
        let cancelled = orders
            .update_many(doc! { "_id": ids, "status": PENDENTE }, cancel)
            .write_concern(durable.clone())
            .await;
        marked += cancelled.expect("MongoDB updates").modified_count;
    }
    let took = began.elapsed().as_secs_f64();
    assert_eq!(marked, u64::from(quantity));
    stores.remove().await;
    (took, run)
}

/// A run that stands still with all of its orders stored is cancelled, with two workers
/// alive who could take that over.
async fn cancelled(quantity: u32, floor: &RunSpec) -> f64 {
    let mut cluster = ours::cluster(&[]).await;
    cluster.start_api().await;
    for _ in 0..2 {
        cluster.start_worker().await;
    }
    cluster.client().pause().await;
    let run_id = cluster.client().generate(quantity).await;
    let run = cluster.spec().await;
    assert_eq!(run.quantity, floor.quantity);
    insert(&cluster.stores.store, &run).await;
    let began = Instant::now();
    let answer = cluster.client().raw(Method::POST, "/pedidos/cancel").await;
    assert!(matches!(answer.status, 200 | 202), "{answer:#?}");
    // It may answer before it is done; then it shows how far it is.
    let aborted = async || {
        let status = cluster.client().status().await;
        (status.phase == Phase::Aborted).then_some(status)
    };
    let ended = poll(POLL, aborted).await;
    let took = began.elapsed().as_secs_f64();
    assert!(ended.is_of(&run_id), "{:#}", ended.json);
    assert_eq!(ended.removed(), u64::from(quantity), "{:#}", ended.json);
    cluster.audit().await;
    cluster.finish().await;
    took
}
