//! The API's client: one method per endpoint. Each fails the test, with the
//! whole answer, if the endpoint refuses; `raw` and `try_generate` do not.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use pedidos_core::tls::{self, ClientConfig};
use reqwest::{
    ClientBuilder, Method,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    tls::TlsInfo,
};
use serde_json::Value;

use crate::{
    events::Events, process::Environment, samples::Samples, status::Status, wait::eventually_some,
};

/// No call of the product takes longer; a cancel waits ten seconds at most.
const CALL: Duration = Duration::from_mins(1);
/// A stream of events has no end of its own, and a list may be long; no test takes so long.
const STREAM: Duration = Duration::from_mins(10);

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    tls: ClientConfig,
    base: String,
    samples: Arc<Samples>,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: HeaderName) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The body as JSON; the answer must have this status.
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:#?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// A problem of this status, as RFC 9457 has it.
    pub fn problem(&self, status: u16) -> Value {
        let problem = self.json(status);
        let content = self.header(CONTENT_TYPE);
        assert!(content.starts_with("application/problem+json"), "{self:#?}");
        for text in ["type", "title", "detail"] {
            let said = problem[text].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "no {text}: {self:#?}");
        }
        assert_eq!(problem["status"], status, "{self:#?}");
        problem
    }
}

impl Client {
    /// Of the process that listens here. Statuses are held against `samples`.
    pub fn new(base: &str, samples: Arc<Samples>) -> Self {
        let tls = tls::trusting_nobody().expect("that needs nothing");
        let http = build(http(tls.clone(), HeaderMap::new()));
        Self { http, tls, base: base.to_owned(), samples }
    }

    /// As [`Self::new`], by TLS, with what `pedidos` itself is told in this environment.
    pub fn secure(base: &str, samples: Arc<Samples>, told: &Environment) -> Self {
        let tls = trusting(told);
        let http = build(http(tls.clone(), HeaderMap::new()));
        Self { http, tls, base: base.to_owned(), samples }
    }

    /// As `curl` asks: each request by a new connection, which may reach another process behind
    /// the same address. `at`: where the host of `base` is, if its name does not say.
    pub fn unpooled(base: &str, told: &Environment, at: Option<SocketAddr>) -> Self {
        let tls = trusting(told);
        let mut http = http(tls.clone(), HeaderMap::new()).pool_max_idle_per_host(0);
        if let Some(address) = at {
            let host = base.split_once("://").map_or(base, |(_, host)| host);
            http = http.resolve(host, address);
        }
        Self { http: build(http), tls, base: base.to_owned(), samples: Arc::default() }
    }

    /// The same, with connections of its own.
    #[must_use]
    pub fn anew(&self, told: &Environment) -> Self {
        Self::secure(&self.base, Arc::clone(&self.samples), told)
    }

    /// The certificate that was shown to the connection which answers this: a new one, or
    /// one that was kept.
    pub async fn certificate(&self) -> Vec<u8> {
        let sent = self.http.get(format!("{}/livez", self.base)).send();
        let response = sent.await.unwrap_or_else(|error| panic!("{}: {error}", self.base));
        let info = response.extensions().get::<TlsInfo>().expect("it came by TLS");
        info.peer_certificate().expect("a server shows one").to_vec()
    }

    /// The same, with a key or token in every call.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        let value = HeaderValue::from_str(&format!("Bearer {key}")).expect("a key is text");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
        Self { http: build(http(self.tls.clone(), headers)), ..self.clone() }
    }

    pub fn address(&self) -> &str {
        self.base.split_once("://").map_or("", |(_, address)| address)
    }

    /// Any request; none if there was no answer.
    pub async fn try_raw(&self, method: Method, path: &str, key: Option<&str>) -> Option<Answer> {
        let asked = format!("{method} {}{path}", self.base);
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        answer_of(asked, request.send().await.ok()?).await
    }

    /// `GET` with these headers; none if there was no answer.
    pub async fn try_get(&self, path: &str, headers: &[(&str, &str)]) -> Option<Answer> {
        let asked = format!("GET {}{path}", self.base);
        let mut request = self.http.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer_of(asked, request.send().await.ok()?).await
    }

    /// Any request with these headers. Of a stream, which has no end, the body is not read.
    pub async fn with_headers(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let asked = format!("{method} {}{path} with {headers:?}", self.base);
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{asked}: {error}"));
        let content = response.headers().get(CONTENT_TYPE);
        if content.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            return Answer { asked, status, headers, body: String::new() };
        }
        answer_of(asked, response).await.expect("the body of an answer follows")
    }

    pub async fn with_body(&self, method: Method, path: &str, body: &str) -> Answer {
        let asked = format!("{method} {}{path} with {} bytes", self.base, body.len());
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_owned());
        let response = request.send().await;
        let response = response.unwrap_or_else(|error| panic!("{asked}: {error}"));
        answer_of(asked, response).await.expect("the body of an answer follows")
    }

    /// Any request; none if there was no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Option<Answer> {
        let asked = format!("{method} {}{path} with {headers:?} and a body", self.base);
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // A list may be long, and the machine busy.
        answer_of(asked, request.body(body).timeout(STREAM).send().await.ok()?).await
    }

    pub async fn raw(&self, method: Method, path: &str) -> Answer {
        let answer = self.try_raw(method.clone(), path, None).await;
        answer.unwrap_or_else(|| panic!("{method} {path}: no answer from {}", self.base))
    }

    async fn post(&self, path: &str) -> Value {
        self.raw(Method::POST, path).await.json(200)
    }

    async fn get(&self, path: &str) -> Value {
        self.raw(Method::GET, path).await.json(200)
    }

    /// `POST /pedidos/generate`, answered in any way.
    pub async fn try_generate(&self, query: &str, key: Option<&str>) -> Answer {
        let path = format!("/pedidos/generate?{query}");
        let answer = self.try_raw(Method::POST, &path, key).await;
        answer.unwrap_or_else(|| panic!("generate: no answer from {}", self.base))
    }

    /// `POST /pedidos/generate`, accepted; answers the run's id.
    pub async fn generate(&self, quantity: u32) -> String {
        let answer = self.try_generate(&format!("quantity={quantity}"), None).await;
        let accepted = answer.json(202);
        assert_eq!(accepted["quantity"], quantity, "{answer:#?}");
        let run_id = accepted["runId"].as_str().unwrap_or_default().to_owned();
        assert_eq!(run_id.len(), 36, "{answer:#?}");
        let location = answer.header(reqwest::header::LOCATION);
        assert_eq!(location, format!("/pedidos/runs/{run_id}"));
        run_id
    }

    /// `GET /pedidos`, if anybody answers; held against what was seen before.
    pub async fn try_status(&self) -> Option<Status> {
        let before = self.samples.before();
        let answer = self.try_raw(Method::GET, "/pedidos", None).await?;
        if answer.status == 503 {
            return None;
        }
        let status = Status::of(answer.json(200));
        self.samples.take(&before, &status);
        Some(status)
    }

    pub async fn status(&self) -> Status {
        let status = self.try_status().await;
        status.unwrap_or_else(|| panic!("no status from {}", self.base))
    }

    pub async fn cancel(&self, query: &str) -> Value {
        self.post(&format!("/pedidos/cancel?{query}")).await
    }

    /// `POST /pedidos/cancel`, if anybody answers.
    pub async fn try_cancel(&self) -> Option<Answer> {
        let path = "/pedidos/cancel?pollIntervalMs=10";
        self.try_raw(Method::POST, path, None).await
    }

    pub async fn reset(&self) -> Value {
        self.post("/pedidos/reset").await
    }

    pub async fn pause(&self) -> Value {
        self.post("/pedidos/queue/pause").await
    }

    pub async fn resume(&self) -> Value {
        self.post("/pedidos/queue/resume").await
    }

    pub async fn queue_status(&self) -> Value {
        self.get("/pedidos/queue/status").await
    }

    pub async fn logs(&self, query: &str) -> Value {
        self.get(&format!("/pedidos/logs?{query}")).await
    }

    /// `GET /pedidos/events`, answered in any way; `last`: the `Last-Event-ID`.
    pub async fn try_events(&self, last: Option<&str>) -> Result<Events, Answer> {
        const PATH: &str = "/pedidos/events";
        let mut request = self.http.get(format!("{}{PATH}", self.base)).timeout(STREAM);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{PATH}: {error}"));
        if response.status() == 200 {
            return Ok(Events::of(response));
        }
        let asked = format!("GET {}{PATH} from {last:?}", self.base);
        Err(answer_of(asked, response).await.expect("the body of an answer follows"))
    }

    /// `GET /pedidos/events`; `last`: the `Last-Event-ID`.
    pub async fn events(&self, last: Option<&str>) -> Events {
        let events = self.try_events(last).await;
        events.unwrap_or_else(|answer| panic!("no events: {answer:#?}"))
    }

    pub async fn jobs(&self, query: &str) -> Value {
        self.get(&format!("/pedidos/queue/jobs?{query}")).await
    }

    /// `POST /pedidos/queue/clean`; answers how many were removed.
    pub async fn clean(&self, query: &str) -> u64 {
        let answer = self.post(&format!("/pedidos/queue/clean?{query}")).await;
        answer["removed"].as_u64().unwrap_or_else(|| panic!("{answer:#}"))
    }

    /// `POST /pedidos/queue/retry-failed`, answered in any way.
    pub async fn try_retry_failed(&self, query: &str) -> Answer {
        self.raw(Method::POST, &format!("/pedidos/queue/retry-failed?{query}")).await
    }

    /// `POST /pedidos/queue/retry-failed`; answers how many were put back.
    pub async fn retry_failed(&self, query: &str) -> u64 {
        let answer = self.try_retry_failed(query).await.json(200);
        answer["retried"].as_u64().unwrap_or_else(|| panic!("{answer:#}"))
    }

    pub async fn close(&self) -> Value {
        self.post("/pedidos/queue/close").await
    }

    /// `GET /pedidos/health/queue`: 200, or 503 without Redis.
    pub async fn health(&self) -> Answer {
        self.raw(Method::GET, "/pedidos/health/queue").await
    }

    pub async fn runs(&self, query: &str) -> Value {
        self.get(&format!("/pedidos/runs?{query}")).await
    }

    /// `GET /pedidos/runs/{runId}`, of a run that there is.
    pub async fn run(&self, run_id: &str) -> Value {
        self.get(&format!("/pedidos/runs/{run_id}")).await
    }

    /// `POST /pedidos/process`: it is gone.
    pub async fn process(&self) -> Answer {
        self.raw(Method::POST, "/pedidos/process").await
    }

    pub async fn livez(&self) -> Answer {
        self.raw(Method::GET, "/livez").await
    }

    pub async fn readyz(&self) -> Answer {
        self.raw(Method::GET, "/readyz").await
    }

    /// Waits until `GET /readyz` has this status; answers what it says.
    pub async fn becomes_ready(&self, status: u16) -> String {
        let asked = async || Some(self.readyz().await).filter(|answer| answer.status == status);
        eventually_some(&format!("readiness {status}"), asked).await.body
    }

    /// `GET /metrics`: the sum of one metric over its labels; 0 if it is absent.
    pub async fn metric(&self, name: &str) -> f64 {
        let answer = self.raw(Method::GET, "/metrics").await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        let lines = answer.body.lines();
        let of_metric = lines.filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let bare = rest.starts_with([' ', '{']);
            bare.then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
        });
        of_metric.sum()
    }
}

fn trusting(told: &Environment) -> ClientConfig {
    let file = |name| told.get(name).map(|file| (name, Path::new(file)));
    let tls = tls::client(file("PEDIDOS_CA_FILE"), file("PEDIDOS_CLIENT_CERT_FILE"));
    tls.expect("the files are there")
}

fn http(tls: ClientConfig, headers: HeaderMap) -> ClientBuilder {
    let http = reqwest::Client::builder().timeout(CALL).no_proxy().tls_info(true);
    http.default_headers(headers).tls_backend_preconfigured(tls)
}

fn build(http: ClientBuilder) -> reqwest::Client {
    http.build().expect("a client needs nothing more")
}

async fn answer_of(asked: String, response: reqwest::Response) -> Option<Answer> {
    Some(Answer {
        asked,
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.text().await.ok()?,
    })
}
