//! Imports: a list of a client's own becomes a run, exact to the line.

use mongodb::bson::doc;
use pedidos_core::run::Phase;
use pedidos_e2e::{
    Cluster, eventually,
    imports::{BUILTIN, CSV, GZIP, NDJSON, line, lines},
};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_list_becomes_a_run_and_every_order_is_its_line() {
    let cluster = Cluster::start(2, &[]).await;
    let client = cluster.client();
    let id = client.create_import().await;
    let import = client.upload(&id, lines(0..1_000)).await;
    for (field, value) in [
        ("state", json!("open")),
        ("lines", 1_000.into()),
        ("accepted", 1_000.into()),
        ("rejected", 0.into()),
        ("vip", 250.into()),
        ("normal", 750.into()),
        ("runId", Value::Null),
        ("name", "a list".into()),
    ] {
        assert_eq!(import[field], value, "{field}: {import:#}");
    }
    cluster.has_imported(&id, 0..1_000).await;
    cluster.runs_import(&id).await;
    let run = client.run(&id).await;
    assert_eq!((&run["source"], &run["quantity"]), (&json!("import"), &json!(1_000)));
    assert_eq!(client.status().await.json["source"], "import");
    let orders = cluster.imported(&id).await;
    let path = format!("/pedidos/orders/{}", orders[7].get_str("_id").unwrap());
    let order = client.raw(Method::GET, &path).await.json(200);
    assert_eq!((&order["ref"], &order["valor"]), (&json!("r-7"), &json!(7.25)), "{order:#}");
    assert_eq!(order["dados"], json!({ "sku": 7 }), "{order:#}");
    assert_eq!(order["status"], "processado");
    // A generated run after it is as before.
    let (generated, _) = cluster.run(300).await;
    assert_eq!(client.run(&generated).await["source"], "generated");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_are_named_and_stop_a_start_unless_they_are_skipped() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let id = client.create_import().await;
    let list = [
        line(0),
        r#"{"ref":"b","cliente":"Ana","valor":1.234,"tier":"OURO"}"#.to_owned(),
        line(1),
        line(0),
        "no order at all".to_owned(),
        r#"{"ref":"c","cliente":"=cmd()","valor":1}"#.to_owned(),
    ];
    let import = client.upload(&id, list.join("\n")).await;
    assert_eq!((&import["accepted"], &import["rejected"]), (&json!(2), &json!(4)), "{import:#}");
    let expected = [
        (2, "decimals", json!("valor")),
        (4, "duplicateRef", json!("ref")),
        (5, "notJson", Value::Null),
        (6, "noPriority", json!("priority")),
    ];
    let check = |rejects: &[Value]| {
        for (reject, (line, code, field)) in rejects.iter().zip(&expected) {
            assert_eq!(
                (&reject["line"], &reject["code"]),
                (&json!(line), &json!(code)),
                "{reject}"
            );
            assert_eq!(&reject["field"], field, "{reject}");
            assert_eq!(reject["original"], list[*line as usize - 1], "{reject}");
        }
        assert_eq!(rejects.len(), expected.len());
    };
    check(import["firstRejects"].as_array().unwrap());
    let path = format!("/pedidos/imports/{id}/rejects");
    let all = client.raw(Method::GET, &path).await;
    let rejects: Vec<Value> =
        all.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    check(&rejects);
    let csv = client.raw(Method::GET, &format!("{path}?format=csv")).await;
    assert_eq!(csv.status, 200, "{csv:#?}");
    assert!(csv.body.starts_with("line,field,code,message,original\r\n2,\"valor\","), "{csv:#?}");
    let refused = client.try_start_import(&id, "").await.problem(422);
    assert!(refused["detail"].as_str().unwrap().contains("4 lines are rejected"), "{refused}");
    client.try_start_import(&id, "lines=5").await.problem(409);
    assert_eq!(client.import(&id).await["state"], "open");
    client.try_start_import(&id, "onRejects=skip&lines=6").await.json(202);
    let done = cluster.done().await;
    assert!(done.is_of(&id), "{:#}", done.json);
    cluster.audit().await;
    // Once more: the same run.
    let again = client.try_start_import(&id, "").await.json(202);
    assert_eq!(again["runId"], id.as_str());
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_the_same_in_every_form() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let ndjson = lines(0..300);
    let csv = |delimiter: &str, end: &str| {
        let header = ["ref", "cliente", "valor", "tier", "sku"].join(delimiter);
        let rows = (0..300).map(|number| {
            let order: Value = serde_json::from_str(&line(number)).unwrap();
            let valor = order["valor"].to_string();
            let valor = if delimiter == ";" { valor.replace('.', ",") } else { valor };
            let text = |field: &str| order[field].as_str().unwrap().to_owned();
            let sku = order["sku"].to_string();
            [text("ref"), format!("\"{}\"", text("cliente")), valor, text("tier"), sku]
                .join(delimiter)
        });
        std::iter::once(header).chain(rows).map(|row| row + end).collect::<String>()
    };
    let packed = gzip(ndjson.as_bytes());
    let members = [gzip(&ndjson.as_bytes()[..1_000]), gzip(&ndjson.as_bytes()[1_000..])].concat();
    let lists = [
        ("NDJSON", vec![NDJSON], ndjson.clone().into()),
        ("without a last line end", vec![NDJSON], ndjson.trim_end().into()),
        ("CRLF and BOM", vec![NDJSON], format!("\u{feff}{}", ndjson.replace('\n', "\r\n")).into()),
        ("JSON lines", vec![("Content-Type", "application/jsonl")], ndjson.clone().into()),
        ("CSV", vec![CSV], csv(",", "\n").into()),
        ("CSV of a Brazilian spreadsheet", vec![CSV], csv(";", "\r\n").into()),
        ("gzip", vec![NDJSON, GZIP], packed),
        ("gzip in two members", vec![NDJSON, GZIP], members),
    ];
    for (what, headers, list) in lists {
        let id = client.create_import().await;
        let answer = client.try_upload(&id, &headers, list).await.unwrap();
        assert_eq!(answer.json(200)["accepted"], 300, "{what}: {answer:#?}");
        cluster.has_imported(&id, 0..300).await;
        let order = &cluster.imported(&id).await[3];
        assert_eq!(order.get("valor"), Some(&mongodb::bson::Bson::Double(3.25)), "{what}");
        assert_eq!(order.get_str("priority").unwrap(), "VIP", "{what}");
        let discarded = client.try_discard_import(&id).await.json(200);
        assert_eq!(discarded, json!({ "discarded": true, "removedOrders": 300 }), "{what}");
        assert_eq!(cluster.stores.orders().await, 0, "{what}");
    }
    cluster.finish().await;
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_sent_again_goes_on_where_it_was_and_another_list_is_refused() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let id = client.create_import().await;
    client.upload(&id, lines(0..100)).await;
    let before = client.import(&id).await;
    assert_eq!(client.upload(&id, lines(0..100)).await, before, "nothing has changed");
    // More lines at its end: a list that has grown is the list so far.
    assert_eq!(client.upload(&id, lines(0..150)).await["accepted"], 150);
    let grown = client.import(&id).await;
    for (what, list) in [
        ("shorter", lines(0..149)),
        ("another line", lines((0..70).chain([500]).chain(71..150))),
        ("another order", lines((1..150).chain([0]))),
        ("empty", String::new()),
        ("a space", lines(0..150).replacen("\":", "\": ", 1)),
    ] {
        let answer = client.try_upload(&id, &[NDJSON], list).await.unwrap();
        let problem = answer.problem(409);
        assert!(problem["detail"].as_str().unwrap().contains("as it was"), "{what}: {problem}");
        assert_eq!(client.import(&id).await, grown, "{what}");
    }
    cluster.has_imported(&id, 0..150).await;
    cluster.runs_import(&id).await;
    let late = client.try_upload(&id, &[NDJSON], lines(0..151)).await.unwrap().problem(409);
    assert!(late["detail"].as_str().unwrap().contains("it is a run now"), "{late}");
    client.try_discard_import(&id).await.problem(409);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ref_is_unique_in_an_import_over_all_of_its_blocks() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let id = client.create_import().await;
    // Blocks have 5,000 lines: the same refs come back in the second and in the third.
    let numbers: Vec<u32> = (0..6_000).chain([17, 5_999]).chain(6_000..11_000).chain([5]).collect();
    let import = client.upload(&id, lines(numbers)).await;
    assert_eq!(
        (&import["accepted"], &import["rejected"]),
        (&json!(11_000), &json!(3)),
        "{import:#}"
    );
    let rejected: Vec<_> = import["firstRejects"].as_array().unwrap().iter().collect();
    let at: Vec<_> = rejected.iter().map(|reject| reject["line"].as_u64().unwrap()).collect();
    assert_eq!(at, [6_001, 6_002, 11_003]);
    assert!(rejected.iter().all(|reject| reject["code"] == "duplicateRef"), "{rejected:#?}");
    cluster.has_imported(&id, 0..11_000).await;
    // Another import may have the same refs.
    let other = client.create_import().await;
    assert_eq!(client.upload(&other, lines(0..10)).await["accepted"], 10);
    client.try_start_import(&id, "onRejects=skip").await.json(202);
    cluster.done().await;
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_and_keeps_nothing() {
    let cluster = Cluster::start(0, &[]).await;
    let list = [lines(0..50), "{}\n".to_owned(), line(3)].concat();
    let answer = cluster.client().try_create_import(
        "dryRun=true",
        None,
        Some((&[NDJSON], list.clone().into())),
    );
    let counted = answer.await.json(200);
    assert_eq!(
        (&counted["accepted"], &counted["rejected"]),
        (&json!(50), &json!(2)),
        "{counted:#}"
    );
    assert_eq!((&counted["dryRun"], &counted["importId"]), (&json!(true), &Value::Null));
    assert_eq!(cluster.stores.orders().await, 0);
    let imports = cluster.client().raw(Method::GET, "/pedidos/imports").await.json(200);
    assert_eq!(imports["count"], 0, "{imports:#}");
    let both = cluster.client().try_create_import(
        "dryRun=true&start=true",
        Some("k"),
        Some((&[NDJSON], list.into())),
    );
    both.await.problem(400);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_imports_and_starts_and_its_key_answers_the_same() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let call = async |key, list: String| {
        let query = format!("start=true&{BUILTIN}");
        client.try_create_import(&query, key, Some((&[NDJSON], list.into()))).await
    };
    call(None, lines(0..10)).await.problem(400);
    let accepted = call(Some("campaign-1"), lines(0..200)).await;
    let id = accepted.json(202)["runId"].as_str().unwrap().to_owned();
    let location = accepted.header(reqwest::header::LOCATION);
    assert_eq!(location, format!("/pedidos/runs/{id}"));
    let done = cluster.done().await;
    assert!(done.is_of(&id));
    let again = call(Some("campaign-1"), lines(0..200)).await.json(202);
    assert_eq!(again["runId"], id.as_str());
    assert_eq!(client.runs("").await["count"], 1);
    cluster.audit().await;
    // The same key without a list names the import.
    let import = client.try_create_import("", Some("campaign-1"), None).await.json(201);
    assert_eq!((&import["importId"], &import["state"]), (&json!(id), &json!("started")));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_waits_for_the_run_before_it_and_nothing_starts_beside_one() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let id = client.create_import().await;
    client.upload(&id, lines(0..100)).await;
    let run_id = client.generate(100).await;
    let refused = client.try_start_import(&id, "").await.problem(409);
    assert_eq!(refused["runId"], run_id.as_str());
    assert_eq!(client.import(&id).await["state"], "open", "nothing has changed");
    // An API died between the import and control: whoever looks finishes the start.
    let imports = cluster.stores.database.collection::<mongodb::bson::Document>("imports");
    let soon = mongodb::bson::DateTime::from_millis(pedidos_core::time::now_ms() + 3_600_000);
    let started = doc! { "$set": { "state": "started", "sweepUntil": soon } };
    imports.update_one(doc! { "_id": &id }, started).await.unwrap();
    let waits = client.try_start_import(&id, "").await.json(202);
    assert!(waits["message"].as_str().unwrap().contains(&run_id), "{waits}");
    let mut cluster = cluster;
    cluster.start_worker().await;
    eventually("the run of the import", async || {
        let status = cluster.client().status().await;
        status.is_of(&id) && status.phase == Phase::Done
    })
    .await;
    cluster.audit().await;
    assert_eq!(cluster.client().run(&run_id).await["phase"], "DONE");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_keeps_the_orders_of_an_import_and_counts_one_that_is_gone() {
    let mut cluster = Cluster::start(0, &[]).await;
    let id = cluster.client().create_import().await;
    cluster.client().upload(&id, lines(0..1_000)).await;
    cluster.client().start_import(&id).await;
    let orders = cluster.stores.database.collection::<mongodb::bson::Document>("orders");
    for reference in ["r-3", "r-500"] {
        let gone = doc! { "runId": &id, "ref": reference };
        assert_eq!(orders.delete_one(gone).await.unwrap().deleted_count, 1);
    }
    let cancelled = cluster.client().cancel("removePending=true").await;
    assert_eq!(cancelled["aborted"], true, "{cancelled:#}");
    let status = cluster.client().status().await;
    assert_eq!((status.progress.generated, status.removed(), status.dead()), (1_000, 998, 2));
    assert_eq!(status.json["ledger"]["vip"]["dead"], 1, "{:#}", status.json);
    cluster.audit().await;
    // They are somebody's orders: no sweep deletes them.
    let run = cluster.stores.run_document(&id).await;
    assert!(!run.get_bool("removePending").unwrap());
    cluster.start_worker().await;
    cluster.run(200).await;
    assert_eq!(orders.count_documents(doc! { "runId": &id }).await.unwrap(), 998);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_gone_is_a_dead_letter_of_its_priority_also_after_a_replay() {
    let settings = [("MAX_ATTEMPTS", "1"), ("GENERATION_CHUNK_SIZE", "100")];
    let mut cluster = Cluster::start(0, &settings).await;
    let id = cluster.client().create_import().await;
    cluster.client().upload(&id, lines(0..1_000)).await;
    let orders = cluster.stores.database.collection::<mongodb::bson::Document>("orders");
    for reference in ["r-7", "r-8", "r-999"] {
        let gone = doc! { "runId": &id, "ref": reference };
        assert_eq!(orders.delete_one(gone).await.unwrap().deleted_count, 1);
    }
    cluster.client().start_import(&id).await;
    cluster.start_worker().await;
    let done = cluster.done().await;
    assert_eq!(done.json["ledger"]["vip"]["dead"], 2, "{:#}", done.json);
    assert_eq!(done.json["ledger"]["normal"]["dead"], 1, "{:#}", done.json);
    cluster.audit().await;
    cluster.samples.expect_replay();
    cluster.stores.empty_redis().await;
    eventually("the end, shown again", async || {
        cluster.client().try_status().await.is_some_and(|status| status.phase == Phase::Done)
    })
    .await;
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_forgets_every_import() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let open = client.create_import().await;
    client.upload(&open, lines(0..100)).await;
    let run = client.create_import().await;
    client.upload(&run, lines(0..100)).await;
    cluster.runs_import(&run).await;
    client.reset().await;
    assert_eq!(cluster.stores.orders().await, 0);
    for id in [&open, &run] {
        let path = format!("/pedidos/imports/{id}");
        client.raw(Method::GET, &path).await.problem(404);
        client.try_start_import(id, "").await.problem(404);
        client.try_upload(id, &[NDJSON], lines(0..1)).await.unwrap().problem(404);
    }
    let blocks = cluster.stores.database.collection::<mongodb::bson::Document>("import_blocks");
    assert_eq!(blocks.count_documents(doc! {}).await.unwrap(), 0);
    let fresh = client.create_import().await;
    client.upload(&fresh, lines(0..10)).await;
    cluster.runs_import(&fresh).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_are_listed_page_by_page_and_by_state() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(client.create_import().await);
    }
    client.try_discard_import(&ids[2]).await.json(200);
    ids.reverse();
    let list = async |query: &str| {
        client.raw(Method::GET, &format!("/pedidos/imports?{query}")).await.json(200)
    };
    let named = |page: &Value| -> Vec<String> {
        let imports = page["imports"].as_array().unwrap();
        imports.iter().map(|import| import["importId"].as_str().unwrap().to_owned()).collect()
    };
    let mut seen = Vec::new();
    let mut page = list("limit=2").await;
    loop {
        seen.extend(named(&page));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        page = list(&format!("limit=2&cursor={cursor}")).await;
    }
    assert_eq!(seen, ids);
    assert_eq!(named(&list("state=discarded").await), [ids[2].clone()]);
    assert_eq!(list("state=open").await["count"], 4);
    client
        .raw(Method::GET, "/pedidos/imports?cursor=00000000-0000-4000-8000-000000000000")
        .await
        .problem(400);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_of_others_is_imported_by_the_command_line() {
    let cluster = Cluster::start(1, &[]).await;
    let theirs = cluster.stores.database.collection::<mongodb::bson::Document>("their_orders");
    let documents = (0..2_500).map(|number| {
        doc! {
            "customer": { "name": format!("Cliente {number}") },
            "total": f64::from(number) + 0.5,
            "vip": number % 5 == 0,
            "level": if number % 5 == 0 { "VIP" } else { "NORMAL" },
            "late": number < 2_000,
        }
    });
    theirs.insert_many(documents).await.unwrap();
    let collection = format!("{}.their_orders", cluster.settings()["QUEUE_NAME"]);
    let url = format!("http://{}", cluster.client().address());
    let mut environment = cluster.settings().clone();
    environment.insert("PEDIDOS_URL".to_owned(), url);
    let uri = cluster.settings()["MONGO_URI"].clone();
    let arguments = [
        "import",
        "--mongo",
        &uri,
        "--collection",
        &collection,
        "--filter",
        r#"{"late": true}"#,
        "--map",
        "ref=_id,cliente=customer.name,valor=total,priority=level",
        "--start",
        "--processor",
        "builtin",
        "--follow",
    ];
    let mut import =
        pedidos_e2e::process::Process::spawn("pedidos", "pedidos", &arguments, &environment);
    let ended = import.ended().await;
    assert!(ended.success(), "{ended}\n{}", import.tail());
    let status = cluster.client().status().await;
    assert_eq!(
        (status.progress.target, status.json["ledger"]["vip"]["processed"].as_u64()),
        (2_000, Some(400))
    );
    cluster.audit().await;
    cluster.finish().await;
}
