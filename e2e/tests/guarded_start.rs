//! An API starts only if it knows who may call it, or is told that anybody may.

use std::fs;

use pedidos_e2e::{
    Cluster,
    keys::{AUDIENCE, ISSUER, KeyFile},
    process::{Environment, Process},
    stores::own_settings,
};
use reqwest::Method;

/// Starts an API that must not start, and answers what it says.
async fn refuses_to_start(settings: &[(&str, &str)]) -> String {
    let mut environment: Environment = own_settings();
    let all = [("PORT", "0"), ("BACKEND_LOGS", "false")];
    for (name, value) in all.iter().chain(settings) {
        environment.insert((*name).to_owned(), (*value).to_owned());
    }
    let mut api = Process::spawn("api", "pedidos-api", &[], &environment);
    let status = api.ended().await;
    let said = api.all().await;
    assert_eq!(status.code(), Some(2), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_others_can_reach_has_keys_or_does_not_start() {
    let said = refuses_to_start(&[("HOST", "0.0.0.0")]).await;
    assert!(said.contains("API_KEYS_FILE") && said.contains("ALLOW_ANONYMOUS=true"), "{said}");
    let nowhere = [("HOST", "0.0.0.0"), ("API_KEYS_FILE", "/nowhere/keys")];
    let said = refuses_to_start(&nowhere).await;
    assert!(said.contains("/nowhere/keys") && said.contains("pedidos key new"), "{said}");
    let keys = KeyFile::new();
    fs::write(keys.path(), "key a root 00\nnonsense\n").unwrap();
    let path = keys.path().display().to_string();
    let said = refuses_to_start(&[("API_KEYS_FILE", &path)]).await;
    assert!(said.contains("line 1") && said.contains("line 2"), "{said}");
    keys.set_mode(0o622);
    let jwt = [("JWT_ISSUER", ISSUER), ("JWT_AUDIENCE", AUDIENCE)];
    for (name, more) in [("API_KEYS_FILE", &[][..]), ("JWT_JWKS_FILE", &jwt)] {
        let said = refuses_to_start(&[&[(name, path.as_str())], more].concat()).await;
        let mended = format!("{name}: {path}: others may write it");
        assert!(said.contains(&mended) && said.contains("chmod go-w"), "{said}");
    }
    keys.set_mode(0o600);
    let both = [("API_KEYS_FILE", path.as_str()), ("ALLOW_ANONYMOUS", "true")];
    let said = refuses_to_start(&both).await;
    assert!(said.contains("ALLOW_ANONYMOUS"), "{said}");
    let jwt =
        [("JWT_JWKS_FILE", path.as_str()), ("JWT_ISSUER", ISSUER), ("JWT_AUDIENCE", AUDIENCE)];
    let said = refuses_to_start(&jwt).await;
    assert!(said.contains("JWT_JWKS_FILE"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_started_without_keys_logs_what_that_means() {
    let mut cluster = Cluster::new(&[]).await;
    let alone = cluster.start_api().await;
    cluster.process(alone).line("no API keys: everybody on this machine").await;
    let open = [("HOST", "0.0.0.0"), ("ALLOW_ANONYMOUS", "true")];
    let open = cluster.start_one(pedidos_e2e::cluster::Kind::Api, &open).await;
    cluster.process(open).line("ALLOW_ANONYMOUS: everybody who reaches this address").await;
    for api in [alone, open] {
        // Whatever a client sends along, nobody asks.
        let client = cluster.client_of(api).with_key("pedidos_any");
        let who = client.raw(Method::GET, "/pedidos/session").await.json(200);
        assert_eq!([&who["name"], &who["role"], &who["via"]], ["anonymous", "admin", "anonymous"]);
    }
    cluster.finish().await;
}
