//! The orders of a run, downloaded: what was imported comes back, with what became of it, and the
//! lines add up to the ledger.

use std::{collections::BTreeMap, fs};

use mongodb::bson::{DateTime, Document, doc};
use pedidos_core::{run::Phase, time::now_ms};
use pedidos_e2e::{
    Client, Cluster,
    cluster::Kind,
    eventually,
    imports::{CSV, lines},
    phases::long_in,
    process::Process,
    proxy::{Network, Proxy, When::Before},
    receiver::{Receiver, Reply, Sent, Verdict},
    servers::{Server, Servers},
    steps::{
        Step::{self, Command},
        Wires,
    },
};
use pedidos_pipeline::verify::verify_run;
use reqwest::{Method, header};
use serde_json::Value;

use crate::retry_failed::retry;

const SETTINGS: &[(&str, &str)] = &[("PROCESSOR_BATCH_SIZE", "25"), ("LEASE_MS", "30000")];
/// Fails, and is mended then.
const BAD: u32 = 7;

/// What a list has of the order of this number, in the order in which an export has it.
fn cells(number: u32) -> [String; 7] {
    let (tier, priority) =
        [("BRONZE", "NORMAL"), ("PRATA", "NORMAL"), ("OURO", "NORMAL"), ("DIAMANTE", "VIP")]
            [number as usize % 4];
    [
        format!("r-{number}"),
        format!("=João {number}, \"o Zé\""),
        format!("{number}.50"),
        tier.to_owned(),
        priority.to_owned(),
        "na porta;\nou no portão".to_owned(),
        format!(r#"{{"sku":{number},"a.b":[1.0,"$"]}}"#),
    ]
}

const FIELDS: [&str; 7] = ["ref", "cliente", "valor", "tier", "priority", "observacoes", "dados"];

fn lines_of(numbers: impl IntoIterator<Item = u32>) -> String {
    let line = |text: String, number| text + "{" + &members(number) + "}\n";
    numbers.into_iter().fold(String::new(), line)
}

/// The members of a line of NDJSON.
fn members(number: u32) -> String {
    let member = |(name, cell): (&str, String)| {
        let is_text = !matches!(name, "valor" | "dados");
        let value = if is_text { Value::from(cell).to_string() } else { cell };
        format!("\"{name}\":{value}")
    };
    FIELDS.into_iter().zip(cells(number)).map(member).collect::<Vec<_>>().join(",")
}

/// A row of CSV, without its end.
fn row(number: u32) -> String {
    let cell = |cell: String| {
        let cell = if cell.starts_with('=') { format!("'{cell}") } else { cell };
        let is_plain = !cell.contains([',', '"', '\n']);
        if is_plain { cell } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
    };
    cells(number).map(cell).join(",")
}

/// `GET /pedidos/runs/{runId}/orders`
async fn export(client: &Client, run_id: &str, query: &str) -> String {
    let path = format!("/pedidos/runs/{run_id}/orders?{query}");
    let answer = client.raw(Method::GET, path.trim_end_matches('?')).await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    answer.body
}

/// What a list has of a line of NDJSON, and the whole line.
fn taken_apart(line: &str) -> (String, Value) {
    let (_, rest) = line.split_once("\",").expect("the id comes first");
    let (list, _) = rest.split_once(",\"pedidos_status\"").expect("it has a status");
    (format!("{{{list}}}\n"), serde_json::from_str(line).expect("it is JSON"))
}

/// How many lines of each priority have each status.
fn counted(lines: &str) -> BTreeMap<(String, String), u64> {
    let mut counts = BTreeMap::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).expect("it is JSON");
        let text = |field: &str| line[field].as_str().expect("it is text").to_owned();
        *counts.entry((text("priority"), text("pedidos_status"))).or_default() += 1;
    }
    counts
}

/// The lines of a run that has ended add up to its ledger.
async fn adds_up(cluster: &Cluster, run_id: &str) -> String {
    let lines = export(cluster.client(), run_id, "").await;
    let counts = counted(&lines);
    let status = cluster.client().status().await;
    for (priority, ledger) in ["VIP", "NORMAL"].into_iter().zip(status.ledger.both()) {
        let of = |status: &str| {
            counts.get(&(priority.to_owned(), status.to_owned())).copied().unwrap_or_default()
        };
        let removed = of("removido") + of("cancelado");
        assert_eq!(
            (of("processado"), of("falhou"), removed, of("pendente")),
            (ledger.processed, ledger.dead, ledger.removed, 0),
            "{counts:#?}\n{:#}",
            status.json
        );
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_imported_comes_back_byte_for_byte_and_what_failed_can_be_imported_again() {
    const ORDERS: u32 = 300;
    let is_bad = |order: &Sent| order.number().is_multiple_of(BAD);
    let receiver = Receiver::start().await;
    receiver.answer(move |call| {
        Reply::each(call, |order| {
            if is_bad(order) {
                Verdict::Fail("-1: \"refused\"".to_owned())
            } else {
                Verdict::Ok("nº 1".to_owned())
            }
        })
    });
    let cluster = Cluster::start_for(&receiver, 2, SETTINGS).await;
    let client = cluster.client();
    let id = client.create_import().await;
    let list = lines_of(0..ORDERS);
    client.upload(&id, list.clone()).await;
    client.start_for(&id, "onVipFailure=continue").await;
    let done = cluster.done().await;
    let bad: Vec<u32> = (0..ORDERS).filter(|number| number.is_multiple_of(BAD)).collect();
    assert_eq!(done.dead(), bad.len() as u64, "{:#}", done.json);
    cluster.audit().await;

    let all = adds_up(&cluster, &id).await;
    let lines: Vec<_> = all.lines().map(taken_apart).collect();
    assert_eq!(lines.iter().map(|(list, _)| list.as_str()).collect::<String>(), list);
    for (number, (_, line)) in (0..).zip(&lines) {
        let is_bad = bad.contains(&number);
        let told = |field: &str| line[field].as_str();
        let (status, error, note) =
            (told("pedidos_status"), told("pedidos_error"), told("pedidos_note"));
        if is_bad {
            assert_eq!((status, error, note), (Some("falhou"), Some("-1: \"refused\""), None));
            assert!(
                told("pedidos_failedAt").is_some() && line["pedidos_attempts"] == 1,
                "{line:#}"
            );
        } else {
            assert_eq!((status, error, note), (Some("processado"), None, Some("nº 1")));
            assert!(told("pedidos_processedAt").is_some(), "{line:#}");
        }
        assert!(told("pedidos_createdAt").is_some(), "{line:#}");
    }

    // The same as CSV, and the importer takes it.
    let csv = export(client, &id, "format=csv").await;
    let header = format!("pedidos_id,{},pedidos_status,", FIELDS.join(","));
    assert!(csv.starts_with(&header), "{csv}");
    for (number, (_, line)) in (0..).zip(&lines) {
        let [id, status] = ["pedidos_id", "pedidos_status"].map(|it| line[it].as_str().unwrap());
        let row = format!("\r\n{id},{},{status},", row(number));
        assert!(csv.contains(&row), "no row {row}: {csv}");
    }
    let failed = export(client, &id, "format=csv&status=falhou").await;
    assert!(failed.contains(",falhou,\"'-1: \"\"refused\"\"\",1,"), "{failed}");

    // Once the cause is mended, they are imported as they are.
    receiver.answer_well();
    let again = client.create_import().await;
    let import = client.try_upload(&again, &[CSV], failed).await.unwrap().json(200);
    assert_eq!(import["accepted"], bad.len(), "{import:#}");
    client.start_for(&again, "").await;
    assert_eq!(cluster.done().await.dead(), 0);
    cluster.audit().await;
    let found = adds_up(&cluster, &again).await;
    let found: String = found.lines().map(|line| taken_apart(line).0).collect();
    assert_eq!(found, lines_of(bad));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_on_behind_any_order_and_has_one_status_or_priority_alone() {
    let cluster = Cluster::start(2, &[]).await;
    let client = cluster.client();
    let (other, _) = cluster.run(100).await;
    let (run_id, done) = cluster.run(1_000).await;
    let whole = adds_up(&cluster, &run_id).await;
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 1_000);
    let id = |line: &str| taken_apart(line).1["pedidos_id"].as_str().unwrap().to_owned();
    let csv = export(client, &run_id, "format=csv").await;
    let rows: Vec<_> = csv.split_inclusive("\r\n").collect();
    assert_eq!(rows.len(), 1_001);
    for at in [0, 1, 249, 250, 500, 998, 999] {
        let after = format!("after={}", id(lines[at]));
        assert_eq!(export(client, &run_id, &after).await, lines[at + 1..].concat(), "{at}");
        // Without a header line, to be added to what is there.
        let rest = export(client, &run_id, &format!("format=csv&{after}")).await;
        assert_eq!(rest, rows[at + 2..].concat(), "{at}");
    }
    let vip = export(client, &run_id, "status=processado&priority=VIP").await;
    let wanted = |line: &&&str| line.contains(r#""priority":"VIP""#);
    assert_eq!(vip, lines.iter().filter(wanted).copied().collect::<String>());
    assert_eq!(vip.lines().count() as u64, done.ledger.both()[0].processed);
    assert_eq!(export(client, &run_id, "status=falhou").await, "");
    // What a spreadsheet in Brazil reads, a list may be, too.
    let spreadsheet = export(client, &run_id, "format=csv&delimiter=semicolon").await;
    assert!(spreadsheet.starts_with("\u{feff}pedidos_id;ref;cliente;valor;"), "{spreadsheet}");
    let import = client.create_import().await;
    let taken = client.try_upload(&import, &[CSV], spreadsheet).await.unwrap().json(200);
    assert_eq!((&taken["accepted"], &taken["rejected"]), (&1_000.into(), &0.into()), "{taken:#}");

    let path = format!("/pedidos/runs/{run_id}/orders");
    let answer = client.raw(Method::GET, &format!("{path}?format=csv")).await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/csv");
    let name = format!("attachment; filename=\"orders-{run_id}.csv\"");
    assert_eq!(answer.header(header::CONTENT_DISPOSITION), name);
    let foreign = id(export(client, &other, "").await.lines().next().unwrap());
    for (query, named) in [
        (format!("after={foreign}"), "after"),
        ("after=x".to_owned(), "after"),
        ("delimiter=comma".to_owned(), "delimiter"),
        ("status=done".to_owned(), "status"),
        ("priority=vip".to_owned(), "priority"),
        ("format=xlsx".to_owned(), "format"),
    ] {
        let problem = client.raw(Method::GET, &format!("{path}?{query}")).await.problem(400);
        assert_eq!(problem["errors"][0]["name"], named, "{problem:#}");
    }
    client.raw(Method::GET, "/pedidos/runs/x/orders").await.problem(404);
    // Who downloads is in the trail.
    let lines = cluster.audit_lines().await;
    let line = lines
        .iter()
        .find(|line| line.get_str("operation").is_ok_and(|name| name == "exportOrders"))
        .unwrap();
    assert_eq!(line.get_str("path").unwrap(), path, "{line:#?}");
    cluster.finish().await;
}

/// Orders without a document, and orders that nobody counts.
#[tokio::test(flavor = "multi_thread")]
async fn every_order_of_the_ledger_has_a_line_and_no_other() {
    let few = [("MAX_ATTEMPTS", "1"), ("ORDERS_QUEUE_CONCURRENCY", "2")];
    let cluster = Cluster::start(1, &[&few, long_in(Phase::Generating)].concat()).await;
    let client = cluster.client();
    let orders = cluster.stores.database.collection::<Document>("orders");
    let id = client.create_import().await;
    client.upload(&id, lines(0..1_000)).await;
    for reference in ["r-7", "r-8", "r-999"] {
        let gone = doc! { "runId": &id, "ref": reference };
        assert_eq!(orders.delete_one(gone).await.unwrap().deleted_count, 1);
    }
    client.start_import(&id).await;
    assert_eq!(cluster.done().await.dead(), 3);
    let lines = adds_up(&cluster, &id).await;
    assert_eq!(lines.lines().count(), 1_000);
    let dead = export(client, &id, "status=falhou").await;
    let dead: Vec<Value> = dead.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(dead.len(), 3, "{dead:#?}");
    for (line, priority) in dead.iter().zip(["VIP", "NORMAL", "VIP"]) {
        let path = format!("/pedidos/orders/{}", line["pedidos_id"].as_str().unwrap());
        let order = client.raw(Method::GET, &path).await.json(200);
        assert_eq!((&order["status"], &order["priority"]), (&"falhou".into(), &priority.into()));
        assert!(line["pedidos_error"].as_str().unwrap().contains("missing"), "{line:#}");
        assert_eq!((&line["priority"], &line["cliente"]), (&priority.into(), &Value::Null));
    }
    assert_eq!(export(client, &id, "status=falhou&priority=NORMAL").await.lines().count(), 1);

    // A cancelled run has the orders that its end has counted, and not one that came later.
    let run_id = client.generate(100_000).await;
    client.cancel("removePending=false&purge=false").await;
    let run = cluster.spec().await;
    let late = run.generator().order(run.quantity as u32 - 1);
    let created = run.created_ms;
    let store = &cluster.stores.store;
    store.insert_orders(std::slice::from_ref(&late), &run_id, created).await.unwrap();
    let before = adds_up(&cluster, &run_id).await;
    store.cancel_strays(&late.id.alone()).await.unwrap();
    assert_eq!(adds_up(&cluster, &run_id).await, before);
    assert!(!before.contains(&late.id.to_string()));
    cluster.finish().await;
}

/// The read of a page.
const PAGE: Step = Command("find", "orders");

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_a_store_leaves_in_the_middle_is_not_taken_for_whole() {
    let servers = Servers::start().await;
    let mut cluster = Cluster::on(&servers, &[]).await;
    let (api, wires) = Wires::start(&mut cluster, Kind::Api, &servers).await;
    cluster.start_worker().await;
    let (run_id, _) = cluster.run(3_000).await;
    let client = cluster.client_of(api).clone();
    wires.stop_at(PAGE, Before);
    let path = format!("/pedidos/runs/{run_id}/orders");
    let asks = tokio::spawn({
        let (client, path) = (client.clone(), path.clone());
        async move { client.try_raw(Method::GET, &path, None).await }
    });
    wires.caught(PAGE).await;
    // The first lines are sent, and then there is no MongoDB.
    wires.let_go(PAGE);
    wires.stop_at(PAGE, Before);
    wires.caught(PAGE).await;
    wires.network(Server::Mongo, Network::Closed);
    wires.cut(Server::Mongo);
    wires.let_go(PAGE);
    let answer = asks.await.unwrap();
    assert!(answer.is_none(), "an answer that seems whole: {} bytes", answer.unwrap().body.len());
    // Before the first line, it is an error that says so.
    client.raw(Method::GET, &path).await.problem(503);
    wires.network(Server::Mongo, Network::Fine);
    client.becomes_ready(200).await;
    assert_eq!(export(&client, &run_id, "").await.lines().count(), 3_000);
    // A run that is deleted meanwhile has no whole receipt either.
    wires.stop_at(PAGE, Before);
    let asks = tokio::spawn({
        let (client, path) = (client.clone(), path.clone());
        async move { client.try_raw(Method::GET, &path, None).await }
    });
    wires.caught(PAGE).await;
    wires.let_go(PAGE);
    wires.stop_at(PAGE, Before);
    wires.caught(PAGE).await;
    cluster.stores.database.collection::<Document>("orders").delete_many(doc! {}).await.unwrap();
    let runs = cluster.stores.database.collection::<Document>("process_runs");
    runs.delete_many(doc! {}).await.unwrap();
    wires.let_go(PAGE);
    assert!(asks.await.unwrap().is_none());
    cluster.finish().await;
    servers.remove().await;
}

/// The connection breaks, and the API is killed; the command line asks others for the rest.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_gets_the_rest_of_an_export_that_broke_off_and_writes_whole_lines() {
    let mut cluster = Cluster::start(2, &[]).await;
    let (run_id, _) = cluster.run(20_000).await;
    let whole = export(cluster.client(), &run_id, "format=csv").await;
    let target = |cluster: &Cluster| cluster.client().address().parse().expect("it is an address");
    let proxy = Proxy::to(target(&cluster), 0).await;
    proxy.set(Network::Narrow(1_500_000));
    let file = std::env::temp_dir().join(format!("pedidos-export-{run_id}.csv"));
    let name = file.to_str().unwrap();
    let mut environment = cluster.settings().clone();
    environment.insert("PEDIDOS_URL".to_owned(), format!("http://{}", proxy.address));
    let arguments = ["export", &run_id, "--format", "csv", "--output", name];
    let mut command = Process::spawn("export", "pedidos", &arguments, &environment);
    let length = || fs::metadata(&file).map_or(0, |file| file.len());
    let further = async |than: u64| {
        eventually("more lines in the file", async || length() > than).await;
    };
    further(0).await;
    proxy.cut();
    command.line("asking for the rest").await;
    let before = length();
    assert!(fs::read_to_string(&file).unwrap().ends_with("\r\n"), "whole lines only");
    further(before).await;
    cluster.kill(0).await;
    proxy.cut();
    let api = cluster.start_api().await;
    proxy.lead_to(cluster.client_of(api).address().parse().unwrap());
    let before = length();
    further(before).await;
    proxy.set(Network::Fine);
    let ended = command.ended().await;
    assert!(ended.success(), "{ended}\n{}", command.tail());
    assert!(command.all().await.contains("20,000 orders"), "{}", command.tail());
    assert_eq!(fs::read_to_string(&file).unwrap(), whole);
    // It replaces no file; and a person may go on by hand.
    let mut again = Process::spawn("export", "pedidos", &arguments, &environment);
    assert_eq!(again.ended().await.code(), Some(2), "{}", again.tail());
    let rows: Vec<_> = whole.split_inclusive("\r\n").collect();
    fs::write(&file, rows[..5_001].concat()).unwrap();
    let after = rows[5_000].split(',').next().unwrap();
    let goes_on = [&arguments[..], &["--after", after]].concat();
    let mut command = Process::spawn("export", "pedidos", &goes_on, &environment);
    assert!(command.ended().await.success(), "{}", command.tail());
    assert_eq!(fs::read_to_string(&file).unwrap(), whole);
    fs::remove_file(&file).unwrap();
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_tells_what_happened_to_it() {
    let receiver = Receiver::start().await;
    let said = |order: &Sent| match order.number() {
        5 => Verdict::Fail("card refused".to_owned()),
        _ => Verdict::OK,
    };
    receiver.answer(move |call| Reply::each(call, said));
    let cluster = Cluster::start_for(&receiver, 1, SETTINGS).await;
    let client = cluster.client();
    let run_id = client.run_lines(0..20, "").await;
    assert_eq!(cluster.done().await.dead(), 1);
    let id = cluster.order(&run_id, "r-5").await.get_str("_id").unwrap().to_owned();
    let path = format!("/pedidos/orders/{id}");
    let history = async || client.raw(Method::GET, &path).await.json(200)["history"].clone();
    let events = |history: &Value| -> Vec<String> {
        let events = history.as_array().unwrap().iter();
        events.map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    };
    let dead = history().await;
    assert_eq!(events(&dead), ["stored", "attemptFailed", "givenUp"], "{dead:#}");
    assert_eq!(dead[1]["error"], "card refused", "{dead:#}");
    assert!(dead[1]["worker"].is_string() && dead[1]["attempt"] == 1, "{dead:#}");
    receiver.answer(|call| Reply::all(call, &Verdict::Ok("invoice 5".to_owned())));
    assert_eq!(retry(&cluster, "").await, 1);
    assert_eq!(cluster.done().await.dead(), 0);
    let done = history().await;
    assert_eq!(events(&done), ["stored", "attemptFailed", "retried", "processed"], "{done:#}");
    assert!(done.as_array().unwrap().iter().all(|event| event["at"].is_string()), "{done:#}");
    assert_eq!((&done[3]["note"], &done[3]["worker"]), (&"invoice 5".into(), &dead[1]["worker"]));
    // As the command line tells it.
    let mut environment = cluster.settings().clone();
    environment.insert("PEDIDOS_URL".to_owned(), format!("http://{}", client.address()));
    let mut order = Process::spawn("order", "pedidos", &["order", &id], &environment);
    assert!(order.ended().await.success(), "{}", order.tail());
    let told = order.all().await;
    for wanted in ["ref r-5", "attempt 1 failed: card refused", "put back by a person", "invoice 5"]
    {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    cluster.finish().await;
}

/// The checks of an audit that do not hold.
async fn broken(cluster: &Cluster) -> Vec<String> {
    let report = verify_run(&cluster.stores.store, &cluster.stores.queue).await.unwrap();
    let broken = report.checks.iter().filter(|check| !check.ok);
    broken.map(|check| check.name.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_of_an_import_finds_whatever_does_not_add_up() {
    let cluster = Cluster::start(2, &[]).await;
    let id = cluster.client().create_import().await;
    let list = format!("{}no order\n", lines(0..400));
    cluster.client().upload(&id, list).await;
    cluster.client().try_start_import(&id, "onRejects=skip").await.json(202);
    cluster.done().await;
    assert_eq!(broken(&cluster).await, Vec::<String>::new());
    let orders = cluster.stores.database.collection::<Document>("orders");
    let blocks = cluster.stores.database.collection::<Document>("import_blocks");
    let receipt = "lines of the receipt";
    let late = doc! { "$set": { "processedAt": DateTime::from_millis(now_ms() + 60_000) } };
    for (update, wanted) in [
        (doc! { "$set": { "valor": 0.5 } }, &["blocks whose orders differ"][..]),
        (doc! { "$set": { "status": "pendente" } }, &["still pendente", receipt]),
        (doc! { "$set": { "status": "falhou" } }, &["VIP: documents = ledger", receipt]),
        (doc! { "$set": { "priority": "NORMAL" } }, &["blocks whose orders differ", receipt]),
        (late, &["the fence"]),
    ] {
        let order = cluster.order(&id, "r-3").await;
        let this = doc! { "_id": order.get_str("_id").unwrap() };
        orders.update_one(this.clone(), update.clone()).await.unwrap();
        let found = broken(&cluster).await;
        for name in wanted {
            assert!(found.iter().any(|it| it.contains(name)), "{update}: {name}: {found:#?}");
        }
        orders.replace_one(this, order).await.unwrap();
    }
    let order = cluster.order(&id, "r-3").await;
    orders.delete_one(doc! { "_id": order.get_str("_id").unwrap() }).await.unwrap();
    let found = broken(&cluster).await;
    for name in ["indexes without a document", receipt] {
        assert!(found.iter().any(|it| it.contains(name)), "{name}: {found:#?}");
    }
    orders.insert_one(order).await.unwrap();
    let block = blocks.find_one(doc! { "importId": &id }).await.unwrap().unwrap();
    let no_rejects = doc! { "$set": { "rejects": [] } };
    blocks.update_one(doc! { "importId": &id }, no_rejects).await.unwrap();
    assert!(broken(&cluster).await.iter().any(|it| it.contains("have every line")));
    blocks.replace_one(doc! { "_id": block.get_str("_id").unwrap() }, block).await.unwrap();
    assert_eq!(broken(&cluster).await, Vec::<String>::new());
    cluster.finish().await;
}
