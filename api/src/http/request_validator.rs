//! Refuses a request that the OpenAPI document does not allow, before anything happens: what is
//! documented and what is accepted cannot drift apart. Refused are parameters that are unknown,
//! given twice, empty, of the wrong type, or out of range, all at once and by name
//! (`parameters`); likewise a body that is an object (`body`); and other bodies, but for lists: the
//! operations that take one read it themselves.

mod body;
mod parameters;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc, time::Duration};

use pedidos_api_types::problem::{Mistake, Problem};
use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response, Result,
    http::{StatusCode, header},
};
use serde_json::Value;

use self::parameters::{Parameters, shortened};
use super::{
    list_body,
    operations::{Operations, documented_method},
    problem,
};

/// Mistakes that are named; of more it is said how many.
const MISTAKES_NAMED: usize = 10;
/// Bytes that a body may have.
const BODY_LIMIT: usize = 1_024;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The parameters of an operation.
#[derive(Debug)]
struct Rules {
    query: Parameters,
    headers: Parameters,
    body: Takes,
}

/// The body that an operation takes.
#[derive(Debug, Clone)]
enum Takes {
    Nothing,
    List,
    Object(Arc<body::Properties>),
}

/// Cloning shares it.
#[derive(Debug, Clone)]
pub struct RequestValidator {
    operations: Operations,
    /// By `operationId`.
    rules: Arc<HashMap<String, Rules>>,
}

impl RequestValidator {
    #[must_use]
    pub fn of(document: &Value, operations: Operations) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let rules = paths.flat_map(|(_, path)| path.as_object().into_iter().flatten());
        let rules = rules.filter_map(|(_, operation)| {
            let rules = Rules {
                query: parameters::of(document, operation, "query"),
                headers: parameters::of(document, operation, "header"),
                body: match body::of(document, operation) {
                    Some(properties) => Takes::Object(Arc::new(properties)),
                    None if operation["requestBody"].is_object() => Takes::List,
                    None => Takes::Nothing,
                },
            };
            Some((operation["operationId"].as_str()?.to_owned(), rules))
        });
        Self { operations, rules: Arc::new(rules.collect()) }
    }

    /// Answers which body the operation takes.
    fn check(&self, request: &Request) -> std::result::Result<Takes, Box<Problem>> {
        let path = request.uri().path();
        let Some(methods) = self.operations.methods(path) else { return Ok(Takes::Nothing) };
        let method = documented_method(request);
        let Some(rules) = methods.get(method).and_then(|id| self.rules.get(id)) else {
            let (path, allowed) = (shortened(path), self.operations.allow(path));
            let detail = format!("{path} takes {allowed}, not {method}");
            let title = "Method not allowed";
            return Err(Box::new(problem::new(StatusCode::METHOD_NOT_ALLOWED, title, detail)));
        };
        let query = request.uri().query().unwrap_or_default();
        let mut mistakes = parameters::mistakes(&rules.query, query);
        mistakes.extend(parameters::mistakes_in_headers(&rules.headers, request.headers()));
        if mistakes.is_empty() {
            return Ok(rules.body.clone());
        }
        Err(invalid(mistakes))
    }
}

fn invalid(mut mistakes: Vec<Mistake>) -> Box<Problem> {
    let more = mistakes.len().saturating_sub(MISTAKES_NAMED);
    mistakes.truncate(MISTAKES_NAMED);
    let mut problem = problem::invalid(mistakes);
    if more > 0 {
        problem.detail = format!("{}; and {more} more mistakes", problem.detail);
    }
    Box::new(problem)
}

/// A request whose body is an object that the operation takes.
async fn with_object(
    request: Request,
    properties: &body::Properties,
) -> std::result::Result<Request, Box<Problem>> {
    let kind = request.content_type().unwrap_or_default().to_ascii_lowercase();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Box::new(problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Not JSON",
            "the body must be a JSON object: send Content-Type: application/json",
        )));
    }
    let (parts, body) = whole(request, "a body has at most 1 KiB here").await?;
    let mistakes = body::mistakes(properties, &body);
    if !mistakes.is_empty() {
        return Err(invalid(mistakes));
    }
    Ok(Request::from_parts(parts, poem::Body::from(body)))
}

/// Most operations take no body. An empty object counts as none: some clients always send one.
async fn without_body(request: Request) -> std::result::Result<Request, Box<Problem>> {
    let (parts, body) = whole(request, "this operation takes no body").await?;
    let body = body.trim_ascii();
    let object = body.strip_prefix(b"{").and_then(|body| body.strip_suffix(b"}"));
    if !object.unwrap_or(body).trim_ascii().is_empty() {
        let detail = format!("{} bytes were sent; this operation takes no body", body.len());
        return Err(invalid(vec![Mistake { name: "body".to_owned(), detail }]));
    }
    Ok(Request::from_parts(parts, poem::Body::empty()))
}

/// `longest`: what is said of a body that is too long.
async fn whole(
    request: Request,
    longest: &str,
) -> std::result::Result<(poem::RequestParts, Vec<u8>), Box<Problem>> {
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(BODY_TIMEOUT, body.into_bytes_limit(BODY_LIMIT)).await;
    let Ok(read) = read else {
        let detail = format!("the body of a request must arrive within {BODY_TIMEOUT:?}");
        return Err(Box::new(problem::new(StatusCode::REQUEST_TIMEOUT, "Request timeout", detail)));
    };
    match read {
        Ok(body) => Ok((parts, body.to_vec())),
        Err(poem::error::ReadBodyError::PayloadTooLarge) => {
            Err(Box::new(problem::new(StatusCode::PAYLOAD_TOO_LARGE, "Body too large", longest)))
        }
        Err(error) => Err(Box::new(problem::new(
            StatusCode::BAD_REQUEST,
            "Body cannot be read",
            error.to_string(),
        ))),
    }
}

impl<E: Endpoint> Middleware<E> for RequestValidator {
    type Output = ValidatedEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        ValidatedEndpoint { validator: self.clone(), inner }
    }
}

/// An endpoint behind [`RequestValidator`].
pub struct ValidatedEndpoint<E> {
    validator: RequestValidator,
    inner: E,
}

impl<E: Endpoint> Endpoint for ValidatedEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let takes = match self.validator.check(&request) {
            Ok(takes) => takes,
            Err(problem) => {
                // Its client may still send, and would not see the answer.
                list_body::drain(request.take_body());
                return Ok(self.refused(&request, &problem));
            }
        };
        let is_list = || !matches!(list_body::format_of(request.headers()), Ok(None));
        let checked = match &takes {
            Takes::List if is_list() => Ok(request),
            Takes::List => without_body(request).await.map_err(without_type),
            Takes::Object(properties) => with_object(request, properties).await,
            Takes::Nothing => without_body(request).await,
        };
        let request = match checked {
            Ok(request) => request,
            Err(problem) => return Ok(problem::response(&problem)),
        };
        Ok(self.inner.call(request).await?.into_response())
    }
}

/// What is wrong with a body of an operation that takes a list, if no list was announced.
fn without_type(problem: Box<Problem>) -> Box<Problem> {
    if problem.status == StatusCode::REQUEST_TIMEOUT.as_u16() {
        return problem;
    }
    Box::new(problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Not a list",
        "the body has no content type of a list: send Content-Type: application/x-ndjson or text/csv",
    ))
}

impl<E> ValidatedEndpoint<E> {
    fn refused(&self, request: &Request, problem: &Problem) -> Response {
        let mut response = problem::response(problem);
        if problem.status == StatusCode::METHOD_NOT_ALLOWED.as_u16()
            && let Ok(allow) = self.validator.operations.allow(request.uri().path()).parse()
        {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }
}
