//! Runs that nothing happens to.

use pedidos_core::run::Phase;
use pedidos_core::time::iso;
use pedidos_e2e::Cluster;

async fn runs_with(workers: usize) {
    let cluster = Cluster::start(workers, &[]).await;
    let (run_id, status) = cluster.run(5_000).await;
    let [vip, normal] = status.ledger.both();
    assert_eq!(vip.generated + normal.generated, 5_000);
    assert_eq!(vip.processed + normal.processed, 5_000);
    // Drawn evenly from four tiers: 1,250, give or take eight deviations.
    assert!(vip.processed.abs_diff(1_250) < 250, "{vip:?}");
    assert_eq!(status.last_run_id, Some(run_id));
    assert!(status.processing.vip.end <= status.processing.normal.start);
    assert!(status.processing.vip.end.is_some());
    assert_eq!(cluster.stores.orders().await, 5_000);
    assert_eq!(cluster.stores.runs().await, 1);
    assert!(cluster.samples.taken() > 5, "{:?}", cluster.samples.taken());
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_worker_completes_a_run_alone() {
    runs_with(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_a_run() {
    runs_with(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_workers_share_a_run() {
    runs_with(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_smaller_than_anything_it_is_cut_into_ends_too() {
    let cluster = Cluster::start(2, &[]).await;
    for quantity in [1, 2, 3, 7] {
        cluster.run(quantity).await;
    }
    assert_eq!(cluster.stores.orders().await, 1 + 2 + 3 + 7);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_done_the_next_run_is_accepted_at_once() {
    let cluster = Cluster::start(2, &[]).await;
    let mut last = None;
    for round in 1..=10 {
        // No wait in between: DONE seen is DONE durable.
        let (run_id, status) = cluster.run(400).await;
        assert_eq!(status.last_run_id.as_ref(), Some(&run_id));
        assert_ne!(last, Some(run_id.clone()));
        last = Some(run_id);
        assert_eq!(cluster.stores.runs().await, round);
        assert_eq!(cluster.stores.orders().await, round * 400);
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_draws_the_same_orders_again() {
    let cluster = Cluster::start(2, &[]).await;
    let mut drawn = Vec::new();
    for seed in ["7", "7", "8"] {
        let query = format!("quantity=1000&seed={seed}");
        let answer = cluster.client().try_generate(&query, None).await;
        let run_id = answer.json(202)["runId"].as_str().unwrap().to_owned();
        let status = cluster.done().await;
        assert_eq!(status.phase, Phase::Done);
        cluster.audit().await;
        let tiers = cluster.stores.field(&run_id, "tier").await;
        assert_eq!(tiers.len(), 1_000);
        drawn.push((tiers, status.counts));
    }
    assert_eq!(drawn[0], drawn[1]);
    assert_ne!(drawn[0].0, drawn[2].0);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_shows_a_run_as_its_status_showed_it() {
    const FIELDS: &str = "status seed quantity phase generationTimeMs processingTimeVIPMs \
        processingTimeNormalMs startVIP endVIP startNormal endNormal totalProcessedVIP \
        totalProcessedNormal totalFailedVIP totalFailedNormal enqueueVipTimeMs \
        enqueueNormalTimeMs totalTimeMs wallClockMs error createdAt finishedAt";
    let cluster = Cluster::start(2, &[]).await;
    let (run_id, status) = cluster.run(1_000).await;
    let saved = cluster.stores.run_document(&run_id).await;
    for field in FIELDS.split_whitespace() {
        assert!(saved.contains_key(field), "no {field}: {saved:#?}");
    }
    let number = |field: &str| saved.get_i64(field).unwrap() as u64;
    assert_eq!(saved.get_str("phase").unwrap(), "DONE");
    assert_eq!(number("quantity"), 1_000);
    assert_eq!(number("totalProcessedVIP"), status.counts.vip);
    assert_eq!(number("totalProcessedNormal"), status.counts.normal);
    for time in ["generationTimeMs", "enqueueVipTimeMs", "totalTimeMs", "wallClockMs"] {
        assert_eq!(status.json[time], number(time), "{time}");
    }
    for (field, shown) in [
        ("startVIP", &status.processing.vip.start),
        ("endVIP", &status.processing.vip.end),
        ("startNormal", &status.processing.normal.start),
        ("endNormal", &status.processing.normal.end),
    ] {
        let at = saved.get_datetime(field).unwrap().timestamp_millis();
        assert_eq!(Some(&iso(at)), shown.as_ref(), "{field}");
    }
    cluster.finish().await;
}
