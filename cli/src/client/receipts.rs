//! The operations that tell what became of orders.

use reqwest::{Method, Response};

use super::{Client, LONG_TIMEOUT, imports::NO_TIMEOUT};
use crate::{args::ExportOptions, failure::Result};

impl Client {
    /// `DELETE /pedidos/runs/{runId}`, as the API answers it.
    pub async fn delete_run_text(&self, run_id: &str) -> Result<String> {
        let request = self.request(Method::DELETE, &format!("pedidos/runs/{run_id}"));
        self.text(request.timeout(LONG_TIMEOUT)).await
    }

    /// `GET /pedidos/orders/{id}`, as the API answers it.
    pub async fn order_text(&self, id: &str) -> Result<String> {
        self.text(self.request(Method::GET, &format!("pedidos/orders/{id}"))).await
    }

    /// `GET /pedidos/runs/{runId}/orders`: the head of the answer.
    pub async fn export(
        &self,
        run_id: &str,
        options: &ExportOptions,
        after: Option<&str>,
    ) -> Result<Response> {
        let request = self.request(Method::GET, &format!("pedidos/runs/{run_id}/orders"));
        let after: Vec<_> = after.iter().map(|after| ("after", *after)).collect();
        self.begin(request.query(options).query(&after).timeout(NO_TIMEOUT)).await
    }
}
