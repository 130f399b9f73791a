//! The stream of events, through a real HTTP client.

use std::{collections::HashMap, time::Instant};

use fred::interfaces::StreamsInterface;
use pedidos_e2e::{
    Cluster, Status,
    events::{Event, Events},
    in_time,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What Redis keeps of phases or log lines after one id, up to another.
async fn kept(cluster: &Cluster, phases: bool, after: &str, to: &str) -> Vec<(String, String)> {
    let keys = cluster.stores.queue.keys();
    let (key, field) = if phases { (keys.phases(), "phase") } else { (keys.logs(), "text") };
    let redis = cluster.stores.queue.client();
    let entries: Vec<(String, HashMap<String, String>)> =
        redis.xrange(key, format!("({after}"), to, None).await.unwrap();
    entries.into_iter().map(|(id, mut fields)| (id, fields.remove(field).unwrap())).collect()
}

/// As [`kept`], of events that came.
fn told(events: &[Event], phases: bool) -> Vec<(String, String)> {
    let (name, field) = if phases { ("phase", "phase") } else { ("log", "line") };
    let told = events.iter().filter(|event| event.name == name);
    told.map(|event| {
        let (log, phase) = event.places();
        let id = if phases { phase } else { log };
        (id.to_owned(), event.data[field].as_str().unwrap().to_owned())
    })
    .collect()
}

/// Neither a phase nor a line since `first` was missed, doubled, or out of order.
async fn nothing_missed(cluster: &Cluster, first: &Event, events: &[Event]) {
    let last = events.last().unwrap_or(first);
    let (logs, phases) = (first.places(), last.places());
    assert_eq!(told(events, true), kept(cluster, true, logs.1, phases.1).await);
    assert_eq!(told(events, false), kept(cluster, false, logs.0, phases.0).await);
    assert!(events.iter().all(|event| event.name != "gap"), "{events:#?}");
}

fn is_done(event: &Event) -> bool {
    event.name == "phase" && event.data["phase"] == "DONE"
}

async fn first(events: &mut Events) -> Event {
    let first = in_time("the first event", events.next()).await.expect("it begins");
    assert_eq!(first.name, "progress", "a stream begins with the status");
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_told_phase_by_phase_line_by_line_and_four_times_a_second() {
    let cluster = Cluster::start(2, &[]).await;
    let mut events = cluster.client().events(None).await;
    let start = first(&mut events).await;
    assert_eq!(start.data["phase"], "IDLE");
    let began = Instant::now();
    let run_id = cluster.client().generate(15_000).await;
    let seen = events.until("the phase DONE", is_done).await;
    let seconds = began.elapsed().as_secs_f64();
    nothing_missed(&cluster, &start, &seen).await;
    let phases: Vec<_> = told(&seen, true).into_iter().map(|(_, phase)| phase).collect();
    assert_eq!(phases.first().map(String::as_str), Some("GENERATING"));
    for event in seen.iter().filter(|event| event.name == "phase") {
        assert_eq!(event.data["runId"], *run_id, "{event:#?}");
        assert!(event.data["at"].is_string(), "{event:#?}");
    }
    assert!(seen.iter().any(|event| event.name == "log"), "no line was logged");
    let progress: Vec<_> = seen.iter().filter(|event| event.name == "progress").collect();
    let most = 4.0 * seconds + 2.0;
    assert!(progress.len() as f64 <= most, "{} in {seconds} s", progress.len());
    assert!(progress.len() > 2, "only {} in {seconds} s", progress.len());
    let mut before = 0;
    for event in progress {
        let status = Status::of(event.data.clone());
        assert!(status.progress.processed_total >= before, "{:#}", status.json);
        before = status.progress.processed_total;
    }
    // The last one shows the end.
    let shown = |event: &Event| event.name == "progress" && event.data["phase"] == "DONE";
    events.until("the status of the end", shown).await;
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_goes_on_at_another_replica_and_after_a_restart() {
    let mut cluster = Cluster::start(2, &[("LOG_PROGRESS_EVERY_MS", "100")]).await;
    cluster.start_api().await;
    let mut replicas = vec![cluster.first_api(), 3];
    let start = first(&mut cluster.client().events(None).await).await;
    cluster.client().generate(15_000).await;
    let mut seen: Vec<Event> = Vec::new();
    for round in 0.. {
        if round % 4 == 3 {
            // The next one is a process that knows nothing of this reader.
            cluster.kill(replicas.remove(0)).await;
            replicas.push(cluster.start_api().await);
        }
        let client = cluster.client_of(replicas[round % 2]).clone();
        let last = seen.last().unwrap_or(&start).id.clone();
        let mut events = client.events(Some(&last)).await;
        // It is dropped in the middle of what it has to say.
        for _ in 0..5 {
            seen.extend(events.next().await);
        }
        if seen.iter().any(is_done) {
            break;
        }
    }
    nothing_missed(&cluster, &start, &seen).await;
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_from_before_what_is_kept_is_told_of_the_gap_first() {
    let cluster = Cluster::start(1, &[]).await;
    for emptied in [false, true] {
        cluster.run(200).await;
        let old = first(&mut cluster.client().events(None).await).await;
        assert!(!old.places().0.starts_with("0-"), "there are no lines yet");
        if emptied {
            cluster.samples.expect_replay();
            cluster.stores.empty_redis().await;
        } else {
            cluster.client().reset().await;
        }
        let mut events = cluster.client().events(Some(&old.id)).await;
        let gap = events.next().await.unwrap();
        assert_eq!((&*gap.name, &gap.data["after"]), ("gap", &old.id.clone().into()));
        first(&mut events).await;
        cluster.client().generate(200).await;
        let seen = events.until("the phase DONE", is_done).await;
        nothing_missed(&cluster, &gap, &seen).await;
        // From then on it goes on without one.
        let last = &seen.last().unwrap().id;
        first(&mut cluster.client().events(Some(last)).await).await;
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_client_receives_the_first_run_from_its_beginning() {
    let cluster = Cluster::start(1, &[]).await;
    let (run_id, _) = cluster.run(200).await;
    let newest = first(&mut cluster.client().events(None).await).await;
    // As the dashboard asks: from a time before the run, at which no phase was ever told.
    let run = cluster.stores.run_document(&run_id).await;
    let created = run.get_datetime("createdAt").unwrap().timestamp_millis();
    let place = format!("{}.{}-0", newest.places().0, created - 5_000);
    let mut events = cluster.client().events(Some(&place)).await;
    first(&mut events).await;
    let seen = events.until("the phase DONE", is_done).await;
    let phases = told(&seen, true);
    assert_eq!(phases, kept(&cluster, true, "0-0", "+").await);
    assert_eq!((&*phases[0].1, &*phases[1].1), ("IDLE", "GENERATING"));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_last_event_id_is_refused() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.run(100).await;
    let long = "1".repeat(5_000);
    for id in [
        "x",
        "1",
        "1-2",
        "1-2.3",
        "1-2.3-4.5-6",
        "a-b.c-d",
        "-.-",
        ".",
        "0-0.0-0x",
        "1-2,3-4",
        "-1-0.0-0",
        "99999999999999999999-0.0-0",
        "0-0.99999999999999999999-0",
        "null",
        &long,
    ] {
        let refused = cluster.client().try_events(Some(id)).await;
        let Err(answer) = refused else { panic!("'{id}' is accepted") };
        let problem = answer.problem(400);
        assert_eq!(problem["errors"][0]["name"], "Last-Event-ID", "{id}: {problem:#}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_the_future_does_not_silence_a_stream() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.run(100).await;
    let most = u64::MAX;
    for id in [
        "9999999999999-0.9999999999999-0".to_owned(),
        "0-0.9999999999999-0".to_owned(),
        format!("{most}-{most}.{most}-{most}"),
    ] {
        match cluster.client().try_events(Some(&id)).await {
            // It was never issued.
            Err(answer) => drop(answer.problem(400)),
            // Or it says that it cannot go on from there.
            Ok(mut events) => {
                let gap = events.next().await.expect("it begins");
                assert_eq!(gap.name, "gap", "{id}: {gap:#?}");
                cluster.client().generate(100).await;
                events.until("the phase DONE", is_done).await;
            }
        }
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_streams_cost_redis_no_connection_and_hear_everything() {
    const STREAMS: usize = 500;
    let mut cluster = Cluster::start(1, &[]).await;
    cluster.has_its_connections(0).await;
    let before = cluster.process(0).resident_kib();
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let mut events = cluster.client().events(None).await;
        let start = first(&mut events).await;
        streams.push((start, events));
    }
    cluster.client().generate(2_000).await;
    cluster.has_its_connections(0).await;
    for (start, events) in &mut streams {
        let seen = events.until("the phase DONE", is_done).await;
        nothing_missed(&cluster, start, &seen).await;
    }
    cluster.has_its_connections(0).await;
    let grown = cluster.process(0).resident_kib().saturating_sub(before);
    assert!(grown < 50 * 1_024, "{grown} KiB for {STREAMS} streams");
    cluster.audit().await;
    cluster.finish().await;
}

/// A reader that asks, and then reads nothing.
async fn stalled(url: &str) -> TcpStream {
    let address = url.trim_start_matches("http://");
    let mut reader = TcpStream::connect(address).await.unwrap();
    let ask = "GET /pedidos/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    reader.write_all(ask.as_bytes()).await.unwrap();
    // Once it is answered, it is one of those that are told.
    let mut begin = [0; 200];
    in_time("an answer", reader.read_exact(&mut begin)).await.unwrap();
    reader
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_do_not_read_are_dropped_and_cost_no_memory() {
    const LINES: usize = 6_000;
    let mut cluster = Cluster::start(0, &[("SHUTDOWN_GRACE_MS", "2000")]).await;
    let url = cluster.process(0).url().await;
    let mut readers = Vec::new();
    for _ in 0..20 {
        readers.push(stalled(&url).await);
    }
    let mut events = cluster.client().events(None).await;
    let start = first(&mut events).await;
    let before = cluster.process(0).resident_kib();
    // More than the sockets of all of them take. One who reads is waited for, all the while:
    // were it late by 1,024 lines itself, its stream would end, too.
    let (redis, key) = (cluster.stores.queue.client(), cluster.stores.queue.keys().logs());
    let mut seen = Vec::new();
    for lines in (0..LINES).collect::<Vec<_>>().chunks(250) {
        for line in lines {
            let text = format!("{line} {}", "x".repeat(4_000));
            let fields = vec![("level", "INFO".to_owned()), ("text", text)];
            redis.xadd::<(), _, _, _, _>(&key, false, None, "*", fields).await.unwrap();
        }
        let last = format!("{} ", lines[lines.len() - 1]);
        let is_last =
            |event: &Event| event.data["line"].as_str().is_some_and(|line| line.starts_with(&last));
        seen.extend(events.until("the last line", is_last).await);
    }
    let last = format!("{} ", LINES - 1);
    nothing_missed(&cluster, &start, &seen).await;
    let grown = cluster.process(0).resident_kib().saturating_sub(before);
    assert!(grown < 64 * 1_024, "{grown} KiB for 20 readers that do not read");
    // Those who begin to read find that their stream has ended, before its end.
    for mut reader in readers.drain(..10) {
        let mut all = Vec::new();
        in_time("the end of a stream", reader.read_to_end(&mut all)).await.unwrap();
        let text = String::from_utf8_lossy(&all);
        assert!(!text.contains(&last), "all of it was kept for it");
    }
    // And those who do not, keep no API from ending.
    cluster.finish().await;
    drop(readers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_has_a_heartbeat_and_ends_with_its_api() {
    let mut cluster = Cluster::start(0, &[]).await;
    let mut reader = stalled(&cluster.process(0).url().await).await;
    let mut all = Vec::new();
    in_time("a comment", async {
        while !String::from_utf8_lossy(&all).contains("\n:") {
            let mut part = [0; 1_024];
            let read = reader.read(&mut part).await.unwrap();
            assert!(read > 0, "the stream has ended");
            all.extend(&part[..read]);
        }
    })
    .await;
    let mut events = cluster.client().events(None).await;
    first(&mut events).await;
    cluster.stop(0).await;
    while in_time("the end of the stream", events.next()).await.is_some() {}
    cluster.finish().await;
}
