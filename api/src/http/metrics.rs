//! Counts requests and their durations by operation of the OpenAPI document: no path and no id
//! gets into a label, whatever a request asks for.

use std::{collections::HashMap, sync::Arc, time::Instant};

use ::metrics::{Counter, Histogram, counter, histogram};
use pedidos_service::metrics as names;
use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result};
use serde_json::{Map, Value};

use super::operations::Operations;

/// What is not in the document: the pages, and unknown paths.
const OTHER: &str = "other";
/// The statuses of their answers.
const OTHER_STATUSES: [&str; 6] = ["200", "304", "403", "404", "405", "500"];

struct Operation {
    name: Arc<str>,
    seconds: Histogram,
}

#[derive(Clone)]
pub struct HttpMetrics {
    operations: Operations,
    by_name: Arc<HashMap<String, Operation>>,
    other: Arc<Operation>,
}

impl Operation {
    /// Registers every status of the document with 0.
    fn register<'a>(name: &'a str, statuses: impl Iterator<Item = &'a str>) -> Self {
        let seconds = histogram!(names::HTTP_SECONDS, "operation" => name.to_owned());
        let operation = Self { name: name.into(), seconds };
        for status in statuses {
            operation.answered(status).increment(0);
        }
        operation
    }

    fn answered(&self, status: &str) -> Counter {
        let (name, status) = (Arc::clone(&self.name), status.to_owned());
        counter!(names::HTTP_REQUESTS, "operation" => name, "status" => status)
    }
}

impl HttpMetrics {
    #[must_use]
    pub fn of(document: &Value, operations: Operations) -> Self {
        let empty = Map::new();
        let object = |value: &'_ Value| value.as_object().cloned().unwrap_or_default();
        let mut by_name = HashMap::new();
        for path in document["paths"].as_object().unwrap_or(&empty).values() {
            for operation in object(path).values() {
                let Some(name) = operation["operationId"].as_str() else { continue };
                let statuses = object(&operation["responses"]);
                let operation = Operation::register(name, statuses.keys().map(String::as_str));
                by_name.insert(name.to_owned(), operation);
            }
        }
        let other = Operation::register(OTHER, OTHER_STATUSES.into_iter());
        Self { operations, by_name: Arc::new(by_name), other: Arc::new(other) }
    }

    fn operation(&self, request: &Request) -> &Operation {
        let name = self.operations.id(request);
        name.and_then(|name| self.by_name.get(name)).unwrap_or(&self.other)
    }
}

impl<E: Endpoint> Middleware<E> for HttpMetrics {
    type Output = HttpMetricsEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        HttpMetricsEndpoint { metrics: self.clone(), inner }
    }
}

/// An endpoint behind [`HttpMetrics`].
pub struct HttpMetricsEndpoint<E> {
    metrics: HttpMetrics,
    inner: E,
}

impl<E: Endpoint> Endpoint for HttpMetricsEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let began = Instant::now();
        let operation = self.metrics.operation(&request);
        let answer = self.inner.call(request).await.map(IntoResponse::into_response);
        let status = answer.as_ref().map_or_else(poem::Error::status, Response::status);
        operation.seconds.record(began.elapsed().as_secs_f64());
        operation.answered(status.as_str()).increment(1);
        answer
    }
}
