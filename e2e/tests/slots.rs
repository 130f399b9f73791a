//! The slots of a worker: what they cost the queue, and what they may use of MongoDB.

use std::time::Duration;

use pedidos_e2e::{
    Cluster,
    cluster::Kind,
    eventually,
    proxy::{Network, Proxy},
    stores,
};
use pedidos_service::metrics::CALL_SECONDS;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_slots_ask_for_work_as_often_as_there_is_some() {
    let slots = 1_000;
    let cluster = Cluster::start(1, &[("ORDERS_QUEUE_CONCURRENCY", "1000")]).await;
    cluster.run(2_000).await;
    let worker = cluster.workers().next().expect("it runs");
    let claims = worker.metric(&format!("{CALL_SECONDS}_count{{call=\"claim\"}}")).await;
    assert!(claims > 0.0, "they are counted");
    assert!(claims < f64::from(slots), "{claims} claims: less than one for each slot will do");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_slot_can_have_a_connection_to_mongodb_of_its_own() {
    let settings = [("ORDERS_QUEUE_CONCURRENCY", "40"), ("ORDERS_BATCH_SIZE", "1")];
    let mut cluster = Cluster::start(0, &settings).await;
    let proxy = Proxy::to(stores::mongo_address(), 0).await;
    let uri = proxy.mongo_uri(&cluster.settings()["QUEUE_NAME"]);
    let worker = cluster.start_one(Kind::Worker, &[("MONGO_URI", &uri)]).await;
    // So far away that each slot waits for its own call most of the time.
    proxy.set(Network::Late(Duration::from_millis(60)));
    let run_id = cluster.client().generate(4_000).await;
    eventually("a connection for each slot", async || {
        cluster.process(worker).connections_to(proxy.address.port()) >= 40
    })
    .await;
    proxy.set(Network::Fine);
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}
