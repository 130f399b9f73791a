//! The operations that tell what became of orders.

use pedidos_api_types::{jobs::OrderDetails, runs::DeleteRunAnswer};
use reqwest::{Method, Response};

use super::{Answer, Client, LONG_TIMEOUT, NO_TIMEOUT};
use crate::{args::ExportOptions, failure::Result};

impl Client {
    /// `DELETE /pedidos/runs/{runId}`
    pub async fn delete_run(&self, run_id: &str) -> Result<Answer<DeleteRunAnswer>> {
        let request = self.request(Method::DELETE, &format!("pedidos/runs/{run_id}"));
        self.answer(request.timeout(LONG_TIMEOUT)).await
    }

    /// `GET /pedidos/orders/{id}`
    pub async fn order(&self, id: &str) -> Result<Answer<OrderDetails>> {
        self.answer(self.request(Method::GET, &format!("pedidos/orders/{id}"))).await
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
