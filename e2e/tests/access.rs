//! Who may call what: by keys, tokens and cookies.

use std::{collections::BTreeMap, fs};

use pedidos_core::{key_file, role::Role, time::now_ms};
use pedidos_e2e::{
    Client, Cluster,
    client::Answer,
    eventually, in_time,
    keys::{KeyFile, TOKEN},
    raw::Raw,
};
use reqwest::{Method, header};
use serde_json::Value;

/// What the issue names for each role; all else takes a viewer, or nobody.
const OPERATORS: [&str; 13] = [
    "setLimits",
    "changeRun",
    "exportOrders",
    "failOrder",
    "cancel",
    "createImport",
    "generate",
    "listRejects",
    "pauseQueue",
    "resumeQueue",
    "retryFailed",
    "startImport",
    "uploadOrders",
];
const ADMINS: [&str; 6] =
    ["cleanQueue", "closeQueue", "deleteRun", "discardImport", "listAudit", "reset"];
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
            let path = ["{runId}", "{importId}", "{id}"]
                .into_iter()
                .fold(path.clone(), |path, part| path.replace(part, "x"));
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
    let mut cluster = Cluster::guarded(&keys.settings()).await;
    let client = cluster.client().clone();
    let becomes = async |key: &str, status: u16, says: &str| {
        let client = client.with_key(key);
        eventually(says, async || {
            let answer = client.raw(Method::GET, "/pedidos").await;
            answer.status == status && answer.body.contains(says)
        })
        .await;
    };
    // With no keys, nobody is let in.
    assert_eq!(client.raw(Method::GET, "/pedidos").await.status, 401);
    let ana = keys.add("ana", Role::Viewer);
    becomes(&ana, 200, "phase").await;
    let cookie = cookie_of(&client, &ana).await;
    let by_cookie =
        async || client.with_headers(Method::GET, "/pedidos/session", &[("cookie", &cookie)]).await;
    assert_eq!(by_cookie().await.json(200)["via"], "session");
    let soon = now_ms() + 1_500;
    let bia = key_file::add(&keys.path(), "bia", Role::Admin, Some(soon)).unwrap();
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
    // A revocation that is spelled wrong is one, and said to be wrong.
    let davi = keys.add("davi", Role::Viewer);
    becomes(&davi, 200, "phase").await;
    let text = fs::read_to_string(keys.path()).unwrap();
    fs::write(keys.path(), format!("{text}REVOKED davi\n")).unwrap();
    becomes(&davi, 401, "was revoked").await;
    cluster.process(0).line("it names the key 'davi', which is revoked").await;
    // A file that others may write is theirs.
    keys.set_mode(0o666);
    becomes(&caio, 503, "cannot read its keys").await;
    cluster.process(0).line("chmod go-w").await;
    keys.set_mode(0o600);
    becomes(&caio, 200, "phase").await;
    // Nobody can say who is let in: nobody is, and it is said.
    fs::remove_file(keys.path()).unwrap();
    becomes(&caio, 503, "cannot read its keys").await;
    assert_eq!(client.livez().await.status, 200);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_and_out_with_a_cookie() {
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
    let set = answer.header(header::SET_COOKIE);
    assert!(set.starts_with("__Host-pedidos_session=ana."), "{answer:#?}");
    assert!(set.contains("; Path=/;") && set.ends_with("; Secure"), "{answer:#?}");
    // And by TLS no other counts: a neighbour may have planted that.
    let secure = set.split(';').next().unwrap();
    for (cookie, status) in [(secure, 200), (cookie.as_str(), 401)] {
        let headers = [("cookie", cookie), ("x-forwarded-proto", "https")];
        let answer = client.with_headers(Method::GET, "/pedidos/session", &headers).await;
        assert_eq!(answer.status, status, "{answer:#?}");
    }
    let out = client.with_headers(Method::DELETE, "/pedidos/session", &[("cookie", &cookie)]).await;
    assert_eq!(out.json(200)["signedOut"], true);
    assert!(out.header(header::SET_COOKIE).contains("Max-Age=0"), "{out:#?}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_gives_no_role_is_refused() {
    let keys = KeyFile::new();
    let mut settings = keys.settings_with_tokens();
    settings.push(("JWT_ROLE_CLAIM", "groups".to_owned()));
    let cluster = Cluster::guarded(&settings).await;
    let answer = cluster.client_with(TOKEN).raw(Method::GET, "/pedidos").await;
    let problem: Value = answer.problem(403);
    assert!(problem["detail"].as_str().unwrap().contains("no role"), "{answer:#?}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_ends_when_its_caller_loses_access() {
    let keys = KeyFile::new();
    let [ana, bia, caio] = ["ana", "bia", "caio"].map(|name| keys.add(name, Role::Operator));
    let cluster = Cluster::guarded(&keys.settings_with_tokens()).await;
    let client = cluster.client();
    let soon = now_ms() + 3_000;
    let davi = key_file::add(&keys.path(), "davi", Role::Viewer, Some(soon)).unwrap();
    let cookie = cookie_of(client, &bia).await;
    eventually("the new key", async || {
        client.with_key(&davi).raw(Method::GET, "/pedidos").await.status == 200
    })
    .await;
    let by_header = async |header: String| {
        let mut stream = Raw::to(client.address()).await;
        let ask = "GET /pedidos/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        stream.send(format!("{ask}{header}\r\n\r\n").as_bytes()).await;
        let head = stream.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        stream
    };
    let revoked = by_header(format!("X-API-Key: {ana}")).await;
    let expires = by_header(format!("X-API-Key: {davi}")).await;
    let signed_in = by_header(format!("Cookie: {cookie}")).await;
    let other_role = by_header(format!("Authorization: Bearer {caio}")).await;
    let mut stays = client.with_key(TOKEN).events(None).await;
    // Revoked, also while it was signed in by; and of another role.
    let text = fs::read_to_string(keys.path()).unwrap();
    let text = text.replace("key caio operator", "key caio admin");
    fs::write(keys.path(), format!("{text}revoked ana\nrevoked bia\n")).unwrap();
    for (what, stream) in [
        ("a key that was revoked", revoked),
        ("a session of such a key", signed_in),
        ("a key of another role", other_role),
        ("a key that has expired", expires),
    ] {
        let said = in_time(what, stream.rest()).await;
        // It ended as streams do, and was not cut off.
        assert!(said.ends_with("0\r\n\r\n"), "{what}: {said}");
    }
    // That of who may still call goes on.
    client.with_key(TOKEN).pause().await;
    stays.until("what the pause logs", |event| event.name == "log").await;
    client.with_key(TOKEN).resume().await;
    cluster.finish().await;
}
