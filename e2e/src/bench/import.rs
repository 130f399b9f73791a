//! Imports: an upload beside a bare driver inserting the same documents, a run of what was
//! uploaded beside a generated one, and an upload that goes on after the API was killed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::stream;
use mongodb::{
    IndexModel,
    bson::{DateTime, Document, RawDocumentBuf, cstr, doc},
    options::{Acknowledgment, IndexOptions, WriteConcern},
};
use pedidos_core::{
    control::RunSpec,
    import::BLOCK_LINES,
    order::{OrderId, PENDENTE},
    tls,
};
use reqwest::Body;
use serde::Serialize;
use tokio::time::Instant;
use xtask::{
    process::memory_kib,
    services::{Server, Services},
};

use super::{
    cpu_time,
    floor::{self, Drive},
    ours, peak_mib,
};
use crate::{
    cluster::{Cluster, Id},
    imports::{NDJSON, line, lines},
    stores::{Stores, own_settings},
    wait::poll,
};

/// Lines that the client sends in a piece.
const PIECE: u32 = 500;
/// Workers of the runs.
const WORKERS: usize = 2;
/// As an upload inserts.
const INSERTS: Drive = Drive { batch: BLOCK_LINES, at_once: 1 };
/// As the workers of the runs update.
const UPDATES: Drive = Drive { batch: 500, at_once: WORKERS };
/// How often MongoDB is asked how far an upload is, where that is what is measured.
const LOOK: Duration = Duration::from_millis(20);

/// A bare driver's inserts, or an upload.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    pub seconds: f64,
    /// Of MongoDB meanwhile, s; none if the server is not ours.
    pub mongo_cpu_seconds: Option<f64>,
    /// Of the API meanwhile, s; none without one.
    pub api_cpu_seconds: Option<f64>,
    /// The most memory of the API so far, MiB: before the upload, after a tenth of it, after it.
    pub api_peak_mib: Option<[f64; 3]>,
    /// What the API has in RAM after it, MiB.
    pub api_mib: Option<f64>,
}

/// A run, s.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ran {
    /// From the answer that accepts it until DONE is seen.
    pub wall: f64,
    /// From the first lease of a VIP order to the last ack.
    pub first_lease_to_end: f64,
    /// From the first lease of a NORMAL order to the last ack.
    pub normal: f64,
}

/// An upload whose API was killed when nine tenths were stored.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resumed {
    /// Lines that were stored then.
    pub stored: i64,
    /// Orders of a block that was not stored to its end: they are deleted first.
    pub left: i64,
    /// From the second upload's first byte until a line more is stored, s.
    pub seconds: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Took {
    pub floor: Stored,
    /// A driver's updates alone, of orders as an upload stores them and as a run generates them, s.
    pub updates: [f64; 2],
    pub upload: Stored,
    pub imported: Ran,
    pub generated: Ran,
    pub resumed: Resumed,
}

/// All of it, one after the other, of as many orders.
pub async fn run(quantity: u32) -> Took {
    let (floor, of_imported) = Box::pin(floor(quantity)).await;
    let [_, of_generated] = Box::pin(floor::run(quantity, [INSERTS, UPDATES])).await.halves;
    let updates = [of_imported, of_generated].map(|took| took.as_secs_f64());
    eprintln!("inserts: {floor:?}\nupdates, imported and generated: {updates:?} s");
    let (upload, imported) = Box::pin(imported(quantity)).await;
    eprintln!("upload: {upload:?}\nits run: {imported:?}");
    let generated = Box::pin(generated(quantity)).await;
    eprintln!("a generated run: {generated:?}");
    let resumed = Box::pin(resumed(quantity)).await;
    eprintln!("after a kill: {resumed:?}");
    Took { floor, updates, upload, imported, generated, resumed }
}

fn cpu_of(server: Server) -> Option<Duration> {
    Services::of_environment().pid(server).and_then(cpu_time)
}

fn spent(before: Option<Duration>, after: Option<Duration>) -> Option<f64> {
    Some(after?.saturating_sub(before?).as_secs_f64())
}

/// The order of a line of [`lines`], as an upload stores it.
fn document(number: u32, id: OrderId, run: &RunSpec) -> RawDocumentBuf {
    let (id, tier) = (id.to_string(), ["BRONZE", "PRATA", "OURO", "DIAMANTE"][number as usize % 4]);
    let mut raw = RawDocumentBuf::new();
    raw.append(cstr!("_id"), id.as_str());
    raw.append(cstr!("id"), id.as_str());
    raw.append(cstr!("ref"), format!("r-{number}"));
    raw.append(cstr!("cliente"), format!("Cliente {number}"));
    raw.append(cstr!("valor"), f64::from(number % 1_000) + 0.25);
    raw.append(cstr!("tier"), tier);
    raw.append(cstr!("priority"), if tier == "DIAMANTE" { "VIP" } else { "NORMAL" });
    raw.append(cstr!("dados"), format!(r#"{{"sku":{number}}}"#));
    raw.append(cstr!("runId"), run.run_id.as_str());
    raw.append(cstr!("status"), PENDENTE);
    raw.append(cstr!("createdAt"), DateTime::from_millis(run.created_ms));
    raw.append(cstr!("attempt"), 1_i64);
    raw
}

/// The calls of `insert_many` alone, one at a time: blocks as large as those of an upload, the
/// same documents and indexes. What makes the documents is not counted. Then the updates of a run,
/// and how long they take.
async fn floor(quantity: u32) -> (Stored, Duration) {
    let stores = Stores::connect(&own_settings()).await;
    stores.store.ensure_indexes().await.expect("MongoDB answers");
    let orders = stores.database.collection::<RawDocumentBuf>("orders");
    let only = IndexOptions::builder()
        .unique(true)
        .partial_filter_expression(doc! { "ref": { "$type": "string" } })
        .build();
    let references = IndexModel::builder().keys(doc! { "runId": 1, "ref": 1 }).options(only);
    orders.create_index(references.build()).await.expect("MongoDB answers");
    let durable = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
    let run_id = uuid::Uuid::new_v4().to_string();
    let run = RunSpec::generated(run_id, 1, i64::from(quantity), 1_700_000_000_000);
    let before = cpu_of(Server::Mongo);
    let mut took = Duration::ZERO;
    for from in (0..quantity).step_by(BLOCK_LINES as usize) {
        let block = from..quantity.min(from + BLOCK_LINES);
        let block: Vec<_> =
            block.map(|index| document(index, run.generator().id(index), &run)).collect();
        let began = Instant::now();
        let insert = orders.insert_many(&block).ordered(false).write_concern(durable.clone());
        let inserted = insert.await.expect("MongoDB inserts");
        took += began.elapsed();
        assert_eq!(inserted.inserted_ids.len(), block.len());
    }
    let mongo_cpu_seconds = spent(before, cpu_of(Server::Mongo));
    let id = |index| run.generator().id(index);
    let updated = floor::update_all(&stores.store, quantity, UPDATES, id).await;
    stores.remove().await;
    let inserts = Stored {
        seconds: took.as_secs_f64(),
        mongo_cpu_seconds,
        api_cpu_seconds: None,
        api_peak_mib: None,
        api_mib: None,
    };
    (inserts, updated)
}

/// The lines of a list, made as they are sent; each piece is announced by its first line.
fn pieces(quantity: u32, mut at: impl FnMut(u32) + Send + 'static) -> Body {
    let starts = (0..quantity).step_by(PIECE as usize);
    let pieces = starts.map(move |from| {
        at(from);
        Ok::<_, std::io::Error>(lines(from..quantity.min(from + PIECE)))
    });
    Body::wrap_stream(stream::iter(pieces))
}

/// Sends a list, however long that takes; none if there was no answer.
async fn send(cluster: &Cluster, import: &str, list: Body) -> Option<u16> {
    let tls = tls::trusting_nobody().expect("that needs nothing");
    let http = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls);
    let http = http.build().expect("a client needs nothing more");
    let url = format!("http://{}/pedidos/imports/{import}/orders", cluster.client().address());
    let answer = http.put(url).header(NDJSON.0, NDJSON.1).body(list).send().await.ok()?;
    Some(answer.status().as_u16())
}

async fn stored(cluster: &Cluster, import: &str) -> i64 {
    let found = cluster.stores.store.import(import).await.expect("MongoDB answers");
    found.expect("there is such an import").accepted
}

/// Creates an import and uploads so many lines. Answers its id, and what it took.
async fn upload(cluster: &mut Cluster, api: Id, quantity: u32) -> (String, Stored) {
    let pid = cluster.process(api).pid;
    let peak = move || peak_mib(pid).unwrap_or_default();
    let at_tenth = Arc::new(AtomicU64::new(0));
    let note = {
        let at_tenth = Arc::clone(&at_tenth);
        move |from| {
            if at_tenth.load(Relaxed) == 0 && from >= quantity / 10 {
                at_tenth.store(peak().to_bits(), Relaxed);
            }
        }
    };
    let (first, before) = (peak(), [cpu_of(Server::Mongo), cpu_time(pid)]);
    let began = Instant::now();
    let import = cluster.client().create_import().await;
    let answer = send(cluster, &import, pieces(quantity, note)).await;
    let seconds = began.elapsed().as_secs_f64();
    let after = [cpu_of(Server::Mongo), cpu_time(pid)];
    assert_eq!(answer, Some(200));
    assert_eq!(stored(cluster, &import).await, i64::from(quantity));
    let stored = Stored {
        seconds,
        mongo_cpu_seconds: spent(before[0], after[0]),
        api_cpu_seconds: spent(before[1], after[1]),
        api_peak_mib: Some([first, f64::from_bits(at_tenth.load(Relaxed)), peak()]),
        api_mib: memory_kib(pid, "VmRSS").map(|kib| kib as f64 / 1024.0),
    };
    (import, stored)
}

/// An upload alone.
pub async fn upload_alone(quantity: u32) -> Stored {
    let mut cluster = ours::cluster(&[]).await;
    let api = cluster.start_api().await;
    let (_, stored) = upload(&mut cluster, api, quantity).await;
    cluster.finish().await;
    stored
}

/// An upload, and the run of it.
async fn imported(quantity: u32) -> (Stored, Ran) {
    let mut cluster = ours::cluster(&[]).await;
    let api = cluster.start_api().await;
    let (import, stored) = upload(&mut cluster, api, quantity).await;
    is_as_the_floor_has_it(&cluster, &import).await;
    for _ in 0..WORKERS {
        cluster.start_worker().await;
    }
    cluster.client().start_import(&import).await;
    let ran = until_done(&cluster, &import).await;
    cluster.finish().await;
    (stored, ran)
}

/// The floor must write what an upload writes.
async fn is_as_the_floor_has_it(cluster: &Cluster, import: &str) {
    let orders = cluster.stores.database.collection::<Document>("orders");
    for number in [0, 3] {
        let filter = doc! { "runId": import, "ref": format!("r-{number}") };
        let found = orders.find_one(filter).await.expect("MongoDB answers");
        let mut found = found.expect("it is stored");
        let id = found.get_str("_id").expect("it has one").parse().expect("it is ours");
        let run = RunSpec::generated(import.to_owned(), 1, 1, 1);
        let floor = document(number, id, &run);
        let mut floor = Document::try_from(floor).expect("it is a document");
        for time in [&mut found, &mut floor] {
            let created_at = time.remove("createdAt").expect("it was created");
            assert!(created_at.as_datetime().is_some(), "{created_at}");
        }
        assert_eq!(found, floor, "{}", line(number));
    }
}

async fn generated(quantity: u32) -> Ran {
    let mut cluster = ours::cluster(&[]).await;
    cluster.start_api().await;
    for _ in 0..WORKERS {
        cluster.start_worker().await;
    }
    let run_id = cluster.client().generate(quantity).await;
    let ran = until_done(&cluster, &run_id).await;
    cluster.finish().await;
    ran
}

/// A run that was accepted just now.
async fn until_done(cluster: &Cluster, run_id: &str) -> Ran {
    let began = Instant::now();
    let done = cluster.done().await;
    let wall = began.elapsed().as_secs_f64();
    assert!(done.is_of(run_id), "{:#}", done.json);
    cluster.audit().await;
    let ms = |time: &Option<String>| {
        let time = time.as_deref().and_then(|time| DateTime::parse_rfc3339_str(time).ok());
        time.expect("the run is over").timestamp_millis()
    };
    let window = |from: i64| (ms(&done.processing.normal.end) - from) as f64 / 1000.0;
    Ran {
        wall,
        first_lease_to_end: window(ms(&done.processing.vip.start)),
        normal: window(ms(&done.processing.normal.start)),
    }
}

/// The API is killed when nine tenths are stored; another gets the whole list again.
async fn resumed(quantity: u32) -> Resumed {
    let mut cluster = ours::cluster(&[]).await;
    let api = cluster.start_api().await;
    let import = cluster.client().create_import().await;
    let most = i64::from(quantity) * 9 / 10;
    let far = async || (stored(&cluster, &import).await >= most).then_some(());
    tokio::select! {
        answer = send(&cluster, &import, pieces(quantity, |_| ())) => {
            panic!("it ended before it was killed: {answer:?}")
        }
        () = poll(LOOK, far) => {}
    }
    cluster.kill(api).await;
    cluster.start_api().await;
    let before = stored(&cluster, &import).await;
    let left = cluster.stores.orders().await as i64 - before;
    let began = Instant::now();
    let more = async || (stored(&cluster, &import).await > before).then(|| began.elapsed());
    let (answer, took) =
        tokio::join!(send(&cluster, &import, pieces(quantity, |_| ())), poll(LOOK, more));
    assert_eq!(answer, Some(200));
    assert_eq!(stored(&cluster, &import).await, i64::from(quantity));
    cluster.finish().await;
    Resumed { stored: before, left, seconds: took.as_secs_f64() }
}
