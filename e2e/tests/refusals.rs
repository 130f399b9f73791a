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
    ("POST", "/pedidos/queue/pause?global=1", 400, &["global"]),
    ("POST", "/pedidos/reset?all=true", 400, &["all"]),
    ("GET", "/pedidos?verbose=1", 400, &["verbose"]),
    ("GET", "/pedidos/logs?lines=0", 400, &["lines", "'0'", "5000"]),
    ("GET", "/pedidos/logs?level=loud", 400, &["level", "loud", "warn"]),
    ("GET", "/pedidos/nothing", 404, &[]),
    ("GET", "/nothing/at/all", 404, &[]),
    ("POST", "/pedidos/generate/", 404, &[]),
    ("GET", "/pedidos/generate", 405, &["POST"]),
    ("GET", "/pedidos/generate?quantity=10", 405, &["POST"]),
    ("DELETE", "/pedidos", 405, &["GET"]),
    ("PUT", "/pedidos/generate?quantity=10", 405, &["POST"]),
    ("GET", "/pedidos/reset", 405, &["POST"]),
    ("POST", "/pedidos/queue/status", 405, &["GET"]),
    ("POST", "/livez", 405, &["GET"]),
    ("DELETE", "/readyz", 405, &["GET"]),
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
        check(said.contains(name), &format!("'{name}' is not named"));
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
    for (query, named) in [("quantity=301", "301"), ("", "1000000")] {
        let answer = cluster.client().try_generate(query, None).await;
        let wrong = complaints(&answer, 400, &["quantity", named, "300"]);
        assert!(wrong.is_empty(), "{wrong:?}: {answer:#?}");
    }
    cluster.run(300).await;
    cluster.finish().await;
}
