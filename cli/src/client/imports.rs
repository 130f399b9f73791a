//! The operations about imports.

use std::time::Duration;

use pedidos_api_types::{
    commands::GenerateAnswer,
    imports::{DiscardAnswer, Import},
};
use reqwest::{
    Method, RequestBuilder, Response,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use serde::Serialize;

use super::{Client, LONG_TIMEOUT};
use crate::{
    args::{NewImport, StartOptions},
    failure::Result,
    list::Source,
};

/// A list takes as long as it takes. Whoever waits for it sees whether it moves.
pub(super) const NO_TIMEOUT: Duration = Duration::from_hours(365 * 24);

#[derive(Debug, Serialize)]
pub struct ImportsQuery<'a> {
    pub limit: u32,
    pub cursor: Option<&'a str>,
    pub state: Option<&'a str>,
}

impl Client {
    /// `POST /pedidos/imports`
    pub async fn create_import(&self, new: &NewImport, key: &str) -> Result<Import> {
        let request = self.request(Method::POST, "pedidos/imports").query(new);
        self.answer(request.header("Idempotency-Key", key).timeout(LONG_TIMEOUT)).await
    }

    /// `POST /pedidos/imports?dryRun=true`, as the API answers it.
    pub async fn dry_run_text(
        &self,
        new: &NewImport,
        list: &Source,
        body: reqwest::Body,
    ) -> Result<String> {
        let request = self.request(Method::POST, "pedidos/imports").query(new);
        self.text(with_list(request.query(&[("dryRun", "true")]), list, body)).await
    }

    /// `PUT /pedidos/imports/{importId}/orders`, as the API answers it.
    pub async fn upload_text(
        &self,
        import_id: &str,
        list: &Source,
        body: reqwest::Body,
    ) -> Result<String> {
        let request = self.request(Method::PUT, &format!("{}/orders", path(import_id)));
        self.text(with_list(request, list, body)).await
    }

    /// `GET /pedidos/imports`, as the API answers it.
    pub async fn imports_text(&self, query: &ImportsQuery<'_>) -> Result<String> {
        self.text(self.request(Method::GET, "pedidos/imports").query(query)).await
    }

    /// `GET /pedidos/imports/{importId}`
    pub async fn import(&self, import_id: &str) -> Result<Import> {
        self.read(&self.import_text(import_id).await?)
    }

    /// `GET /pedidos/imports/{importId}`, as the API answers it.
    pub async fn import_text(&self, import_id: &str) -> Result<String> {
        self.text(self.request(Method::GET, &path(import_id))).await
    }

    /// `GET /pedidos/imports/{importId}/rejects`: the head of the answer.
    pub async fn rejects(&self, import_id: &str, format: &str) -> Result<Response> {
        let request = self.request(Method::GET, &format!("{}/rejects", path(import_id)));
        self.begin(request.query(&[("format", format)]).timeout(NO_TIMEOUT)).await
    }

    /// The next piece of an answer that is read piece by piece.
    pub async fn piece(&self, answer: &mut Response) -> Result<Option<impl AsRef<[u8]> + use<>>> {
        answer.chunk().await.map_err(|error| self.failed(&error))
    }

    /// `POST /pedidos/imports/{importId}/start`
    pub async fn start_import(
        &self,
        import_id: &str,
        options: &StartOptions,
    ) -> Result<GenerateAnswer> {
        let request = self.request(Method::POST, &format!("{}/start", path(import_id)));
        self.answer(request.query(options)).await
    }

    /// `DELETE /pedidos/imports/{importId}`
    pub async fn discard_import(&self, import_id: &str) -> Result<DiscardAnswer> {
        let request = self.request(Method::DELETE, &path(import_id));
        self.answer(request.timeout(LONG_TIMEOUT)).await
    }
}

fn path(import_id: &str) -> String {
    format!("pedidos/imports/{import_id}")
}

fn with_list(request: RequestBuilder, list: &Source, body: reqwest::Body) -> RequestBuilder {
    let request = request.header(CONTENT_TYPE, list.content_type()).timeout(NO_TIMEOUT).body(body);
    if list.is_sent_as_gzip() { request.header(CONTENT_ENCODING, "gzip") } else { request }
}
