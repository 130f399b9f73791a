//! Figures that stay true: of a cancelled run, of lists that two people clean at once, of
//! clocks that jump.

use fred::interfaces::HashesInterface;
use futures_util::TryStreamExt;
use mongodb::bson::{DateTime, Document, doc};
use pedidos_core::{order::PROCESSADO, run::Phase};
use pedidos_e2e::{
    Cluster, Status, eventually,
    letters::GIVEN_UP_AT_ONCE,
    phases::{QUANTITY, long_in},
};

const HOUR: i64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_times_of_a_run_cancelled_while_it_is_generated_end_with_it() {
    let cluster = Cluster::start(1, long_in(Phase::Generating)).await;
    let (run_id, _) = cluster.run_into(Phase::Generating).await;
    let begun = |status: &Status| status.progress.generated > 0;
    cluster.wait_for("a chunk", begun).await;
    cluster.client().cancel("pollIntervalMs=10").await;
    let at_once = cluster.client().status().await;
    cluster.stores.later(20).await;
    let afterwards = cluster.client().status().await;
    let history = cluster.client().run(&run_id).await;
    for figure in ["generationTimeMs", "totalTimeMs", "wallClockMs"] {
        let shown = &at_once.json[figure];
        assert!(shown.as_u64() > Some(0), "{figure}: {:#}", at_once.json);
        assert_eq!(&afterwards.json[figure], shown, "{figure} goes on");
        assert_eq!(&history[figure], shown, "{figure} of the history");
    }
    // Redis knows it no more than MongoDB does.
    cluster.samples.expect_replay();
    cluster.stores.empty_redis().await;
    let again = cluster.wait_for("the end", |status| status.phase == Phase::Aborted).await;
    assert_eq!(again.json["generationTimeMs"], at_once.json["generationTimeMs"]);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn run_documents_have_their_run_id_by_that_name_those_of_before_too() {
    let mut cluster = Cluster::start(1, &[]).await;
    let (first, _) = cluster.run(100).await;
    let (second, _) = cluster.run(100).await;
    let named = async |run_id: &str| {
        let document = cluster.stores.run_document(run_id).await;
        document.get_str("runId").map(str::to_owned).ok()
    };
    for run_id in [&first, &second] {
        assert_eq!(named(run_id).await.as_ref(), Some(run_id));
    }
    let runs = cluster.stores.database.collection::<Document>("process_runs");
    runs.update_many(doc! {}, doc! { "$unset": { "runId": "" } }).await.unwrap();
    cluster.start_api().await;
    for run_id in [&first, &second] {
        let document = cluster.stores.run_document(run_id).await;
        assert_eq!(document.get_str("runId").ok(), Some(run_id.as_str()), "{document:#?}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_a_cancel_removed_do_not_count_as_progress() {
    let cluster = Cluster::start(1, GIVEN_UP_AT_ONCE).await;
    // Cancelled before anything is done.
    cluster.client().pause().await;
    cluster.client().generate(500).await;
    cluster.client().cancel("").await;
    let none = cluster.client().status().await;
    assert_eq!(none.json["eta"]["progressPercent"].as_f64(), Some(0.0), "{:#}", none.json);
    cluster.client().resume().await;
    // And in the middle, with a dead letter, and some that a person had removed.
    let (_, stuck, _held) = cluster.stuck_with_letters(1).await;
    cluster.client().cancel("waitTimeoutMs=0&pollIntervalMs=10").await;
    let status = cluster.client().status().await;
    assert!(status.removed() > 0, "{:#}", status.json);
    let done = status.progress.processed_total + status.dead();
    assert!(done >= stuck.progress.processed_total, "{:#}", status.json);
    // As the API computes it: half a hundredth may be rounded up or down.
    let percent = (done as f64 / f64::from(QUANTITY) * 10_000.0).round() / 100.0;
    assert_eq!(status.json["eta"]["progressPercent"].as_f64(), Some(percent), "{:#}", status.json);
    let ratio = cluster.client().metric("pedidos_run_progress_ratio").await;
    assert!((ratio - done as f64 / f64::from(QUANTITY)).abs() < 1e-9, "{ratio}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_cleans_of_completed_orders_at_once_count_each_order_once() {
    let mut cluster = Cluster::start(1, &[]).await;
    let second = cluster.start_api().await;
    let other = cluster.client_of(second).clone();
    cluster.run(2_000).await;
    let orders = cluster.stores.database.collection::<Document>("orders");
    let mut hidden = 0;
    for round in 0..4 {
        let query = if round < 3 { "state=completed&limit=400" } else { "state=completed" };
        let (one, two) = tokio::join!(cluster.client().clean(query), other.clean(query));
        hidden += one + two;
        assert_eq!(orders.count_documents(doc! { "hidden": true }).await.unwrap(), hidden);
        for client in [cluster.client(), &other] {
            let jobs = client.jobs("types=completed&end=2000&includeData=false").await;
            let left = 2_000 - hidden;
            assert_eq!(jobs["available"]["completed"], left, "{round}");
            // Every one that is left can be listed.
            assert_eq!(jobs["total"], left, "{round}");
            assert_eq!(client.queue_status().await["completed"], left, "{round}");
            assert_eq!(client.health().await.json(200)["queue"]["completed"], left, "{round}");
        }
    }
    assert_eq!(hidden, 2_000);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_whose_api_died_before_it_counted_is_counted_by_the_next() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.run(300).await;
    let orders = cluster.stores.database.collection::<Document>("orders");
    let processed = orders.find(doc! { "status": PROCESSADO }).sort(doc! { "_id": 1 }).limit(100);
    let ids: Vec<Document> = processed.await.unwrap().try_collect().await.unwrap();
    let ids: Vec<_> = ids.iter().map(|order| order.get_str("_id").unwrap()).collect();
    let hide = doc! { "$set": { "hidden": true } };
    orders.update_many(doc! { "_id": { "$in": ids } }, hide).await.unwrap();
    assert_eq!(cluster.client().clean("state=completed&limit=50").await, 50);
    let jobs = cluster.client().jobs("types=completed&end=999").await;
    assert_eq!((&jobs["available"]["completed"], &jobs["total"]), (&150.into(), &150.into()));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_that_a_cancel_purged_are_listed_nowhere() {
    let cluster = Cluster::start(0, &[]).await;
    cluster.generate_with_dead(200, [2, 1]).await;
    cluster.client().cancel("purge=true").await;
    let status = cluster.client().status().await;
    assert_eq!(status.dead(), 3, "{:#}", status.json);
    let jobs = cluster.client().jobs("types=failed").await;
    assert_eq!((&jobs["available"]["failed"], &jobs["total"]), (&0.into(), &0.into()));
    assert_eq!(cluster.client().queue_status().await["failed"], 0);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_without_grace_does_not_depend_on_a_clock() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.generate_with_dead(300, [2, 2]).await;
    let done = cluster.done().await;
    // As a MongoDB stamps whose clock is an hour ahead of Redis'.
    let orders = cluster.stores.database.collection::<Document>("orders");
    let ahead = DateTime::from_millis(DateTime::now().timestamp_millis() + HOUR);
    for (status, field) in [("processado", "processedAt"), ("falhou", "outcome.at")] {
        let stamp = doc! { "$set": { field: ahead } };
        orders.update_many(doc! { "status": status }, stamp).await.unwrap();
    }
    // With grace, what is stamped in the future is too young.
    for state in ["completed", "failed"] {
        assert_eq!(cluster.client().clean(&format!("state={state}&grace=1")).await, 0, "{state}");
    }
    let processed = done.progress.processed_total;
    assert_eq!(cluster.client().clean("state=completed").await, processed);
    cluster.samples.expect_replay();
    assert_eq!(cluster.client().clean("state=failed").await, 4);
    cluster.finish().await;
}

/// Sets fields of the run in Redis, as a clock would have left them that was an hour ahead.
async fn an_hour_ahead(cluster: &Cluster, fields: &[&str]) {
    let queue = &cluster.stores.queue;
    let ahead = queue.snapshot().await.expect("Redis answers").now_ms + HOUR;
    let key = format!("{}:run", queue.keys().prefix());
    let fields: Vec<_> = fields.iter().map(|field| (*field, ahead)).collect();
    queue.client().hset::<(), _, _>(key, fields).await.expect("Redis answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_for_a_moment_does_not_affect_later_runs() {
    let mut cluster = Cluster::start(1, long_in(Phase::WaitingVipDrain)).await;
    cluster.run(300).await;
    an_hour_ahead(&cluster, &["clock"]).await;
    let (run_id, status) = cluster.run(300).await;
    let history = cluster.client().run(&run_id).await;
    for shown in [&status.json, &history] {
        for figure in ["wallClockMs", "totalTimeMs", "generationTimeMs"] {
            assert!(shown[figure].as_i64() < Some(HOUR / 2), "{figure}: {shown:#}");
        }
    }
    // Within a run, what stands still is seen to stand still all the same.
    cluster.run_into(Phase::WaitingVipDrain).await;
    cluster.process(1).signal("STOP").await;
    an_hour_ahead(&cluster, &["clock", "progressAt", "phaseAt"]).await;
    eventually("stuck", async || {
        cluster.client().health().await.json(200)["checks"]["isStuck"] == true
    })
    .await;
    cluster.process(1).signal("CONT").await;
    cluster.done().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_behind_after_an_emptied_redis_gives_no_negative_times() {
    let cluster = Cluster::start(1, long_in(Phase::WaitingVipDrain)).await;
    let (run_id, _) = cluster.hold(Phase::WaitingVipDrain).await;
    // As if the Redis of before had been an hour ahead, and this had been noted.
    let runs = cluster.stores.database.collection::<Document>("process_runs");
    let ahead = DateTime::now().timestamp_millis() + HOUR;
    let noted = doc! { "$set": {
        "figures.generationStart": ahead, "figures.vipStart": ahead, "figures.vipEnd": ahead,
    } };
    runs.update_one(doc! { "_id": &run_id }, noted).await.unwrap();
    cluster.samples.expect_replay();
    cluster.stores.empty_redis().await;
    cluster.client().resume().await;
    let done = cluster.done().await;
    assert!(done.is_of(&run_id), "{:#}", done.json);
    let history = cluster.client().run(&run_id).await;
    let document = cluster.stores.run_document(&run_id).await;
    for figure in
        ["generationTimeMs", "processingTimeVIPMs", "processingTimeNormalMs", "totalTimeMs"]
    {
        assert!(history[figure].as_i64() > Some(0), "{figure}: {history:#}");
        assert!(document.get_i64(figure).is_ok_and(|time| time > 0), "{figure}: {document:#?}");
    }
    assert!(history["startVIP"].as_str() <= history["endVIP"].as_str(), "{history:#}");
    assert!(history["endVIP"].as_str() <= history["startNormal"].as_str(), "{history:#}");
    cluster.finish().await;
}
