//! Processes that die, in any phase, and processes that are asked to end.

use fred::interfaces::HashesInterface;
use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster, Status,
    cluster::Kind,
    eventually,
    phases::{in_each_phase, long_in},
    proxy::When,
    servers::{Server, Servers},
    steps::{Step, Wires},
};
use pedidos_service::metrics::{BUSY, RECLAIMED};
use tokio::{io::AsyncWriteExt, net::TcpStream};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_any_phase_costs_no_order() {
    in_each_phase(
        async |phase| Cluster::start(2, long_in(phase)).await,
        async |cluster, (run_id, _)| {
            cluster.kill(1).await;
            cluster.ends_exact(&run_id).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_only_worker_is_killed_the_next_one_goes_on() {
    in_each_phase(
        async |phase| Cluster::start(1, long_in(phase)).await,
        async |cluster, (run_id, _)| {
            cluster.kill(1).await;
            cluster.start_worker().await;
            cluster.ends_exact(&run_id).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_worker_is_killed_at_once_in_any_phase_new_ones_go_on() {
    in_each_phase(
        async |phase| Cluster::start(3, long_in(phase)).await,
        async |cluster, (run_id, _)| {
            for worker in 1..=3 {
                cluster.kill(worker).await;
            }
            for _ in 0..3 {
                cluster.start_worker().await;
            }
            cluster.ends_exact(&run_id).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_all_workers_in_any_phase_costs_no_order() {
    in_each_phase(
        async |phase| Cluster::start(3, long_in(phase)).await,
        async |cluster, (run_id, _)| {
            for worker in 1..=3 {
                cluster.start_worker().await;
                cluster.stop(worker).await;
            }
            cluster.ends_exact(&run_id).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seven_workers_join_a_run_and_five_leave_it_and_no_lease_has_to_expire() {
    let mut cluster = Cluster::start(1, &[("LEASE_MS", "600000")]).await;
    let run_id = cluster.client().generate(40_000).await;
    cluster.wait_for("some orders", |status| status.progress.generated > 0).await;
    for _ in 0..7 {
        cluster.start_worker().await;
    }
    let all = |status: &Status| status.workers.alive == 8;
    let status = cluster.wait_for("eight workers", all).await;
    assert!(!status.phase.is_ended(), "it was over before they came: {:#}", status.json);
    for worker in 1..=5 {
        cluster.stop(worker).await;
    }
    let some = cluster.client().status().await;
    assert!(!some.phase.is_ended(), "it was over before they left: {:#}", some.json);
    cluster.ends_exact(&run_id).await;
    for worker in cluster.workers() {
        assert!(worker.metric(RECLAIMED).await < 0.5);
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_asked_to_end_twice_ends_at_once() {
    // It holds a lease that it cannot finish: its MongoDB stands still.
    let servers = Servers::start().await;
    let mut cluster = Cluster::start_on(&servers, 0, &[("SHUTDOWN_GRACE_MS", "600000")]).await;
    let (worker, wires) = Wires::start(&mut cluster, Kind::Worker, &servers).await;
    let insert = Step::Command("insert", "orders");
    wires.stop_at(insert, When::Before);
    let run_id = cluster.client().generate(1_000).await;
    wires.caught(insert).await;
    cluster.process(worker).signal("TERM").await;
    cluster.process(worker).line("finishing the open work").await;
    assert!(cluster.process(worker).is_running());
    cluster.insist(worker).await;
    cluster.start_worker().await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_asked_to_end_while_no_store_answers_ends_all_the_same() {
    // Many open leases: to hand them back one by one would take a time-out each.
    let servers = Servers::start().await;
    let settings = [
        ("SHUTDOWN_GRACE_MS", "500"),
        ("ORDERS_QUEUE_CONCURRENCY", "30"),
        ("ORDERS_BATCH_SIZE", "1"),
    ];
    let settings = [long_in(Phase::WaitingVipDrain), &settings].concat();
    let mut cluster = Cluster::start_on(&servers, 0, &settings).await;
    let worker = cluster.start_worker().await;
    let (run_id, held) = cluster.hold(Phase::WaitingVipDrain).await;
    assert!(held.ledger.vip.waiting >= 30, "{:#}", held.json);
    servers.signal(Server::Mongo, "STOP").await;
    // Redis answers: by what it says the pause is lifted, and every slot takes a batch.
    let key = format!("{}:run", cluster.stores.queue.keys().prefix());
    cluster.stores.queue.client().hset::<(), _, _>(key, ("paused", "0")).await.unwrap();
    eventually("a lease for each slot", async || {
        cluster.client_of(worker).metric(BUSY).await >= 30.0
    })
    .await;
    servers.signal(Server::Redis, "STOP").await;
    cluster.stop(worker).await;
    for server in Server::ALL {
        servers.signal(server, "CONT").await;
    }
    cluster.start_worker().await;
    cluster.client().resume().await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_killed_one_after_the_other_all_through_a_run_cost_no_order() {
    let mut cluster = Cluster::start(2, &[]).await;
    let run_id = cluster.client().generate(12_000).await;
    for (oldest, goal) in (1..).zip([500, 4_000, 9_000, 14_000, 19_000]) {
        // Orders written: each is once when generated, once when processed.
        let written =
            |status: &Status| status.progress.generated + status.progress.processed_total >= goal;
        cluster.wait_for("some progress", written).await;
        cluster.kill(oldest).await;
        cluster.start_worker().await;
    }
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_asked_to_end_finishes_what_it_holds_and_nobody_waits_for_it() {
    // If anything had to wait for a lease of it to expire, the run would not
    // end before the deadline.
    let start = async |phase| {
        let settings = [long_in(phase), &[("LEASE_MS", "600000")]].concat();
        Cluster::start(2, &settings).await
    };
    in_each_phase(start, async |cluster, (run_id, _)| {
        // Exit code 0 within the grace time, also with a connection open.
        assert_eq!(cluster.client_of(1).livez().await.status, 200);
        cluster.stop(1).await;
        let said = cluster.process(1).said();
        let last = said.iter().any(|line| line.contains("worker stopped"));
        assert!(last, "{said:#?}");
        cluster.ends_exact(&run_id).await;
        for worker in cluster.workers() {
            let reclaimed = worker.metric(RECLAIMED).await;
            assert!(reclaimed.abs() < 0.5, "{reclaimed} leases had to expire");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stalls_in_mid_request_keeps_no_process_from_ending() {
    let mut cluster = Cluster::start(1, &[("SHUTDOWN_GRACE_MS", "2000")]).await;
    for id in [0, 1] {
        let url = cluster.process(id).url().await;
        let address = url.trim_start_matches("http://").to_owned();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET /livez HTT").await.unwrap();
        // Heard, for whoever comes later is answered.
        assert_eq!(cluster.client_of(id).livez().await.status, 200);
        cluster.stop(id).await;
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_frozen_past_its_lease_changes_nothing_when_it_wakes() {
    let start = async |phase| Cluster::start(2, long_in(phase)).await;
    in_each_phase(start, async |cluster, (run_id, _)| {
        cluster.process(1).signal("STOP").await;
        assert!(cluster.done().await.is_of(&run_id));
        cluster.audit().await;
        let before = cluster.stores.orders().await;
        let next = cluster.client().generate(1_000).await;
        cluster.process(1).signal("CONT").await;
        cluster.ends_exact(&next).await;
        assert_eq!(cluster.stores.orders().await, before + 1_000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_frozen_through_a_reset_leaves_no_stray_order_when_it_wakes() {
    for phase in [Phase::Generating, Phase::EnqueueVip] {
        let mut cluster = Cluster::start(2, long_in(phase)).await;
        cluster.run_into(phase).await;
        cluster.process(1).signal("STOP").await;
        cluster.client().reset().await;
        cluster.run(1_000).await;
        cluster.process(1).signal("CONT").await;
        // Long enough for it to do whatever it had begun.
        let (run_id, _) = cluster.run(1_000).await;
        cluster.at_rest().await;
        assert_eq!(cluster.stores.orders().await, 2_000);
        assert_eq!(cluster.stores.runs().await, 2);
        assert!(cluster.client().status().await.is_of(&run_id));
        cluster.audit().await;
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_in_mid_run_is_replaced_by_another() {
    let mut cluster = Cluster::start(2, &[]).await;
    let run_id = cluster.client().generate(6_000).await;
    let mut api = 0;
    for goal in [200, 2_000, 5_000] {
        let generated = |status: &Status| status.progress.generated >= goal;
        cluster.wait_for("some orders", generated).await;
        cluster.kill(api).await;
        api = cluster.start_api().await;
        assert!(cluster.client().status().await.is_of(&run_id));
    }
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_while_no_api_is_there() {
    let mut cluster = Cluster::start(2, &[]).await;
    let run_id = cluster.client().generate(3_000).await;
    cluster.kill(0).await;
    eventually("the run's end, in the history", async || {
        let run = cluster.stores.store.run(&run_id).await.unwrap().unwrap();
        run.phase == Phase::Done
    })
    .await;
    cluster.start_api().await;
    let status = cluster.done().await;
    assert_eq!(status.terminal(), 3_000);
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_whose_api_is_killed_is_carried_out_by_others() {
    let mut cluster = Cluster::start(2, long_in(Phase::WaitingNormalDrain)).await;
    for round in 0..6 {
        let (run_id, _) = cluster.run_into(Phase::WaitingNormalDrain).await;
        let dying = cluster.client().clone();
        let api = cluster.first_api();
        // Each time a little later: from before it is heard to after its answer.
        let cancel = tokio::spawn(async move { drop(dying.try_cancel().await) });
        tokio::time::sleep(std::time::Duration::from_millis(round * 6)).await;
        cluster.kill(api).await;
        cancel.await.unwrap();
        cluster.start_api().await;
        let ended = cluster.wait_for("an end", |status| status.phase.is_ended()).await;
        assert!(ended.is_of(&run_id));
        // DONE, if the kill came before the cancel.
        assert_eq!(ended.terminal(), ended.progress.generated);
        cluster.audit().await;
    }
    cluster.finish().await;
}
