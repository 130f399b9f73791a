//! Answers that the contract names beside the shapes of `contract`: errors, cursors, and
//! what is there for browsers, tools and orchestrators.

use pedidos_e2e::{Client, Cluster, client::Answer};
use reqwest::{Method, header};

#[tokio::test(flavor = "multi_thread")]
async fn every_error_that_the_contract_names_is_a_problem() {
    let cluster = Cluster::start(0, &[]).await;
    let ask = async |method: Method, path: &str| cluster.client().raw(method, path).await;
    let unknown = format!("/pedidos/runs/{}", uuid::Uuid::new_v4());
    ask(Method::GET, &unknown).await.problem(404);
    ask(Method::GET, "/pedidos/nothing").await.problem(404);
    let gone = ask(Method::POST, "/pedidos/process").await.problem(410);
    assert!(gone["detail"].as_str().unwrap().contains("/pedidos/generate"), "{gone:#}");
    let run_id = cluster.client().generate(100).await;
    let second = cluster.client().try_generate("quantity=100", None).await.problem(409);
    assert_eq!(second["runId"], *run_id);
    let several = ask(Method::GET, "/pedidos/queue/jobs?types=x&start=-1&y=2").await.problem(400);
    let names: Vec<_> = several["errors"].as_array().unwrap().iter().collect();
    for name in ["types", "start", "y"] {
        assert!(names.iter().any(|error| error["name"] == name), "{name}: {several:#}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_cursor_gives_each_line_once_and_a_future_one_is_no_error() {
    let cluster = Cluster::start(1, &[]).await;
    cluster.run(100).await;
    let mut cursor = cluster.client().logs("").await["cursor"].as_str().unwrap().to_owned();
    cluster.run(100).await;
    let lines = async |after: &str| {
        let answer = cluster.client().logs(&format!("lines=5000{after}")).await;
        let lines = answer["logs"]["logMessages"].as_array().unwrap().clone();
        (lines, answer["cursor"].as_str().unwrap().to_owned())
    };
    let (all, _) = lines("").await;
    let mut after = Vec::new();
    // What is said meanwhile comes with the next one.
    for _ in 0..3 {
        let (next, now) = lines(&format!("&after={cursor}")).await;
        after.extend(next);
        cursor = now;
    }
    let (told, before) = (after.len(), all.len().saturating_sub(after.len()));
    assert!(told > 0, "nothing was said of the second run");
    assert!(all[before..].iter().all(|line| after.contains(line)), "{after:#?}");
    let most = u64::MAX;
    for after in ["9999999999999-0".to_owned(), format!("{most}-{most}")] {
        let path = format!("/pedidos/logs?after={after}");
        let answer = cluster.client().raw(Method::GET, &path).await;
        assert!(matches!(answer.status, 200 | 400), "{answer:#?}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_metrics_and_documents_are_served() {
    let mut cluster = Cluster::start(1, &[]).await;
    let look = async |client: &Client, path: &str, content: &str| -> Answer {
        let answer = client.raw(Method::GET, path).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        let is = answer.header(header::CONTENT_TYPE);
        assert!(is.starts_with(content), "{path}: {is}");
        answer
    };
    let client = cluster.client();
    for client in [client, cluster.workers().next().unwrap()] {
        for path in ["/metrics", "/livez", "/readyz", "/metrics/", "/livez/", "/readyz/"] {
            look(client, path, "text/plain").await;
        }
    }
    let page = look(client, "/docs", "text/html").await;
    // Served by us: nothing is loaded from elsewhere.
    for attribute in ["src=\"http", "src=\"//", "<link rel=\"stylesheet\" href=\"http"] {
        assert!(!page.body.contains(attribute), "{attribute}");
    }
    let json = look(client, "/openapi.json", "application/json").await.json(200);
    let yaml = look(client, "/openapi.yaml", "application/yaml").await;
    assert!(yaml.body.starts_with("openapi:"), "{}", &yaml.body[..80]);
    let paths = json["paths"].as_object().unwrap();
    for path in [
        "/pedidos",
        "/pedidos/generate",
        "/pedidos/logs",
        "/pedidos/health/queue",
        "/pedidos/cancel",
        "/pedidos/reset",
        "/pedidos/queue/pause",
        "/pedidos/queue/resume",
        "/pedidos/queue/clean",
        "/pedidos/queue/close",
        "/pedidos/queue/retry-failed",
        "/pedidos/queue/status",
        "/pedidos/queue/jobs",
        "/pedidos/runs",
        "/pedidos/orders/{id}",
        "/pedidos/runs/{runId}",
        "/pedidos/events",
        "/pedidos/process",
        "/metrics",
        "/livez",
        "/readyz",
    ] {
        assert!(paths.contains_key(path), "{path} is not in the spec");
    }
    assert_eq!(json["paths"]["/pedidos/process"]["post"]["deprecated"], true);
    let api = cluster.first_api();
    cluster.stop(api).await;
    cluster.finish().await;
}
