//! Uploads that break off, stand still or meet: what was acknowledged stays, and nothing is
//! doubled, lost or rejected for it.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use pedidos_core::run::Phase;
use pedidos_e2e::{
    Client, Cluster,
    cluster::{Id, Kind},
    eventually, eventually_some,
    imports::{BUILTIN, NDJSON, Pieces, line, lines},
    proxy::When::{self, After, Before},
    raw::Raw,
    servers::{Server, Servers},
    steps::{
        Step::{self, Command, Intent},
        Wires,
    },
};
use rand::{RngExt, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const BOTH: [When; 2] = [Before, After];

/// What an upload does for a block, in this order.
const UPLOAD: [Step; 4] = [
    Command("findAndModify", "imports"),
    Command("insert", "orders"),
    Command("update", "import_blocks"),
    Command("update", "imports"),
];
/// Two blocks.
const LINES: u32 = 6_000;

/// Uploads the list in the background: its API may die, and give no answer.
fn uploading(client: &Client, id: &str, count: u32) -> JoinHandle<Option<u16>> {
    let (client, id) = (client.clone(), id.to_owned());
    tokio::spawn(async move {
        let answer = client.try_upload(&id, &[NDJSON], lines(0..count)).await;
        answer.map(|answer| answer.status)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_at_any_step_of_an_upload_costs_no_line() {
    let servers = Servers::start().await;
    for step in UPLOAD {
        for when in BOTH {
            eprintln!("{when:?} {step:?}");
            let mut cluster = Cluster::start_on(&servers, 1, &[]).await;
            let (api, wires) = Wires::start(&mut cluster, Kind::Api, &servers).await;
            let id = cluster.client().create_import().await;
            wires.stop_at(step, when);
            let upload = uploading(cluster.client_of(api), &id, LINES);
            wires.caught(step).await;
            cluster.kill(api).await;
            assert_eq!(upload.await.unwrap(), None, "it died");
            let import = cluster.client().upload(&id, lines(0..LINES)).await;
            assert_eq!((&import["accepted"], &import["rejected"]), (&json!(LINES), &json!(0)));
            cluster.has_imported(&id, 0..LINES).await;
            cluster.runs_import(&id).await;
            cluster.finish().await;
        }
    }
    servers.remove().await;
}

/// What happens while an upload stands still.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    SentAgain,
    Started,
    Discarded,
    Reset,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_frozen_upload_does_when_it_thaws_changes_nothing() {
    let servers = Servers::start().await;
    for meanwhile in
        [Meanwhile::SentAgain, Meanwhile::Started, Meanwhile::Discarded, Meanwhile::Reset]
    {
        for step in UPLOAD {
            thaws(&servers, step, meanwhile).await;
        }
    }
    servers.remove().await;
}

async fn thaws(servers: &Servers, step: Step, meanwhile: Meanwhile) {
    eprintln!("{step:?} arrives late, after {meanwhile:?}");
    let mut cluster = Cluster::start_on(servers, 1, &[]).await;
    let (zombie, wires) = Wires::start(&mut cluster, Kind::Api, servers).await;
    let id = cluster.client().create_import().await;
    // The second block is of the frozen upload alone in the first place.
    cluster.client().upload(&id, lines(0..100)).await;
    wires.stop_at(step, Before);
    let upload = uploading(cluster.client_of(zombie), &id, 200);
    wires.caught(step).await;
    cluster.process(zombie).signal("STOP").await;
    let client = cluster.client();
    let orders = match meanwhile {
        Meanwhile::SentAgain => {
            client.upload(&id, lines(0..150)).await;
            150
        }
        Meanwhile::Started => {
            cluster.runs_import(&id).await;
            100
        }
        Meanwhile::Discarded => {
            client.try_discard_import(&id).await.json(200);
            0
        }
        Meanwhile::Reset => {
            client.reset().await;
            0
        }
    };
    wires.let_go(step);
    cluster.process(zombie).signal("CONT").await;
    let status = upload.await.unwrap();
    // One that has not begun to write skips what was sent meanwhile, and goes on behind it.
    let goes_on = step == UPLOAD[0] && matches!(meanwhile, Meanwhile::SentAgain);
    let expected =
        if goes_on { matches!(status, Some(200)) } else { matches!(status, Some(404 | 409)) };
    assert!(expected, "{step:?} {meanwhile:?}: {status:?}");
    match meanwhile {
        Meanwhile::SentAgain => {
            cluster.has_imported(&id, 0..if goes_on { 200 } else { 150 }).await;
            let import = cluster.client().upload(&id, lines(0..200)).await;
            assert_eq!((&import["accepted"], &import["rejected"]), (&json!(200), &json!(0)));
            cluster.has_imported(&id, 0..200).await;
            cluster.runs_import(&id).await;
        }
        Meanwhile::Started => {
            cluster.has_imported(&id, 0..100).await;
            cluster.audit().await;
        }
        Meanwhile::Discarded | Meanwhile::Reset => {}
    }
    // What it inserted late is swept; after a reset, two minutes later.
    let stored = if matches!(meanwhile, Meanwhile::SentAgain) { 200 } else { orders };
    if !matches!(meanwhile, Meanwhile::Reset) {
        eventually("the sweep", async || cluster.stores.orders().await == stored).await;
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_uploads_at_once_one_goes_on() {
    let mut cluster = Cluster::start(1, &[]).await;
    let second = cluster.start_api().await;
    for _ in 0..3 {
        let id = cluster.client().create_import().await;
        let uploads = [cluster.client(), cluster.client_of(second)]
            .map(|client| uploading(client, &id, 12_000));
        let mut statuses = Vec::new();
        for upload in uploads {
            statuses.push(upload.await.unwrap().expect("both are answered"));
        }
        assert!(statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
        assert!(statuses.contains(&200), "{statuses:?}");
        cluster.has_imported(&id, 0..12_000).await;
        cluster.runs_import(&id).await;
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_or_a_discard_that_dies_at_any_step_comes_to_one_outcome() {
    let servers = Servers::start().await;
    let steps = [
        (true, Command("update", "imports")),
        (true, Intent("2:run")),
        (true, Command("update", "process_runs")),
        (false, Command("update", "imports")),
        (false, Command("delete", "orders")),
        (false, Command("delete", "import_blocks")),
    ];
    for (starts, step) in steps {
        for when in BOTH {
            eprintln!("{when:?} {step:?} of a {}", if starts { "start" } else { "discard" });
            let mut cluster = Cluster::start_on(&servers, 1, &[]).await;
            let (api, wires) = Wires::start(&mut cluster, Kind::Api, &servers).await;
            let id = cluster.client().create_import().await;
            cluster.client().upload(&id, lines(0..300)).await;
            wires.stop_at(step, when);
            let client = cluster.client_of(api).clone();
            let call = tokio::spawn({
                let id = id.clone();
                async move {
                    if starts {
                        client
                            .try_raw(
                                reqwest::Method::POST,
                                &format!("/pedidos/imports/{id}/start?{BUILTIN}"),
                                None,
                            )
                            .await
                    } else {
                        client
                            .try_raw(
                                reqwest::Method::DELETE,
                                &format!("/pedidos/imports/{id}"),
                                None,
                            )
                            .await
                    }
                }
            });
            wires.caught(step).await;
            cluster.kill(api).await;
            assert!(call.await.unwrap().is_none(), "it died");
            let state = cluster.client().import(&id).await["state"].as_str().unwrap().to_owned();
            match state.as_str() {
                // Nothing has happened yet, or it was sealed and no more.
                "open" | "sealed" => cluster.runs_import(&id).await,
                // A worker finishes what the API has begun.
                "started" => {
                    let done = cluster.done().await;
                    assert!(done.is_of(&id), "{:#}", done.json);
                    cluster.audit().await;
                }
                "discarded" => {
                    eventually("the sweep", async || cluster.stores.orders().await == 0).await;
                    cluster.client().try_start_import(&id, "").await.problem(409);
                }
                other => panic!("{other}"),
            }
            cluster.finish().await;
        }
    }
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_a_discard_and_a_reset_at_once_come_to_one_outcome() {
    let mut cluster = Cluster::start(1, &[]).await;
    let second = cluster.start_api().await;
    for round in 0..6 {
        let id = cluster.client().create_import().await;
        cluster.client().upload(&id, lines(0..200)).await;
        let (one, two) = (cluster.client(), cluster.client_of(second));
        let reset = async {
            if round % 2 == 1 {
                two.reset().await;
            }
        };
        let (started, discarded, ()) =
            tokio::join!(one.try_start_import(&id, ""), two.try_discard_import(&id), reset);
        let statuses = (started.status, discarded.status);
        assert!(matches!(started.status, 202 | 404 | 409), "{started:#?}");
        assert!(matches!(discarded.status, 200 | 404 | 409), "{discarded:#?}");
        if round % 2 == 0 {
            assert!(statuses == (202, 409) || statuses == (409, 200), "{statuses:?}");
        }
        eventually("one outcome", async || {
            let status = cluster.client().status().await;
            match status.phase {
                Phase::Done => status.is_of(&id),
                Phase::Idle => true,
                _ => false,
            }
        })
        .await;
        if cluster.client().status().await.phase == Phase::Done {
            cluster.audit().await;
        } else {
            eventually("the sweep", async || cluster.stores.orders().await == 0).await;
        }
        cluster.client().reset().await;
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mongodb_killed_during_an_upload_is_said_and_costs_no_line() {
    let servers = Servers::start().await;
    let cluster = Cluster::start_on(&servers, 1, &[]).await;
    let id = cluster.client().create_import().await;
    let (pieces, list) = Pieces::new();
    let upload = tokio::spawn({
        let (client, id) = (cluster.client().clone(), id.clone());
        async move { client.try_upload(&id, &[NDJSON], list).await }
    });
    pieces.send(lines(0..7_000)).await;
    eventually("the first block", async || cluster.client().import(&id).await["lines"] != 0).await;
    servers.kill(Server::Mongo).await;
    // The request may be answered before all is sent.
    let rest = tokio::spawn(async move { pieces.finish_with(lines(7_000..20_000)).await });
    let answer = upload.await.unwrap().expect("the API lives");
    answer.problem(503);
    rest.await.unwrap();
    servers.up().await;
    cluster.client().becomes_ready(200).await;
    let import = cluster.client().upload(&id, lines(0..20_000)).await;
    assert_eq!((&import["accepted"], &import["rejected"]), (&json!(20_000), &json!(0)));
    cluster.has_imported(&id, 0..20_000).await;
    cluster.runs_import(&id).await;
    cluster.finish().await;
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_upload_ends_and_what_came_before_stays() {
    let cluster = Cluster::start(0, &[]).await;
    let id = cluster.client().create_import().await;
    let (pieces, list) = Pieces::new();
    let upload = tokio::spawn({
        let (client, id) = (cluster.client().clone(), id.clone());
        async move { client.try_upload(&id, &[NDJSON], list).await.unwrap() }
    });
    // The last line is not complete.
    pieces.send(lines(0..50) + "{\"ref\":").await;
    eventually("the lines that are due", async || {
        cluster.client().import(&id).await["lines"] == 50
    })
    .await;
    let silent = upload.await.unwrap().problem(408);
    assert!(silent["detail"].as_str().unwrap().contains("10s"), "{silent}");
    drop(pieces);
    assert_eq!(cluster.client().import(&id).await["lines"], 50);
    assert_eq!(cluster.client().upload(&id, lines(0..60)).await["accepted"], 60);
    cluster.has_imported(&id, 0..60).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_too_many_is_told_to_come_back() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let mut open = Vec::new();
    for _ in 0..4 {
        let id = client.create_import().await;
        let (pieces, list) = Pieces::new();
        let upload = tokio::spawn({
            let (client, id) = (client.clone(), id.clone());
            async move { client.try_upload(&id, &[NDJSON], list).await }
        });
        pieces.send(lines(0..10)).await;
        eventually("the upload", async || client.import(&id).await["lines"] == 10).await;
        open.push((pieces, upload));
    }
    let id = client.create_import().await;
    let refused = client.try_upload(&id, &[NDJSON], lines(0..10)).await.unwrap();
    refused.problem(429);
    assert!(!refused.header(reqwest::header::RETRY_AFTER).is_empty(), "{refused:#?}");
    let (pieces, upload) = open.pop().unwrap();
    pieces.break_off().await;
    assert!(upload.await.unwrap().is_none(), "it broke off");
    eventually("a place", async || {
        client.try_upload(&id, &[NDJSON], lines(0..10)).await.unwrap().status == 200
    })
    .await;
    for (pieces, upload) in open {
        drop(pieces);
        assert_eq!(upload.await.unwrap().unwrap().status, 200);
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_is_read_and_what_follows_is_no_request() {
    let cluster = Cluster::start(0, &[]).await;
    let id = cluster.client().create_import().await;
    cluster.client().upload(&id, lines(0..10)).await;
    let mut connection = Raw::to(cluster.client().address()).await;
    let head = format!(
        "PUT /pedidos/imports/{id}/orders HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    assert!(connection.send(head.as_bytes()).await);
    // Another list; then a request in the middle of the body.
    assert!(connection.send(chunk(&lines(500..600)).as_bytes()).await);
    let answer = connection.until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 409 "), "{answer}");
    connection.send(chunk("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await;
    let rest = connection.rest().await;
    assert!(!rest.contains("HTTP/1.1"), "{rest}");
    cluster.has_imported(&id, 0..10).await;
    cluster.finish().await;
}

/// A list, and what becomes of it: numbers of orders, and how many lines are rejected.
fn random_list(random: &mut SmallRng) -> (Vec<String>, Vec<u32>, usize) {
    let (mut list, mut accepted, mut rejected) = (Vec::new(), Vec::new(), 0);
    for number in 0..random.random_range(1..400) {
        match random.random_range(0..20) {
            0 => {
                list.push("no order".to_owned());
                rejected += 1;
            }
            1 if number > 0 => {
                // A ref that was given before, unless that line was no order.
                let again = *accepted.choose(random).unwrap_or(&u32::MAX);
                if again != u32::MAX {
                    list.push(line(again));
                    rejected += 1;
                }
            }
            _ => {
                list.push(line(number));
                accepted.push(number);
            }
        }
    }
    (list, accepted, rejected)
}

#[tokio::test(flavor = "multi_thread")]
async fn random_lists_cut_anywhere_sent_anywhere_with_kills_are_the_list() {
    let seed = 42;
    let mut random = SmallRng::seed_from_u64(seed);
    let mut cluster = Cluster::start(1, &[]).await;
    for round in 0..12 {
        let (list, accepted, rejected) = random_list(&mut random);
        let text = list.join("\n");
        let id = cluster.client().create_import().await;
        let mut apis: Vec<Id> = vec![cluster.first_api(), cluster.start_api().await];
        for attempt in 0..random.random_range(1..4) {
            let api = *apis.choose(&mut random).unwrap();
            let (pieces, body) = Pieces::new();
            let upload = tokio::spawn({
                let (client, id) = (cluster.client_of(api).clone(), id.clone());
                async move { client.try_upload(&id, &[NDJSON], body).await }
            });
            let end = random.random_range(0..=text.len());
            let mut at = 0;
            while at < end && !upload.is_finished() {
                let next = (at + random.random_range(1..4_000)).min(end);
                if !pieces.try_send(&text.as_bytes()[at..next]).await {
                    break;
                }
                at = next;
                if random.random_range(0..6) == 0 {
                    tokio::time::sleep(Duration::from_millis(random.random_range(0..30))).await;
                }
            }
            if attempt == 1 && random.random_bool(0.5) {
                cluster.kill(api).await;
                apis.retain(|other| *other != api);
                apis.push(cluster.start_api().await);
                drop(pieces);
            } else {
                pieces.break_off().await;
            }
            let answered = upload.await.unwrap();
            assert!(answered.is_none(), "seed {seed}, round {round}: {answered:#?}");
        }
        let api = *apis.choose(&mut random).unwrap();
        // An upload that broke off may still be stored: then this one is told to come back.
        let import = eventually_some("the whole list", async || {
            let answer = cluster.client_of(api).try_upload(&id, &[NDJSON], text.clone()).await?;
            (answer.status != 409).then(|| answer.json(200))
        })
        .await;
        let counts: (&Value, &Value) = (&import["accepted"], &import["rejected"]);
        let expected = (json!(accepted.len()), json!(rejected));
        assert_eq!(counts, (&expected.0, &expected.1), "seed {seed}, round {round}: {import:#}");
        cluster.has_imported(&id, accepted.iter().copied()).await;
        if accepted.is_empty() {
            cluster.client().try_discard_import(&id).await.json(200);
        } else {
            let started = cluster.client().try_start_import(&id, "onRejects=skip").await;
            started.json(202);
            let done = cluster.done().await;
            assert!(done.is_of(&id));
            cluster.audit().await;
        }
        for api in apis.into_iter().skip(1) {
            cluster.stop(api).await;
        }
    }
    let left = cluster.stores.database.collection::<Document>("orders");
    assert_eq!(left.count_documents(doc! { "status": "pendente" }).await.unwrap(), 0);
    cluster.finish().await;
}
