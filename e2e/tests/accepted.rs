//! A command that was accepted says so, whatever happens afterwards: its answer is lost, a later
//! step fails, its client goes away.

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster, Status,
    client::Answer,
    cluster::{Id, Kind},
    eventually, in_time,
    phases::long_in,
    proxy::{
        Network,
        When::{After, Before},
    },
    servers::{Server, Servers},
    steps::{
        Step::{self, Command, Script},
        Wires,
    },
};
use reqwest::Method;

const CONTROL: Step = Command("update", "control");

/// A run that stands still with dead letters, an API that reaches its stores through
/// proxies, and a worker that does not.
async fn standing(servers: &Servers) -> (Cluster, Id, Wires, String) {
    let mut cluster = Cluster::on(servers, long_in(Phase::WaitingVipDrain)).await;
    cluster.start_api().await;
    let (api, wires) = Wires::start(&mut cluster, Kind::Api, servers).await;
    cluster.start_worker().await;
    let run_id = cluster.generate_with_dead(600, [2, 1]).await;
    cluster.done().await;
    (cluster, api, wires, run_id)
}

/// Asks this API for a command, and does something once it is at that step.
async fn asked(
    cluster: &Cluster,
    (api, wires): (Id, &Wires),
    command: &str,
    (step, when): (Step, pedidos_e2e::proxy::When),
    then: impl FnOnce(),
) -> Answer {
    eprintln!("{command}: {when:?} {step:?}");
    wires.stop_at(step, when);
    let (client, path) = (cluster.client_of(api).clone(), command.to_owned());
    let answer = tokio::spawn(async move { client.raw(Method::POST, &path).await });
    wires.caught(step).await;
    then();
    in_time("an answer", answer).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_answer_from_mongodb_is_lost_finds_out_that_it_was_done() {
    let servers = Servers::start().await;
    let (cluster, api, wires, _) = standing(&servers).await;
    for command in [
        "/pedidos/queue/pause",
        "/pedidos/queue/resume",
        "/pedidos/queue/retry-failed?limit=1",
        "/pedidos/queue/clean?state=failed&limit=1",
        "/pedidos/generate?quantity=2000",
        "/pedidos/cancel?pollIntervalMs=10",
        "/pedidos/reset",
    ] {
        cluster.samples.expect_replay();
        let before = cluster.stores.store.control().await.unwrap().version;
        // MongoDB has it; what it answers never arrives.
        let lose = || wires.cut(Server::Mongo);
        let answer = asked(&cluster, (api, &wires), command, (CONTROL, After), lose).await;
        wires.let_go(CONTROL);
        assert!(matches!(answer.status, 200 | 202), "{answer:#?}");
        let after = cluster.stores.store.control().await.unwrap().version;
        assert!(after > before, "{command}");
        if command.contains("retry-failed") {
            assert_eq!(answer.json(200)["retried"], 1, "{answer:#?}");
            cluster.done().await;
        }
    }
    cluster.at_rest().await;
    assert_eq!((cluster.stores.orders().await, cluster.stores.runs().await), (0, 0));
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_control_has_is_accepted_though_redis_went_away() {
    let servers = Servers::start().await;
    let (cluster, api, wires, _) = standing(&servers).await;
    for command in [
        "/pedidos/queue/pause",
        "/pedidos/queue/resume",
        "/pedidos/queue/retry-failed?limit=1",
        "/pedidos/generate?quantity=2000",
        "/pedidos/cancel?waitTimeoutMs=0&pollIntervalMs=10",
        "/pedidos/reset",
    ] {
        cluster.samples.expect_replay();
        let step = Script("adopt");
        let away = || {
            wires.network(Server::Redis, Network::Closed);
            wires.cut(Server::Redis);
        };
        let answer = asked(&cluster, (api, &wires), command, (step, Before), away).await;
        wires.let_go(step);
        wires.network(Server::Redis, Network::Fine);
        let said = answer.json(if command.contains("retry-failed") { 200 } else { 202 });
        for (part, field) in [("pause", "paused"), ("resume", "resumed"), ("cancel", "aborted")] {
            if command.contains(part) {
                assert_eq!(said[field], true, "{said:#}");
            }
        }
        // What is not known yet is not claimed.
        if command.ends_with("pause") {
            assert!(said["inFlight"].is_null(), "{said:#}");
        }
        // And it is done.
        let wanted = |status: &Status| match command.split('?').next().unwrap_or_default() {
            "/pedidos/queue/pause" => status.json["paused"] == true,
            "/pedidos/queue/resume" => status.json["paused"] == false,
            "/pedidos/queue/retry-failed" => status.phase == Phase::Done && status.dead() == 2,
            "/pedidos/generate" => status.phase.is_active(),
            "/pedidos/cancel" => status.phase == Phase::Aborted,
            _ => status.phase == Phase::Idle,
        };
        // Not as a sample: Redis may not be told yet.
        eventually(command, async || {
            wanted(&Status::of(cluster.client().raw(Method::GET, "/pedidos").await.json(200)))
        })
        .await;
    }
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_whose_client_went_away_deletes_all_the_same() {
    let servers = Servers::start().await;
    let (cluster, api, wires, _) = standing(&servers).await;
    let step = Command("delete", "orders");
    wires.stop_at(step, Before);
    let client = cluster.client_of(api).clone();
    let asked = tokio::spawn(async move { client.raw(Method::POST, "/pedidos/reset").await });
    wires.caught(step).await;
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    wires.let_go(step);
    // Nobody else would, for two minutes.
    eventually("no order, no run", async || {
        cluster.stores.orders().await + cluster.stores.runs().await == 0
    })
    .await;
    cluster.finish().await;
    servers.remove().await;
}
