//! The HTTP API, one method an operation. Each answers what the API answered, as it came.

mod answer;
mod imports;
mod queue;
mod receipts;
mod runs;
mod watch;

use std::{error::Error as _, path::Path, time::Duration};

use pedidos_core::{
    redact::redacted,
    tls::{self, ClientConfig},
};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
    redirect,
};
use serde::Serialize;

pub use self::{answer::Answer, watch::LogQuery};
use crate::{
    address::name_of,
    args::{Secret, Tls},
    failure::{ErrorAnswer, Failure, Result},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);
/// Commands that go through all orders of a run answer after that.
const LONG_TIMEOUT: Duration = Duration::from_mins(10);
/// An upload, a download and a stream take as long as they take. Whoever waits for one sees whether it
/// moves.
const NO_TIMEOUT: Duration = Duration::from_hours(365 * 24);

#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Page {
    pub limit: u32,
    pub cursor: Option<String>,
}

impl Client {
    /// The first call connects. The key is sent with every call.
    pub fn new(base: Url, key: Option<Secret>, tls: &Tls) -> Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(Secret(key)) = key {
            // A user in the URL is for a proxy before the API, and takes the Authorization header.
            let (header, value) = if base.username().is_empty() {
                (AUTHORIZATION, format!("Bearer {key}"))
            } else {
                (HeaderName::from_static("x-api-key"), key)
            };
            let value = HeaderValue::from_str(&value);
            let mut value = value.map_err(|_| {
                Failure::Usage("the key is not one line of visible text".to_owned())
            })?;
            // So that reqwest does not show it when it shows a request.
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(config(&base, tls).map_err(Failure::Usage)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .default_headers(headers)
            // A redirected POST would be repeated as a GET.
            .redirect(redirect::Policy::none());
        if base.host_str().is_some_and(is_this_machine) {
            // A proxy that the environment names would look for localhost on its own machine.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| Failure::Failed(root_cause(&error)))?;
        Ok(Self { http, base })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        self.http.request(method, url)
    }

    async fn answer<T>(&self, request: RequestBuilder) -> Result<Answer<T>> {
        let response = self.begin(request).await?;
        let is_partial = response.status() == StatusCode::ACCEPTED;
        let text = response.text().await.map_err(|error| self.failed(&error))?;
        Ok(Answer::new(text, is_partial, name_of(&self.base)))
    }

    /// The head of an answer that is no error.
    async fn begin(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = response.headers().get(RETRY_AFTER).cloned();
        let body = response.text().await.map_err(|error| self.failed(&error))?;
        let retry_after = retry_after.as_ref().and_then(|value| value.to_str().ok());
        Err(Failure::Answered(Box::new(ErrorAnswer::read(status, retry_after, &body))))
    }

    /// The next piece of an answer that is read piece by piece.
    pub async fn piece(&self, answer: &mut Response) -> Result<Option<impl AsRef<[u8]> + use<>>> {
        answer.chunk().await.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &reqwest::Error) -> Failure {
        let cause = root_cause(error);
        if error.is_builder() {
            return Failure::Usage(format!("cannot send this request: {cause}"));
        }
        Failure::Unreachable(format!("no answer from {}: {cause}", name_of(&self.base)))
    }
}

/// The innermost error: the outer ones say only that the request failed.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    redacted(&cause.map_or_else(|| error.to_string(), ToString::to_string)).into_owned()
}

/// With an http:// address no file is read: none of its errors matters.
fn config(base: &Url, given: &Tls) -> std::result::Result<ClientConfig, String> {
    if base.scheme() != "https" {
        return tls::trusting_nobody();
    }
    tls::client(
        named("PEDIDOS_CA_FILE", given.ca_file.as_deref()),
        named("PEDIDOS_CLIENT_CERT_FILE", given.client_cert_file.as_deref()),
    )
}

fn named<'a>(name: &'a str, file: Option<&'a Path>) -> Option<(&'a str, &'a Path)> {
    file.filter(|file| !file.as_os_str().is_empty()).map(|file| (name, file))
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;
    use crate::args::{Call, Cancel, Cli, Command, ImportsAction};

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
        let line = "pedidos generate --quantity 5";
        let Command::Call(Call::Generate(generate)) =
            Cli::try_parse_from(line.split_whitespace()).unwrap().command
        else {
            unreachable!()
        };
        let request = client.request(Method::POST, "pedidos/generate").query(&generate.run);
        assert_eq!(url(request), "http://host:3000/pedidos/generate?quantity=5");
        let line = "pedidos imports start 1 --lines 3 --processor refunds --pause-after 10 \
                    --max-failed-percent 0 --on-vip-failure hold";
        let Command::Call(Call::Imports(imports)) =
            Cli::try_parse_from(line.split_whitespace()).unwrap().command
        else {
            unreachable!()
        };
        let Some(ImportsAction::Start(start)) = imports.action else { unreachable!() };
        let request = client.request(Method::POST, "pedidos/imports/1/start").query(&start.options);
        assert_eq!(
            url(request),
            "http://host:3000/pedidos/imports/1/start?lines=3&processor=refunds&pauseAfter=10\
             &maxFailedPercent=0&onVipFailure=hold"
        );
        let cancel = Cancel {
            run_id: Some("0199-ab".to_owned()),
            purge: None,
            remove_pending: Some(false),
            reset_logs: None,
            wait_timeout_ms: Some(100),
            poll_interval_ms: None,
        };
        let request = client.request(Method::POST, "pedidos/cancel").query(&cancel);
        assert_eq!(
            url(request),
            "http://host:3000/pedidos/cancel?runId=0199-ab&removePending=false&waitTimeoutMs=100"
        );
        let query = LogQuery { lines: None, level: Some("warn"), after: Some("1-0 &") };
        let request = client.request(Method::GET, "pedidos/logs").query(&query);
        assert_eq!(url(request), "http://host:3000/pedidos/logs?level=warn&after=1-0+%26");
    }

    fn query(line: &[&str]) -> String {
        let words = ["pedidos"].iter().chain(line);
        let request = client("http://host").request(Method::POST, "");
        let request = match Cli::try_parse_from(words).unwrap().command {
            Command::Call(Call::RetryFailed(which)) => request.query(&which),
            Command::Call(Call::Clean(which)) => request.query(&which),
            Command::Call(Call::Jobs(which)) => request.query(&which),
            _ => unreachable!(),
        };
        request.build().unwrap().url().query().unwrap_or_default().to_owned()
    }

    #[test]
    fn dead_letters_are_asked_for_by_the_names_of_the_api() {
        assert_eq!(query(&["retry-failed"]), "");
        assert_eq!(
            query(&[
                "retry-failed",
                "--priority",
                "VIP",
                "--error-contains",
                "a.b (c)",
                "--limit",
                "3",
                "--run",
                "0199-ab",
            ]),
            "priority=VIP&errorContains=a.b+%28c%29&limit=3&runId=0199-ab"
        );
        assert_eq!(
            query(&["clean", "failed", "--error-contains", "x", "--grace", "1000", "--yes"]),
            "state=failed&errorContains=x&grace=1000"
        );
        assert_eq!(query(&["clean", "wait", "--priority", "NORMAL"]), "state=wait&priority=NORMAL");
    }

    #[test]
    fn jobs_are_asked_for_by_the_names_of_the_api() {
        assert_eq!(query(&["jobs"]), "types=waiting&includeData=true");
        let line = "jobs failed delayed --start 5 --end 9 --run 0199-ab --no-data";
        assert_eq!(
            query(&line.split(' ').collect::<Vec<_>>()),
            "types=failed%2Cdelayed&start=5&end=9&runId=0199-ab&includeData=false"
        );
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
    fn a_user_in_the_url_is_for_a_proxy_and_the_key_goes_beside_it() {
        let key = Some(Secret("pedidos_k".to_owned()));
        let base = Url::parse("http://u:SECRET@127.0.0.1:1/base").unwrap();
        let client = Client::new(base, key, &SYSTEM).unwrap();
        let request = client.request(Method::GET, "pedidos").build().unwrap();
        assert_eq!(request.url().as_str(), "http://127.0.0.1:1/base/pedidos");
        assert!(request.headers()[AUTHORIZATION].to_str().unwrap().starts_with("Basic "));
    }

    #[tokio::test]
    async fn a_password_of_the_url_is_not_shown() {
        let failure = client("http://u:SECRET@127.0.0.1:1").status().await.unwrap_err();
        assert_eq!(failure.exit_code(), 4);
        assert!(!failure.to_string().contains("SECRET"), "{failure}");
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
    async fn without_a_server_the_api_is_unreachable_and_the_error_says_why() {
        // Bound and dropped: nothing listens on that port.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let failure = client(&format!("http://127.0.0.1:{port}")).status().await.unwrap_err();
        assert_eq!(failure.exit_code(), 4);
        assert!(failure.to_string().contains("refused"), "{failure}");
    }
}
