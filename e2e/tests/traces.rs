//! Spans: one for each lease, sent to a collector, and on every JSON line.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
};
use pedidos_core::{order::Priority, run::Phase};
use pedidos_e2e::{Cluster, cluster::Kind, in_time, letters::GIVEN_UP_AT_ONCE};
use pedidos_service::metrics::LEASES;
use prost::Message;
use serde_json::Value as Json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// A request that a collector got: its first line, and its body.
type Got = (String, Vec<u8>);

/// Listens as a collector does. It tells what it gets, and answers, or never does.
async fn collector(answers: bool) -> (String, mpsc::UnboundedReceiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, tell.clone(), answers));
        }
    });
    (url, told)
}

/// Until the other end closes.
async fn serve(stream: TcpStream, tell: mpsc::UnboundedSender<Got>, answers: bool) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if stream.read_line(&mut first).await.ok()? == 0 {
            return None;
        }
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).await.ok()?;
            let header = header.trim().to_lowercase();
            if let Some(text) = header.strip_prefix("content-length:") {
                length = text.trim().parse().ok()?;
            }
            if header.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        tell.send((first, body)).ok()?;
        if answers {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.ok()?;
        }
    }
}

fn fields(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let fields = attributes.iter().map(|field| {
        let value = field.value.as_ref().and_then(|value| value.value.as_ref());
        let value = match value {
            Some(Value::StringValue(text)) => text.clone(),
            Some(Value::IntValue(number)) => format!("{number}"),
            other => format!("{other:?}"),
        };
        (field.key.clone(), value)
    });
    fields.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_one_span_of_every_lease() {
    let (url, mut told) = collector(true).await;
    let mut cluster = Cluster::start(0, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;
    // Whatever lines are wanted.
    let worker = cluster.start_one(Kind::Worker, &[("RUST_LOG", "warn")]).await;
    let (run_id, _) = cluster.run(2_000).await;
    cluster.at_rest().await;
    let closed = cluster.client_of(worker).metric(LEASES).await;
    // What is left is sent at its end.
    cluster.stop(worker).await;
    let (mut orders, mut processed, mut tokens) = (BTreeMap::new(), 0, BTreeMap::new());
    while let Ok((first, body)) = told.try_recv() {
        assert_eq!(first.trim(), "POST /v1/traces HTTP/1.1");
        let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        for resource in request.resource_spans {
            let about = fields(&resource.resource.unwrap().attributes);
            assert_eq!(about["service.name"], "pedidos-worker", "{about:?}");
            assert!(about["service.instance.id"].starts_with("worker:"), "{about:?}");
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let fields = fields(&span.attributes);
                assert_eq!((span.name.as_str(), &fields["run"]), ("lease", &run_id), "{fields:?}");
                assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
                assert!(!fields["phase"].is_empty(), "{fields:?}");
                let number = |field: &KeyValue| {
                    let value = field.value.as_ref().and_then(|value| value.value.as_ref());
                    field.key == "orders" && matches!(value, Some(Value::IntValue(_)))
                };
                assert!(span.attributes.iter().any(number), "{fields:?}");
                let size: u64 = fields["orders"].parse().unwrap();
                *orders.entry(fields["kind"].clone()).or_insert(0) += size;
                let done = fields.get("processed").map_or(0, |done| done.parse().unwrap());
                processed += done;
                *tokens.entry(fields["token"].clone()).or_insert(0) += 1;
            }
        }
    }
    assert!(tokens.iter().all(|(token, spans)| token.len() == 32 && *spans == 1), "{tokens:?}");
    assert!((tokens.len() as f64 - closed).abs() < 0.5, "{closed} leases, {orders:?}");
    assert_eq!((orders["generate"], orders["enqueue"], processed), (2_000, 2_000, 2_000));
    assert_eq!(orders["vip"] + orders["normal"], 2_000, "{orders:?}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_delays_nothing() {
    let (url, mut told) = collector(false).await;
    let mut cluster = Cluster::start(0, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;
    let worker = cluster.start_worker().await;
    // Until it has been sent something, and hangs for sure.
    let mut caught = false;
    while !caught {
        cluster.run(1_000).await;
        caught = told.try_recv().is_ok();
    }
    let (run_id, _) = cluster.run(1_000).await;
    assert!(cluster.client().status().await.is_of(&run_id));
    // Exit code 0, within the time that a process has to end.
    cluster.stop(worker).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_collector_is_logged_once_and_delays_nothing() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let mut cluster = Cluster::start(1, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;
    cluster.run(1_000).await;
    in_time("a line", cluster.process(1).line("the collector does not accept spans")).await;
    cluster.run(1_000).await;
    let said = cluster.process(1).said();
    let said = said.iter().filter(|line| line.contains("the collector does not accept spans"));
    assert_eq!(said.count(), 1);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_carry_the_span_of_their_lease() {
    let settings = [GIVEN_UP_AT_ONCE, &[("LOG_FORMAT", "json")]].concat();
    let mut cluster = Cluster::start(1, &settings).await;
    let (run_id, _) = cluster.hold(Phase::WaitingVipDrain).await;
    let poisoned = cluster.poison(Priority::Vip, 1).await[0].to_string();
    cluster.client().resume().await;
    let line = cluster.process(1).line("order failed its last attempt").await;
    let line: Json = serde_json::from_str(&line).unwrap();
    assert_eq!(line["fields"]["order"], poisoned, "{line:#}");
    let span = &line["span"];
    assert_eq!(span["name"], "lease", "{line:#}");
    assert_eq!((&span["kind"], &span["run"]), (&"vip".into(), &run_id.into()), "{line:#}");
    assert_eq!(span["phase"], "WAITING_VIP_DRAIN", "{line:#}");
    assert_eq!(span["token"].as_str().map(str::len), Some(32), "{line:#}");
    assert!((1..=10).contains(&span["orders"].as_u64().unwrap()), "{line:#}");
    cluster.done().await;
    cluster.finish().await;
}
