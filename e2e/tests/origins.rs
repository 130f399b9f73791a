//! Where calls may come from: which pages, and under which names of the API.

use pedidos_core::role::Role;
use pedidos_e2e::{Client, Cluster, keys::KeyFile};
use reqwest::Method;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_cannot_change_anything_on_a_local_api() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let own = format!("http://{}", client.address());
    let before = cluster.stores.store.control().await.unwrap();
    let refused: [&[(&str, &str)]; 8] = [
        &[("origin", "https://evil.example")],
        &[("origin", "http://localhost:9")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[("host", "evil.example")],
        &[("host", "127.0.0.1.evil.example:3000")],
        &[("host", "10.0.0.1")],
    ];
    for headers in refused {
        for path in ["/pedidos/generate?quantity=10", "/pedidos/reset", "/pedidos/queue/pause"] {
            let answer = client.with_headers(Method::POST, path, headers).await;
            let host = headers.iter().any(|(name, _)| *name == "host");
            let title = if host { "Host not allowed" } else { "Origin not allowed" };
            assert_eq!(answer.problem(403)["title"], title, "{answer:#?}");
        }
    }
    assert_eq!(cluster.stores.store.control().await.unwrap(), before);
    // Under a name that is not ours, nothing is shown either: neither data nor the page.
    for path in ["/pedidos", "/pedidos/logs", "/", "/docs", "/openapi.json"] {
        let answer = client.with_headers(Method::GET, path, &[("host", "evil.example")]).await;
        assert_eq!(answer.status, 403, "{answer:#?}");
    }
    // Probes come under any name.
    let probe = client.with_headers(Method::GET, "/livez", &[("host", "10.42.0.7:3000")]).await;
    assert_eq!(probe.status, 200, "{probe:#?}");
    // Our own page, a shell, and any name of this machine.
    let port = client.address().rsplit(':').next().unwrap();
    let localhost = format!("localhost:{port}");
    let own_page = format!("http://{localhost}");
    let allowed: [&[(&str, &str)]; 4] = [
        &[],
        &[("origin", &own), ("sec-fetch-site", "same-origin")],
        &[("host", &localhost), ("origin", &own_page)],
        &[("sec-fetch-site", "none")],
    ];
    for headers in allowed {
        let answer = client.with_headers(Method::POST, "/pedidos/queue/resume", headers).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
    }
    // What is refused is in the trail, too.
    let lines = cluster.audit_lines().await;
    let refused = |line: &&mongodb::bson::Document| line.get_str("outcome").ok() == Some("refused");
    assert_eq!(lines.iter().filter(refused).count(), 24);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_in_allowed_hosts_are_accepted() {
    let keys = KeyFile::new();
    let key = keys.add("ana", Role::Viewer);
    let mut settings = keys.settings();
    settings.push(("ALLOWED_HOSTS", "shop.example,pedidos-api.pedidos.svc".to_owned()));
    let cluster = Cluster::guarded(&settings).await;
    let client = cluster.client_with(&key);
    for (host, status) in [
        ("shop.example", 200),
        ("Shop.Example:8080", 200),
        ("pedidos-api.pedidos.svc", 200),
        ("evil.example", 403),
    ] {
        let answer = client.with_headers(Method::GET, "/pedidos", &[("host", host)]).await;
        assert_eq!(answer.status, status, "{answer:#?}");
    }
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_open_on_their_own_port_and_a_viewers_on_the_public_one() {
    let keys = KeyFile::new();
    let key = keys.add("prometheus", Role::Viewer);
    let mut cluster = Cluster::guarded(&keys.settings()).await;
    let api = cluster.first_api();
    assert_eq!(cluster.client().raw(Method::GET, "/metrics").await.status, 401);
    let shown = cluster.client_with(&key).raw(Method::GET, "/metrics").await;
    assert_eq!(shown.status, 200, "{shown:#?}");
    let line = cluster.process(api).line("metrics and probes on http://").await;
    let own = Client::new(line.split_whitespace().last().unwrap(), std::sync::Arc::default());
    let shown = own.raw(Method::GET, "/metrics").await;
    assert!(shown.status == 200 && shown.body.contains("pedidos_build_info"), "{shown:#?}");
    assert_eq!(own.readyz().await.status, 200);
    // And nothing else.
    assert_eq!(own.raw(Method::GET, "/pedidos").await.status, 404);
    // Nor under a name that a page from elsewhere lets point here; probes come under any.
    for (host, status) in [
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("10.0.0.1", 403),
        ("localhost", 200),
    ] {
        let shown = own.with_headers(Method::GET, "/metrics", &[("host", host)]).await;
        assert_eq!(shown.status, status, "{host}: {shown:#?}");
        if status == 403 {
            assert!(shown.problem(403)["detail"].as_str().unwrap().contains("ALLOWED_HOSTS"));
        }
        let probe = own.with_headers(Method::GET, "/livez", &[("host", host)]).await;
        assert_eq!(probe.status, 200, "{host}: {probe:#?}");
    }
    cluster.finish().await;
}
