//! Passwords are planted in the settings, and looked for in all that comes out of a run.

use std::{fs, path::Path};

use pedidos_e2e::{
    Cluster,
    process::{Environment, Process},
    secure::{PASSWORD, Secure},
};
use reqwest::Method;

/// Pieces of what was planted, as it is and as URLs have it.
const PLANTED: [&str; 3] = [PASSWORD, "planted%2Fsecret", "planted/secret"];

#[track_caller]
fn clean(what: &str, said: &str) {
    for secret in PLANTED {
        assert!(!said.contains(secret), "{what} shows '{secret}':\n{said}");
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_planted_in_the_settings_comes_out_nowhere() {
    let secure = Secure::start().await;
    let logs = std::env::temp_dir().join(format!("pedidos-{}", uuid::Uuid::new_v4().simple()));
    let settings = secure.settings("secrets");
    let mut settings: Vec<_> = settings.iter().map(|(name, text)| (*name, text.as_str())).collect();
    // As talkative as they can be.
    settings.extend([("RUST_LOG", "trace"), ("BACKEND_LOGS", "true")]);
    settings.push(("LOG_DIR", logs.to_str().unwrap()));
    let mut cluster = Cluster::start(1, &settings).await;
    let run_id = cluster.client().generate(500).await;
    cluster.ends_exact(&run_id).await;
    let mut seen = 0;
    for path in [
        "/pedidos",
        "/pedidos/logs?lines=5000",
        "/metrics",
        "/docs",
        "/openapi.json",
        "/pedidos/health/queue",
        "/readyz",
        "/none",
        "/pedidos/queue/jobs?types=x",
    ] {
        let answer = cluster.client().raw(Method::GET, path).await;
        clean(path, &format!("{answer:?}"));
        seen += answer.body.len();
    }
    for worker in cluster.workers() {
        clean("metrics of a worker", &worker.raw(Method::GET, "/metrics").await.body);
    }
    for id in [0, 1] {
        let process = cluster.process(id);
        clean("its lines", &process.said().join("\n"));
        let line = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap();
        assert!(!line.is_empty());
        clean("the process list", &String::from_utf8_lossy(&line));
    }
    let written = files(&logs);
    assert!(written.len() >= 3, "{written:?}");
    for file in written {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        seen += text.len();
        clean("a log file", &text);
    }
    assert!(seen > 10_000, "only {seen} bytes were looked at");
    cluster.finish().await;
    fs::remove_dir_all(&logs).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_used_are_told_without_their_secrets() {
    let planted = "planted/secret";
    let mut told = Environment::new();
    for (name, value) in [
        ("MONGO_URI", format!("mongodb://u:{planted}@h/d")),
        ("MONGO_URI", format!("mongodb://u:{planted}@h:x/d?tls=perhaps")),
        ("REDIS_URL", format!("redis://u:{planted}@h:x")),
        ("REDIS_URL", format!("http://u:{planted}@h")),
    ] {
        told.clear();
        told.insert("MONGO_URI".to_owned(), "mongodb://h/d".to_owned());
        told.insert(name.to_owned(), value);
        for (binary, arguments) in [("pedidos-api", &[][..]), ("pedidos-worker", &["--help"][..])] {
            let mut process = Process::spawn(binary, binary, arguments, &told);
            let code = process.ended().await.code();
            assert_eq!(code, Some(if arguments.is_empty() { 2 } else { 0 }));
            clean(name, &process.all().await);
        }
    }
}
