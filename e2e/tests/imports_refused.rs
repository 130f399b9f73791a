//! Lists and calls that are refused: by name, and nothing is changed by them.

use std::{fmt::Write as _, io::Write as _};

use pedidos_e2e::{
    Client, Cluster,
    imports::{CSV, GZIP, NDJSON, line, lines},
    raw::Raw,
};
use reqwest::Method;
use serde_json::{Value, json};

type Headers = &'static [(&'static str, &'static str)];

/// What is sent, with which headers; the status, and what the answer must say.
type List = (&'static str, Headers, Vec<u8>, u16, &'static str);

const AS_NDJSON: Headers = &[NDJSON];
const AS_CSV: Headers = &[CSV];
const PACKED: Headers = &[NDJSON, GZIP];

/// The API's pod, KiB (k8s/base).
const POD: u64 = 128 * 1_024;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// What is no list, whatever its headers say.
fn no_lists() -> Vec<List> {
    let mark = [b"\xff\xfe".as_slice(), &utf_16("cliente;valor\n")].concat();
    let mut truncated = gzip(lines(0..100).as_bytes());
    truncated.truncate(truncated.len() - 9);
    let mut damaged = gzip(lines(0..100).as_bytes());
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let columns = (0..50_000).fold("cliente,valor".to_owned(), |mut header, column| {
        write!(header, ",c{column}").unwrap();
        header
    });
    vec![
        ("UTF-16", AS_NDJSON, utf_16(&line(0)), 415, "UTF-16"),
        ("UTF-16 with a mark", AS_CSV, mark, 415, "UTF-16"),
        ("a ZIP archive", AS_NDJSON, b"PK\x03\x04\x14\0\0\0a.ndjson".into(), 415, "ZIP"),
        ("an Excel file", AS_CSV, b"PK\x03\x04\x14\0\x06\0[Content_Types]".into(), 415, ".xlsx"),
        ("HTML", AS_NDJSON, b"<!doctype html><title>Login</title>".into(), 415, "HTML"),
        ("a JSON array", AS_NDJSON, format!("[{}]", line(0)).into(), 415, "JSON array"),
        ("NDJSON as CSV", AS_CSV, lines(0..2).into(), 415, "application/x-ndjson"),
        ("gzip, not named", AS_NDJSON, gzip(b"{}"), 415, "Content-Encoding"),
        ("gzip, twice", PACKED, gzip(&gzip(b"{}")), 415, "compressed once"),
        ("a Latin-1 header", AS_CSV, b"cliente,valor,pre\xe7o\nAna,1,2".into(), 400, "Latin-1"),
        ("an empty CSV", AS_CSV, Vec::new(), 400, "empty"),
        ("an unknown header", AS_CSV, b"name,price\nAna,1".into(), 400, "no column cliente"),
        ("a column twice", AS_CSV, b"cliente,valor,Valor\nAna,1,2".into(), 400, "twice"),
        ("50,000 columns", AS_CSV, columns.into(), 400, "64 KiB"),
        ("truncated gzip", PACKED, truncated, 400, "ends too early"),
        ("gzip of another checksum", PACKED, damaged, 400, "checksum"),
        ("no gzip", PACKED, lines(0..2).into(), 400, "said to be gzip"),
        ("nothing, as gzip", PACKED, Vec::new(), 400, "ends too early"),
    ]
}

/// What is no list by its headers.
fn no_types() -> Vec<List> {
    let cases: [(Headers, &str); 13] = [
        (&[], "content type"),
        (&[("Content-Type", "application/json")], ""),
        (&[("Content-Type", "application/octet-stream")], "content type"),
        (&[("Content-Type", "application/x-www-form-urlencoded")], "content type"),
        (&[("Content-Type", "multipart/form-data; boundary=x")], "content type"),
        (&[("Content-Type", "text/plain")], "content type"),
        (&[("Content-Type", "")], "content type"),
        (&[("Content-Type", "text/csv; charset=iso-8859-1")], "UTF-8"),
        (&[("Content-Type", "application/x-ndjson; charset=utf-16")], "UTF-8"),
        (&[NDJSON, ("Content-Encoding", "br")], "gzip"),
        (&[NDJSON, ("Content-Encoding", "deflate")], "gzip"),
        (&[NDJSON, ("Content-Encoding", "zstd")], "gzip"),
        (&[NDJSON, ("Content-Encoding", "gzip, gzip")], "gzip"),
    ];
    let of = |(headers, says)| ("by its headers", headers, lines(0..3).into_bytes(), 415, says);
    cases.map(of).into()
}

/// The import must be as it was.
async fn unchanged(client: &Client, before: &Value, what: &str) {
    let id = before["importId"].as_str().unwrap();
    assert_eq!(client.import(id).await, *before, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_list_is_refused_by_name_and_changes_nothing() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let id = client.create_import().await;
    let before = client.import(&id).await;
    for (what, headers, list, status, says) in no_lists().into_iter().chain(no_types()) {
        let what = format!("{what} {headers:?}");
        let upload = client.try_upload(&id, headers, list.clone()).await.unwrap();
        let said = upload.problem(status);
        assert!(said["detail"].as_str().unwrap().contains(says), "{what}: {said:#}");
        unchanged(client, &before, &what).await;
        // Nor is it read in one call, or counted.
        for query in ["dryRun=true", "start=true", "name=x"] {
            let call =
                client.try_create_import(query, Some("a-key"), Some((headers, list.clone())));
            call.await.problem(status);
        }
    }
    assert_eq!(cluster.stores.orders().await, 0);
    // A list without a line is one, and has nothing to start.
    for (kind, list) in [
        (NDJSON, ""),
        (NDJSON, "\n \r\n"),
        (CSV, "cliente,valor"),
        (CSV, "\u{feff}valor;cliente\r\n"),
    ] {
        let empty = client.create_import().await;
        let import = client.try_upload(&empty, &[kind], list).await.unwrap().json(200);
        assert_eq!(import["lines"], 0, "{import:#}");
        let said = client.try_start_import(&empty, "").await.problem(422);
        assert_eq!(client.import(&empty).await["state"], "open", "{said:#}");
    }
    // The import takes a list as if nothing had been sent before.
    client.upload(&id, lines(0..10)).await;
    cluster.has_imported(&id, 0..10).await;
    cluster.finish().await;
}

/// A call, its status, and what the answer must say.
const CALLS: &[(&str, &str, u16, &str)] = &[
    ("POST", "/pedidos/imports?dryRun=true&start=true", 400, "dryRun"),
    ("POST", "/pedidos/imports?start=true", 400, "Idempotency-Key"),
    ("POST", "/pedidos/imports?dryRun=yes", 400, "dryRun"),
    ("POST", "/pedidos/imports?onRejects=ignore", 400, "onRejects"),
    ("POST", "/pedidos/imports?defaultPriority=vip", 400, "defaultPriority"),
    ("POST", "/pedidos/imports?titel=x", 400, "titel"),
    ("POST", "/pedidos/imports?name=a&name=b", 400, "more than once"),
    ("POST", "/pedidos/imports?name=", 400, "name"),
    ("GET", "/pedidos/imports?limit=0", 400, "limit"),
    ("GET", "/pedidos/imports?limit=201", 400, "limit"),
    ("GET", "/pedidos/imports?state=done", 400, "state"),
    ("GET", "/pedidos/imports?cursor=x", 400, "cursor"),
    ("GET", "/pedidos/imports?page=2", 400, "page"),
    ("GET", "/pedidos/imports/ID?rejects=20", 400, "rejects"),
    ("GET", "/pedidos/imports/ID/rejects?format=xml", 400, "format"),
    ("PUT", "/pedidos/imports/ID/orders?start=true", 400, "start"),
    ("POST", "/pedidos/imports/ID/start?skip=true", 400, "skip"),
    ("POST", "/pedidos/imports/ID/start?lines=-1", 400, "lines"),
    ("POST", "/pedidos/imports/ID/start?lines=1e3", 400, "lines"),
    ("POST", "/pedidos/imports/ID/start?lines=4", 409, "3"),
    ("GET", "/pedidos/imports/x", 404, "import"),
    ("PUT", "/pedidos/imports/x/orders", 404, "import"),
    ("PUT", "/pedidos/imports/%00/orders", 404, ""),
    ("GET", "/pedidos/imports/$ne/rejects", 404, "import"),
    ("POST", "/pedidos/imports/x/start", 404, "import"),
    ("DELETE", "/pedidos/imports/x", 404, "import"),
    ("PUT", "/pedidos/imports", 405, "POST"),
    ("DELETE", "/pedidos/imports", 405, "GET"),
    ("POST", "/pedidos/imports/ID", 405, "GET"),
    ("PATCH", "/pedidos/imports/ID", 405, "DELETE"),
    ("GET", "/pedidos/imports/ID/orders", 405, "PUT"),
    ("POST", "/pedidos/imports/ID/orders", 405, "PUT"),
    ("DELETE", "/pedidos/imports/ID/rejects", 405, "GET"),
    ("GET", "/pedidos/imports/ID/start", 405, "POST"),
    ("PUT", "/pedidos/imports/ID/start", 405, "POST"),
];

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_imports_that_make_no_sense_are_refused_and_change_nothing() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let id = client.create_import().await;
    let before = client.upload(&id, lines(0..3)).await;
    let long = format!("/pedidos/imports?name={}", "x".repeat(129));
    let calls = CALLS.iter().copied().chain([("POST", long.as_str(), 400, "name")]);
    for (method, path, status, says) in calls {
        let path = path.replace("ID", &id);
        let takes_list = path.contains("/orders") || method == "POST" && path.contains("imports?");
        let list: (Headers, String) =
            if takes_list { (AS_NDJSON, lines(0..4)) } else { (&[], String::new()) };
        let method: Method = method.parse().unwrap();
        let answer = client.send(method, &path, list.0, list.1).await.unwrap();
        let said = answer.problem(status);
        let allowed = answer.header(reqwest::header::ALLOW);
        let text = format!("{said} {allowed}");
        assert!(text.contains(says), "{path}: {text}");
        unchanged(client, &before, &path).await;
    }
    for key in ["", " ", "a key", "chave-é", &"k".repeat(65)] {
        let answer = client.try_create_import("name=x", Some(key), None).await;
        answer.problem(400);
    }
    let name = "é".repeat(128);
    let named = client.try_create_import(&format!("name={name}"), None, None).await.json(201);
    assert_eq!(named["name"], name);
    let all = client.raw(Method::GET, "/pedidos/imports").await.json(200);
    assert_eq!(all["count"], 2, "{all:#}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_beyond_a_limit_keeps_what_came_before_it() {
    let cluster = Cluster::start(1, &[("MAX_ORDERS", "100")]).await;
    let client = cluster.client();
    let kept = async |id: &str, list: String, status: u16, says: &str, field: &str, count: u64| {
        // Sent again, it is refused again, and nothing more is kept.
        for _ in 0..2 {
            let refused = client.try_upload(id, &[NDJSON], list.clone()).await.unwrap();
            let said = refused.problem(status);
            assert!(said["detail"].as_str().unwrap().contains(says), "{said:#}");
            let import = client.import(id).await;
            assert_eq!((&import[field], &import["lines"]), (&json!(count), &json!(count)));
        }
    };
    let many = client.create_import().await;
    kept(&many, lines(0..101), 413, "MAX_ORDERS", "accepted", 100).await;
    let bad = client.create_import().await;
    kept(&bad, "{}\n".repeat(10_001), 422, "10000", "rejected", 10_000).await;
    let path = format!("/pedidos/imports/{bad}/rejects");
    assert_eq!(client.raw(Method::GET, &path).await.body.lines().count(), 10_000);
    for (list, status) in [(lines(0..101), 413), ("{}\n".repeat(10_001), 422)] {
        let counted = client.try_create_import("dryRun=true", None, Some((&[NDJSON], list.into())));
        counted.await.problem(status);
    }
    cluster.has_imported(&many, 0..100).await;
    cluster.runs_import(&many).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_mebibytes_of_zeros_in_gzip_are_one_reject() {
    const MEBIBYTE: usize = 1_024 * 1_024;
    let mut cluster = Cluster::start(0, &[]).await;
    let client = cluster.client().clone();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![0; MEBIBYTE];
    for _ in 0..300 {
        packed.write_all(&zeros).unwrap();
    }
    packed.write_all(format!("\n{}", lines(0..3)).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 3 * MEBIBYTE);
    let id = client.create_import().await;
    let import = client.try_upload(&id, PACKED, packed).await.unwrap().json(200);
    assert_eq!((&import["rejected"], &import["accepted"]), (&json!(1), &json!(3)));
    let reject = &import["firstRejects"][0];
    assert_eq!((&reject["line"], &reject["code"]), (&json!(1), &json!("lineTooLong")));
    let peak = cluster.process(0).peak_kib();
    assert!(peak < POD, "{peak} KiB");
    cluster.finish().await;
}

/// The head of an upload.
fn head(id: &str, headers: &str) -> String {
    format!(
        "PUT /pedidos/imports/{id}/orders HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/x-ndjson\r\n{headers}\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_as_its_head_says_is_never_taken_for_more_than_it_is() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let id = client.create_import().await;
    let before = client.import(&id).await;
    let list = lines(0..10);
    let chunk = format!("{:x}\r\n{list}\r\n", list.len());
    for (what, headers, body) in [
        ("longer than its length", format!("Content-Length: {}", list.len() + 1), list.clone()),
        ("without its last chunk", "Transfer-Encoding: chunked".to_owned(), chunk.clone()),
        ("cut in a chunk", "Transfer-Encoding: chunked".to_owned(), chunk[..99].to_owned()),
        ("no chunks", "Transfer-Encoding: chunked".to_owned(), list.clone()),
        ("two lengths", "Content-Length: 5\r\nContent-Length: 6".to_owned(), list.clone()),
        ("no length", "Content-Length: x".to_owned(), list.clone()),
    ] {
        let mut connection = Raw::to(client.address()).await;
        connection.send((head(&id, &headers) + &body).as_bytes()).await;
        connection.close_writing().await;
        let said = connection.rest().await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 400 "), "{what}: {said}");
        unchanged(client, &before, what).await;
    }
    // Shorter: the length counts. What follows is a request, and a bad one.
    let length = lines(0..7).len();
    let mut connection = Raw::to(client.address()).await;
    connection.send((head(&id, &format!("Content-Length: {length}")) + &list).as_bytes()).await;
    connection.close_writing().await;
    let said = connection.rest().await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    assert!(!said[1..].contains("HTTP/1.1 2"), "{said}");
    cluster.has_imported(&id, 0..7).await;
    // Chunks with trailers.
    let trailers = "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close";
    let mut connection = Raw::to(client.address()).await;
    let whole = head(&id, trailers) + &chunk + "0\r\nX-Sum: 1\r\nContent-Type: text/csv\r\n\r\n";
    connection.send(whole.as_bytes()).await;
    let said = connection.rest().await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    cluster.has_imported(&id, 0..10).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_refusal_reaches_a_client_that_still_sends() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let id = client.create_import().await;
    let before = client.import(&id).await;
    let large = vec![b' '; 16 * 1_024 * 1_024];
    for (path, kind, status) in [
        (format!("/pedidos/imports/{id}/orders"), "text/plain", 415),
        (format!("/pedidos/imports/{id}/orders?x=1"), "text/csv", 400),
        ("/pedidos/imports/x/orders".to_owned(), "text/csv", 404),
        (format!("/pedidos/imports/{id}"), "text/csv", 405),
    ] {
        let mut connection = Raw::to(client.address()).await;
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n",
            large.len()
        );
        connection.send(head.as_bytes()).await;
        // It would be cut off, and might not see the answer.
        assert!(connection.send(&large).await, "{path}: all of it can be sent");
        let said = connection.until("\r\n").await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {said}");
        unchanged(client, &before, &path).await;
    }
    cluster.finish().await;
}
