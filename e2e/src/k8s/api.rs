//! The API, reached through its Service.

use std::time::Duration;

use serde_json::Value;

use super::{
    checked::{Checked, holds},
    kubectl::NAMESPACE,
    place::{Place, local_address},
};
use crate::{
    client::{Answer, Client},
    process::{Environment, Process},
};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long one under load, or a long one, may take.
const LONG_ANSWER: Duration = Duration::from_secs(30);
const LOADED_ANSWER: Duration = Duration::from_secs(10);
/// Between two requests of the load.
const LOAD_PAUSE: Duration = Duration::from_millis(50);
/// Requests of the load at most.
const LOAD: usize = 5_000;

/// The API of the test. Each request makes a connection of its own, so that it reaches the pods
/// which the Service has at that moment.
pub struct Api {
    client: Client,
    url: String,
    _proxy: Option<Process>,
}

impl Api {
    /// The Service itself, from a node, or by the API server's proxy.
    pub async fn reach(place: &Place) -> Self {
        let (url, proxy) = if place.is_ours() {
            (format!("http://{}", place.cluster_ip("pedidos-api").await), None)
        } else {
            let mut command = place.shell().command("kubectl");
            command.args(["proxy", "--port", "0"]);
            let proxy = Process::run("kubectl proxy", command, &place.shell().environment);
            let path = format!("/api/v1/namespaces/{NAMESPACE}/services/pedidos-api:http/proxy");
            (format!("http://{}{path}", local_address(&proxy).await), Some(proxy))
        };
        let client = Client::unpooled(&url, &Environment::new(), None);
        Self { client, url, _proxy: proxy }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// `GET`, answered well, with this in the answer.
    pub async fn answers(&self, path: &str, text: &str) -> Checked {
        let answer = well_answered(&self.client, path, &[], ANSWER).await?;
        holds(answer.body.contains(text), || format!("no '{text}' in {answer:#?}"))
    }

    /// Every line of `GET /pedidos/logs`.
    pub async fn logs(&self) -> Result<String, String> {
        let path = "/pedidos/logs?lines=5000";
        Ok(well_answered(&self.client, path, &[], LONG_ANSWER).await?.body)
    }

    /// `GET /pedidos`, if it is answered.
    pub async fn status(&self) -> Option<Value> {
        let answer = well_answered(&self.client, "/pedidos", &[], ANSWER).await.ok()?;
        serde_json::from_str(&answer.body).ok()
    }

    /// A field of `GET /pedidos`, by JSON pointer, has this value.
    pub async fn status_is(&self, field: &str, value: &Value) -> Checked {
        let status = self.status().await.unwrap_or_default();
        holds(status.pointer(field) == Some(value), || format!("{status:#}"))
    }

    /// `GET /pedidos` is answered with this status.
    pub async fn refuses_with(&self, status: u16) -> Checked {
        let answer = ask(&self.client, "/pedidos", &[], ANSWER).await;
        let is = answer.as_ref().is_some_and(|answer| answer.status == status);
        holds(is, || format!("{answer:#?}"))
    }

    /// `GET /pedidos` is answered to who has this key.
    pub async fn takes_key(&self, key: &str) -> Checked {
        takes_key(&self.client, key).await
    }

    /// `GET /pedidos` again and again until the work is done; the status of each answer, 0 for
    /// none. It is bounded.
    pub async fn under_load(&self, work: impl Future<Output = ()>) -> Vec<u16> {
        let (done, mut is_done) = tokio::sync::watch::channel(false);
        let load = async {
            let mut answers = Vec::new();
            while answers.len() < LOAD && !*is_done.borrow() {
                let answer = ask(&self.client, "/pedidos", &[], LOADED_ANSWER).await;
                answers.push(answer.map_or(0, |answer| answer.status));
                // Not a wait for anything: the load is this light.
                let _done = tokio::time::timeout(LOAD_PAUSE, is_done.changed()).await;
            }
            answers
        };
        let work = async {
            work.await;
            done.send_replace(true);
        };
        tokio::join!(load, work).0
    }
}

/// `GET /pedidos` is answered to who has this key.
pub async fn takes_key(client: &Client, key: &str) -> Checked {
    well_answered(client, "/pedidos", &[("X-API-Key", key)], ANSWER).await.map(drop)
}

/// `GET` is answered, and with no error.
pub async fn is_answered(client: &Client, path: &str) -> Checked {
    well_answered(client, path, &[], ANSWER).await.map(drop)
}

async fn well_answered(
    client: &Client,
    path: &str,
    headers: &[(&str, &str)],
    limit: Duration,
) -> Result<Answer, String> {
    match ask(client, path, headers, limit).await {
        Some(answer) if answer.status < 400 => Ok(answer),
        Some(answer) => Err(format!("{answer:#?}")),
        None => Err(format!("no answer to GET {path}")),
    }
}

async fn ask(
    client: &Client,
    path: &str,
    headers: &[(&str, &str)],
    limit: Duration,
) -> Option<Answer> {
    tokio::time::timeout(limit, client.try_get(path, headers)).await.ok().flatten()
}
