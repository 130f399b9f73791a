//! Workers whose clocks are hours off.

use futures_util::TryStreamExt;
use mongodb::bson::{DateTime, Document, doc};
use pedidos_e2e::{
    Cluster,
    cluster::{Id, Kind},
    phases::{ACTIVE, long_in},
};

const HOUR: i64 = 3_600_000;

/// Starts a worker whose wall clock is this many hours off, as it says itself.
async fn start_off(cluster: &mut Cluster, hours: i64) -> Id {
    let shift = format!("{hours:+}h");
    let settings = [
        // Debian's package libfaketime; the loader knows what $LIB is.
        ("LD_PRELOAD", "/usr/$LIB/faketime/libfaketime.so.1"),
        ("FAKETIME", shift.as_str()),
        // A wrong clock, not a time that jumps: what measures durations is right.
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    let id = cluster.start_one(Kind::Worker, &settings).await;
    let line = cluster.process(id).line("worker started").await;
    let time = line.split_whitespace().find_map(|word| DateTime::parse_rfc3339_str(word).ok());
    let time = time.unwrap_or_else(|| panic!("no time in: {line}"));
    let off = time.timestamp_millis() - DateTime::now().timestamp_millis();
    assert_eq!((off as f64 / HOUR as f64).round() as i64, hours, "{line}");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_clock_is_two_hours_off_takes_part_like_any_other() {
    for (phase, hours) in ACTIVE.into_iter().zip([2, -2].into_iter().cycle()) {
        let began = DateTime::now();
        let mut cluster = Cluster::new(long_in(phase)).await;
        cluster.start_api().await;
        let right = cluster.start_worker().await;
        let wrong = start_off(&mut cluster, hours).await;
        let (run_id, _) = cluster.run_into(phase).await;
        // Each way: whose lease has expired is not for the clock of a worker to say.
        cluster.kill(right).await;
        cluster.start_worker().await;
        cluster.kill(wrong).await;
        start_off(&mut cluster, hours).await;
        cluster.ends_exact(&run_id).await;

        // What it has written is as if its clock were right.
        let minute = HOUR / 60;
        let from = DateTime::from_millis(began.timestamp_millis() - minute);
        let to = DateTime::from_millis(DateTime::now().timestamp_millis() + minute);
        let orders = cluster.stores.database.collection::<Document>("orders");
        let out = ["createdAt", "processedAt"].map(|field| {
            doc! { "$or": [{ field: { "$lt": from } }, { field: { "$gt": to } }] }
        });
        let wrong = orders.find(doc! { "$or": out }).limit(3).await.unwrap();
        let wrong: Vec<_> = wrong.try_collect().await.unwrap();
        assert!(wrong.is_empty(), "{wrong:#?}");
        cluster.finish().await;
    }
}
