//! Dead letters are put back: while the run goes on, behind the fence, once it is done.

use mongodb::bson::{Document, doc};
use pedidos_core::{order::Priority, run::Phase};
use pedidos_e2e::{Cluster, Status, letters::GIVEN_UP_AT_ONCE, phases::QUANTITY};
use pedidos_pipeline::store::GivenUp;
use reqwest::Method;

/// Puts dead letters back: for it the run is replayed, and counters start over.
pub async fn retry(cluster: &Cluster, query: &str) -> u64 {
    cluster.samples.expect_replay();
    cluster.client().retry_failed(query).await
}

/// Waits for DONE, audits, and looks at what the history says.
pub async fn done(cluster: &Cluster, run_id: &str) -> Status {
    let done = cluster.done().await;
    assert!(done.is_of(run_id), "{:#}", done.json);
    assert_eq!(done.last_run_id.as_deref(), Some(run_id));
    assert_eq!(done.fence.violations, 0);
    cluster.audit().await;
    let run = cluster.client().run(run_id).await;
    assert_eq!((&run["status"], &run["phase"]), (&"done".into(), &"DONE".into()), "{run:#}");
    let told = ["totalProcessedVIP", "totalProcessedNormal", "totalFailedVIP", "totalFailedNormal"];
    let [vip, normal] = done.ledger.both();
    let due = [vip.processed, normal.processed, vip.dead, normal.dead];
    assert_eq!(told.map(|field| run[field].as_u64()), due.map(Some), "{run:#}");
    assert!(run["finishedAt"].is_string(), "{run:#}");
    done
}

/// So many orders of the run carry the time of a retry, and all of them are processed.
pub async fn retried(cluster: &Cluster, run_id: &str) -> usize {
    let orders = cluster.stores.database.collection::<Document>("orders");
    let count = async |filter| orders.count_documents(filter).await.unwrap();
    let all = count(doc! { "runId": run_id, "retriedAt": { "$exists": true } }).await;
    let processed = doc! {
        "runId": run_id, "retriedAt": { "$exists": true }, "status": "processado",
        "outcome.error": { "$exists": false }, "outcome.attempts": { "$exists": false },
    };
    assert_eq!(count(processed).await, all);
    all as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_put_back_before_the_fence_opens_are_processed_before_it_does() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let (run_id, stuck, _held) = cluster.stuck_with_letters(6).await;
    assert!(!stuck.fence.open);
    assert_eq!(retry(&cluster, "limit=4").await, 4);
    let done = done(&cluster, &run_id).await;
    let [vip, normal] = done.ledger.both();
    assert_eq!((vip.dead, normal.dead), (2, 0), "{:#}", done.json);
    assert_eq!(done.progress.processed_total, u64::from(QUANTITY) - 2);
    assert_eq!(done.fence.late_vip, 0, "{:#}", done.json);
    assert_eq!(retried(&cluster, &run_id).await, 4);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_letter_is_put_back_by_its_id_and_looked_at() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let (run_id, _, _held) = cluster.stuck_with_letters(3).await;
    let client = cluster.client();
    let dead = client.jobs("types=failed").await;
    let id = dead["jobs"][0]["id"].as_str().unwrap();
    let look = async || client.raw(Method::GET, &format!("/pedidos/orders/{id}")).await.json(200);
    let order = look().await;
    for (field, value) in dead["jobs"][0]["data"].as_object().unwrap() {
        assert_eq!(&order[field], value, "{field}");
    }
    let events: Vec<_> = order["history"].as_array().unwrap().iter().collect();
    let [stored, given_up] = events[..] else { panic!("{order:#}") };
    assert_eq!((&stored["event"], &given_up["event"]), (&"stored".into(), &"givenUp".into()));
    assert_eq!(given_up["error"], order["outcome"]["error"], "{order:#}");
    assert_eq!((&order["status"], &order["outcome"]["attempts"]), (&"falhou".into(), &1.into()));
    for stranger in ["01a20641-6fe7-7000-8000-1011b5a21848", "no-id"] {
        client.raw(Method::GET, &format!("/pedidos/orders/{stranger}")).await.problem(404);
    }
    // An order of no run of ours is no dead letter of this one.
    assert_eq!(client.retry_failed("id=01a20641-6fe7-7000-8000-1011b5a21848").await, 0);
    client.try_retry_failed("id=no-id").await.problem(400);
    assert_eq!(retry(&cluster, &format!("id={id}")).await, 1);
    let done = done(&cluster, &run_id).await;
    assert_eq!(done.dead(), 2, "{:#}", done.json);
    assert_eq!(look().await["status"], "processado");
    assert_eq!(retried(&cluster, &run_id).await, 1);
    // It is not dead any more.
    assert_eq!(client.retry_failed(&format!("id={id}")).await, 0);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_again_and_again_of_a_run_that_goes_on_puts_back_every_letter_once() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let (run_id, _, _held) = cluster.stuck_with_letters(6).await;
    let mut back = 0;
    for _ in 0..4 {
        // No wait in between: a retry may meet the replay that the one before began.
        back += retry(&cluster, "limit=2").await;
    }
    assert_eq!(back, 6);
    let done = done(&cluster, &run_id).await;
    assert_eq!((done.dead(), done.fence.late_vip), (0, 0), "{:#}", done.json);
    assert_eq!(retried(&cluster, &run_id).await, 6);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_put_back_behind_the_open_fence_are_counted_as_late() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let (run_id, _, held) = cluster.stuck_with_letters(6).await;
    // The last VIP order is processed: the fence opens.
    cluster.stores.queue.release(&held.token).await.unwrap();
    let begun = |status: &Status| status.counts.normal > 0;
    cluster.wait_for("NORMAL orders", begun).await;
    let before = cluster.pause().await;
    // NORMAL orders are drained while the last of them are still pushed: either phase may show.
    let behind = [Phase::EnqueueNormal, Phase::WaitingNormalDrain];
    assert!(behind.contains(&before.phase), "{:#}", before.json);
    assert_eq!((before.dead(), before.fence.open), (6, true));
    cluster.poison(Priority::Normal, 4).await;
    assert_eq!(retry(&cluster, "limit=5").await, 5);
    // It is accepted under a pause, and waits for its end.
    let paused = cluster.client().status().await;
    assert!(paused.phase.is_active() && !paused.fence.open, "{:#}", paused.json);
    cluster.client().resume().await;
    let done = done(&cluster, &run_id).await;
    let [vip, normal] = done.ledger.both();
    // A replay writes poisoned orders anew: only the dead letter is left.
    assert_eq!((vip.dead, normal.dead), (1, 0), "{:#}", done.json);
    assert_eq!(done.fence.late_vip, 5, "{:#}", done.json);
    assert_eq!(retried(&cluster, &run_id).await, 5);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_done_goes_on_for_its_dead_letters_and_is_done_again() {
    let cluster = Cluster::start(2, GIVEN_UP_AT_ONCE).await;
    let (run_id, _, held) = cluster.stuck_with_letters(6).await;
    cluster.stores.queue.release(&held.token).await.unwrap();
    let first = done(&cluster, &run_id).await;
    assert_eq!((first.dead(), first.fence.late_vip), (6, 0));
    // A pause shows it in between.
    cluster.client().pause().await;
    assert_eq!(retry(&cluster, "limit=4").await, 4);
    let again = cluster.client().status().await;
    assert!(again.is_of(&run_id) && again.phase.is_active(), "{:#}", again.json);
    assert_eq!(again.last_run_id.as_deref(), Some(&*run_id));
    let run = cluster.client().run(&run_id).await;
    assert_eq!((&run["status"], &run["finishedAt"]), (&"active".into(), &().into()), "{run:#}");
    let refused = cluster.client().try_generate("quantity=10", None).await;
    assert_eq!(refused.problem(409)["runId"], *run_id);
    cluster.client().resume().await;
    let second = done(&cluster, &run_id).await;
    assert_eq!((second.dead(), second.fence.late_vip), (2, 4), "{:#}", second.json);
    // Starts keep their minimum, ends their maximum.
    for (one, two) in [
        (&first.processing.vip, &second.processing.vip),
        (&first.processing.normal, &second.processing.normal),
    ] {
        assert_eq!(one.start, two.start);
        assert!(one.end <= two.end, "{one:?} {two:?}");
    }
    assert_eq!(retry(&cluster, "").await, 2);
    let third = done(&cluster, &run_id).await;
    assert_eq!((third.dead(), third.fence.late_vip), (0, 6), "{:#}", third.json);
    assert_eq!(third.progress.processed_total, u64::from(QUANTITY));
    assert_eq!(cluster.stores.runs().await, 1);
    assert_eq!(cluster.stores.orders().await % u64::from(QUANTITY), 0);
    // And that is all there was.
    assert_eq!(cluster.client().retry_failed("").await, 0);
    assert_eq!(cluster.client().status().await.json["ledger"], third.json["ledger"]);
    cluster.run(300).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_put_back_survive_that_redis_is_emptied_and_workers_die() {
    let mut cluster = Cluster::start(1, GIVEN_UP_AT_ONCE).await;
    let run_id = cluster.generate_with_dead(QUANTITY, [20, 20]).await;
    let before = done(&cluster, &run_id).await;
    assert_eq!(before.dead(), 40);
    assert_eq!(retry(&cluster, "limit=30").await, 30);
    cluster.kill(1).await;
    assert!(cluster.stores.empty_redis().await > 0);
    cluster.start_worker().await;
    let after = done(&cluster, &run_id).await;
    assert_eq!((after.dead(), after.fence.late_vip), (10, 20), "{:#}", after.json);
    assert_eq!(retried(&cluster, &run_id).await, 30);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_too_many_dead_letters_goes_on_once_they_are_put_back_or_removed() {
    let cluster = Cluster::start(1, &[("MAX_DEAD", "2")]).await;
    for clean in [false, true] {
        let run_id = cluster.generate_with_dead(300, [2, 3]).await;
        let stopped = |status: &Status| status.phase == Phase::Error;
        cluster.wait_for("ERROR", stopped).await;
        cluster.samples.expect_replay();
        if clean {
            assert_eq!(cluster.client().clean("state=failed").await, 5);
        } else {
            assert_eq!(cluster.client().retry_failed("").await, 5);
        }
        let done = done(&cluster, &run_id).await;
        assert_eq!(done.removed(), if clean { 5 } else { 0 }, "{:#}", done.json);
        assert_eq!(done.dead(), 0);
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_to_retry_nothing_is_changed() {
    let cluster = Cluster::start(1, &[]).await;
    let control = async || cluster.stores.store.control().await.unwrap();
    let nothing = async |when: &str| {
        let (before, status) = (control().await, cluster.client().status().await);
        assert_eq!(cluster.client().retry_failed("").await, 0, "{when}");
        let after = cluster.client().status().await;
        assert_eq!((after.phase, &after.json["ledger"]), (status.phase, &status.json["ledger"]));
        assert_eq!(control().await, before, "{when}");
    };
    nothing("without a run").await;
    cluster.client().pause().await;
    cluster.client().generate(200).await;
    nothing("a run that waits").await;
    cluster.client().resume().await;
    cluster.done().await;
    nothing("a run that is DONE").await;
    // What was cancelled is not taken up again.
    cluster.generate_with_dead(200, [0, 0]).await;
    cluster.done().await;
    cluster.client().pause().await;
    let run = cluster.client().generate(200).await;
    let spec = cluster.spec().await;
    let order = spec.generator().order(3);
    let given_up = GivenUp {
        id: order.id,
        priority: order.priority(),
        run_id: &run,
        attempts: 1,
        error: "made by a test",
        order: Some((&order, 0)),
    };
    cluster.stores.store.mark_dead(given_up).await.unwrap();
    cluster.client().cancel("purge=false").await;
    assert_eq!(cluster.client().status().await.dead(), 1);
    nothing("a run that was cancelled").await;
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_meets_a_generate_wins_or_loses_but_never_both() {
    let mut cluster = Cluster::start(1, &[]).await;
    let second = cluster.start_api().await;
    let (one, two) = (cluster.client().clone(), cluster.client_of(second).clone());
    let (mut retries, mut runs) = (0, 0);
    for round in 0..20 {
        let old = cluster.generate_with_dead(40, [1, 2]).await;
        cluster.done().await;
        cluster.audit().await;
        cluster.samples.expect_replay();
        let (retry, generate) = if round % 2 == 0 {
            tokio::join!(one.try_retry_failed(""), two.try_generate("quantity=40", None))
        } else {
            let (generate, retry) =
                tokio::join!(one.try_generate("quantity=40", None), two.try_retry_failed(""));
            (retry, generate)
        };
        let both = format!("{retry:#?}\n{generate:#?}");
        match (retry.status, generate.status) {
            (200, 409) => {
                assert_eq!(retry.json(200)["retried"], 3, "{both}");
                assert_eq!(generate.problem(409)["runId"], *old, "{both}");
                retries += 1;
                assert_eq!(done(&cluster, &old).await.dead(), 0);
            }
            (200 | 409, 202) => {
                let new = generate.json(202)["runId"].as_str().unwrap().to_owned();
                // Put back before it, and DONE again by then; or not at all.
                let put_back = if retry.status == 200 {
                    retry.json(200)["retried"].as_u64().unwrap()
                } else {
                    assert_eq!(retry.problem(409)["runId"], *new, "{both}");
                    0
                };
                assert!([0, 3].contains(&put_back), "{both}");
                runs += 1;
                assert_eq!(done(&cluster, &new).await.dead(), 0);
                assert_eq!(retried(&cluster, &old).await as u64, put_back, "{both}");
                let old = cluster.client().run(&old).await;
                assert_eq!(old["status"], "done", "{old:#}");
            }
            _ => panic!("round {round}: {both}"),
        }
    }
    assert_eq!(retries + runs, 20, "{retries} retries, {runs} runs");
    cluster.finish().await;
}
