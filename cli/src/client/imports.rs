//! The operations about imports.

use pedidos_api_types::{
    commands::GenerateAnswer,
    imports::{DiscardAnswer, Import},
};
use reqwest::{
    Method, RequestBuilder, Response,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use serde_json::Value;

use super::{Answer, Client, LONG_TIMEOUT, NO_TIMEOUT, Page};
use crate::{
    args::{ImportFilter, NewImport, StartOptions},
    failure::Result,
    list::Source,
};

impl Client {
    /// `POST /pedidos/imports`
    pub async fn create_import(&self, new: &NewImport, key: &str) -> Result<Answer<Import>> {
        let request = self.request(Method::POST, "pedidos/imports").query(new);
        self.answer(request.header("Idempotency-Key", key).timeout(LONG_TIMEOUT)).await
    }

    /// `POST /pedidos/imports?dryRun=true`
    pub async fn dry_run(
        &self,
        new: &NewImport,
        list: &Source,
        body: reqwest::Body,
    ) -> Result<Answer<Import>> {
        let request = self.request(Method::POST, "pedidos/imports").query(new);
        self.answer(with_list(request.query(&[("dryRun", "true")]), list, body)).await
    }

    /// `PUT /pedidos/imports/{importId}/orders`
    pub async fn upload(
        &self,
        import_id: &str,
        list: &Source,
        body: reqwest::Body,
    ) -> Result<Answer<Import>> {
        let request = self.request(Method::PUT, &format!("{}/orders", path(import_id)));
        self.answer(with_list(request, list, body)).await
    }

    /// `GET /pedidos/imports`
    pub async fn imports(&self, page: &Page, filter: &ImportFilter) -> Result<Answer<Value>> {
        self.answer(self.request(Method::GET, "pedidos/imports").query(page).query(filter)).await
    }

    /// `GET /pedidos/imports/{importId}`
    pub async fn import(&self, import_id: &str) -> Result<Answer<Import>> {
        self.answer(self.request(Method::GET, &path(import_id))).await
    }

    /// `GET /pedidos/imports/{importId}/rejects`: the head of the answer.
    pub async fn rejects(&self, import_id: &str, format: &str) -> Result<Response> {
        let request = self.request(Method::GET, &format!("{}/rejects", path(import_id)));
        self.begin(request.query(&[("format", format)]).timeout(NO_TIMEOUT)).await
    }

    /// `POST /pedidos/imports/{importId}/start`
    pub async fn start_import(
        &self,
        import_id: &str,
        options: &StartOptions,
    ) -> Result<Answer<GenerateAnswer>> {
        let request = self.request(Method::POST, &format!("{}/start", path(import_id)));
        self.answer(request.query(options)).await
    }

    /// `DELETE /pedidos/imports/{importId}`
    pub async fn discard_import(&self, import_id: &str) -> Result<Answer<DiscardAnswer>> {
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
