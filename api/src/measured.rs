//! Counts requests and how long they took, by the operation that the OpenAPI document
//! names: no path and no id comes into a label, whatever is asked for.

use std::{collections::HashMap, sync::Arc, time::Instant};

use ::metrics::{Counter, Histogram, counter, histogram};
use pedidos_common::metrics as names;
use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result, http::Method};
use serde_json::{Map, Value};

use crate::strict::{fits, segments};

/// What is not in the document: the page, its files, and what there is not.
const OTHER: &str = "other";
/// What is answered to that.
const OTHER_STATUSES: [&str; 5] = ["200", "304", "404", "405", "500"];

/// An operation, by its name.
struct Operation {
    name: Arc<str>,
    seconds: Histogram,
}

/// The operations of a path, and the path in its segments.
type Path = (Vec<String>, HashMap<Method, Operation>);

/// Every operation, by path and method.
#[derive(Clone)]
pub struct Measured {
    paths: Arc<Vec<Path>>,
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
    /// Reads our own OpenAPI document, as JSON.
    #[must_use]
    pub fn of(spec: &Value) -> Self {
        let empty = Map::new();
        let object = |value: &'_ Value| value.as_object().cloned().unwrap_or_default();
        let mut paths = Vec::new();
        for (path, operations) in spec["paths"].as_object().unwrap_or(&empty) {
            let mut by_method = HashMap::new();
            for (method, operation) in object(operations) {
                let (Ok(method), Some(name)) =
                    (method.to_uppercase().parse::<Method>(), operation["operationId"].as_str())
                else {
                    continue;
                };
                let statuses = object(&operation["responses"]);
                let begun = Operation::begin(name, statuses.keys().map(String::as_str));
                by_method.insert(method, begun);
            }
            paths.push((segments(path), by_method));
        }
        let other = Operation::begin(OTHER, OTHER_STATUSES.into_iter());
        Self { paths: Arc::new(paths), other: Arc::new(other) }
    }

    fn operation(&self, request: &Request) -> &Operation {
        let path = segments(request.uri().path());
        // HEAD is GET without the body.
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let known = self.paths.iter().find(|(known, _)| fits(known, &path));
        known.and_then(|(_, operations)| operations.get(method)).unwrap_or(&self.other)
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
