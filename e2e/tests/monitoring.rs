//! Metrics as they are served, and those who ask for them.

use std::collections::{BTreeMap, BTreeSet};

use pedidos_common::{
    metrics::{ALL, Kind, Metric, Of},
    run::Phase,
};
use pedidos_e2e::{
    Client, Cluster, POLL,
    cluster::Kind as Process,
    in_time,
    monitoring::{Query, file, panels, rules, series, triggers},
    phases::long_in,
    proxy::{Network, Proxy},
    stores::redis_address,
};
use reqwest::Method;

/// A scrape: each metric's type, and the labels of its series.
type Served = BTreeMap<String, (String, BTreeSet<String>)>;

async fn scrape(client: &Client) -> (String, Served) {
    let answer = client.raw(Method::GET, "/metrics").await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    assert_eq!(answer.header(reqwest::header::CONTENT_TYPE), "text/plain; version=0.0.4");
    let mut served = Served::new();
    let mut of = String::new();
    for line in answer.body.lines().filter(|line| !line.is_empty()) {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            name.clone_into(&mut of);
            let before = served.insert(of.clone(), (kind.to_owned(), BTreeSet::new()));
            assert!(before.is_none(), "{name} twice:\n{}", answer.body);
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&of), "{line} is not of {of}");
            let labels = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
            let labels = labels.map_or("", |(labels, _)| labels).split(',');
            let names = labels.filter_map(|label| label.split_once('=').map(|(name, _)| name));
            let names = names.filter(|name| *name != "le").map(str::to_owned);
            served.get_mut(&of).unwrap().1.extend(names);
        }
    }
    (answer.body, served)
}

fn listed(of: Of) -> Served {
    let own = ALL.iter().filter(|metric| metric.of == of || metric.of == Of::Both);
    let entry = |Metric { name, kind, labels, .. }: &Metric| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        ((*name).to_owned(), (kind.as_str().to_owned(), labels))
    };
    own.map(entry).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_is_what_is_listed_from_the_start_and_after_a_run() {
    let mut cluster = Cluster::start(1, &[]).await;
    for round in 0..2 {
        let worker = cluster.workers().next().unwrap();
        for (client, of) in [(cluster.client(), Of::Api), (worker, Of::Worker)] {
            let (text, served) = scrape(client).await;
            assert_eq!(served, listed(of), "{text}");
            let help = text.lines().filter(|line| line.starts_with("# HELP ")).count();
            assert_eq!(help, served.len(), "{text}");
        }
        if round == 0 {
            cluster.run(1_000).await;
        }
    }
    // Nothing that was done is told of anything but what was listed, and no id.
    let (text, _) = scrape(cluster.client()).await;
    let (run_id, _) = cluster.run(100).await;
    assert!(!text.contains(&run_id[..8]), "{text}");
    let process = cluster.start_worker().await;
    let (text, _) = scrape(cluster.client_of(process)).await;
    let worked = text.lines().filter(|line| line.starts_with("pedidos_worker_leases_total"));
    let zero = worked.inspect(|line| assert!(line.ends_with(" 0"), "{line}"));
    assert_eq!(zero.count(), 5, "{text}");
    cluster.finish().await;
}

fn value(text: &str, series: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series}:\n{text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gauges_of_the_queue_say_what_its_status_says() {
    let cluster = Cluster::start(1, &[]).await;
    let (idle, _) = scrape(cluster.client()).await;
    assert_eq!(value(&idle, "pedidos_phase{phase=\"IDLE\"}").to_bits(), 1f64.to_bits());
    let (_, status) = cluster.run(1_000).await;
    let (done, _) = scrape(cluster.client()).await;
    let phases = done.lines().filter(|line| line.starts_with("pedidos_phase{"));
    let set: Vec<_> = phases.filter(|line| line.ends_with(" 1")).collect();
    assert_eq!(set, ["pedidos_phase{phase=\"DONE\"} 1"]);
    for (series, expected) in [
        ("pedidos_orders{priority=\"VIP\",state=\"processed\"}", status.ledger.vip.processed),
        ("pedidos_orders{priority=\"NORMAL\",state=\"processed\"}", status.ledger.normal.processed),
        ("pedidos_orders{priority=\"NORMAL\",state=\"deferred\"}", 0),
        ("pedidos_run_target_orders", 1_000),
        ("pedidos_run_progress_ratio", 1),
        ("pedidos_workers_alive", 1),
        ("pedidos_workers_slots", 4),
        ("pedidos_fence_violations", 0),
        ("pedidos_store_up{store=\"redis\"}", 1),
        ("pedidos_store_up{store=\"mongodb\"}", 1),
    ] {
        let told = value(&done, series);
        assert!((told - expected as f64).abs() < 1e-9, "{series} {told}, not {expected}");
    }
    let worker = cluster.workers().next().unwrap();
    let (text, _) = scrape(worker).await;
    let processed = |priority: &str| {
        let labels = format!("{{priority=\"{priority}\",outcome=\"processed\"}}");
        value(&text, &format!("pedidos_worker_orders_total{labels}"))
    };
    assert!((processed("VIP") - status.ledger.vip.processed as f64).abs() < 0.5, "{text}");
    assert!((processed("NORMAL") - status.ledger.normal.processed as f64).abs() < 0.5, "{text}");
    assert!((value(&text, "pedidos_worker_generated_orders_total") - 1_000.0).abs() < 0.5);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ages_are_told_of_what_waits_and_of_what_is_held() {
    const LEASE: &str = "pedidos_oldest_lease_age_seconds";
    let waiting =
        |priority| format!("pedidos_oldest_waiting_age_seconds{{priority=\"{priority}\"}}");
    let cluster = Cluster::start(1, long_in(Phase::WaitingVipDrain)).await;
    let (run_id, _) = cluster.hold(Phase::WaitingVipDrain).await;
    let (held, _) = scrape(cluster.client()).await;
    assert!(value(&held, "pedidos_paused") > 0.5, "{held}");
    assert!(value(&held, LEASE).abs() < 1e-9, "nothing is held:\n{held}");
    assert!(value(&held, &waiting("NORMAL")).abs() < 1e-9, "behind the fence:\n{held}");
    let before = value(&held, &waiting("VIP"));
    assert!(before > 0.0, "{held}");
    // A lease that nobody works on.
    let lease = cluster.take(1).await;
    in_time("both get older", async {
        loop {
            let (text, _) = scrape(cluster.client()).await;
            if value(&text, &waiting("VIP")) > before && value(&text, LEASE) > 0.0 {
                break;
            }
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
    cluster.stores.queue.release(&lease.token).await.unwrap();
    let (text, _) = scrape(cluster.client()).await;
    assert!(value(&text, LEASE).abs() < 1e-9, "{text}");
    cluster.client().resume().await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_scrape_says_so_and_tells_the_rest() {
    let address = redis_address().parse().unwrap();
    let proxy = Proxy::to(address, 1).await;
    let mut cluster = Cluster::new(&[]).await;
    let url = proxy.redis_url();
    let id = cluster.start_one(Process::Api, &[("REDIS_URL", &url)]).await;
    proxy.set(Network::Closed);
    proxy.cut();
    let down = "pedidos_store_up{store=\"redis\"} 0";
    in_time("a scrape that says so", async {
        while !scrape(cluster.client_of(id)).await.0.contains(down) {
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
    let (text, served) = scrape(cluster.client_of(id)).await;
    assert!(text.contains("pedidos_store_up{store=\"mongodb\"} 1"), "{text}");
    let left_out = ["pedidos_phase", "pedidos_orders", "pedidos_workers_alive"];
    assert!(left_out.iter().all(|name| !served.contains_key(*name)), "{text}");
    let told = ["pedidos_http_requests_total", "process_cpu_seconds_total", "pedidos_build_info"];
    assert!(told.iter().all(|name| served.contains_key(*name)), "{text}");
    proxy.set(Network::Fine);
    in_time("the queue's figures again", async {
        while !scrape(cluster.client_of(id)).await.1.contains_key("pedidos_phase") {
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_operation_and_status() {
    let cluster = Cluster::start(0, &[]).await;
    let client = cluster.client();
    let of = async |operation: &str, status: u16| {
        let labels = format!("{{operation=\"{operation}\",status=\"{status}\"}}");
        value(&scrape(client).await.0, &format!("pedidos_http_requests_total{labels}"))
    };
    let asked = [
        (Method::GET, "/pedidos", "getStatus", 200),
        (Method::HEAD, "/pedidos", "getStatus", 200),
        (Method::GET, "/pedidos/runs/no-such-run", "getRun", 404),
        (Method::POST, "/pedidos/generate?quantity=0", "generate", 400),
        (Method::DELETE, "/pedidos", "other", 405),
        (Method::GET, "/no/such/path/1234", "other", 404),
    ];
    for (method, path, operation, status) in asked {
        let before = of(operation, status).await;
        let answer = client.raw(method, path).await;
        assert_eq!(answer.status, status, "{answer:#?}");
        let after = of(operation, status).await;
        assert!((after - before - 1.0).abs() < 0.5, "{path}: {before}, then {after}");
    }
    let (text, _) = scrape(client).await;
    assert!(!text.contains("1234") && !text.contains("no-such-run"), "{text}");
    cluster.finish().await;
}

#[test]
fn rules_panels_and_the_autoscaler_ask_only_for_what_there_is() {
    let series: BTreeMap<_, _> = series().into_iter().collect();
    let rules = rules();
    let asked: Vec<Query> = rules.into_iter().map(|rule| rule.query).collect();
    assert!(asked.len() > 20 && panels().len() > 40 && !triggers().is_empty());
    for query in asked.into_iter().chain(panels()).chain(triggers()) {
        let selectors = query.selectors();
        assert!(!selectors.is_empty(), "{query:?}");
        for selector in selectors {
            let Some(labels) = series.get(&selector.name) else {
                panic!("{}: there is no {}", query.place, selector.name)
            };
            for label in &selector.labels {
                assert!(
                    labels.contains(label),
                    "{}: {} has no {label}",
                    query.place,
                    selector.name
                );
            }
        }
    }
}

#[test]
fn every_metric_is_asked_for_or_known_not_to_be() {
    // For a person who looks for a cause.
    let not_asked =
        ["process_virtual_memory_bytes", "process_threads", "process_start_time_seconds"];
    let queries = rules().into_iter().map(|rule| rule.query).chain(panels());
    let asked: BTreeSet<_> =
        queries.flat_map(|query| query.selectors()).map(|selector| selector.name).collect();
    for metric in ALL {
        let name = match metric.kind {
            Kind::Histogram => format!("{}_bucket", metric.name),
            _ => metric.name.to_owned(),
        };
        assert_ne!(asked.contains(&name), not_asked.contains(&metric.name), "{name}");
    }
}

#[test]
fn every_alert_has_its_runbook_and_every_runbook_its_alert() {
    let document = file("docs/operations.md");
    let titles = document.lines().filter_map(|line| line.strip_prefix("### "));
    let titles: Vec<_> = titles.filter(|title| title.starts_with("Pedidos")).collect();
    let alerts: Vec<_> = rules().into_iter().filter(|rule| rule.alerts).collect();
    for alert in &alerts {
        let anchor = alert.name.to_lowercase();
        assert_eq!(alert.runbook, format!("docs/operations.md#{anchor}"));
    }
    let names: Vec<_> = alerts.iter().map(|alert| alert.name.as_str()).collect();
    assert_eq!(names, titles);
}
