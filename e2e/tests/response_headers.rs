//! What every answer carries, and what a request is called.

use pedidos_e2e::{Cluster, client::Answer, eventually};
use reqwest::Method;

/// Answers of every kind there is: pages, data, refusals of handlers, of the router, of
/// the framework.
const ASKED: &[(&str, &str, u16)] = &[
    ("GET", "/", 200),
    ("GET", "/docs", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/openapi.yaml", 200),
    ("GET", "/pedidos", 200),
    ("GET", "/pedidos/runs", 200),
    ("GET", "/pedidos/logs", 200),
    ("GET", "/metrics", 200),
    ("GET", "/livez", 200),
    ("GET", "/readyz", 200),
    ("GET", "/pedidos?x=1", 400),
    ("GET", "/nothing", 404),
    ("GET", "/pedidos/runs/nothing", 404),
    ("DELETE", "/pedidos", 405),
    ("OPTIONS", "/pedidos", 405),
    ("POST", "/docs", 405),
    ("POST", "/pedidos/process", 410),
];

/// An answer's header; empty if it has none.
fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_what_a_browser_must_not_do_with_it() {
    let cluster = Cluster::start(0, &[]).await;
    for (method, path, status) in ASKED {
        let answer = cluster.client().raw(method.parse().unwrap(), path).await;
        assert_eq!(answer.status, *status, "{answer:#?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&answer, name), value, "{answer:#?}");
        }
        let policy = header(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(!header(&answer, "cache-control").is_empty(), "{answer:#?}");
        assert_eq!(header(&answer, "x-request-id").len(), 36, "{answer:#?}");
        // Not by TLS, and to no page from elsewhere.
        for absent in ["strict-transport-security", "access-control-allow-origin", "server"] {
            assert_eq!(header(&answer, absent), "", "{answer:#?}");
        }
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_id_in_its_answer_its_problem_and_the_log() {
    let mut cluster = Cluster::start(0, &[]).await;
    let client = cluster.client().clone();
    let named = [("X-Request-Id", "mine-7.a:B_c")];
    let answer = client.with_headers(Method::GET, "/nothing", &named).await;
    assert_eq!(header(&answer, "x-request-id"), "mine-7.a:B_c");
    assert_eq!(answer.json(404)["requestId"], "mine-7.a:B_c", "{answer:#?}");
    // Without one, or with one that would not look well in a log, it is given one.
    for given in [&[][..], &[("X-Request-Id", "a b")], &[("X-Request-Id", "<script>")]] {
        let answer = client.with_headers(Method::GET, "/pedidos?x=1", given).await;
        let id = header(&answer, "x-request-id");
        assert_eq!(id.len(), 36, "{answer:#?}");
        assert_eq!(answer.json(400)["requestId"], id, "{answer:#?}");
    }
    let path = "/pedidos/generate?quantity=10";
    let answer = client.with_headers(Method::POST, path, &named).await;
    assert_eq!(answer.status, 202, "{answer:#?}");
    // On standard error, and among the lines that every API answers with.
    let line = cluster.process(0).line("mine-7.a:B_c").await;
    assert!(line.contains("adopted control"), "{line}");
    eventually("the line in Redis", async || {
        let logs = client.logs("lines=100").await;
        let mut lines = logs["logs"]["logMessages"].as_array().unwrap().iter();
        lines.any(|line| line.as_str().is_some_and(|line| line.contains("mine-7.a:B_c")))
    })
    .await;
    client.reset().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_can_read_only_if_they_are_listed() {
    const SHOP: &str = "https://shop.example";
    let mut cluster = Cluster::start(0, &[]).await;
    let listed = [("CORS_ALLOWED_ORIGINS", "https://shop.example, http://localhost:5173")];
    let open = cluster.start_one(pedidos_e2e::cluster::Kind::Api, &listed).await;
    for (id, origin, allowed) in [
        (0, SHOP, false),
        (open, SHOP, true),
        (open, "http://localhost:5173", true),
        (open, "http://localhost:5174", false),
        (open, "https://shop.example.evil.example", false),
        (open, "null", false),
    ] {
        let client = cluster.client_of(id);
        let from = [("Origin", origin)];
        let expected = if allowed { origin } else { "" };
        // Also a refusal may be read, or the page could not say what is wrong.
        for path in ["/pedidos", "/pedidos?x=1"] {
            let answer = client.with_headers(Method::GET, path, &from).await;
            assert_eq!(header(&answer, "access-control-allow-origin"), expected, "{answer:#?}");
            assert_eq!(header(&answer, "access-control-allow-credentials"), "", "{answer:#?}");
        }
        let asks = [from[0], ("Access-Control-Request-Method", "POST")];
        let answer = client.with_headers(Method::OPTIONS, "/pedidos/generate", &asks).await;
        assert_eq!(answer.status, if allowed { 204 } else { 405 }, "{answer:#?}");
        assert_eq!(header(&answer, "access-control-allow-origin"), expected, "{answer:#?}");
        let answer = client.with_headers(Method::POST, "/pedidos/queue/resume", &from).await;
        assert_eq!(answer.status, if allowed { 200 } else { 403 }, "{answer:#?}");
    }
    cluster.finish().await;
}
