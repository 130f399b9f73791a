//! Counts requests and how long they took, by the operation that the OpenAPI document
//! names: no path and no id comes into a label, whatever is asked for.

use std::{collections::HashMap, sync::Arc, time::Instant};

use ::metrics::{Counter, Histogram, counter, histogram};
use pedidos_common::metrics as names;
use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result};
use serde_json::{Map, Value};

use crate::strict::Strict;

/// What is not in the document: the page, its files, and what there is not.
const OTHER: &str = "other";
/// What is answered to that.
const OTHER_STATUSES: [&str; 6] = ["200", "304", "403", "404", "405", "500"];

/// An operation, by its name.
struct Operation {
    name: Arc<str>,
    seconds: Histogram,
}

/// Every operation, by its name.
#[derive(Clone)]
pub struct Measured {
    operations: Strict,
    by_name: Arc<HashMap<String, Operation>>,
    other: Arc<Operation>,
}

impl Operation {
    /// Begins at 0, for every status that the document has.
    fn begin<'a>(name: &'a str, statuses: impl Iterator<Item = &'a str>) -> Self {
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

impl Measured {
    /// Reads our own OpenAPI document, as JSON. Which operation a request asks for, the
    /// table of operations says.
    #[must_use]
    pub fn of(spec: &Value, operations: Strict) -> Self {
        let empty = Map::new();
        let object = |value: &'_ Value| value.as_object().cloned().unwrap_or_default();
        let mut by_name = HashMap::new();
        for path in spec["paths"].as_object().unwrap_or(&empty).values() {
            for operation in object(path).values() {
                let Some(name) = operation["operationId"].as_str() else { continue };
                let statuses = object(&operation["responses"]);
                let begun = Operation::begin(name, statuses.keys().map(String::as_str));
                by_name.insert(name.to_owned(), begun);
            }
        }
        let other = Operation::begin(OTHER, OTHER_STATUSES.into_iter());
        Self { operations, by_name: Arc::new(by_name), other: Arc::new(other) }
    }

    fn operation(&self, request: &Request) -> &Operation {
        let name = self.operations.operation(request);
        name.and_then(|name| self.by_name.get(name)).unwrap_or(&self.other)
    }
}

impl<E: Endpoint> Middleware<E> for Measured {
    type Output = MeasuredEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        MeasuredEndpoint { measured: self.clone(), inner }
    }
}

/// An endpoint behind [`Measured`].
pub struct MeasuredEndpoint<E> {
    measured: Measured,
    inner: E,
}

impl<E: Endpoint> Endpoint for MeasuredEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let began = Instant::now();
        let operation = self.measured.operation(&request);
        let answer = self.inner.call(request).await.map(IntoResponse::into_response);
        let status = answer.as_ref().map_or_else(poem::Error::status, Response::status);
        operation.seconds.record(began.elapsed().as_secs_f64());
        operation.answered(status.as_str()).increment(1);
        answer
    }
}
