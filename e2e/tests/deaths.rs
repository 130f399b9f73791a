//! Processes that die, in any phase, and processes that are asked to end.

use pedidos_common::run::Phase;
use pedidos_e2e::{
    Cluster, POLL, Status,
    cluster::Kind,
    in_time,
    phases::{ACTIVE, long_in},
    proxy::When,
    servers::Servers,
    steps::{Step, Wires},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use pedidos_common::metrics::RECLAIMED;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_any_phase_costs_no_order() {
    for phase in ACTIVE {
        let mut cluster = Cluster::start(2, long_in(phase)).await;
        let (run_id, _) = cluster.run_into(phase).await;
        cluster.kill(1).await;
        let status = cluster.done().await;
        assert!(status.is_of(&run_id));
        cluster.audit().await;
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_only_worker_is_killed_the_next_one_goes_on() {
    for phase in ACTIVE {
        let mut cluster = Cluster::start(1, long_in(phase)).await;
        let (run_id, _) = cluster.run_into(phase).await;
        cluster.kill(1).await;
        cluster.start_worker().await;
        let status = cluster.done().await;
        assert!(status.is_of(&run_id));
        cluster.audit().await;
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_worker_is_killed_at_once_in_any_phase_new_ones_go_on() {
    for phase in ACTIVE {
        let mut cluster = Cluster::start(3, long_in(phase)).await;
        let (run_id, _) = cluster.run_into(phase).await;
        for worker in 1..=3 {
            cluster.kill(worker).await;
        }
        for _ in 0..3 {
            cluster.start_worker().await;
        }
        let status = cluster.done().await;
        assert!(status.is_of(&run_id));
        cluster.audit().await;
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_all_workers_in_any_phase_is_not_noticed() {
    for phase in ACTIVE {
        let mut cluster = Cluster::start(3, long_in(phase)).await;
        let (run_id, _) = cluster.run_into(phase).await;
        for worker in 1..=3 {
            cluster.start_worker().await;
            cluster.stop(worker).await;
        }
        let status = cluster.done().await;
        assert!(status.is_of(&run_id));
        cluster.audit().await;
        cluster.finish().await;
    }
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
    let mut cluster = Cluster::on(&servers, &[("SHUTDOWN_GRACE_MS", "600000")]).await;
    cluster.start_api().await;
    let (worker, wires) = Wires::start(&mut cluster, Kind::Worker, &servers).await;
    let insert = Step::Command("insert", "orders");
    wires.stop_at(insert, When::Before);
    let run_id = cluster.client().generate(1_000).await;
    wires.caught(insert).await;
    cluster.process(worker).signal("TERM").await;
    cluster.process(worker).line("finishing what is in hand").await;
    assert!(cluster.process(worker).is_running());
    cluster.insist(worker).await;
    cluster.start_worker().await;
    assert!(cluster.done().await.is_of(&run_id));
    cluster.audit().await;
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
    assert!(cluster.done().await.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_asked_to_end_finishes_what_it_holds_and_nobody_waits_for_it() {
    // If anything had to wait for a lease of it to expire, the run would not
    // end before the deadline.
    let lease = [("LEASE_MS", "600000")];
    for phase in ACTIVE {
        let settings: Vec<_> = long_in(phase).iter().chain(&lease).copied().collect();
        let mut cluster = Cluster::start(2, &settings).await;
        let (run_id, _) = cluster.run_into(phase).await;
        // Exit code 0 within the grace time, also with a connection open.
        assert_eq!(cluster.client_of(1).livez().await.status, 200);
        cluster.stop(1).await;
        let said = cluster.process(1).said();
        let last = said.iter().any(|line| line.contains("worker stopped"));
        assert!(last, "{said:#?}");
        assert!(cluster.done().await.is_of(&run_id));
        cluster.audit().await;
        for worker in cluster.workers() {
            let reclaimed = worker.metric(RECLAIMED).await;
            assert!(reclaimed.abs() < 0.5, "{reclaimed} leases had to expire");
        }
        cluster.finish().await;
    }
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
    for phase in ACTIVE {
        let mut cluster = Cluster::start(2, long_in(phase)).await;
        let (run_id, _) = cluster.run_into(phase).await;
        cluster.process(1).signal("STOP").await;
        let frozen = cluster.done().await;
        assert!(frozen.is_of(&run_id));
        cluster.audit().await;
        let before = cluster.stores.orders().await;
        let next = cluster.client().generate(1_000).await;
        cluster.process(1).signal("CONT").await;
        assert!(cluster.done().await.is_of(&next));
        cluster.at_rest().await;
        cluster.audit().await;
        assert_eq!(cluster.stores.orders().await, before + 1_000);
        cluster.finish().await;
    }
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
    assert!(cluster.done().await.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_while_no_api_is_there() {
    let mut cluster = Cluster::start(2, &[]).await;
    let run_id = cluster.client().generate(3_000).await;
    cluster.kill(0).await;
    in_time("the run's end, in the history", async {
        loop {
            let run = cluster.stores.store.run(&run_id).await.unwrap().unwrap();
            if run.phase == Phase::Done {
                break;
            }
            tokio::time::sleep(POLL).await;
        }
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
