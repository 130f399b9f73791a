//! `scripts/xtask check-metrics`: a real Prometheus scrapes one API and two workers during a run,
//! with our rules, and answers every query of the dashboard and every rule with data.
//!
//!   PROMETHEUS, PROMTOOL  the programs     RULES  the rules, as Prometheus reads them

// What cannot go on ends, with what it knows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::large_futures)]

use std::{collections::BTreeSet, path::Path, process::Stdio, time::Duration};

use pedidos_core::tls;
use pedidos_e2e::{Client, Cluster, DEADLINE, receiver::Receiver};
use pedidos_monitoring::{Query, Rule, panels, rules, triggers};
use reqwest::Method;
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};

/// Small batches, so that a run is long enough to be looked at.
const SETTINGS: &[(&str, &str)] = &[
    ("ORDERS_BATCH_SIZE", "20"),
    ("PROCESSOR_BATCH_SIZE", "20"),
    ("ORDERS_QUEUE_CONCURRENCY", "2"),
];
/// More than are done before everything was asked: the run is cancelled then.
const QUANTITY: u32 = 200_000;
/// How often what has no data yet is asked for again.
const AGAIN: Duration = Duration::from_millis(500);

fn program(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: scripts/xtask check-metrics"))
}

#[tokio::main]
async fn main() {
    let folder = std::env::temp_dir().join(format!("pedidos-monitoring-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    // A processor of its own: calls have metrics, too.
    let receiver = Receiver::start().await;
    let cluster = Cluster::start_for(&receiver, 2, SETTINGS).await;
    let members: Vec<Client> =
        [cluster.client().clone()].into_iter().chain(cluster.workers().cloned()).collect();
    for member in &members {
        lint(member).await;
    }
    let mut prometheus = Prometheus::start(&folder, &members);
    prometheus.sees(members.len()).await;

    let run = format!("quantity={QUANTITY}&processor=default");
    let run = cluster.client().try_generate(&run, None).await.json(202);
    let run_id = &run["runId"];
    let rules = rules();
    let asked: Vec<Query> = rules
        .iter()
        .filter(|rule| !rule.alerts)
        .map(|rule| rule.query.clone())
        .chain(panels())
        .chain(triggers())
        .collect();
    for query in &asked {
        prometheus.answers(query).await;
        // What people ask, so that there are requests to count.
        cluster.client().status().await;
    }
    let ended = cluster.client().status().await.phase.is_ended();
    assert!(!ended, "the run was over before everything was asked: raise QUANTITY");
    let alerts: Vec<&Rule> = rules.iter().filter(|rule| rule.alerts).collect();
    let mut firing = Vec::new();
    for alert in &alerts {
        if prometheus.ask(&alert.query.expr).await.is_empty() {
            // As it should be. What it looks at is there all the same.
            for selector in alert.query.selectors() {
                let place = format!("{}: {}", alert.query.place, selector.name);
                prometheus.answers(&Query { place, expr: selector.expr }).await;
            }
        } else {
            firing.push(alert.name.as_str());
        }
    }
    assert_eq!(firing, [""; 0], "nothing is wrong, and yet");
    prometheus.evaluates(rules.len()).await;
    let cancelled = cluster.client().cancel("pollIntervalMs=20").await;
    assert_eq!(cancelled["aborted"], true, "run {run_id}: {cancelled:#}");
    cluster.at_rest().await;
    cluster.audit().await;
    let (asked, alerts) = (asked.len(), alerts.len());
    prometheus.stop().await;
    cluster.finish().await;
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    println!("{asked} queries and {alerts} alerts: every one has its data");
}

/// `promtool check metrics` has nothing to say of what this process serves.
async fn lint(member: &Client) {
    let text = member.raw(Method::GET, "/metrics").await.body;
    let mut promtool = Command::new(program("PROMTOOL"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("promtool starts");
    let mut input = promtool.stdin.take().expect("stdin is a pipe");
    input.write_all(text.as_bytes()).await.expect("promtool reads");
    drop(input);
    let said = promtool.wait_with_output().await.expect("promtool ends");
    let text = [said.stdout, said.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(said.status.success() && text.trim().is_empty(), "{}: {text}", member.address());
}

/// A Prometheus of its own; killed if it is dropped.
struct Prometheus {
    child: Child,
    http: reqwest::Client,
    url: String,
    log: std::path::PathBuf,
}

impl Prometheus {
    /// Scrapes the first of these as the API, the others as workers.
    fn start(folder: &Path, members: &[Client]) -> Self {
        let targets = |members: &[Client]| {
            let all: Vec<_> =
                members.iter().map(|member| format!("'{}'", member.address())).collect();
            all.join(", ")
        };
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: ['{}']\n\
             scrape_configs:\n\
             - {{job_name: pedidos-api, static_configs: [{{targets: [{}]}}]}}\n\
             - {{job_name: pedidos-worker, static_configs: [{{targets: [{}]}}]}}\n",
            program("RULES"),
            targets(&members[..1]),
            targets(&members[1..]),
        );
        let file = folder.join("prometheus.yaml");
        std::fs::write(&file, config).expect("a file can be written");
        let log = folder.join("prometheus.log");
        let said = std::fs::File::create(&log).expect("a file can be written");
        // Free a moment ago: Prometheus cannot be told to pick one, and say which.
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = port.local_addr().expect("it is bound");
        drop(port);
        let child = Command::new(program("PROMETHEUS"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .kill_on_drop(true)
            .spawn()
            .expect("prometheus starts");
        let tls = tls::trusting_nobody().expect("that needs nothing");
        let http = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls);
        let http = http.timeout(Duration::from_secs(10)).build().expect("a client needs nothing");
        Self { child, http, url: format!("http://{address}"), log }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let request = self.http.get(format!("{}{path}", self.url)).query(query);
        request.send().await.ok()?.json().await.ok()
    }

    /// Repeats until there is something to say, but not for ever.
    async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let until = tokio::time::Instant::now() + DEADLINE;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if tokio::time::Instant::now() > until {
                let said = std::fs::read_to_string(&self.log).unwrap_or_default();
                panic!("{what}: not within {DEADLINE:?}\n{said}");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Waits until it has scraped so many targets.
    async fn sees(&self, members: usize) {
        self.until("every target is scraped", async || {
            let answer = self.get("/api/v1/query", &[("query", "sum(up)")]).await?;
            let up = answer["data"]["result"][0]["value"][1].as_str()?.parse::<usize>().ok()?;
            (up == members).then_some(())
        })
        .await;
    }

    /// What it answers now; a mistake in the query is the end.
    async fn ask(&self, expr: &str) -> Vec<Value> {
        let answer = self.get("/api/v1/query", &[("query", expr)]).await;
        let answer = answer.expect("Prometheus answers");
        assert_eq!(answer["status"], "success", "{expr}: {answer:#}");
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until it has data to answer with, and not only NaN.
    async fn answers(&self, query: &Query) {
        self.until(&format!("data for {query:?}"), async || {
            let result = self.ask(&query.expr).await;
            result.iter().any(|one| one["value"][1].as_str() != Some("NaN")).then_some(())
        })
        .await;
    }

    /// Every rule has been evaluated, and without a mistake.
    async fn evaluates(&self, rules: usize) {
        let answer = self.get("/api/v1/rules", &[]).await.expect("Prometheus answers");
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        let all: Vec<Value> = groups
            .iter()
            .filter_map(|group| group["rules"].as_array().cloned())
            .flatten()
            .collect();
        assert_eq!(all.len(), rules, "{answer:#}");
        let health: BTreeSet<_> = all.iter().map(|rule| rule["health"].to_string()).collect();
        assert_eq!(health, BTreeSet::from(["\"ok\"".to_owned()]), "{answer:#}");
    }

    /// SIGTERM; it must end.
    async fn stop(&mut self) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent =
            Command::new("/bin/sh").args(["-c", &format!("kill -TERM {pid}")]).status().await;
        assert!(sent.is_ok_and(|sent| sent.success()), "it ended by itself");
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await;
        assert!(matches!(ended, Ok(Ok(status)) if status.success()), "{ended:?}");
    }
}
