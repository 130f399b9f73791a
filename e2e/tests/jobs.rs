//! The listing of jobs: each state, page by page.

use std::{collections::BTreeSet, time::Duration};

use pedidos_core::{
    order::{OrderId, Priority},
    run::Phase,
};
use pedidos_e2e::{
    Cluster,
    letters::{DELAYED_FOR_LONG, GIVEN_UP_AT_ONCE},
    phases::{QUANTITY, long_in},
};
use pedidos_pipeline::queue::{Calls, Claim, Token, Work};
use reqwest::Method;
use serde_json::Value;

/// The jobs of a page that was asked for; its figures must be its jobs'.
async fn page(cluster: &Cluster, query: &str) -> Vec<Value> {
    let answer = cluster.client().jobs(query).await;
    let jobs = answer["jobs"].as_array().unwrap_or_else(|| panic!("{answer:#}")).clone();
    assert_eq!(answer["total"], jobs.len(), "{query}: {answer:#}");
    jobs
}

async fn available(cluster: &Cluster, state: &str) -> u64 {
    let answer = cluster.client().jobs(&format!("types={state}&end=0")).await;
    answer["available"][state].as_u64().unwrap_or_else(|| panic!("{answer:#}"))
}

fn ids(jobs: &[Value]) -> Vec<String> {
    jobs.iter().map(|job| job["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Every page of a state, one after the other, and all of it at once, are the same
/// jobs; nobody is on two pages.
async fn pages(cluster: &Cluster, state: &str, size: u64) -> Vec<Value> {
    let available = available(cluster, state).await;
    let mut jobs = Vec::new();
    for start in (0..available + size).step_by(size as usize) {
        let end = start + size - 1;
        let query = format!("types={state}&start={start}&end={end}");
        let page = page(cluster, &query).await;
        let due = available.saturating_sub(start).min(size);
        assert_eq!(page.len() as u64, due, "{query} of {available}");
        jobs.extend(page);
    }
    for job in &jobs {
        assert_eq!(job["state"], state, "{job:#}");
        assert_eq!(job["name"], "processOrder", "{job:#}");
        assert_eq!(job["data"]["id"], job["id"], "{job:#}");
        assert!(job["timestamp"].is_u64(), "{job:#}");
    }
    let once: BTreeSet<_> = ids(&jobs).into_iter().collect();
    assert_eq!(once.len(), jobs.len(), "a job is on two pages");
    assert_eq!(ids(&page(cluster, &format!("types={state}&end=9999")).await), ids(&jobs));
    jobs
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_jobs_are_listed_in_the_order_in_which_they_are_processed() {
    let cluster = Cluster::start(1, long_in(Phase::WaitingVipDrain)).await;
    let (run_id, held) = cluster.hold(Phase::WaitingVipDrain).await;
    let jobs = pages(&cluster, "waiting", 97).await;
    assert_eq!(jobs.len() as u64, held.ledger.vip.waiting);
    for job in &jobs {
        assert_eq!(job["data"]["priority"], "VIP", "{job:#}");
        assert_eq!(job["data"]["status"], "pendente", "{job:#}");
        assert_eq!(job["data"]["runId"], *run_id, "{job:#}");
        assert_eq!((&job["attemptsMade"], &job["processedOn"]), (&0.into(), &Value::Null));
    }
    // Waiting is what is asked for if nothing is, and the first 51 of it.
    let first = cluster.client().jobs("").await;
    assert_eq!(first["types"], serde_json::json!(["waiting"]));
    assert_eq!(first["range"], serde_json::json!({ "start": 0, "end": 50 }));
    assert_eq!(ids(first["jobs"].as_array().unwrap()), ids(&jobs)[..51]);
    // What is claimed next is the head of the list.
    let lease = cluster.take(5).await;
    let Work::Drain(_, taken) = &lease.work else { panic!("{lease:?}") };
    let taken: Vec<_> = taken.iter().map(ToString::to_string).collect();
    assert_eq!(ids(&jobs)[..5], taken);
    cluster.stores.queue.release(&lease.token).await.unwrap();
    cluster.client().resume().await;
    cluster.done().await;
    assert_eq!(available(&cluster, "waiting").await, 0);
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_data_the_same_jobs_are_listed_without_their_orders() {
    let cluster = Cluster::start(1, long_in(Phase::WaitingVipDrain)).await;
    cluster.hold(Phase::WaitingVipDrain).await;
    let with = page(&cluster, "end=20").await;
    let mut without = page(&cluster, "end=20&includeData=false").await;
    assert_eq!(with.len(), 21);
    for (with, without) in with.iter().zip(&mut without) {
        assert_eq!(without["data"], Value::Null);
        assert!(with["data"]["cliente"].is_string(), "{with:#}");
        without["data"] = with["data"].clone();
        assert_eq!(with, without);
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn active_jobs_are_orders_in_hand_the_longest_first() {
    let cluster = Cluster::start(1, GIVEN_UP_AT_ONCE).await;
    cluster.hold(Phase::WaitingVipDrain).await;
    let mut taken = Vec::new();
    for count in [7, 1, 4] {
        let lease = cluster.take(count).await;
        let Work::Drain(_, ids) = lease.work else { panic!("{lease:?}") };
        taken.push(ids);
        // Leases are told apart by the millisecond.
        cluster.stores.later(2).await;
    }
    let jobs = pages(&cluster, "active", 5).await;
    let held: Vec<_> = taken.iter().flatten().map(OrderId::to_string).collect();
    assert_eq!(ids(&jobs), held);
    assert!(jobs.iter().all(|job| job["processedOn"].is_u64()), "{jobs:#?}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_generated_is_an_active_job() {
    let cluster = Cluster::start(0, &[("LEASE_MS", "60000")]).await;
    cluster.client().generate(500).await;
    let control = cluster.stores.store.control().await.unwrap();
    cluster.stores.queue.note_version(control.version);
    for _ in 0..3 {
        let (token, pushing) = (Token::random(), [Duration::ZERO; 2]);
        let claim =
            cluster.stores.queue.claim(&token, "test", pushing, true, Calls::NONE).await.unwrap();
        assert!(matches!(claim, Claim::Work(_)), "{claim:?}");
        cluster.stores.later(2).await;
    }
    let jobs = page(&cluster, "types=active").await;
    for (job, (from, to)) in jobs.iter().zip([(0, 200), (200, 400), (400, 500)]) {
        assert_eq!(job["name"], "generateOrders", "{job:#}");
        assert_eq!(job["id"], format!("chunk-{from}"), "{job:#}");
        assert_eq!(job["chunk"], serde_json::json!({ "from": from, "to": to }));
        assert_eq!((&job["state"], &job["data"]), (&"active".into(), &Value::Null));
        assert!(job["processedOn"].is_u64(), "{job:#}");
    }
    assert_eq!((jobs.len(), available(&cluster, "active").await), (3, 3));
    assert_eq!(ids(&page(&cluster, "types=active&start=1&end=1").await), ["chunk-200"]);
    cluster.client().cancel("waitTimeoutMs=0").await;
    assert_eq!(available(&cluster, "active").await, 0);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delayed_jobs_are_listed_with_their_attempts() {
    let cluster = Cluster::start(1, DELAYED_FOR_LONG).await;
    cluster.hold(Phase::WaitingVipDrain).await;
    let poisoned = cluster.poison(Priority::Vip, 8).await;
    cluster.client().resume().await;
    // They keep the fence shut: this lasts for as long as they are delayed.
    let stuck = |status: &pedidos_e2e::Status| {
        (status.ledger.vip.delayed, status.ledger.vip.open()) == (8, 8)
    };
    cluster.wait_for("eight delayed orders", stuck).await;
    // An order whose document is gone is listed too, without it.
    let jobs = page(&cluster, "types=delayed").await;
    let listed: BTreeSet<_> = ids(&jobs).into_iter().collect();
    assert_eq!(listed, poisoned.iter().map(OrderId::to_string).collect());
    for job in &jobs {
        assert_eq!((&job["state"], &job["attemptsMade"]), (&"delayed".into(), &1.into()));
        assert_eq!(job["data"], Value::Null);
    }
    cluster.heal(&poisoned).await;
    assert_eq!(ids(&pages(&cluster, "delayed", 3).await), ids(&jobs));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn completed_and_failed_jobs_are_listed_in_order_of_id_vip_dead_letters_first() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.generate_with_dead(600, [7, 9]).await;
    let done = cluster.done().await;
    cluster.audit().await;
    let completed = pages(&cluster, "completed", 100).await;
    assert_eq!(completed.len() as u64, done.progress.processed_total);
    assert!(ids(&completed).is_sorted());
    for job in &completed {
        assert_eq!(job["data"]["status"], "processado", "{job:#}");
        assert!(job["finishedOn"].is_u64(), "{job:#}");
    }
    let failed = pages(&cluster, "failed", 4).await;
    assert_eq!(failed.len(), 16);
    let (vip, normal) = failed.split_at(7);
    for (part, priority) in [(vip, "VIP"), (normal, "NORMAL")] {
        assert!(ids(part).is_sorted());
        for job in part {
            assert_eq!(job["data"]["priority"], priority, "{job:#}");
            assert_eq!(job["failedReason"], "made by a test", "{job:#}");
            assert_eq!(job["attemptsMade"], 3, "{job:#}");
            assert!(job["finishedOn"].is_u64(), "{job:#}");
        }
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_several_states_counts_within_each_of_them() {
    let cluster = Cluster::start(1, GIVEN_UP_AT_ONCE).await;
    let (_, _, _held) = cluster.stuck_with_letters(6).await;
    let answer = cluster.client().jobs("types=failed,completed,active,delayed&end=2").await;
    let jobs = answer["jobs"].as_array().unwrap();
    let states: Vec<_> = jobs.iter().map(|job| job["state"].as_str().unwrap()).collect();
    let (f, c) = ("failed", "completed");
    assert_eq!(states, [f, f, f, c, c, c, "active"], "{answer:#}");
    let queue = cluster.client().queue_status().await;
    for state in ["failed", "completed", "active", "delayed"] {
        assert_eq!(answer["available"][state], queue[state], "{state}: {queue:#}");
    }
    // Not asked for, not looked at.
    assert_eq!(answer["available"]["waiting"], Value::Null);
    assert_eq!(answer["total"], 7);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn completed_jobs_are_listed_up_to_the_ten_thousandth() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.run(QUANTITY).await;
    let ask = async |query: &str| {
        let path = format!("/pedidos/queue/jobs?types={query}");
        cluster.client().raw(Method::GET, &path).await
    };
    assert_eq!(ask("completed&start=9000&end=10000").await.json(200)["total"], 0);
    for query in ["completed&start=10000&end=10001", "waiting,completed&end=10001"] {
        let problem = ask(query).await.problem(400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("end") && detail.contains("10000"), "{problem:#}");
    }
    // The others may go further: as far from their start.
    ask("waiting&start=1000000&end=1010000").await.json(200);
    ask("waiting&start=5&end=10006").await.problem(400);
    ask("waiting&start=6&end=5").await.problem(400);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cancel_that_purges_no_dead_letter_is_listed() {
    let cluster = Cluster::start(0, &[]).await;
    for (purge, listed) in [(false, 3), (true, 0)] {
        cluster.generate_with_dead(200, [2, 1]).await;
        let cancelled = cluster.client().cancel(&format!("purge={purge}")).await;
        assert_eq!(cancelled["summary"]["failed"], 3, "{cancelled:#}");
        assert_eq!(available(&cluster, "failed").await, listed, "purge={purge}");
        assert_eq!(page(&cluster, "types=failed").await.len() as u64, listed);
    }
    cluster.finish().await;
}
