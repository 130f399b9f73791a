//! Stores that die, freeze, come back empty, or come back as they were before.

use std::time::Duration;

use pedidos_core::{order::OrderId, run::Phase};
use pedidos_e2e::{
    Cluster,
    phases::{ACTIVE, in_each_phase, long_in},
    servers::{Server, Servers},
};
use pedidos_pipeline::queue::{Closed, Lease, Outcome, Push, Work};

/// In each phase of a run on servers of its own, with two workers; the run ends exact.
async fn in_each_phase_on_own_servers(mut act: impl AsyncFnMut(&mut Cluster, &Servers)) {
    let servers = Servers::start().await;
    let start = async |phase| Cluster::start_on(&servers, 2, long_in(phase)).await;
    in_each_phase(start, async |cluster, (run_id, _)| {
        act(cluster, &servers).await;
        cluster.ends_exact(&run_id).await;
    })
    .await;
    servers.remove().await;
}

/// A run in this phase, with its workers stopped: a run that ended meanwhile would make room for
/// another.
async fn stands_still_in(servers: &Servers, phase: Phase) -> (Cluster, String) {
    loop {
        let mut cluster = Cluster::start_on(servers, 2, long_in(phase)).await;
        let (run_id, _) = cluster.run_into(phase).await;
        to_workers(&mut cluster, "STOP").await;
        if cluster.client().status().await.phase.is_active() {
            return (cluster, run_id);
        }
        to_workers(&mut cluster, "CONT").await;
        cluster.finish().await;
    }
}

/// The API came before them.
async fn to_workers(cluster: &mut Cluster, signal: &str) {
    for worker in [1, 2] {
        cluster.process(worker).signal(signal).await;
    }
}

/// The orders of a batch.
fn ids(lease: &Lease) -> &[OrderId] {
    match &lease.work {
        Work::Drain(_, ids) => ids,
        work => panic!("no batch: {work:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_in_any_phase_comes_back_and_the_run_goes_on() {
    in_each_phase_on_own_servers(async |cluster, servers| {
        // What was not written yet is done again.
        cluster.samples.expect_replay();
        servers.kill(Server::Redis).await;
        servers.up().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_comes_back_empty_in_any_phase_is_filled_again_and_starts_no_second_run() {
    let servers = Servers::start().await;
    for phase in ACTIVE {
        let (mut cluster, run_id) = stands_still_in(&servers, phase).await;
        cluster.samples.expect_replay();
        servers.empty_redis().await;
        let answer = cluster.client().try_generate("quantity=10", None).await;
        to_workers(&mut cluster, "CONT").await;
        assert!(matches!(answer.status, 409 | 503), "{answer:#?}");
        cluster.ends_exact(&run_id).await;
        cluster.finish().await;
    }
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_comes_back_older_in_any_phase_costs_time_and_no_order() {
    let servers = Servers::start().await;
    for phase in ACTIVE {
        // Before the run, in the middle of it, and an instant ago.
        for part in 0..3 {
            let cluster = Cluster::start_on(&servers, 2, long_in(phase)).await;
            let mut moment = servers.moment();
            let (run_id, status) = cluster.run_into(phase).await;
            if part > 0 {
                moment = servers.moment();
            }
            if part == 1 {
                let more = |now: &pedidos_e2e::Status| now.json["ledger"] != status.json["ledger"];
                cluster.wait_for("some progress", more).await;
            }
            cluster.samples.expect_replay();
            servers.back_to(moment).await;
            cluster.ends_exact(&run_id).await;
            cluster.finish().await;
        }
    }
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_redis_that_is_older_has_forgotten_of_a_command_is_not_undone() {
    let servers = Servers::start().await;
    let cluster = Cluster::start_on(&servers, 0, &[]).await;
    let api = cluster.client().clone();
    let back = async |moment| {
        cluster.samples.expect_replay();
        servers.back_to(moment).await;
    };

    let moment = servers.moment();
    let run_id = api.generate(1_000).await;
    back(moment).await;
    let status = cluster.wait_for("the run", |status| status.is_of(&run_id)).await;
    assert_eq!(status.phase, Phase::Generating);

    let moment = servers.moment();
    api.pause().await;
    back(moment).await;
    cluster.wait_for("the pause", |status| status.json["paused"] == true).await;

    let moment = servers.moment();
    api.resume().await;
    back(moment).await;
    cluster.wait_for("no pause", |status| status.json["paused"] == false).await;

    let moment = servers.moment();
    api.cancel("pollIntervalMs=10").await;
    back(moment).await;
    cluster.wait_for("the cancel", |status| status.phase == Phase::Aborted).await;
    cluster.audit().await;

    let moment = servers.moment();
    let run_id = api.generate(1_000).await;
    back(moment).await;
    cluster.wait_for("the next run", |status| status.is_of(&run_id)).await;

    let moment = servers.moment();
    api.reset().await;
    back(moment).await;
    let status = cluster.wait_for("nothing", |status| status.phase == Phase::Idle).await;
    assert_eq!(status.run_id, None);
    assert_eq!((cluster.stores.orders().await, cluster.stores.runs().await), (0, 0));
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_done_stays_done_on_a_redis_that_is_older() {
    let servers = Servers::start().await;
    let cluster = Cluster::start_on(&servers, 1, &[]).await;
    let moment = servers.moment();
    let run_id = cluster.client().generate(1_000).await;
    cluster.done().await;
    let next = servers.moment();
    for moment in [next, moment] {
        cluster.samples.expect_replay();
        servers.back_to(moment).await;
        let status = cluster.done().await;
        assert!(status.is_of(&run_id), "{:#}", status.json);
        cluster.audit().await;
    }
    // DONE, a new run, and back to before both.
    let moment = servers.moment();
    let run_id = cluster.client().generate(1_000).await;
    cluster.samples.expect_replay();
    servers.back_to(moment).await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_redis_has_forgotten_closes_nothing_that_another_holds_now() {
    let servers = Servers::start().await;
    let cluster = Cluster::start_on(&servers, 1, long_in(Phase::WaitingVipDrain)).await;
    let (run_id, _) = cluster.run_into(Phase::WaitingVipDrain).await;
    cluster.pause().await;
    let moment = servers.moment();
    // The test is the worker: it claims, and Redis goes back to before that.
    let old = cluster.take(10).await;
    cluster.samples.expect_replay();
    servers.back_to(moment).await;
    cluster.wait_for("Redis", |status| status.is_of(&run_id)).await;
    let now = cluster.take(10).await;
    assert_eq!(now.work, old.work, "the same orders, to another");
    let before = cluster.client().status().await;
    assert_eq!(before.ledger.vip.leased, 10, "{:#}", before.json);

    let queue = &cluster.stores.queue;
    let dead = Outcome { dead: vec![ids(&old)[0]], ..Outcome::default() };
    for outcome in [Outcome::default(), dead] {
        assert_eq!(queue.ack(&old.token, &outcome).await.unwrap(), Closed::Stale);
    }
    let push = Push::default();
    assert_eq!(queue.push_chunk(&old.token, &push, 10, false).await.unwrap(), Closed::Stale);
    assert_eq!(queue.push_normal(&old.token, &push).await.unwrap(), Closed::Stale);
    queue.release(&old.token).await.unwrap();
    let after = cluster.client().status().await;
    assert_eq!(after.json["ledger"], before.json["ledger"]);

    queue.release(&now.token).await.unwrap();
    cluster.client().resume().await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mongodb_killed_in_any_phase_has_lost_nothing_that_it_acknowledged() {
    in_each_phase_on_own_servers(async |_, servers| {
        servers.kill(Server::Mongo).await;
        servers.up().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_store_is_away_readiness_says_so_and_no_order_fails_for_it() {
    let servers = Servers::start().await;
    for server in Server::ALL {
        let cluster = Cluster::start_on(&servers, 2, long_in(Phase::EnqueueNormal)).await;
        let (run_id, _) = cluster.run_into(Phase::EnqueueNormal).await;
        servers.kill(server).await;
        cluster.client().becomes_ready(503).await;
        let problem = cluster.client().readyz().await.problem(503);
        let says = problem["detail"].as_str().unwrap_or_default();
        let names = ["Redis", "MongoDB"].map(|name| says.contains(name));
        assert_eq!(names, [server == Server::Redis, server == Server::Mongo], "{says}");
        assert_eq!(cluster.client().livez().await.status, 200);
        cluster.samples.expect_replay();
        // Longer than a lease of these tests; MongoDB longer than any time-out, too.
        let away = if server == Server::Mongo { 30 } else { 4 };
        tokio::time::sleep(Duration::from_secs(away)).await;
        servers.up().await;
        cluster.client().becomes_ready(200).await;
        let status = cluster.done().await;
        assert_eq!(status.ledger.both().map(|ledger| ledger.dead), [0, 0]);
        cluster.ends_exact(&run_id).await;
        cluster.finish().await;
    }
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_freezes_for_longer_than_a_lease_in_any_phase_costs_no_order() {
    for server in Server::ALL {
        in_each_phase_on_own_servers(async |_, servers| {
            servers.signal(server, "STOP").await;
            // Longer than a lease.
            tokio::time::sleep(Duration::from_secs(3)).await;
            servers.signal(server, "CONT").await;
        })
        .await;
    }
}
