//! Who may call what: by keys, tokens, cookies; from where; and by nobody.

use std::{collections::BTreeMap, fs};

use pedidos_common::access::{self, Role};
use pedidos_e2e::{
    Client, Cluster, POLL,
    client::Answer,
    in_time,
    keys::{AUDIENCE, ISSUER, KeyFile, TOKEN},
    process::{Environment, Process},
    stores::own_settings,
};
use reqwest::{Method, header};
use serde_json::Value;

/// What the issue names for each role; all else takes a viewer, or nobody.
const OPERATORS: [&str; 5] = ["cancel", "generate", "pauseQueue", "resumeQueue", "retryFailed"];
const ADMINS: [&str; 4] = ["cleanQueue", "closeQueue", "listAudit", "reset"];
const OPEN: [&str; 2] = ["getLiveness", "getReadiness"];

struct Operation {
    id: String,
    method: Method,
    path: String,
}

/// Every operation of the document that this API serves.
async fn operations(client: &Client) -> Vec<Operation> {
    let document = client.raw(Method::GET, "/openapi.json").await.json(200);
    let mut all = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let path = path.replace("{runId}", "x").replace("{id}", "x");
            let path =
                if path.ends_with("generate") { format!("{path}?quantity=10") } else { path };
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let secured = operation["security"].as_array().unwrap();
            assert_eq!(secured.is_empty(), OPEN.contains(&id.as_str()), "{id}: {secured:?}");
            all.push(Operation { id, method: method.to_uppercase().parse().unwrap(), path });
        }
    }
    assert!(all.len() > 20, "{}", all.len());
    all
}

fn needed(operation: &str) -> Option<Role> {
    if OPEN.contains(&operation) {
        None
    } else if ADMINS.contains(&operation) {
        Some(Role::Admin)
    } else if OPERATORS.contains(&operation) {
        Some(Role::Operator)
    } else {
        Some(Role::Viewer)
    }
}

/// A browser's cookie, as it comes from signing in with this key.
async fn cookie_of(client: &Client, key: &str) -> String {
    let signed_in = client.with_key(key).raw(Method::POST, "/pedidos/session").await;
    assert_eq!(signed_in.status, 200, "{signed_in:#?}");
    assert_eq!(signed_in.json(200)["via"], "session");
    let set = signed_in.header(header::SET_COOKIE);
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=3600"] {
        assert!(set.split("; ").any(|word| word == part), "{set}");
    }
    assert!(!set.contains("Secure") && !set.contains(key), "{set}");
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_call_what_is_its_own_and_nothing_else() {
    let keys = KeyFile::new();
    let of_role = Role::ALL.map(|role| (role, keys.add(role.as_str(), role)));
    let cluster = Cluster::guarded(&keys.settings_with_tokens()).await;
    let client = cluster.client();
    let [_, _, (_, admin)] = &of_role;
    let viewers_cookie = cookie_of(client, &of_role[0].1).await;

    // The one table, as the API shows it, is the issue's.
    let shown = client.with_key(admin).raw(Method::GET, "/pedidos/session").await.json(200);
    let shown: BTreeMap<_, _> = shown["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["operation"].as_str().unwrap(), it["role"].as_str().unwrap()))
        .collect();
    let all = operations(client).await;
    assert_eq!(shown.len() + OPEN.len(), all.len());

    let bearer = |key: &str| ("authorization", format!("Bearer {key}"));
    let mut callers = vec![
        (None, "nobody", ("x-nothing", String::new())),
        (None, "a wrong key", bearer("pedidos_0000")),
        (Some(Role::Operator), "a token", bearer(TOKEN)),
        (Some(Role::Viewer), "a viewer's cookie", ("cookie", viewers_cookie)),
    ];
    for (role, key) in &of_role {
        callers.push((Some(*role), "a key", bearer(key)));
        callers.push((Some(*role), "a key in its own header", ("x-api-key", key.clone())));
    }
    let mut wrong = Vec::new();
    for Operation { id, method, path } in &all {
        let needed = needed(id);
        assert_eq!(shown.get(id.as_str()).copied(), needed.map(Role::as_str), "{id}");
        for (role, what, (name, value)) in &callers {
            let answer = client.with_headers(method.clone(), path, &[(name, value)]).await;
            let expected = match (needed, role) {
                (Some(_), None) => Some(401),
                (Some(needed), Some(role)) if *role < needed => Some(403),
                _ => None,
            };
            let signs_in = what.starts_with("a key") || id != "signIn";
            let expected = expected.or((!signs_in).then_some(401));
            let fits = match expected {
                Some(status) => answer.status == status,
                None => !matches!(answer.status, 401 | 403 | 429 | 500 | 503),
            };
            if !fits {
                wrong
                    .push(format!("{id} by {what} of {role:?}: {} {}", answer.status, answer.body));
            }
            if let Some(status @ (401 | 403)) = expected {
                says_what_is_missing(&answer, status, needed);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    cluster.finish().await;
}

fn says_what_is_missing(answer: &Answer, status: u16, needed: Option<Role>) {
    let problem = answer.problem(status);
    let detail = problem["detail"].as_str().unwrap();
    if status == 401 {
        let challenge = answer.header(header::WWW_AUTHENTICATE);
        assert!(challenge.starts_with("Bearer realm="), "{answer:#?}");
    } else {
        let needed = needed.unwrap().as_str();
        assert!(detail.contains(needed), "{answer:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_and_go_while_the_api_runs() {
    let keys = KeyFile::new();
    let cluster = Cluster::guarded(&keys.settings()).await;
    let client = cluster.client();
    let becomes = async |key: &str, status: u16, says: &str| {
        in_time(says, async {
            loop {
                let answer = client.with_key(key).raw(Method::GET, "/pedidos").await;
                if answer.status == status && answer.body.contains(says) {
                    return;
                }
                tokio::time::sleep(POLL).await;
            }
        })
        .await;
    };
    // With no keys, nobody is let in.
    assert_eq!(client.raw(Method::GET, "/pedidos").await.status, 401);
    let ana = keys.add("ana", Role::Viewer);
    becomes(&ana, 200, "phase").await;
    let cookie = cookie_of(client, &ana).await;
    let by_cookie =
        async || client.with_headers(Method::GET, "/pedidos/session", &[("cookie", &cookie)]).await;
    assert_eq!(by_cookie().await.json(200)["via"], "session");
    let soon = access::now_ms() + 1_500;
    let bia = access::add(&keys.path(), "bia", Role::Admin, Some(soon)).unwrap();
    becomes(&bia, 200, "phase").await;
    becomes(&bia, 401, "has expired").await;
    // A line that makes no sense changes nothing for the others, and helps nobody.
    let text = fs::read_to_string(keys.path()).unwrap();
    fs::write(keys.path(), format!("{text}key mallory admin\nrevoked ana at-no-time\n")).unwrap();
    becomes(&ana, 401, "was revoked").await;
    let over = by_cookie().await;
    assert!(over.problem(401)["detail"].as_str().unwrap().contains("was revoked"), "{over:#?}");
    assert!(over.header(header::SET_COOKIE).contains("Max-Age=0"), "{over:#?}");
    let caio = {
        fs::write(keys.path(), "").unwrap();
        keys.add("caio", Role::Operator)
    };
    becomes(&caio, 200, "phase").await;
    // Nobody can say who is let in: nobody is, and it is said.
    fs::remove_file(keys.path()).unwrap();
    becomes(&caio, 503, "keys cannot be read").await;
    assert_eq!(client.livez().await.status, 200);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_for_a_while_and_out() {
    let keys = KeyFile::new();
    let key = keys.add("ana", Role::Operator);
    let mut cluster = Cluster::guarded(&keys.settings_with_tokens()).await;
    let other = cluster.start_api().await;
    let client = cluster.client();
    let cookie = cookie_of(client, &key).await;
    // Any replica knows the session.
    for client in [client, cluster.client_of(other)] {
        let who =
            client.with_headers(Method::GET, "/pedidos/session", &[("cookie", &cookie)]).await;
        let who = who.json(200);
        assert_eq!([&who["name"], &who["role"], &who["via"]], ["ana", "operator", "session"]);
        assert!(who["expiresAt"].is_string(), "{who:#}");
        let may = |id: &str| {
            let all = who["operations"].as_array().unwrap();
            all.iter().find(|it| it["operation"] == id).unwrap()["allowed"] == true
        };
        assert!(may("generate") && may("getStatus") && !may("reset") && !may("listAudit"));
        let paused =
            client.with_headers(Method::POST, "/pedidos/queue/pause", &[("cookie", &cookie)]).await;
        assert_eq!(paused.status, 200, "{paused:#?}");
    }
    // Not with one letter changed, nor beside a wrong key.
    let forged = cookie.replace("ana.", "bia.");
    let last = if cookie.ends_with('0') { "1" } else { "0" };
    let changed = format!("{}{last}", &cookie[..cookie.len() - 1]);
    for headers in [
        &[("cookie", forged.as_str())][..],
        &[("cookie", &changed)],
        &[("cookie", &cookie), ("x-api-key", "pedidos_wrong")],
    ] {
        let answer = client.with_headers(Method::GET, "/pedidos", headers).await;
        assert_eq!(answer.status, 401, "{answer:#?}");
    }
    // A page from elsewhere cannot use it, had the browser sent it.
    for from in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let headers = [("cookie", cookie.as_str()), from];
        let answer = client.with_headers(Method::POST, "/pedidos/queue/resume", &headers).await;
        assert_eq!(answer.status, 403, "{answer:#?}");
    }
    // A token signs nobody in; behind TLS the cookie says so.
    let answer = client.with_key(TOKEN).raw(Method::POST, "/pedidos/session").await;
    assert!(answer.problem(401)["detail"].as_str().unwrap().contains("only a key"), "{answer:#?}");
    let headers = [("x-api-key", key.as_str()), ("x-forwarded-proto", "https")];
    let answer = client.with_headers(Method::POST, "/pedidos/session", &headers).await;
    assert!(answer.header(header::SET_COOKIE).ends_with("; Secure"), "{answer:#?}");
    let out = client.with_headers(Method::DELETE, "/pedidos/session", &[("cookie", &cookie)]).await;
    assert_eq!(out.json(200)["signedOut"], true);
    assert!(out.header(header::SET_COOKIE).contains("Max-Age=0"), "{out:#?}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_from_elsewhere_presses_no_button_on_ones_own_machine() {
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
            assert_eq!(answer.problem(403)["title"], "Not from here", "{answer:#?}");
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
async fn names_that_are_allowed_are_ours() {
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
async fn an_api_that_others_reach_asks_who_they_are_or_does_not_start() {
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
    let both = [("API_KEYS_FILE", path.as_str()), ("ALLOW_ANONYMOUS", "true")];
    let said = refuses_to_start(&both).await;
    assert!(said.contains("ALLOW_ANONYMOUS"), "{said}");
    let jwt =
        [("JWT_JWKS_FILE", path.as_str()), ("JWT_ISSUER", ISSUER), ("JWT_AUDIENCE", AUDIENCE)];
    let said = refuses_to_start(&jwt).await;
    assert!(said.contains("JWT_JWKS_FILE"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_an_api_without_keys_is_told_what_that_means() {
    let mut cluster = Cluster::new(&[]).await;
    let alone = cluster.start_api().await;
    cluster.process(alone).line("no keys: whoever is on this machine").await;
    let open = [("HOST", "0.0.0.0"), ("ALLOW_ANONYMOUS", "true")];
    let open = cluster.start_one(pedidos_e2e::cluster::Kind::Api, &open).await;
    cluster.process(open).line("ALLOW_ANONYMOUS: whoever reaches this address").await;
    for api in [alone, open] {
        // Whatever a client sends along, nobody asks.
        let client = cluster.client_of(api).with_key("pedidos_any");
        let who = client.raw(Method::GET, "/pedidos/session").await.json(200);
        assert_eq!([&who["name"], &who["role"], &who["via"]], ["anonymous", "admin", "anonymous"]);
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
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_gives_no_role_is_told_so() {
    let keys = KeyFile::new();
    let mut settings = keys.settings_with_tokens();
    settings.push(("JWT_ROLE_CLAIM", "groups".to_owned()));
    let cluster = Cluster::guarded(&settings).await;
    let answer = cluster.client_with(TOKEN).raw(Method::GET, "/pedidos").await;
    let problem: Value = answer.problem(403);
    assert!(problem["detail"].as_str().unwrap().contains("no role"), "{answer:#?}");
    cluster.finish().await;
}
