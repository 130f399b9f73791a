//! Bad input: refused, named, and without effect.

use pedidos_e2e::{Cluster, client::Answer};
use reqwest::{Method, header};
use serde_json::Value;

/// A request, the status of its refusal, and what that must name.
type Case = (&'static str, &'static str, u16, &'static [&'static str]);

const CASES: &[Case] = &[
    ("POST", "/pedidos/generate?quantity=abc", 400, &["quantity", "abc", "1500000"]),
    ("POST", "/pedidos/generate?quantity=0", 400, &["quantity", "'0'"]),
    ("POST", "/pedidos/generate?quantity=-5", 400, &["quantity", "-5"]),
    ("POST", "/pedidos/generate?quantity=1.5", 400, &["quantity", "1.5"]),
    ("POST", "/pedidos/generate?quantity=1e6", 400, &["quantity", "1e6"]),
    ("POST", "/pedidos/generate?quantity=%2B5", 400, &["quantity", "+5"]),
    ("POST", "/pedidos/generate?quantity=99999999", 400, &["quantity", "99999999", "1500000"]),
    ("POST", "/pedidos/generate?quantity=1500001", 400, &["quantity", "1500001", "1500000"]),
    ("POST", "/pedidos/generate?quantity=99999999999999999999", 400, &["quantity"]),
    ("POST", "/pedidos/generate?quantity=", 400, &["quantity"]),
    ("POST", "/pedidos/generate?quantity", 400, &["quantity"]),
    ("POST", "/pedidos/generate?quantity=%20", 400, &["quantity"]),
    ("POST", "/pedidos/generate?quantity=%FF", 400, &["quantity"]),
    ("POST", "/pedidos/generate?quantity=10&quantity=10", 400, &["quantity", "more than once"]),
    ("POST", "/pedidos/generate?quantity=10&quantity=20", 400, &["quantity", "more than once"]),
    ("POST", "/pedidos/generate?quantity=10&qty=20", 400, &["qty", "quantity"]),
    ("POST", "/pedidos/generate?Quantity=10", 400, &["Quantity"]),
    ("POST", "/pedidos/generate?quantity=10&seed=-1", 400, &["seed", "-1"]),
    ("POST", "/pedidos/generate?quantity=abc&seed=x&more=1", 400, &["quantity", "seed", "more"]),
    ("POST", "/pedidos/cancel?purge=yes", 400, &["purge", "yes", "true or false"]),
    ("POST", "/pedidos/cancel?waitTimeoutMs=-1", 400, &["waitTimeoutMs", "-1"]),
    ("POST", "/pedidos/cancel?pollIntervalMs=0", 400, &["pollIntervalMs", "'0'"]),
    ("POST", "/pedidos/cancel?removepending=true", 400, &["removepending", "removePending"]),
    ("POST", "/pedidos/cancel?runId=", 400, &["runId"]),
    ("POST", "/pedidos/cancel?runId=../reset", 400, &["runId", "../reset"]),
    ("POST", "/pedidos/queue/pause?global=1", 400, &["global"]),
    ("POST", "/pedidos/reset?all=true", 400, &["all"]),
    ("GET", "/pedidos?verbose=1", 400, &["verbose"]),
    ("GET", "/pedidos/logs?lines=0", 400, &["lines", "'0'", "5000"]),
    ("GET", "/pedidos/logs?level=loud", 400, &["level", "loud", "warn"]),
    ("GET", "/pedidos/logs?lines=5001", 400, &["lines", "5001", "5000"]),
    ("GET", "/pedidos/logs?after=", 400, &["after"]),
    ("GET", "/pedidos/logs?after=x", 400, &["after", "x"]),
    ("GET", "/pedidos/logs?after=1-", 400, &["after"]),
    ("GET", "/pedidos/logs?after=-1-0", 400, &["after"]),
    ("GET", "/pedidos/logs?after=99999999999999999999-0", 400, &["after"]),
    ("GET", "/pedidos/logs?after=1-1&after=1-1", 400, &["after", "more than once"]),
    ("GET", "/pedidos/queue/jobs?types=", 400, &["types", ALL_TYPES]),
    ("GET", "/pedidos/queue/jobs?types", 400, &["types", ALL_TYPES]),
    ("GET", "/pedidos/queue/jobs?types=done", 400, &["types", "done", ALL_TYPES]),
    ("GET", "/pedidos/queue/jobs?types=waiting,paused", 400, &["types", "paused", ALL_TYPES]),
    ("GET", "/pedidos/queue/jobs?types=wait", 400, &["types", "wait", ALL_TYPES]),
    ("GET", "/pedidos/queue/jobs?types=Waiting", 400, &["types", "Waiting", ALL_TYPES]),
    ("GET", "/pedidos/queue/jobs?types=waiting,", 400, &["types"]),
    ("GET", "/pedidos/queue/jobs?types=,", 400, &["types"]),
    ("GET", "/pedidos/queue/jobs?types=waiting%20", 400, &["types"]),
    ("GET", "/pedidos/queue/jobs?types=waiting%00", 400, &["types"]),
    ("GET", "/pedidos/queue/jobs?types=%FF%FE", 400, &["types"]),
    ("GET", "/pedidos/queue/jobs?types=active&types=failed", 400, &["types", "more than once"]),
    ("GET", "/pedidos/queue/jobs?start=-1", 400, &["start", "-1"]),
    ("GET", "/pedidos/queue/jobs?start=a", 400, &["start", "'a'"]),
    ("GET", "/pedidos/queue/jobs?start=", 400, &["start"]),
    ("GET", "/pedidos/queue/jobs?start=1&start=1", 400, &["start", "more than once"]),
    ("GET", "/pedidos/queue/jobs?start=2147483648&end=2147483648", 400, &["start", "end"]),
    ("GET", "/pedidos/queue/jobs?start=51", 400, &["end", "50", "51"]),
    ("GET", "/pedidos/queue/jobs?end=-1", 400, &["end", "-1"]),
    ("GET", "/pedidos/queue/jobs?end=1.0", 400, &["end", "1.0"]),
    ("GET", "/pedidos/queue/jobs?end=99999999999999999999", 400, &["end"]),
    ("GET", "/pedidos/queue/jobs?start=5&end=4", 400, &["end", "'4'"]),
    ("GET", "/pedidos/queue/jobs?end=10001", 400, &["end", "10001", "10000"]),
    ("GET", "/pedidos/queue/jobs?includeData=1", 400, &["includeData", "true or false"]),
    ("GET", "/pedidos/queue/jobs?includeData=", 400, &["includeData", "true or false"]),
    ("GET", "/pedidos/queue/jobs?includedata=true", 400, &["includedata", "includeData"]),
    ("GET", "/pedidos/queue/jobs?limit=5", 400, &["limit", "start", "end"]),
    ("POST", "/pedidos/queue/clean?state=", 400, &["state", ALL_STATES]),
    ("POST", "/pedidos/queue/clean?state=all", 400, &["state", "all", ALL_STATES]),
    ("POST", "/pedidos/queue/clean?state=waiting", 400, &["state", "waiting", ALL_STATES]),
    ("POST", "/pedidos/queue/clean?state=wait,active", 400, &["state", ALL_STATES]),
    ("POST", "/pedidos/queue/clean?state=wait%00", 400, &["state", ALL_STATES]),
    ("POST", "/pedidos/queue/clean?state=%C3%28", 400, &["state", ALL_STATES]),
    ("POST", "/pedidos/queue/clean?state=wait&state=wait", 400, &["state", "more than once"]),
    ("POST", "/pedidos/queue/clean?grace=-1", 400, &["grace", "-1"]),
    ("POST", "/pedidos/queue/clean?grace=", 400, &["grace"]),
    ("POST", "/pedidos/queue/clean?grace=1h", 400, &["grace", "1h"]),
    ("POST", "/pedidos/queue/clean?grace=9007199254740992", 400, &["grace", "9007199254740991"]),
    ("POST", "/pedidos/queue/clean?limit=0", 400, &["limit", "'0'"]),
    ("POST", "/pedidos/queue/clean?limit=-1", 400, &["limit", "-1"]),
    ("POST", "/pedidos/queue/clean?limit=", 400, &["limit"]),
    ("POST", "/pedidos/queue/clean?limit=all", 400, &["limit", "all"]),
    ("POST", "/pedidos/queue/clean?limit=1&limit=2", 400, &["limit", "more than once"]),
    ("POST", "/pedidos/queue/clean?type=wait", 400, &["type", "state"]),
    ("POST", "/pedidos/queue/clean?state=x&grace=y&limit=z", 400, &["state", "grace", "limit"]),
    ("POST", "/pedidos/queue/retry-failed?limit=0", 400, &["limit", "'0'"]),
    ("POST", "/pedidos/queue/retry-failed?limit=", 400, &["limit"]),
    ("POST", "/pedidos/queue/retry-failed?limit=1e3", 400, &["limit", "1e3"]),
    ("POST", "/pedidos/queue/retry-failed?limit=18446744073709551616", 400, &["limit"]),
    ("POST", "/pedidos/queue/retry-failed?limit=1&limit=1", 400, &["limit", "more than once"]),
    ("POST", "/pedidos/queue/retry-failed?state=failed", 400, &["state", "limit"]),
    ("POST", "/pedidos/queue/retry-failed?priority=vip", 400, &["priority", "VIP, NORMAL"]),
    ("POST", "/pedidos/queue/retry-failed?errorContains=", 400, &["errorContains"]),
    ("POST", "/pedidos/queue/clean?state=wait&errorContains=x", 400, &["errorContains"]),
    ("GET", "/pedidos/runs/x/orders", 404, &["/pedidos/runs"]),
    ("GET", "/pedidos/runs/x/orders?format=xlsx", 400, &["format", "ndjson, csv"]),
    ("GET", "/pedidos/runs/x/orders?status=done", 400, &["status", "falhou"]),
    ("GET", "/pedidos/runs/x/orders?after=x", 400, &["after"]),
    ("POST", "/pedidos/runs/x/orders", 405, &["GET"]),
    ("POST", "/pedidos/queue/close?now=1", 400, &["now"]),
    ("POST", "/pedidos/queue/resume?global=yes", 400, &["global", "yes"]),
    ("GET", "/pedidos/queue/status?x", 400, &["x"]),
    ("GET", "/pedidos/health/queue?x=1", 400, &["x"]),
    ("GET", "/pedidos/runs?limit=0", 400, &["limit", "'0'", "200"]),
    ("GET", "/pedidos/runs?limit=201", 400, &["limit", "201", "200"]),
    ("GET", "/pedidos/runs?limit=", 400, &["limit"]),
    ("GET", "/pedidos/runs?limit=ten", 400, &["limit", "ten"]),
    ("GET", "/pedidos/runs?limit=5&limit=5", 400, &["limit", "more than once"]),
    ("GET", "/pedidos/runs?cursor=", 400, &["cursor"]),
    ("GET", "/pedidos/runs?cursor=never-issued", 400, &["cursor"]),
    ("GET", "/pedidos/runs?cursor=%00", 400, &["cursor"]),
    ("GET", "/pedidos/runs?cursor=a&cursor=b", 400, &["cursor", "more than once"]),
    ("GET", "/pedidos/runs?page=2", 400, &["page", "cursor", "limit"]),
    ("GET", "/pedidos/runs/x?limit=5", 400, &["limit"]),
    ("GET", "/pedidos/runs/x", 404, &["/pedidos/runs"]),
    ("GET", "/pedidos/runs/?limit=0", 400, &["limit", "'0'"]),
    ("GET", "/pedidos/events?from=1", 400, &["from"]),
    ("POST", "/pedidos/process", 410, &["/pedidos/generate"]),
    ("POST", "/pedidos/process?quantity=5", 400, &["quantity"]),
    ("GET", "/metrics?name=x", 400, &["name"]),
    ("GET", "/pedidos/nothing", 404, &[]),
    ("GET", "/nothing/at/all", 404, &[]),
    ("POST", "/pedidos/generate/?quantity=0", 400, &["quantity"]),
    ("GET", "/pedidos/generate", 405, &["POST"]),
    ("GET", "/pedidos/generate?quantity=10", 405, &["POST"]),
    ("DELETE", "/pedidos", 405, &["GET"]),
    ("PUT", "/pedidos/generate?quantity=10", 405, &["POST"]),
    ("GET", "/pedidos/reset", 405, &["POST"]),
    ("POST", "/pedidos/queue/status", 405, &["GET"]),
    ("POST", "/livez", 405, &["GET"]),
    ("DELETE", "/readyz", 405, &["GET"]),
    ("POST", "/pedidos/queue/jobs", 405, &["GET"]),
    ("GET", "/pedidos/queue/clean", 405, &["POST"]),
    ("GET", "/pedidos/queue/retry-failed?limit=0", 405, &["POST"]),
    ("GET", "/pedidos/queue/close", 405, &["POST"]),
    ("POST", "/pedidos/health/queue", 405, &["GET"]),
    ("POST", "/pedidos/runs", 405, &["GET"]),
    ("PUT", "/pedidos/runs/x", 405, &["DELETE, GET, PATCH"]),
    ("DELETE", "/pedidos/runs/x", 404, &["/pedidos/runs"]),
    ("DELETE", "/pedidos/runs/x?force=true", 400, &["force"]),
    ("POST", "/pedidos/events", 405, &["GET"]),
    ("GET", "/pedidos/process", 405, &["POST"]),
];

/// What the refusal of a state must name, one and all.
const ALL_TYPES: &str = "waiting, active, delayed, completed, failed";
const ALL_STATES: &str = "wait, active, delayed, completed, failed";

/// Operations that can be called with a body and change nothing here.
const WITH_BODY: &[(&str, &str, u16)] = &[
    ("GET", "/pedidos", 200),
    ("GET", "/pedidos/queue/jobs", 200),
    ("GET", "/pedidos/runs", 200),
    ("GET", "/pedidos/health/queue", 200),
    ("POST", "/pedidos/queue/clean?state=failed", 200),
    ("POST", "/pedidos/queue/retry-failed", 200),
    ("POST", "/pedidos/queue/close", 200),
    ("POST", "/pedidos/process", 410),
];

/// Parameters of every kind, to be given ten kilobytes.
const LONG: &[(&str, &str, &str)] = &[
    ("POST", "/pedidos/generate?quantity=", "quantity"),
    ("POST", "/pedidos/queue/clean?state=", "state"),
    ("POST", "/pedidos/queue/clean?limit=", "limit"),
    ("POST", "/pedidos/queue/clean?grace=", "grace"),
    ("POST", "/pedidos/queue/retry-failed?limit=", "limit"),
    ("GET", "/pedidos/queue/jobs?types=", "types"),
    ("GET", "/pedidos/queue/jobs?start=", "start"),
    ("GET", "/pedidos/queue/jobs?includeData=", "includeData"),
    ("GET", "/pedidos/runs?cursor=", "cursor"),
    ("GET", "/pedidos/runs?limit=", "limit"),
    ("GET", "/pedidos/logs?after=", "after"),
];

/// What is wrong with a refusal.
fn complaints(answer: &Answer, status: u16, named: &[&str]) -> Vec<String> {
    let json: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let text = |field: &str| json[field].as_str().unwrap_or_default();
    let (said, allow) = (text("detail"), answer.header(header::ALLOW));
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    check(answer.status == status, &format!("not {status}"));
    let content = answer.header(header::CONTENT_TYPE);
    check(content == "application/problem+json", "not a problem");
    check(json["status"] == answer.status, "status is not the status");
    for field in ["type", "title", "detail"] {
        check(!text(field).is_empty(), &format!("no {field}"));
    }
    for name in named {
        let all = name.split(", ").all(|name| said.contains(name));
        check(all, &format!("'{name}' is not named"));
        check(status != 405 || allow == *name, "Allow is wrong");
    }
    if status == 400 {
        let errors = json["errors"].as_array().map_or(&[][..], Vec::as_slice);
        check(!errors.is_empty(), "no errors");
        for error in errors {
            let name = error["name"].as_str().unwrap_or_default();
            let named = !name.is_empty() && said.contains(name);
            check(named, "an error without a name");
        }
    }
    wrong
}

/// All that a refusal must not change.
async fn state(cluster: &Cluster) -> impl PartialEq + std::fmt::Debug {
    let status = cluster.client().status().await;
    let control = cluster.stores.store.control().await.unwrap();
    let orders = cluster.stores.orders().await;
    let told = ["phase", "runId", "lastRunId", "ledger", "progress"];
    (told.map(|part| status.json[part].clone()), control, orders)
}

/// Answers with all that is wrong with the answers, so that one look shows it.
async fn refuses_everything(cluster: &Cluster) -> Vec<String> {
    let client = cluster.client();
    let before = state(cluster).await;
    let mut wrong = Vec::new();
    let mut look = async |answer: Answer, status, named: &[&str]| {
        let mut complaints = complaints(&answer, status, named);
        if state(cluster).await != before {
            complaints.push("it has changed something".to_owned());
        }
        if !complaints.is_empty() {
            let Answer { asked, status, body, .. } = answer;
            wrong.push(format!("{asked}: {}\n    {status} {body}", complaints.join(", ")));
        }
    };
    for (method, path, status, named) in CASES {
        let answer = client.raw(method.parse().unwrap(), path).await;
        look(answer, *status, named).await;
    }
    for (method, path, expected) in WITH_BODY {
        let method: Method = method.parse().unwrap();
        let body = async |body: &str| client.with_body(method.clone(), path, body).await;
        for garbage in ["x", "null", "[]", "{\"limit\":1}", "limit=1", "\0", "{}{}", "\"\""] {
            look(body(garbage).await, 400, &["body"]).await;
        }
        look(body(&" x".repeat(512)).await, 400, &["body"]).await;
        look(body(&"x".repeat(1_025)).await, 413, &[]).await;
        // Not a megabyte: this client gives up when it is not let finish.
        look(body(&"x".repeat(10_000)).await, 413, &[]).await;
        for none in ["", "{}", " { } ", "\n"] {
            let answer = body(none).await;
            assert_eq!(answer.status, *expected, "'{none}': {answer:#?}");
        }
    }
    for (method, path, name) in LONG {
        for value in ["9", "x", "%FF", "%F0%9F%92%A9", "failed,"] {
            let path = format!("{path}{}", value.repeat(10_000 / value.len()));
            let answer = client.raw(method.parse().unwrap(), &path).await;
            assert!(answer.body.len() < 1_000, "{} bytes are echoed", answer.body.len());
            look(Answer { asked: format!("{name}: 10 KB of {value}"), ..answer }, 400, &[name])
                .await;
        }
    }
    let long = "k".repeat(65);
    for key in ["", "two words", "ação", &long] {
        let answer = client.try_generate("quantity=10", Some(key)).await;
        look(answer, 400, &["Idempotency-Key"]).await;
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_by_name_and_changes_nothing() {
    let cluster = Cluster::start(0, &[]).await;
    for run in [false, true] {
        // A run that waits is not touched either.
        if run {
            cluster.client().generate(10).await;
        }
        let wrong = refuses_everything(&cluster).await;
        assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quantity_it_is_a_million() {
    let cluster = Cluster::start(0, &[]).await;
    let answer = cluster.client().raw(Method::POST, "/pedidos/generate").await;
    assert_eq!(answer.json(202)["quantity"], 1_000_000);
    assert_eq!(cluster.client().status().await.progress.target, 1_000_000);
    cluster.client().reset().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_orders_of_a_run_are_as_configured() {
    let cluster = Cluster::start(1, &[("MAX_ORDERS", "300")]).await;
    for (query, named) in [("quantity=301", "301"), ("", "required")] {
        let answer = cluster.client().try_generate(query, None).await;
        let wrong = complaints(&answer, 400, &["quantity", named, "300"]);
        assert!(wrong.is_empty(), "{wrong:?}: {answer:#?}");
    }
    cluster.run(300).await;
    cluster.finish().await;
}
