//! Metrics as they are served, and those who ask for them.

use std::collections::{BTreeMap, BTreeSet};

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Client, Cluster,
    cluster::Kind as Process,
    eventually,
    phases::long_in,
    proxy::{Network, Proxy},
    stores::redis_address,
};
use pedidos_service::metrics::{ALL, Metric, Of};
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
async fn every_metric_is_served_from_the_start_and_no_other() {
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
async fn metrics_show_the_age_of_the_oldest_waiting_order_and_lease() {
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
    eventually("both get older", async || {
        let (text, _) = scrape(cluster.client()).await;
        value(&text, &waiting("VIP")) > before && value(&text, LEASE) > 0.0
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
async fn without_redis_a_scrape_says_so_and_has_the_other_metrics() {
    let address = redis_address().parse().unwrap();
    let proxy = Proxy::to(address, 1).await;
    let mut cluster = Cluster::new(&[]).await;
    let url = proxy.redis_url();
    let id = cluster.start_one(Process::Api, &[("REDIS_URL", &url)]).await;
    proxy.set(Network::Closed);
    proxy.cut();
    let down = "pedidos_store_up{store=\"redis\"} 0";
    eventually("a scrape that says so", async || {
        scrape(cluster.client_of(id)).await.0.contains(down)
    })
    .await;
    let (text, served) = scrape(cluster.client_of(id)).await;
    assert!(text.contains("pedidos_store_up{store=\"mongodb\"} 1"), "{text}");
    let left_out = ["pedidos_phase", "pedidos_orders", "pedidos_workers_alive"];
    assert!(left_out.iter().all(|name| !served.contains_key(*name)), "{text}");
    let told = ["pedidos_http_requests_total", "process_cpu_seconds_total", "pedidos_build_info"];
    assert!(told.iter().all(|name| served.contains_key(*name)), "{text}");
    proxy.set(Network::Fine);
    eventually("the queue's figures again", async || {
        scrape(cluster.client_of(id)).await.1.contains_key("pedidos_phase")
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
