//! What a process answers is compared with control first: on a connection that is new, by
//! every request, whatever became of the comparison that another had begun.

use std::{collections::HashMap, time::Duration};

use fred::interfaces::{HashesInterface, KeysInterface};
use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster,
    cluster::Kind,
    in_time,
    proxy::When::Before,
    servers::{Server, Servers},
    steps::{Step, Wires},
};
use pedidos_pipeline::commands::Controller;
use reqwest::Method;

const READ_CONTROL: Step = Step::Command("find", "control");

#[tokio::test(flavor = "multi_thread")]
async fn a_request_during_a_comparison_with_control_waits_for_its_success() {
    let servers = Servers::start().await;
    let mut cluster = Cluster::on(&servers, &[]).await;
    cluster.start_api().await;
    cluster.start_worker().await;
    let (late, wires) = Wires::start(&mut cluster, Kind::Api, &servers).await;
    cluster.run(300).await;
    // This API has seen the run as DONE, and nothing later.
    let client = cluster.client_of(late).clone();
    assert_eq!(client.status().await.phase, Phase::Done);
    let (redis, key) =
        (cluster.stores.queue.client(), format!("{}:run", cluster.stores.queue.keys().prefix()));
    let done: HashMap<String, String> = redis.hgetall(&key).await.unwrap();
    // A new connection is compared; that comparison stands still.
    wires.stop_at(READ_CONTROL, Before);
    wires.cut(Server::Redis);
    wires.caught(READ_CONTROL).await;
    // A reset is acknowledged, and Redis goes back to before it.
    cluster.client().reset().await;
    redis.del::<(), _>(&key).await.unwrap();
    redis.hset::<(), _, _>(&key, done).await.unwrap();
    let mut asked = std::pin::pin!(client.raw(Method::GET, "/pedidos"));
    // Time enough for an answer that waits for nothing.
    let early = tokio::time::timeout(Duration::from_secs(1), asked.as_mut()).await;
    wires.let_go(READ_CONTROL);
    let answer = match early {
        Ok(answer) => answer,
        Err(_) => in_time("an answer", asked).await,
    };
    assert_eq!(answer.json(200)["phase"], "IDLE", "the run that was reset is shown");
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_comparison_with_control_does_not_count() {
    let cluster = Cluster::start(0, &[]).await;
    let (queue, store) = (&cluster.stores.queue, &cluster.stores.store);
    let controller = Controller::new(queue.clone(), store.clone());
    queue.set_uncompared();
    // It has asked, and is dropped before there is an answer.
    let begun = tokio::time::timeout(Duration::ZERO, controller.sync()).await;
    assert!(begun.is_err(), "an answer without a wait");
    assert!(!queue.is_compared(queue.generation()));
    // The news of the connection may come late, and is one more to compare.
    in_time("a comparison that counts", async {
        while !queue.is_compared(queue.generation()) {
            controller.current().await.unwrap();
        }
    })
    .await;
    cluster.finish().await;
}
