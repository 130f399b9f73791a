//! Commands that meet: two at once, to two replicas, in the middle of a run.

use pedidos_core::run::Phase;
use pedidos_e2e::{Client, Cluster, eventually};
use reqwest::Method;

const COMMANDS: [&str; 5] = [
    "/pedidos/generate?quantity=300",
    "/pedidos/cancel?pollIntervalMs=10",
    "/pedidos/reset",
    "/pedidos/queue/pause",
    "/pedidos/queue/resume",
];

/// Accepted, or refused because of the other one; never a mistake of ours.
async fn ask(client: &Client, command: &str) {
    let answer = client.raw(Method::POST, command).await;
    let wanted = matches!(answer.status, 200 | 202)
        || answer.status == 409 && command.starts_with("/pedidos/generate");
    assert!(wanted, "{answer:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_two_commands_meet_in_a_run_the_next_run_is_clean() {
    let settings = [("GENERATION_CHUNK_SIZE", "50"), ("ORDERS_BATCH_SIZE", "20")];
    let mut cluster = Cluster::start(2, &settings).await;
    let second = cluster.start_api().await;
    let other = cluster.client_of(second).clone();
    for one in COMMANDS {
        for two in COMMANDS {
            cluster.client().generate(600).await;
            let under_way = |status: &pedidos_e2e::Status| status.progress.generated >= 100;
            cluster.wait_for("some orders", under_way).await;
            tokio::join!(ask(cluster.client(), one), ask(&other, two));
            // Neither of them may have left a run that does not end.
            cluster.client().resume().await;
            let ended = |status: &pedidos_e2e::Status| !status.phase.is_active();
            let status = cluster.wait_for("an end", ended).await;
            if status.phase.is_ended() {
                cluster.at_rest().await;
                cluster.audit().await;
            }
            cluster.client().reset().await;
            cluster.at_rest().await;
            let before = cluster.stores.orders().await;
            assert_eq!(before, 0, "after {one} and {two}, and a reset");
        }
    }
    cluster.run(600).await;
    assert_eq!(cluster.stores.runs().await, 1);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generate_that_meets_a_reset_is_there_or_gone_but_never_half() {
    let mut cluster = Cluster::start(1, &[]).await;
    let second = cluster.start_api().await;
    let other = cluster.client_of(second).clone();
    let (mut stayed, mut gone) = (0, 0);
    for _ in 0..40 {
        let (answer, _) =
            tokio::join!(cluster.client().try_generate("quantity=40", None), other.reset());
        let run_id = answer.json(202)["runId"].as_str().unwrap().to_owned();
        let status = cluster.client().status().await;
        if status.is_of(&run_id) {
            stayed += 1;
            cluster.done().await;
            cluster.audit().await;
            assert_eq!(cluster.stores.orders().await, 40);
        } else {
            gone += 1;
            assert_eq!(status.phase, Phase::Idle, "{:#}", status.json);
            cluster.at_rest().await;
            // A run document that a late writer brought back is swept.
            eventually("no order, no run", async || {
                cluster.stores.orders().await + cluster.stores.runs().await == 0
            })
            .await;
        }
    }
    assert!(stayed + gone == 40, "{stayed} stayed, {gone} gone");
    cluster.finish().await;
}
