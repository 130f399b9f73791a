//! What every answer carries, and what a browser may do with it.

use pedidos_e2e::Cluster;
use reqwest::Method;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_its_request_and_is_hardened() {
    let cluster = Cluster::start(0, &[]).await;
    for (method, path, status) in [
        (Method::GET, "/pedidos", 200),
        (Method::GET, "/", 200),
        (Method::GET, "/docs", 200),
        (Method::GET, "/openapi.json", 200),
        (Method::GET, "/metrics", 200),
        (Method::GET, "/none", 404),
        (Method::DELETE, "/pedidos", 405),
        (Method::POST, "/pedidos/generate?quantity=x", 400),
    ] {
        let answer = cluster.client().raw(method, path).await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers[name], value, "{path} {name}");
        }
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}");
        let id = answer.headers["x-request-id"].to_str().unwrap();
        assert_eq!(id.len(), 36, "{path}");
        if status >= 400 {
            assert_eq!(answer.problem(status)["requestId"], id, "{path}");
        }
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{path}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_s_own_name_is_in_its_answer_and_in_its_lines() {
    let cluster = Cluster::start(0, &[]).await;
    let (http, base) = cluster.client().parts();
    let request = http.post(format!("{base}/pedidos/queue/pause"));
    let answer = request.header("X-Request-Id", "of-a-test-1").send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "of-a-test-1");
    let api = cluster.process_of(cluster.first_api());
    api.line("of-a-test-1").await;
    cluster.wait_for_log("request_id=\"of-a-test-1\"").await;
    cluster.client().resume().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_list_may_call_and_no_other() {
    let own = "https://shop.example";
    let cluster = Cluster::start(0, &[("CORS_ALLOWED_ORIGINS", own)]).await;
    let (http, base) = cluster.client().parts();
    for (origin, allowed) in [(own, true), ("https://evil.example", false)] {
        let url = format!("{base}/pedidos/queue/pause");
        let ask = http.request(Method::OPTIONS, url).header("Origin", origin);
        let ask = ask.header("Access-Control-Request-Method", "POST").send().await.unwrap();
        assert_eq!(ask.status(), if allowed { 204 } else { 405 }, "{origin}");
        let read = http.get(format!("{base}/pedidos")).header("Origin", origin).send().await;
        let read = read.unwrap();
        for answer in [&ask, &read] {
            let said = answer.headers().get("access-control-allow-origin");
            assert_eq!(said.is_some_and(|said| said == origin), allowed, "{answer:?}");
        }
    }
    cluster.finish().await;
}
