//! Passwords of the stores are in nothing that the programs say.

use std::{fs, path::Path};

use pedidos_core::{key_file::PREFIX, role::Role};
use pedidos_e2e::{
    Cluster,
    cluster::Kind,
    keys::KeyFile,
    process::{Environment, Process},
    secure::{PASSWORD, Secure},
};
use reqwest::Method;

/// How every password of this test begins, as it is and as a URL has it.
const PLANTED: &str = "planted";

/// No part of a password may be in this.
fn clean(what: &str, said: &str) {
    let found = said.lines().find(|line| line.to_lowercase().contains(PLANTED));
    assert_eq!(found, None, "{what}");
}

/// All files in this folder, and those in it.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What a program says that ends by itself.
async fn said(program: &str, arguments: &[&str], settings: &Environment) -> String {
    let mut process = Process::spawn(program, program, arguments, settings);
    process.ended().await;
    process.all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_of_a_run_has_a_password_in_it() {
    assert!(PASSWORD.starts_with(PLANTED));
    let secure = Secure::start().await;
    let logs = std::env::temp_dir().join(format!("pedidos-{}", uuid::Uuid::new_v4().simple()));
    fs::create_dir(&logs).unwrap();
    let name = format!("e2e-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let settings = secure.settings(&name);
    let mut settings: Vec<_> = settings.iter().map(|(name, value)| (*name, &**value)).collect();
    let folder = logs.to_str().unwrap().to_owned();
    settings.extend([("BACKEND_LOGS", "true"), ("LOG_DIR", &folder), ("RUST_LOG", "debug")]);
    let mut cluster = Cluster::new(&settings).await;
    let ids = [
        cluster.start_api().await,
        cluster.start_worker().await,
        cluster.start_one(Kind::Worker, &[("LOG_FORMAT", "json")]).await,
    ];
    cluster.run(300).await;
    for path in [
        "/",
        "/docs",
        "/openapi.json",
        "/pedidos",
        "/pedidos/health/queue",
        "/pedidos/logs?lines=5000",
        "/pedidos/queue/status",
        "/pedidos/queue/jobs?types=completed",
        "/pedidos/runs",
        "/readyz",
        "/nothing",
    ] {
        clean(path, &cluster.client().raw(Method::GET, path).await.body);
    }
    for id in ids {
        clean("/metrics", &cluster.client_of(id).raw(Method::GET, "/metrics").await.body);
        let process = cluster.process(id);
        let lines = process.said();
        // What poem says is hidden, unless RUST_LOG asks for it.
        assert!(lines.iter().any(|line| line.contains("server started")), "{lines:#?}");
        clean(&process.name, &lines.join("\n"));
        // What ps shows to everybody.
        let shown = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap();
        clean("its command line", &String::from_utf8_lossy(&shown));
    }
    for program in ["pedidos-api", "pedidos-worker", "pedidos"] {
        let help = said(program, &["--help"], cluster.settings()).await;
        assert!(help.contains("Usage"), "{help}");
        clean("--help", &help);
    }
    let audit = said("pedidos", &["audit"], cluster.settings()).await;
    assert!(audit.contains("300"), "{audit}");
    clean("audit", &audit);
    let written = files(&logs);
    assert!(!written.is_empty());
    for file in written {
        let text = fs::read_to_string(&file).unwrap();
        clean(&file.display().to_string(), &text);
    }
    cluster.finish().await;
    fs::remove_dir_all(logs).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_about_an_address_does_not_show_its_password() {
    let right = [("MONGO_URI", "mongodb://127.0.0.1:1/x"), ("REDIS_URL", "redis://127.0.0.1:1")];
    for program in ["pedidos-api", "pedidos-worker"] {
        for (name, address) in [
            ("MONGO_URI", "mongodb://u:planted@host:port/x"),
            ("MONGO_URI", "mongodb://u:pl@nted/planted@host/x"),
            ("MONGO_URI", "mongodb://u:planted@host/x?tls=planted"),
            ("MONGO_URI", "https://u:planted@host/x"),
            ("REDIS_URL", "https://u:planted@host"),
            ("REDIS_URL", "redis://u:planted@host:port"),
            ("REDIS_URL", "redis://u:pl/anted/planted@host"),
            ("MONGO_URI", "mongodb://u:planted"),
            ("MONGO_URI", "u:planted@host/x"),
            ("REDIS_URL", "redis://u:planted"),
            ("REDIS_URL", "redis://u:12#planted@host"),
            ("CORS_ALLOWED_ORIGINS", "https://u:planted@host"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://u:planted@host"),
        ] {
            let mut settings: Environment = Environment::new();
            for (name, value) in right.into_iter().chain([(name, address)]) {
                settings.insert(name.to_owned(), value.to_owned());
            }
            let said = said(program, &[], &settings).await;
            assert!(said.contains(&format!("error: {name}: ")), "{program}: {said}");
            clean(address, &said);
        }
        let said = said(program, &["mongodb://u:planted"], &Environment::new()).await;
        assert!(said.contains("unexpected argument"), "{said}");
        clean("an argument", &said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_the_api_is_shown_without_its_password() {
    for url in [
        "http://u:planted",
        "http://u:planted@127.0.0.1:1",
        "http://u:planted@:x",
        "planted://u:planted@host",
        "u:planted@host",
    ] {
        let told = [("PEDIDOS_URL".to_owned(), url.to_owned())];
        for (arguments, told) in [
            (&["status"][..], Environment::from(told)),
            (&["status", "--url", url], Environment::new()),
        ] {
            let said = said("pedidos", arguments, &told).await;
            assert!(said.starts_with("error: "), "{url}: {said}");
            clean(url, &said);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_about_a_refused_password_does_not_show_it() {
    let secure = Secure::start().await;
    let settings = secure.settings("elsewhere");
    let ca = settings.iter().find(|(name, _)| *name == "REDIS_TLS_CA_FILE").unwrap().1.clone();
    let (redis, mongo) = (
        secure.redis_url("planted-and-wrong"),
        secure.mongo_uri("elsewhere", "planted-and-wrong", &ca),
    );
    for (name, value) in [("REDIS_URL", redis), ("MONGO_URI", mongo)] {
        let mut told: Environment =
            settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        told.insert("PORT".to_owned(), "0".to_owned());
        told.insert("BACKEND_LOGS".to_owned(), "false".to_owned());
        told.insert("RUST_LOG".to_owned(), "debug".to_owned());
        told.insert(name.to_owned(), value);
        let mut api = Process::spawn("api", "pedidos-api", &[], &told);
        api.line("waiting for the stores").await;
        api.stop().await;
        clean(name, &api.all().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_its_cookie_are_in_nothing_that_is_said_of_their_calls() {
    let keys = KeyFile::new();
    let key = keys.add("ana", Role::Viewer);
    let mut settings = keys.settings();
    settings.push(("RUST_LOG", "debug".to_owned()));
    let mut cluster = Cluster::guarded(&settings).await;
    let client = cluster.client_with(&key);
    let signed_in = client.raw(Method::POST, "/pedidos/session").await;
    let cookie = signed_in.header(reqwest::header::SET_COOKIE).to_owned();
    let cookie = cookie.split(';').next().unwrap().split_once('=').unwrap().1;
    assert!(!cookie.is_empty(), "{signed_in:#?}");
    // Cut short it is wrong, and may be spoken of as such.
    let almost = cluster.client_with(&key[..key.len() - 1]);
    let mut answers = vec![signed_in.body.clone()];
    for (client, method, path, status) in [
        (&client, Method::GET, "/pedidos", 200),
        (&client, Method::GET, "/pedidos/session", 200),
        (&client, Method::POST, "/pedidos/reset", 403),
        (&almost, Method::GET, "/pedidos", 401),
        (&almost, Method::POST, "/pedidos/reset", 401),
        (&client, Method::GET, "/pedidos/logs?lines=5000", 200),
        (&client, Method::GET, "/metrics", 200),
    ] {
        let answer = client.raw(method, path).await;
        assert_eq!(answer.status, status, "{path}: {answer:#?}");
        answers.push(answer.body);
    }
    let lines = cluster.audit_lines().await;
    assert!(lines.len() >= 3, "{lines:#?}");
    answers.push(format!("{lines:?}"));
    let said = cluster.process(0).said();
    assert!(said.iter().any(|line| line.contains("DEBUG")), "{said:#?}");
    answers.push(said.join("\n"));
    let secret = &key[PREFIX.len()..PREFIX.len() + 20];
    for answer in answers {
        assert!(!answer.contains(secret), "the key is in {answer}");
        assert!(!answer.contains(cookie), "the cookie is in {answer}");
    }
    cluster.finish().await;
}
