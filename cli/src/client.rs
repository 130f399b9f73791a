//! The HTTP API: one method per operation.

use std::{error::Error as _, time::Duration};

use pedidos_common::tls::{self, ClientConfig};
use reqwest::{
    Method, RequestBuilder, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    answer::{Accepted, Cancelled, Logs, PastRun, Paused, Status, Trail, WasReset},
    args::{Cancel, NewRun, Secret, Tls},
    failure::{Failure, Problem},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);
/// Cancel and reset go through all orders of a run before they answer.
const LONG_TIMEOUT: Duration = Duration::from_mins(10);
/// `waitTimeoutMs`, if it is not given.
const WAIT_TIMEOUT_MS: u64 = 10_000;

/// Result of an operation.
pub type Result<T> = std::result::Result<T, Failure>;

/// The API at one address.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
}

/// Which log lines are asked for.
#[derive(Debug, Serialize)]
pub struct LogQuery<'a> {
    /// How many at most.
    pub lines: Option<u32>,
    /// Of this level only.
    pub level: Option<&'a str>,
    /// Only what is newer than this cursor.
    pub after: Option<&'a str>,
}

impl Client {
    /// A client; the first call connects. `key`: sent with every call.
    pub fn new(base: Url, key: Option<Secret>, tls: &Tls) -> Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(Secret(key)) = key {
            let value = HeaderValue::from_str(&format!("Bearer {key}"));
            let mut value =
                value.map_err(|_| Failure::Usage("the key is not one line of text".to_owned()))?;
            // Shown nowhere, also not in what the library says of a request.
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(config(&base, tls).map_err(Failure::Usage)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .default_headers(headers)
            // A redirected POST would be repeated as a GET.
            .redirect(redirect::Policy::none());
        if base.host_str().is_some_and(is_this_machine) {
            // A proxy of the environment would look for it on its own machine.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| Failure::Failed(root_cause(&error)))?;
        Ok(Self { http, base })
    }

    /// `POST /pedidos/generate`
    pub async fn generate(&self, run: &NewRun, key: &str) -> Result<Accepted> {
        let request = self.request(Method::POST, "pedidos/generate").query(run);
        self.answer(request.header("Idempotency-Key", key)).await
    }

    /// `GET /pedidos`
    pub async fn status(&self) -> Result<Status> {
        self.answer(self.request(Method::GET, "pedidos")).await
    }

    /// `GET /pedidos`, as it comes.
    pub async fn status_text(&self) -> Result<String> {
        self.text(self.request(Method::GET, "pedidos")).await
    }

    /// `GET /pedidos/runs/{runId}`
    pub async fn past_run(&self, run_id: &str) -> Result<PastRun> {
        self.answer(self.request(Method::GET, &format!("pedidos/runs/{run_id}"))).await
    }

    /// `GET /pedidos/logs`
    pub async fn logs(&self, query: &LogQuery<'_>) -> Result<Logs> {
        self.answer(self.request(Method::GET, "pedidos/logs").query(query)).await
    }

    /// `GET /pedidos/audit`
    pub async fn audit_lines(&self, limit: u32, cursor: Option<&str>) -> Result<Trail> {
        let query = [("limit", Some(limit.to_string())), ("cursor", cursor.map(str::to_owned))];
        let query = query.into_iter().filter(|(_, value)| value.is_some()).collect::<Vec<_>>();
        self.answer(self.request(Method::GET, "pedidos/audit").query(&query)).await
    }

    /// `POST /pedidos/cancel`
    pub async fn cancel(&self, options: &Cancel) -> Result<Cancelled> {
        let wait = Duration::from_millis(options.wait_timeout_ms.unwrap_or(WAIT_TIMEOUT_MS));
        let request = self.request(Method::POST, "pedidos/cancel").query(options);
        self.answer(request.timeout(wait.saturating_add(LONG_TIMEOUT))).await
    }

    /// `POST /pedidos/reset`
    pub async fn reset(&self) -> Result<WasReset> {
        let wait = Duration::from_millis(WAIT_TIMEOUT_MS);
        let request = self.request(Method::POST, "pedidos/reset");
        self.answer(request.timeout(wait.saturating_add(LONG_TIMEOUT))).await
    }

    /// `POST /pedidos/queue/pause`
    pub async fn pause(&self) -> Result<Paused> {
        self.answer(self.request(Method::POST, "pedidos/queue/pause")).await
    }

    /// `POST /pedidos/queue/resume`
    pub async fn resume(&self) -> Result<Paused> {
        self.answer(self.request(Method::POST, "pedidos/queue/resume")).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        self.http.request(method, url)
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let text = self.text(request).await?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::Failed(format!("{} gave an answer that makes no sense: {error}", self.base))
        })
    }

    async fn text(&self, request: RequestBuilder) -> Result<String> {
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).cloned();
        let body = response.text().await.map_err(|error| self.failed(&error))?;
        if status.is_success() {
            return Ok(body);
        }
        let retry_after = retry_after.as_ref().and_then(|value| value.to_str().ok());
        Err(Failure::Answered(Problem::read(status, retry_after, &body)))
    }

    fn failed(&self, error: &reqwest::Error) -> Failure {
        let cause = root_cause(error);
        if error.is_builder() {
            return Failure::Usage(format!("this cannot be sent: {cause}"));
        }
        Failure::Unreachable(format!("no answer: {cause}, at {}", self.base))
    }
}

/// The innermost error: the outer ones only say that there is one.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}

/// Whom it trusts, if it is to speak TLS at all: else no file is looked at.
fn config(base: &Url, given: &Tls) -> std::result::Result<ClientConfig, String> {
    if base.scheme() != "https" {
        return tls::trusting_nobody();
    }
    let ca = given.ca_file.as_deref().map(|file| ("PEDIDOS_CA_FILE", file));
    let own = given.client_cert_file.as_deref().map(|file| ("PEDIDOS_CLIENT_CERT_FILE", file));
    tls::client(ca, own)
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Whom the system trusts.
    const SYSTEM: Tls = Tls { ca_file: None, client_cert_file: None };

    fn client(base: &str) -> Client {
        Client::new(Url::parse(base).unwrap(), None, &SYSTEM).unwrap()
    }

    fn url(request: RequestBuilder) -> String {
        request.build().unwrap().url().to_string()
    }

    #[test]
    fn only_what_was_given_is_asked_for() {
        let client = client("http://host:3000");
        let run = NewRun { quantity: Some(5), seed: None };
        let request = client.request(Method::POST, "pedidos/generate").query(&run);
        assert_eq!(url(request), "http://host:3000/pedidos/generate?quantity=5");
        let cancel = Cancel {
            purge: None,
            remove_pending: Some(false),
            reset_logs: None,
            wait_timeout_ms: Some(100),
        };
        let request = client.request(Method::POST, "pedidos/cancel").query(&cancel);
        assert_eq!(
            url(request),
            "http://host:3000/pedidos/cancel?removePending=false&waitTimeoutMs=100"
        );
        let query = LogQuery { lines: None, level: Some("warn"), after: Some("1-0 &") };
        let request = client.request(Method::GET, "pedidos/logs").query(&query);
        assert_eq!(url(request), "http://host:3000/pedidos/logs?level=warn&after=1-0+%26");
    }

    #[test]
    fn the_key_goes_with_every_call_and_is_not_shown() {
        let key = Some(Secret("pedidos_hidden".to_owned()));
        let client = Client::new(Url::parse("http://host").unwrap(), key, &SYSTEM).unwrap();
        assert!(!format!("{client:?}").contains("hidden"), "{client:?}");
        let broken = Some(Secret("two\nlines".to_owned()));
        let broken = Client::new(Url::parse("http://host").unwrap(), broken, &SYSTEM).unwrap_err();
        assert_eq!(broken.exit_code(), 2);
        assert!(!broken.to_string().contains("two"), "{broken}");
    }

    #[test]
    fn the_api_may_stand_under_a_path() {
        for base in ["http://host/shop", "http://host/shop/"] {
            assert_eq!(
                url(client(base).request(Method::GET, "pedidos")),
                "http://host/shop/pedidos"
            );
        }
    }

    #[test]
    fn loopback_is_known_by_its_names() {
        for (host, expected) in
            [("localhost", true), ("127.0.0.1", true), ("[::1]", true), ("10.0.0.1", false)]
        {
            assert_eq!(is_this_machine(host), expected, "{host}");
        }
    }

    #[tokio::test]
    async fn nobody_there_is_out_of_reach_and_says_why() {
        // Bound and dropped: nothing listens on that port.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let failure = client(&format!("http://127.0.0.1:{port}")).status().await.unwrap_err();
        assert_eq!(failure.exit_code(), 4);
        assert!(failure.to_string().contains("refused"), "{failure}");
    }
}
