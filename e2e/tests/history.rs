//! The history: page by page, run by run, also of a run that goes on.

use pedidos_core::run::Phase;
use pedidos_e2e::{Cluster, phases::long_in};
use reqwest::Method;
use serde_json::Value;

fn ids(page: &Value) -> Vec<String> {
    let runs = page["runs"].as_array().unwrap_or_else(|| panic!("{page:#}"));
    assert_eq!(page["count"], runs.len(), "{page:#}");
    runs.iter().map(|run| run["runId"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Every page from the first to the last, of this size.
async fn pages(cluster: &Cluster, limit: u64) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let after = cursor.as_str().map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = cluster.client().runs(&format!("limit={limit}{after}")).await;
        assert_eq!(page["limit"], limit, "{page:#}");
        cursor = page["nextCursor"].clone();
        pages.push(ids(&page));
        if cursor.is_null() {
            return pages;
        }
        assert!(pages.len() < 100, "it does not end");
    }
}

/// So many runs, one of them cancelled; answers their ids, the newest first.
async fn several(cluster: &Cluster, count: usize) -> Vec<String> {
    let mut runs = Vec::new();
    for _ in 1..count {
        runs.push(cluster.run(20).await.0);
    }
    cluster.client().pause().await;
    runs.push(cluster.client().generate(20).await);
    cluster.client().cancel("pollIntervalMs=10").await;
    cluster.client().resume().await;
    runs.reverse();
    runs
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_listed_the_newest_first_in_pages_of_any_size() {
    let cluster = Cluster::start(1, &[]).await;
    assert_eq!(pages(&cluster, 20).await, [Vec::<String>::new()]);
    let runs = several(&cluster, 6).await;
    for (limit, sizes) in [
        (1, vec![1; 6]),
        (2, vec![2; 3]),
        (4, vec![4, 2]),
        (5, vec![5, 1]),
        // No cursor to a page with nothing on it.
        (6, vec![6]),
        (200, vec![6]),
    ] {
        let pages = pages(&cluster, limit).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert_eq!(pages.concat(), runs, "limit={limit}");
    }
    assert_eq!(ids(&cluster.client().runs("").await), runs);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_the_same_when_runs_were_added_before_it() {
    let cluster = Cluster::start(1, &[]).await;
    let runs = several(&cluster, 4).await;
    let first = cluster.client().runs("limit=2").await;
    cluster.run(20).await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = cluster.client().runs(&format!("limit=2&cursor={cursor}")).await;
    assert_eq!(ids(&second), runs[2..]);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_is_shown_as_in_the_list_and_as_its_status_was() {
    let cluster = Cluster::start(2, &[]).await;
    let (run_id, status) = cluster.run(500).await;
    let run = cluster.client().run(&run_id).await;
    assert_eq!(cluster.client().runs("").await["runs"], serde_json::json!([run]));
    for (field, shown) in [
        ("runId", &status.json["runId"]),
        ("phase", &status.json["phase"]),
        ("quantity", &status.json["progress"]["target"]),
        ("generationTimeMs", &status.json["generationTimeMs"]),
        ("processingTimeVIPMs", &status.json["processing"]["vip"]["timeMs"]),
        ("processingTimeNormalMs", &status.json["processing"]["normal"]["timeMs"]),
        ("startVIP", &status.json["processing"]["vip"]["start"]),
        ("endVIP", &status.json["processing"]["vip"]["end"]),
        ("startNormal", &status.json["processing"]["normal"]["start"]),
        ("endNormal", &status.json["processing"]["normal"]["end"]),
        ("totalProcessedVIP", &status.json["counts"]["vip"]),
        ("totalProcessedNormal", &status.json["counts"]["normal"]),
        ("totalTimeMs", &status.json["totalTimeMs"]),
        ("wallClockMs", &status.json["wallClockMs"]),
    ] {
        assert_eq!(&run[field], shown, "{field}: {run:#}");
    }
    assert_eq!((&run["status"], &run["error"]), (&"done".into(), &Value::Null));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_goes_on_is_shown_as_it_stands() {
    let cluster = Cluster::start(2, long_in(Phase::WaitingNormalDrain)).await;
    let (run_id, held) = cluster.hold(Phase::WaitingNormalDrain).await;
    let run = cluster.client().run(&run_id).await;
    let listed = cluster.client().runs("limit=1").await;
    for run in [&run, &listed["runs"][0]] {
        assert_eq!(run["runId"], *run_id);
        assert_eq!((&run["status"], &run["phase"]), (&"active".into(), &held.json["phase"]));
        assert_eq!(run["totalProcessedVIP"], held.counts.vip, "{run:#}");
        assert_eq!(run["totalProcessedNormal"], held.counts.normal, "{run:#}");
        assert_eq!(run["finishedAt"], Value::Null);
        assert!(run["wallClockMs"].as_u64() >= held.json["wallClockMs"].as_u64());
    }
    cluster.client().resume().await;
    cluster.done().await;
    assert_eq!(cluster.client().run(&run_id).await["status"], "done");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_and_a_stopped_run_say_so() {
    let cluster = Cluster::start(1, &[("MAX_DEAD", "1")]).await;
    let cancelled = several(&cluster, 1).await.remove(0);
    let run = cluster.client().run(&cancelled).await;
    assert_eq!((&run["status"], &run["phase"]), (&"aborted".into(), &"ABORTED".into()));
    assert!(run["finishedAt"].is_string(), "{run:#}");
    let stopped = cluster.generate_with_dead(100, [1, 1]).await;
    cluster.wait_for("ERROR", |status| status.phase == Phase::Error).await;
    let run = cluster.client().run(&stopped).await;
    assert_eq!((&run["status"], &run["phase"]), (&"error".into(), &"ERROR".into()));
    assert_eq!(run["totalFailedVIP"].as_u64().zip(run["totalFailedNormal"].as_u64()), Some((1, 1)));
    let why = run["error"].as_str().unwrap_or_default();
    assert!(why.contains("dead letters"), "{run:#}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_there_is_not_found() {
    let cluster = Cluster::start(1, &[]).await;
    let (gone, _) = cluster.run(20).await;
    cluster.client().reset().await;
    let unknown = uuid::Uuid::new_v4().to_string();
    let long = "x".repeat(3_000);
    for run_id in [&gone, &unknown, "x", "%00", "%FF", "..%2Fruns", "a%20b", "%F0%9F%92%A9", &long]
    {
        let answer = cluster.client().raw(Method::GET, &format!("/pedidos/runs/{run_id}")).await;
        let problem = answer.problem(answer.status);
        // What is no text at all may be refused before it is looked for.
        let wanted = answer.status == 404 || answer.status == 400 && run_id == "%FF";
        assert!(wanted, "{run_id}: {problem:#}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_was_never_issued_is_refused() {
    let cluster = Cluster::start(1, &[]).await;
    let (gone, _) = cluster.run(20).await;
    cluster.client().reset().await;
    let (there, _) = cluster.run(20).await;
    let unknown = uuid::Uuid::new_v4().to_string();
    let upper = there.to_uppercase();
    let long = "x".repeat(3_000);
    for cursor in [&gone, &unknown, &upper, "x", "0", "", "%00", "%FF", "%20", &long] {
        let path = format!("/pedidos/runs?cursor={cursor}");
        let answer = cluster.client().raw(Method::GET, &path).await;
        let problem = answer.problem(400);
        assert_eq!(problem["errors"][0]["name"], "cursor", "{cursor}: {problem:#}");
    }
    // Another page size does not make it another cursor.
    let page = cluster.client().runs(&format!("limit=7&cursor={there}")).await;
    assert_eq!((&page["count"], &page["nextCursor"]), (&0.into(), &Value::Null));
    cluster.finish().await;
}
