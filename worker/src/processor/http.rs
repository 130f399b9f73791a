//! Hands batches to a receiver: one POST each.

use std::time::{Duration, SystemTime};

use pedidos_service::traces::traceparent;
use reqwest::{
    Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT},
};
use secrecy::ExposeSecret;

use super::{
    Batch, Fault, FaultKind, Processor, ProcessorSettings, Verdict,
    answer::{self, wrong},
    signature::Signer,
};

/// The longest answer that is read.
const LONGEST_ANSWER: usize = 1024 * 1024;
/// No receiver is left alone for longer than this, whatever it asks for.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// A processor behind a URL: PROCESSOR_URL and the settings beside it.
pub struct Http {
    client: reqwest::Client,
    url: reqwest::Url,
    headers: HeaderMap,
    signer: Option<Signer>,
}

impl Http {
    /// None: there is no URL.
    ///
    /// # Errors
    /// A setting cannot be used; it is named, and a secret is not shown.
    pub fn new(settings: &ProcessorSettings) -> Result<Option<Self>, String> {
        let Some(url) = &settings.url else { return Ok(None) };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let agent = concat!("pedidos-worker/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        if let Some(authorization) = &settings.authorization {
            let mut value = HeaderValue::from_str(authorization.expose_secret())
                .map_err(|_| "PROCESSOR_AUTHORIZATION: not the value of a header".to_owned())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let tls = settings.tls(url)?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| format!("PROCESSOR_URL: {error}"))?;
        Ok(Some(Self { client, url: url.clone(), headers, signer: settings.signer()? }))
    }

    async fn post(&self, batch: &Batch) -> Result<Vec<Verdict>, Fault> {
        let body = serde_json::to_vec(batch)
            .map_err(|error| wrong(&format!("the batch cannot be written: {error}")))?;
        let mut headers = self.headers.clone();
        for (name, value) in self.webhook(&batch.batch_id, &body) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        if let Some(Ok(value)) = traceparent().map(|value| HeaderValue::from_str(&value)) {
            headers.insert("traceparent", value);
        }
        let call = self.client.post(self.url.clone()).headers(headers).body(body);
        let answer = call.send().await.map_err(|error| broken(&error))?;
        match answer.status() {
            StatusCode::NO_CONTENT => Ok(batch.orders.iter().map(Verdict::ok).collect()),
            status if status.is_success() => answer::read(batch, &whole(answer).await?),
            status => Err(refused(status, answer.headers())),
        }
    }

    fn webhook(&self, id: &str, body: &[u8]) -> Vec<(&'static str, String)> {
        let Some(signer) = &self.signer else { return Vec::new() };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = now.as_secs() as i64;
        vec![
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", time.to_string()),
            ("webhook-signature", signer.sign(id, time, body)),
        ]
    }
}

impl Processor for Http {
    async fn process(&self, batch: &Batch) -> Result<Vec<Verdict>, Fault> {
        self.post(batch).await
    }
}

async fn whole(mut answer: Response) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + piece.len() > LONGEST_ANSWER {
            return Err(wrong("the answer is longer than 1 MiB"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// A call without a whole answer. The innermost cause says most.
fn broken(error: &reqwest::Error) -> Fault {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_connect() { "no connection" } else { "the call broke off" };
    Fault::new(FaultKind::Connection, format!("{what}: {cause}"))
}

fn refused(status: StatusCode, headers: &HeaderMap) -> Fault {
    let kind = match status.as_u16() {
        400 | 413 | 415 | 422 => FaultKind::Refused,
        429 | 503 => FaultKind::Busy,
        _ => FaultKind::Status,
    };
    let after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = after.and_then(|text| pause(text, SystemTime::now()));
    let mut message = format!("it answers {status}");
    if status.is_redirection() {
        message.push_str(", and redirects are not followed");
    }
    Fault { kind, message, retry_after: after.map(|after| after.min(LONGEST_PAUSE)) }
}

/// Seconds, or a date.
fn pause(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let seconds = |text| pause(text, now).map(|pause| pause.as_secs());
        assert_eq!(seconds("7"), Some(7));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:07 GMT"), Some(0));
        for wrong in ["", "soon", "-1", "1.5", "99999999999999999999999"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nobody_is_left_alone_for_longer_than_five_minutes() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("86400"));
        let fault = refused(StatusCode::TOO_MANY_REQUESTS, &headers);
        assert_eq!((fault.kind, fault.retry_after), (FaultKind::Busy, Some(LONGEST_PAUSE)));
        for (status, kind) in [
            (400, FaultKind::Refused),
            (413, FaultKind::Refused),
            (422, FaultKind::Refused),
            (302, FaultKind::Status),
            (401, FaultKind::Status),
            (410, FaultKind::Status),
            (500, FaultKind::Status),
            (503, FaultKind::Busy),
        ] {
            let fault = refused(StatusCode::from_u16(status).unwrap(), &HeaderMap::new());
            assert_eq!((fault.kind, fault.retry_after), (kind, None), "{status}");
        }
    }
}
