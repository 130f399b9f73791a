//! Sends spans to an OpenTelemetry collector by OTLP over HTTP, if one is set. A thread of its
//! own sends them in batches from a bounded queue: code that ends a span never waits, and spans
//! that a slow collector does not take in time are dropped.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::BoxFuture;
use opentelemetry::{
    KeyValue,
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, hyper::HyperClient};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::Level;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end of a process waits for the last spans to be sent.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Is this the address of a host, as the exporter needs it?
#[must_use]
pub fn is_endpoint(url: &str) -> bool {
    let request = Request::post(path_of(url)).body(());
    request.is_ok_and(|request| request.uri().host().is_some_and(|host| !host.is_empty()))
}

fn path_of(url: &str) -> String {
    format!("{}/v1/traces", url.trim_end_matches('/'))
}

pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends the spans of this process to this address.
    ///
    /// # Errors
    /// It is no address.
    pub fn to(url: &str, process: &str) -> io::Result<Self> {
        let client = Client {
            runtime: Handle::current(),
            http: HyperClient::with_default_connector(CALL_TIMEOUT, None),
            failed: AtomicBool::new(false),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(path_of(url))
            .with_timeout(CALL_TIMEOUT)
            .build()
            .map_err(io::Error::other)?;
        let (program, _) = process.split_once(':').unwrap_or((process, ""));
        let about = Resource::builder()
            .with_service_name(format!("pedidos-{program}"))
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", process.to_owned()),
            ])
            .build();
        let provider =
            SdkTracerProvider::builder().with_resource(about).with_batch_exporter(exporter).build();
        Ok(Self(provider))
    }

    /// Takes the spans of leases, and none of libraries.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("pedidos"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_filter(Targets::new().with_target("pedidos_worker", Level::INFO))
    }

    /// Sends the last spans, and does not wait long for that.
    pub async fn end(self) {
        let ended =
            tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH_TIMEOUT)).await;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans are lost"),
            Err(error) => tracing::warn!(%error, "the last spans are lost"),
        }
    }
}

/// Sends requests on the process' runtime: the thread that sends spans has none.
#[derive(Debug)]
struct Client {
    runtime: Handle,
    http: HyperClient,
    /// The last request failed, and that was logged.
    failed: AtomicBool,
}

// The trait is `async_trait`'s: these are the lifetimes that it gives the method.
impl HttpClient for Client {
    fn send_bytes<'a, 'f>(
        &'a self,
        request: Request<Bytes>,
    ) -> BoxFuture<'f, Result<Response<Bytes>, HttpError>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let http = self.http.clone();
            let sent = self.runtime.spawn(async move { http.send_bytes(request).await }).await;
            let answer = sent.map_err(HttpError::from).flatten();
            let wrong = match &answer {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(answer.status().to_string()),
                Err(error) => Some(error.to_string()),
            };
            if self.failed.swap(wrong.is_some(), Ordering::Relaxed) != wrong.is_some() {
                if let Some(error) = wrong {
                    tracing::warn!(error, "the collector does not accept spans; dropping them");
                } else {
                    tracing::info!("the collector accepts spans again");
                }
            }
            answer
        })
    }
}

/// The current span as the header `traceparent` has it; none: no spans are sent.
#[must_use]
pub fn traceparent() -> Option<String> {
    let context = tracing::Span::current().context();
    let span = context.span();
    let current = span.span_context();
    current.is_valid().then(|| {
        let flags = current.trace_flags().to_u8();
        format!("00-{}-{}-{flags:02x}", current.trace_id(), current.span_id())
    })
}
