//! Clean: a person takes orders out of the queue, and the counts stay exact.

use pedidos_core::{order::Priority, run::Phase};
use pedidos_e2e::{
    Cluster, Status,
    letters::{DELAYED_FOR_LONG, GIVEN_UP_AT_ONCE},
    phases::{QUANTITY, long_in},
};
use pedidos_pipeline::queue::Closed;

/// Longer than any order of these tests lives, ms.
const AN_HOUR: &str = "grace=3600000";

/// Resumes, runs to DONE, audits: so many orders of the run are removed.
async fn ends_with_removed(cluster: &Cluster, run_id: &str, removed: u64) -> Status {
    cluster.client().resume().await;
    let done = cluster.done().await;
    assert!(done.is_of(run_id), "{:#}", done.json);
    assert_eq!(done.removed(), removed, "{:#}", done.json);
    assert_eq!(done.terminal(), u64::from(QUANTITY), "{:#}", done.json);
    let status = cluster.stores.field(run_id, "status").await;
    let stored = status.iter().filter(|status| *status == "removido").count() as u64;
    assert_eq!(stored, removed);
    cluster.audit().await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_orders_are_removed_the_first_ones_first_and_no_more_than_the_limit() {
    let cluster = Cluster::start(2, long_in(Phase::WaitingVipDrain)).await;
    let (run_id, held) = cluster.hold(Phase::WaitingVipDrain).await;
    let waiting = held.ledger.vip.waiting;
    let before = cluster.client().jobs("end=9999&includeData=false").await;
    // Nobody has waited for an hour.
    assert_eq!(cluster.client().clean(&format!("state=wait&{AN_HOUR}")).await, 0);
    assert_eq!(cluster.client().status().await.json["ledger"], held.json["ledger"]);
    assert_eq!(cluster.client().clean("limit=7").await, 7);
    let seven = cluster.client().status().await.ledger.vip;
    assert_eq!((seven.removed, seven.waiting, seven.leased), (7, waiting - 7, 0));
    let after = cluster.client().jobs("end=9999&includeData=false").await;
    assert_eq!(after["jobs"].as_array().unwrap()[..], before["jobs"].as_array().unwrap()[7..]);
    ends_with_removed(&cluster, &run_id, 7).await;
    // There is nothing to clean of a run that has ended.
    for state in ["wait", "active", "delayed"] {
        assert_eq!(cluster.client().clean(&format!("state={state}")).await, 0, "{state}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_waits_can_be_removed_in_either_drain() {
    for phase in [Phase::WaitingVipDrain, Phase::WaitingNormalDrain] {
        let cluster = Cluster::start(2, long_in(phase)).await;
        let (run_id, held) = cluster.hold(phase).await;
        let [vip, normal] = held.ledger.both();
        let removed = cluster.client().clean("state=wait").await;
        // Deferred orders do not wait yet.
        assert_eq!(removed, vip.waiting + normal.waiting);
        assert!(removed > 0);
        ends_with_removed(&cluster, &run_id, removed).await;
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_orders_are_removed_while_workers_take_them() {
    let cluster = Cluster::start(2, long_in(Phase::WaitingVipDrain)).await;
    let (run_id, _) = cluster.run_into(Phase::WaitingVipDrain).await;
    let mut removed = 0;
    while cluster.client().status().await.phase.is_active() {
        removed += cluster.client().clean("limit=40").await;
    }
    ends_with_removed(&cluster, &run_id, removed).await;
    assert!(removed > 0);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn active_orders_are_taken_from_the_workers_that_hold_them() {
    let cluster = Cluster::start(1, GIVEN_UP_AT_ONCE).await;
    let (run_id, _) = cluster.hold(Phase::WaitingVipDrain).await;
    let lease = cluster.take(9).await;
    let held = cluster.client().status().await;
    assert_eq!(held.leased(), 9);
    assert_eq!(cluster.client().clean(&format!("state=active&{AN_HOUR}")).await, 0);
    assert_eq!(cluster.client().status().await.json["ledger"], held.json["ledger"]);
    assert_eq!(cluster.client().clean("state=active&limit=4").await, 4);
    let after = cluster.client().status().await.ledger.vip;
    // The five others wait again: their lease is gone too.
    let waiting = held.ledger.vip.waiting + 5;
    assert_eq!((after.removed, after.leased, after.waiting), (4, 0, waiting));
    let stale = cluster.stores.queue.ack(&lease.token, &<_>::default()).await.unwrap();
    assert_eq!(stale, Closed::Stale);
    // Without a limit all of both leases, and none of those that only wait.
    cluster.take(3).await;
    cluster.take(2).await;
    assert_eq!(cluster.client().clean("state=active").await, 5);
    let after = cluster.client().status().await.ledger.vip;
    assert_eq!((after.removed, after.leased, after.waiting), (9, 0, waiting - 5));
    ends_with_removed(&cluster, &run_id, 9).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_frozen_worker_holds_is_removed_and_not_processed_when_it_wakes() {
    let settings = [("ORDERS_BATCH_SIZE", "200"), ("LEASE_MS", "60000")];
    let settings: Vec<_> =
        long_in(Phase::WaitingVipDrain).iter().chain(&settings).copied().collect();
    let mut cluster = Cluster::start(1, &settings).await;
    // Frozen between its claim and its ack, sooner or later.
    for _ in 0..30 {
        let (run_id, _) = cluster.run_into(Phase::WaitingVipDrain).await;
        cluster.process(1).signal("STOP").await;
        let frozen = cluster.client().status().await;
        let removed = cluster.client().clean("state=active").await;
        let after = cluster.client().status().await;
        assert_eq!(after.leased(), 0, "{:#}", after.json);
        assert_eq!(after.removed(), removed);
        cluster.process(1).signal("CONT").await;
        ends_with_removed(&cluster, &run_id, removed).await;
        // What was written before the freeze is processed, not removed.
        assert!(removed <= frozen.leased());
        if removed > 0 {
            return cluster.finish().await;
        }
    }
    panic!("the worker was never frozen with orders in hand");
}

#[tokio::test(flavor = "multi_thread")]
async fn delayed_orders_are_removed_with_limit_and_grace() {
    let cluster = Cluster::start(1, DELAYED_FOR_LONG).await;
    let (run_id, _) = cluster.hold(Phase::WaitingVipDrain).await;
    let poisoned = cluster.poison(Priority::Vip, 6).await;
    cluster.client().resume().await;
    let delayed = |status: &Status| (status.ledger.vip.delayed, status.ledger.vip.open()) == (6, 6);
    cluster.wait_for("six delayed orders", delayed).await;
    // Else there would be nothing to write it on.
    cluster.heal(&poisoned).await;
    assert_eq!(cluster.client().clean("state=delayed&limit=2").await, 2);
    let left = cluster.client().status().await.ledger.vip;
    assert_eq!((left.delayed, left.removed, left.dead), (4, 2, 0));
    assert_eq!(cluster.client().clean("state=delayed").await, 4);
    ends_with_removed(&cluster, &run_id, 6).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delayed_orders_that_are_too_young_stay_delayed() {
    let cluster = Cluster::start(1, DELAYED_FOR_LONG).await;
    cluster.hold(Phase::WaitingVipDrain).await;
    let poisoned = cluster.poison(Priority::Vip, 3).await;
    cluster.client().resume().await;
    let delayed = |status: &Status| (status.ledger.vip.delayed, status.ledger.vip.open()) == (3, 3);
    let before = cluster.wait_for("three delayed orders", delayed).await;
    cluster.heal(&poisoned).await;
    // Not tried earlier for that, either.
    cluster.client().pause().await;
    assert_eq!(cluster.client().clean(&format!("state=delayed&{AN_HOUR}")).await, 0);
    let after = cluster.client().status().await;
    assert_eq!(after.json["ledger"], before.json["ledger"]);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn completed_orders_are_taken_off_the_list_and_stay_counted() {
    let cluster = Cluster::start(1, &[]).await;
    let (_, done) = cluster.run(500).await;
    let list = async || cluster.client().jobs("types=completed&end=999&includeData=false").await;
    let before = list().await;
    for (query, removed, left) in [
        (format!("state=completed&{AN_HOUR}"), 0, 500),
        ("state=completed&limit=30".to_owned(), 30, 470),
        ("state=completed".to_owned(), 470, 0),
        ("state=completed".to_owned(), 0, 0),
    ] {
        assert_eq!(cluster.client().clean(&query).await, removed, "{query}");
        let after = list().await;
        assert_eq!(after["available"]["completed"], left, "{query}");
        // The first in order of id are taken first.
        let all = before["jobs"].as_array().unwrap();
        assert_eq!(after["jobs"].as_array().unwrap()[..], all[500 - left..]);
        let status = cluster.client().status().await;
        assert_eq!(status.json["ledger"], done.json["ledger"], "{query}");
        cluster.audit().await;
    }
    // The list and the count of what is listed are one; the ledger stays.
    assert_eq!(cluster.client().queue_status().await["completed"], 0);
    // The next run has a list of its own.
    cluster.run(100).await;
    assert_eq!(list().await["available"]["completed"], 100);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_removed_from_a_run_that_goes_on() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let (run_id, stuck, _held) = cluster.stuck_with_letters(5).await;
    assert_eq!(cluster.client().clean(&format!("state=failed&{AN_HOUR}")).await, 0);
    assert_eq!(cluster.client().status().await.json["ledger"], stuck.json["ledger"]);
    // It is replayed: its counters start over.
    cluster.samples.expect_replay();
    assert_eq!(cluster.client().clean("state=failed&limit=2").await, 2);
    let done = ends_with_removed(&cluster, &run_id, 2).await;
    assert_eq!(done.ledger.vip.dead, 3, "{:#}", done.json);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_of_a_run_that_is_done_move_to_removed() {
    let cluster = Cluster::start(1, &[]).await;
    let run_id = cluster.generate_with_dead(QUANTITY, [3, 5]).await;
    let done = cluster.done().await;
    assert_eq!(done.dead(), 8);
    cluster.audit().await;
    assert_eq!(cluster.client().clean(&format!("state=failed&{AN_HOUR}")).await, 0);
    // VIP ones first.
    for (limit, removed, dead) in [("&limit=4", 4, [0, 4]), ("", 4, [0, 0]), ("", 0, [0, 0])] {
        // The figures of its end are moved.
        cluster.samples.expect_replay();
        assert_eq!(cluster.client().clean(&format!("state=failed{limit}")).await, removed);
        let status = cluster.client().status().await;
        assert_eq!(status.phase, Phase::Done);
        assert_eq!(status.ledger.both().map(|ledger| ledger.dead), dead, "{:#}", status.json);
        assert_eq!(status.progress.processed_total, done.progress.processed_total);
        cluster.audit().await;
        let run = cluster.client().run(&run_id).await;
        let failed = [&run["totalFailedVIP"], &run["totalFailedNormal"]];
        assert_eq!(failed, [dead[0], dead[1]], "{run:#}");
        assert_eq!(run["finishedAt"], cluster.client().runs("").await["runs"][0]["finishedAt"]);
        let jobs = cluster.client().jobs("types=failed").await;
        assert_eq!(jobs["total"], dead[0] + dead[1]);
    }
    // Control knows, not only Redis.
    let before = cluster.client().status().await;
    cluster.samples.expect_replay();
    assert!(cluster.stores.empty_redis().await > 0);
    let after = ends_with_removed(&cluster, &run_id, 8).await;
    assert_eq!(after.json["ledger"], before.json["ledger"]);
    assert_eq!(after.json["wallClockMs"], before.json["wallClockMs"]);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_of_a_cancelled_run_can_be_removed_too() {
    let cluster = Cluster::start(0, &[]).await;
    cluster.generate_with_dead(200, [2, 2]).await;
    cluster.client().cancel("purge=false").await;
    let cancelled = cluster.client().status().await;
    cluster.samples.expect_replay();
    assert_eq!(cluster.client().clean("state=failed").await, 4);
    let status = cluster.client().status().await;
    assert_eq!((status.phase, status.dead()), (Phase::Aborted, 0));
    assert_eq!(status.terminal(), cancelled.terminal());
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_run_there_is_nothing_to_clean() {
    let cluster = Cluster::start(1, &[]).await;
    for state in ["wait", "active", "delayed", "completed", "failed"] {
        assert_eq!(cluster.client().clean(&format!("state={state}")).await, 0, "{state}");
    }
    cluster.run(100).await;
    cluster.finish().await;
}
