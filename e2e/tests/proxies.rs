//! The API behind a proxy that puts a path before its own, and says who called it.

use pedidos_core::role::Role;
use pedidos_e2e::{Client, Cluster, keys::KeyFile};
use reqwest::{Method, header};
use serde_json::Value;

/// What a page of the API asks for, and where it finds itself.
async fn works_below(client: &Client, path: &str, prefix: &str, headers: &[(&str, &str)]) {
    let get = async |what: &str| {
        client.with_headers(Method::GET, &format!("{path}{what}"), headers).await
    };
    for what in ["/", "/docs", "/docs/", "/openapi.json", "/pedidos", "/pedidos/", "/livez"] {
        let answer = get(what).await;
        assert_eq!(answer.status, 200, "{prefix}: {answer:#?}");
    }
    let document: Value = serde_json::from_str(&get("/openapi.json").await.body).unwrap();
    assert_eq!(document["servers"][0]["url"], prefix, "{document:#}");
    let docs = get("/docs").await;
    assert!(docs.body.contains(&format!("\"url\": \"{prefix}\"")), "{prefix}");
    let page = get("/").await.body;
    let elsewhere = |(at, _): (usize, &str)| !page[at + 2..].starts_with(prefix);
    assert!(!page.match_indices("=\"/").any(elsewhere), "{prefix}: {page}");
    assert!(page.contains(&format!("\"{prefix}/")), "{page}");
    let generate = format!("{path}/pedidos/generate?quantity=1");
    let answer = client.with_headers(Method::POST, &generate, headers).await;
    let location = answer.header(header::LOCATION).to_owned();
    assert!(location.starts_with(&format!("{prefix}/pedidos/runs/")), "{answer:#?}");
    let run = get(location.strip_prefix(prefix).unwrap()).await;
    assert_eq!(run.status, 200, "{run:#?}");
    let session = format!("{path}/pedidos/session");
    let signed_in = client.with_headers(Method::POST, &session, headers).await;
    let cookie = signed_in.header(header::SET_COOKIE);
    assert!(cookie.contains(&format!("; Path={prefix};")), "{signed_in:#?}");
    let reset = format!("{path}/pedidos/reset");
    assert_eq!(client.with_headers(Method::POST, &reset, headers).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_behind_a_path() {
    let keys = KeyFile::new();
    let key = keys.add("ana", Role::Admin);
    let mut settings = keys.settings();
    settings.push(("PUBLIC_BASE_PATH", "base/".to_owned()));
    settings.push(("TRUSTED_PROXIES", "127.0.0.1".to_owned()));
    let cluster = Cluster::guarded(&settings).await;
    let client = cluster.client_with(&key);
    // A proxy that leaves the path as it is, one that takes it off, one that says so.
    works_below(&client, "/base", "/base", &[]).await;
    works_below(&client, "", "/base", &[]).await;
    works_below(&client, "", "/shop/it", &[("x-forwarded-prefix", "/shop/it")]).await;
    assert_eq!(client.raw(Method::GET, "/base").await.status, 200);
    client.raw(Method::GET, "/based/pedidos").await.problem(404);
    let lines = cluster.audit_lines().await;
    assert!(lines.iter().all(|line| line.get_str("path").unwrap().starts_with("/pedidos/")));
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_may_name_the_caller() {
    let told = [
        ("x-forwarded-for", "198.51.100.66, 203.0.113.9"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-prefix", "/shop"),
        ("origin", "https://shop.example"),
    ];
    for (trusted, address, status) in
        [("10.0.0.0/8, 127.0.0.0/8", "203.0.113.9", 200), ("10.0.0.0/8", "127.0.0.1", 403)]
    {
        let settings = [("TRUSTED_PROXIES", trusted), ("ALLOWED_HOSTS", "shop.example")];
        let cluster = Cluster::start(0, &settings).await;
        let answer =
            cluster.client().with_headers(Method::POST, "/pedidos/queue/pause", &told).await;
        assert_eq!(answer.status, status, "{answer:#?}");
        if status == 403 {
            let why = answer.problem(403)["detail"].to_string();
            assert!(
                why.contains("CORS_ALLOWED_ORIGINS") && why.contains("TRUSTED_PROXIES"),
                "{why}"
            );
        }
        let lines = cluster.audit_lines().await;
        assert!(!lines.is_empty());
        for line in lines {
            assert_eq!(line.get_str("address").unwrap(), address, "{line:#?}");
        }
        cluster.finish().await;
    }
}
