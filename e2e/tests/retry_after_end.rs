//! Dead letters are put back after the end of their run.

use std::time::Duration;

use pedidos_core::{order::Priority, run::Phase};
use pedidos_e2e::{Cluster, Status, letters::GIVEN_UP_AT_ONCE, phases::QUANTITY};
use pedidos_pipeline::queue::{Calls, Claim, Token, Work};
use pedidos_service::metrics;
use reqwest::Method;
use serde_json::Value;

use crate::retry_failed::{done, retried, retry};

/// The orders that every worker says it has generated or read again.
async fn read(cluster: &Cluster) -> f64 {
    let mut sum = 0.0;
    for worker in cluster.workers() {
        sum += worker.metric(metrics::GENERATED).await;
    }
    sum
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_put_back_after_the_end_cost_no_replay_and_move_no_time_of_the_run() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let run_id = cluster.generate_with_dead(QUANTITY, [3, 2]).await;
    let first = done(&cluster, &run_id).await;
    let (run, generated) = (cluster.client().run(&run_id).await, read(&cluster).await);
    assert_eq!(run["retries"], Value::Array(Vec::new()), "{run:#}");
    for (limit, left) in [(4, 1), (1, 0)] {
        assert_eq!(retry(&cluster, &format!("limit={limit}")).await, limit);
        let again = done(&cluster, &run_id).await;
        assert_eq!(again.dead(), left, "{:#}", again.json);
        for field in ["generationTimeMs", "processing", "totalTimeMs", "wallClockMs"] {
            let but_counts = |status: &Status| {
                let mut value = status.json[field].clone();
                for priority in ["vip", "normal"] {
                    if let Some(window) = value.get_mut(priority) {
                        window["count"] = Value::Null;
                    }
                }
                value
            };
            assert_eq!(but_counts(&again), but_counts(&first), "{field}");
        }
    }
    let more = read(&cluster).await - generated;
    assert!(more < 0.5, "{more} orders of the run were read again");
    let after = cluster.client().run(&run_id).await;
    for field in [
        "startVIP",
        "endVIP",
        "startNormal",
        "endNormal",
        "processingTimeVIPMs",
        "processingTimeNormalMs",
        "generationTimeMs",
        "wallClockMs",
        "finishedAt",
    ] {
        assert_eq!(after[field], run[field], "{field}: {after:#}");
    }
    let retries = after["retries"].as_array().unwrap();
    let told = |field: &str| retries.iter().map(|one| one[field].as_u64().unwrap()).collect();
    let (orders, processed): (Vec<_>, Vec<_>) = (told("orders"), told("processed"));
    assert_eq!((orders, processed), (vec![4, 1], vec![4, 1]), "{after:#}");
    assert!(retries.iter().all(|one| one["at"].is_string() && one["timeMs"].is_u64()));
    assert_eq!(retried(&cluster, &run_id).await, 5);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn normal_letters_put_back_after_the_end_wait_for_the_vip_ones() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let run_id = cluster.generate_with_dead(QUANTITY, [2, 2]).await;
    done(&cluster, &run_id).await;
    cluster.client().pause().await;
    assert_eq!(retry(&cluster, "").await, 4);
    // The test holds both VIP orders: no NORMAL one is given out.
    let held = cluster.take(2).await;
    assert!(matches!(&held.work, Work::Drain(Priority::Vip, ids) if ids.len() == 2), "{held:?}");
    cluster.client().resume().await;
    let queue = &cluster.stores.queue;
    let none = queue
        .claim(&Token::random(), "test", [Duration::ZERO; 2], false, Calls::NONE)
        .await
        .unwrap();
    assert!(matches!(none, Claim::Wait(..)), "{none:?}");
    let status = cluster.client().status().await;
    assert_eq!((status.phase, status.ledger.normal.waiting), (Phase::WaitingVipDrain, 2));
    queue.release(&held.token).await.unwrap();
    let again = done(&cluster, &run_id).await;
    assert_eq!((again.dead(), again.fence.late_vip), (0, 2), "{:#}", again.json);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_redis_does_not_know_yet_survives_an_older_or_empty_redis() {
    let mut cluster = Cluster::start(1, GIVEN_UP_AT_ONCE).await;
    let run_id = cluster.generate_with_dead(QUANTITY, [2, 3]).await;
    done(&cluster, &run_id).await;
    cluster.kill(1).await;
    assert_eq!(retry(&cluster, "limit=3").await, 3);
    assert!(cluster.stores.empty_redis().await > 0);
    cluster.start_worker().await;
    let again = done(&cluster, &run_id).await;
    assert_eq!(again.dead(), 2, "{:#}", again.json);
    let run = cluster.client().run(&run_id).await;
    assert_eq!(run["retries"][0]["processed"], 3, "{run:#}");
    assert_eq!(retried(&cluster, &run_id).await, 3);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_of_a_run_that_was_replaced_are_told_listed_put_back_and_removed() {
    let cluster = Cluster::start(1, GIVEN_UP_AT_ONCE).await;
    let client = cluster.client();
    let old = cluster.generate_with_dead(400, [2, 3]).await;
    done(&cluster, &old).await;
    let accepted = client.try_generate("quantity=300", None).await.json(202);
    assert_eq!(accepted["deadLettersLeft"], 5, "{accepted:#}");
    assert!(accepted["message"].as_str().unwrap().contains(&old), "{accepted:#}");
    let new = accepted["runId"].as_str().unwrap().to_owned();
    done(&cluster, &new).await;
    let none = client.try_generate("quantity=300", None).await.json(202);
    assert_eq!(none["deadLettersLeft"], 0, "{none:#}");
    let new = none["runId"].as_str().unwrap().to_owned();
    done(&cluster, &new).await;
    // Listed, page by page, and as many as there are.
    let page = client.jobs(&format!("types=failed&runId={old}&start=1&end=3")).await;
    assert_eq!((&page["available"]["failed"], &page["total"]), (&5.into(), &3.into()), "{page:#}");
    assert!(page["jobs"].as_array().unwrap().iter().all(|job| job["data"]["runId"] == *old));
    assert_eq!(client.jobs("types=failed").await["available"]["failed"], 0);
    // Not while another run is active.
    client.pause().await;
    let active = client.generate(300).await;
    for path in ["retry-failed?", "clean?state=failed&"] {
        let path = format!("/pedidos/queue/{path}runId={old}");
        let refused = client.raw(Method::POST, &path).await.problem(409);
        assert_eq!(refused["runId"], *active, "{refused:#}");
    }
    client.resume().await;
    done(&cluster, &active).await;
    cluster.samples.expect_replay();
    assert_eq!(client.retry_failed(&format!("runId={old}&limit=3")).await, 3);
    let again = done(&cluster, &old).await;
    assert_eq!((again.dead(), again.progress.processed_total), (2, 398), "{:#}", again.json);
    // The run that was current before is in the history as it was, and can be so again.
    assert_eq!(client.run(&active).await["status"], "done");
    assert_eq!(cluster.run(100).await.1.dead(), 0);
    cluster.samples.expect_replay();
    assert_eq!(client.clean(&format!("state=failed&runId={old}")).await, 2);
    let run = client.run(&old).await;
    assert_eq!((&run["totalFailedVIP"], &run["totalFailedNormal"]), (&0.into(), &0.into()));
    cluster.audit().await;
    // What is not there, and what it is not for.
    let nobody = "01a20641-6fe7-7000-8000-1011b5a21848";
    client.try_retry_failed(&format!("runId={nobody}")).await.problem(404);
    let path = format!("/pedidos/queue/clean?state=wait&runId={old}");
    client.raw(Method::POST, &path).await.problem(400);
    for query in [format!("types=failed&runId={nobody}"), format!("types=waiting&runId={old}")] {
        client.raw(Method::GET, &format!("/pedidos/queue/jobs?{query}")).await.problem(400);
    }
    cluster.finish().await;
}
