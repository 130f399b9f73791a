//! A Redis that others have filled: what is in the queue can be taken out of it.

use fred::interfaces::ConfigInterface;
use pedidos_core::run::Phase;
use pedidos_e2e::{Cluster, Status, phases::long_in, servers::Servers};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_redis_is_drained_and_the_run_goes_on_once_there_is_room() {
    let servers = Servers::start().await;
    let mut cluster = Cluster::on(&servers, long_in(Phase::WaitingVipDrain)).await;
    cluster.start_api().await;
    cluster.start_worker().await;
    let (run_id, held) = cluster.hold(Phase::WaitingVipDrain).await;
    assert!(held.ledger.vip.waiting > 5, "{:#}", held.json);
    let redis = cluster.stores.queue.client();
    redis.config_set("maxmemory", "1").await.unwrap();
    assert_eq!(cluster.client().clean("state=wait&limit=5").await, 5);
    cluster.client().resume().await;
    let drained = |status: &Status| status.ledger.vip.open() == 0;
    let status = cluster.wait_for("the VIP orders of a full Redis", drained).await;
    // Nothing is pushed into it, meanwhile.
    assert_eq!(status.phase, Phase::EnqueueNormal, "{:#}", status.json);
    assert_eq!(status.ledger.normal.waiting, 0, "{:#}", status.json);
    redis.config_set("maxmemory", "0").await.unwrap();
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
    servers.remove().await;
}
