//! Lines that are no order: each is rejected by itself, by name, and the others are taken.

use pedidos_e2e::{
    Cluster,
    imports::{CSV, NDJSON},
};
use reqwest::Method;
use serde_json::{Value, json};

/// The field and the code of a reject.
type Rejected = (Option<&'static str>, &'static str);
/// What becomes of a line.
type Verdict = Option<Rejected>;

const TAKEN: Verdict = None;

#[expect(clippy::unnecessary_wraps, reason = "a verdict is one of several")]
const fn field(field: &'static str, code: &'static str) -> Verdict {
    Some((Some(field), code))
}

#[expect(clippy::unnecessary_wraps, reason = "a verdict is one of several")]
const fn whole(code: &'static str) -> Verdict {
    Some((None, code))
}

/// Uploads the lines, which stand below so many others, and holds each against its verdict.
/// Answers the id of the import.
async fn judged(
    cluster: &Cluster,
    kind: (&str, &str),
    header: &[u8],
    lines: &[(Vec<u8>, Verdict)],
) -> String {
    let client = cluster.client();
    let id = client.create_import().await;
    let list = lines.iter().flat_map(|(line, _)| [line.as_slice(), b"\n"].concat());
    let list: Vec<u8> = header.iter().copied().chain(list).collect();
    let import = client.try_upload(&id, &[kind], list).await.expect("the API answers").json(200);
    let taken = lines.iter().filter(|(_, verdict)| verdict.is_none()).count();
    assert_eq!(import["accepted"], taken, "{:#}", import["firstRejects"]);
    assert_eq!(import["rejected"], lines.len() - taken);
    let path = format!("/pedidos/imports/{id}/rejects");
    let rejects = client.raw(Method::GET, &path).await.body;
    let mut rejects =
        rejects.lines().map(|reject| serde_json::from_str::<Value>(reject).expect("it is JSON"));
    let first = header.split(|byte| *byte == b'\n').count();
    for (number, (line, verdict)) in (first..).zip(lines) {
        let Some((field, code)) = verdict else { continue };
        let reject = rejects.next().expect("it has a reject");
        let start = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
        let found = (&reject["line"], &reject["field"], &reject["code"]);
        assert_eq!(found, (&json!(number), &json!(field), &json!(code)), "{start}");
        assert!(!reject["message"].as_str().expect("it says why").is_empty(), "{start}");
    }
    assert_eq!(rejects.next(), None);
    id
}

/// An order with this price.
fn priced(valor: &str) -> String {
    format!(r#"{{"cliente":"Ana","tier":"OURO","valor":{valor}}}"#)
}

/// An order with these members besides.
fn with(members: &str) -> String {
    format!(r#"{{"cliente":"Ana","valor":1,{members}}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_line_of_ndjson_is_rejected_by_its_own_name() {
    let cluster = Cluster::start(1, &[]).await;
    let vip = |members: &str| with(&format!(r#""priority":"VIP",{members}"#));
    let reference =
        |character: &str, times: usize| vip(&format!(r#""ref":"{}""#, character.repeat(times)));
    let deep = format!(r#""dados":{}{{}}{}"#, r#"{"a":"#.repeat(200), "}".repeat(200));
    let large = format!(r#""dados":{{"a":"{}"}}"#, "x".repeat(17 * 1_024));
    let latin = b"{\"cliente\":\"Jos\xe9\",\"valor\":1,\"tier\":\"OURO\"}".to_vec();
    let lines: Vec<(Vec<u8>, Verdict)> = [
        (priced("12.50"), TAKEN),
        (priced("1e400"), field("valor", "tooLarge")),
        (priced("-0"), field("valor", "negative")),
        (priced("NaN"), whole("notJson")),
        (priced("12,50"), whole("notJson")),
        (priced("0x1"), whole("notJson")),
        (priced(&"9".repeat(40)), field("valor", "tooLarge")),
        (priced(&format!("0.{}", "1".repeat(40))), field("valor", "decimals")),
        (priced("\"12.50\""), field("valor", "type")),
        (with(r#""tier":"ouro""#), field("tier", "notAllowed")),
        (with(r#""priority":"vip""#), field("priority", "notAllowed")),
        (with(r#""sku":1"#), field("priority", "noPriority")),
        // They contradict each other: the priority counts.
        (with(r#""ref":"n","tier":"DIAMANTE","priority":"NORMAL""#), TAKEN),
        (with(r#""ref":"v","tier":"BRONZE","priority":"VIP""#), TAKEN),
        (reference("x", 128), TAKEN),
        (reference("x", 129), field("ref", "tooLong")),
        (reference(" ", 3), field("ref", "empty")),
        (reference("🦀", 128), TAKEN),
        (reference("🦀", 129), field("ref", "tooLong")),
        (reference("\\u0000", 1), field("ref", "controlCharacter")),
        (vip(r#""valor":2"#), field("valor", "duplicateKey")),
        (vip(r#""sku":1,"sku":2"#), field("sku", "duplicateKey")),
        (vip(r#""sku":1,"dados":{"sku":2}"#), field("sku", "duplicateKey")),
        (vip(&deep), field("dados", "tooDeep")),
        (vip(&large), field("dados", "tooLong")),
        (vip(r#""dados":[1]"#), field("dados", "type")),
        (vip(r#""dados":{"a":1e400}"#), field("dados", "notJson")),
        (vip("\"sku\":\"\0\""), whole("notJson")),
        (r#"["Ana",1]"#.to_owned(), whole("notAnObject")),
        ("x".repeat(10 * 1_024 * 1_024), whole("lineTooLong")),
        (priced("99"), TAKEN),
    ]
    .into_iter()
    .map(|(line, verdict)| (line.into_bytes(), verdict))
    .chain([(latin, whole("notUtf8"))])
    .collect();
    let id = judged(&cluster, NDJSON, b"", &lines).await;
    let orders = cluster.imported(&id).await;
    for (reference, priority) in [("n", "NORMAL"), ("v", "VIP")] {
        let order = orders
            .iter()
            .find(|order| order.get_str("ref").is_ok_and(|it| it == reference))
            .unwrap();
        assert_eq!(order.get_str("priority").unwrap(), priority);
    }
    cluster.client().try_start_import(&id, "onRejects=skip").await.json(202);
    cluster.ends_exact(&id).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_row_of_csv_is_rejected_by_its_own_name() {
    let cluster = Cluster::start(0, &[]).await;
    let priced = |valor: &str| format!(";Ana;{valor};OURO");
    let lines: Vec<(Vec<u8>, Verdict)> = [
        (priced("12,50"), TAKEN),
        (priced("12.50"), TAKEN),
        (priced("1.212,50"), field("valor", "notANumber")),
        (priced("1e400"), field("valor", "tooLarge")),
        (priced("-0"), field("valor", "negative")),
        (priced("NaN"), field("valor", "notANumber")),
        (priced("0x1"), field("valor", "notANumber")),
        (priced(&"9".repeat(40)), field("valor", "tooLarge")),
        (priced(""), field("valor", "required")),
        (";Ana;1;ouro".to_owned(), field("tier", "notAllowed")),
        ("a\0b;Ana;1;OURO".to_owned(), field("ref", "controlCharacter")),
        (format!("{};Ana;1;OURO", "x".repeat(129)), field("ref", "tooLong")),
        ("   ;Ana;1;OURO".to_owned(), field("ref", "empty")),
        ("x;".repeat(50_000), whole("columns")),
        (format!("{};Ana;1;OURO", "x".repeat(10 * 1_024 * 1_024)), whole("lineTooLong")),
        (priced("99"), TAKEN),
    ]
    .into_iter()
    .map(|(line, verdict)| (line.into_bytes(), verdict))
    .chain([
        (b";Jos\xe9;1;OURO".to_vec(), field("cliente", "notUtf8")),
        (b";\"Ana;1;OURO".to_vec(), whole("openQuote")),
    ])
    .collect();
    judged(&cluster, CSV, b"ref;cliente;valor;tier\r\n", &lines).await;
    let comma = [
        (b"Ana,1,OURO".to_vec(), TAKEN),
        (b"Ana,12,50,OURO".to_vec(), whole("columns")),
        (b"Ana,\"12,50\",OURO".to_vec(), field("valor", "notANumber")),
    ];
    judged(&cluster, CSV, b"cliente,valor,tier\n", &comma).await;
    cluster.finish().await;
}

/// What an order takes along is shown as it came, to the letter.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_shows_what_it_took_along_exactly() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let deep = format!("{}{{}}{}", r#"{"a":"#.repeat(120), "}".repeat(120));
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(16 * 1_024 - 8));
    let objects = [
        "{}",
        r#"{"$oid":"507f1f77bcf86cd799439011"}"#,
        r#"{"$set":{"status":"processado"},"a.b":{"$gt":""},"a..b":1,".":2,"$":3,"":4}"#,
        r#"{"when":{"$date":{"$numberLong":"1"}},"$numberDecimal":"1","$binary":null}"#,
        r#"{"__proto__":{"admin":true},"constructor":{"prototype":1}}"#,
        r#"{"$serde_json::private::RawValue":"[1]"}"#,
        r#"{"$serde_json::private::Number":"1"}"#,
        r#"{"nul":"\u0000","sign":"\u001f","quote":"\"\\"}"#,
        r#"{"z":1,"a":2,"m":[1,-2,0.1,18446744073709551615,true,null,"🦀"]}"#,
        &deep,
        &large,
    ];
    let list: String = objects
        .iter()
        .map(|dados| with(&format!("\"tier\":\"OURO\",\"dados\":{dados}\n")))
        .collect();
    let list = list.replace("\n}", "}\n");
    let id = client.create_import().await;
    assert_eq!(client.upload(&id, list).await["accepted"], objects.len());
    let orders = cluster.imported(&id).await;
    let shown = async || {
        for (order, dados) in orders.iter().zip(objects) {
            let path = format!("/pedidos/orders/{}", order.get_str("_id").unwrap());
            let answer = client.raw(Method::GET, &path).await;
            assert_eq!(answer.status, 200, "{answer:#?}");
            let wanted = format!("\"dados\":{dados}");
            assert!(answer.body.contains(&wanted), "{wanted}: {}", answer.body);
        }
    };
    shown().await;
    // Work does not touch it.
    cluster.runs_import(&id).await;
    shown().await;
    cluster.finish().await;
}
