//! What goes wrong, and how it is said: `application/problem+json` (RFC 9457),
//! always, from an unknown path to a panic. A refused call changed nothing.
//!
//! - 400: the request is not what the spec allows; every mistake is named.
//! - 404, 405: no such path, or no such run; not with this method.
//! - 409: another run is active.
//! - 408: a head or a body that does not come.
//! - 410: this operation is no more.
//! - 413, 414, 431: a body, an address, a head that is too long.
//! - 429: more streams of events than one client may have.
//! - 500: a mistake of ours; the id is in the log, the details are not in the body.
//! - 503: a store is out of reach; try again after `Retry-After` seconds.

use std::any::Any;

use pedidos_common::control::VerbError;
use poem::{
    Response,
    http::{HeaderValue, StatusCode, header},
    middleware::PanicHandler,
};
use poem_openapi::{ApiResponse, Object, payload::Json};
use serde::Serialize;

use crate::request_id;

/// The content type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error, as RFC 9457 has it.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(skip_serializing_if_is_none)]
pub struct Problem {
    /// Names the kind of problem.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem, in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
    /// Every mistake, when there are several fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<Mistake>>,
    /// The run that is active, if that is the problem.
    #[oai(rename = "runId")]
    #[serde(rename = "runId", skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The request, as its lines in the log name it.
    #[oai(rename = "requestId")]
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, Object, Serialize)]
pub struct Mistake {
    /// The parameter.
    pub name: String,
    /// What came, and what is allowed.
    pub detail: String,
}

impl Problem {
    /// A problem of this status.
    #[must_use]
    pub fn new(status: StatusCode, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: None,
            run_id: None,
            request_id: request_id::current(),
        }
    }

    /// Parameters that are not what the spec allows.
    #[must_use]
    pub fn invalid(mistakes: Vec<Mistake>) -> Self {
        let said: Vec<_> = mistakes.iter().map(|m| format!("{}: {}", m.name, m.detail)).collect();
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "Invalid parameters", said.join("; "));
        problem.errors = Some(mistakes);
        problem
    }

    /// A mistake of ours: the log gets the details, the client their id.
    #[must_use]
    pub fn internal(details: &str) -> Self {
        let id = uuid::Uuid::new_v4();
        tracing::error!(%id, details, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal error",
            format!("something went wrong here; the log has it under {id}"),
        )
    }

    /// As a response.
    #[must_use]
    pub fn response(&self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(self).unwrap_or_default();
        let mut response = Response::builder().status(status).content_type(PROBLEM_JSON).body(body);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, Failure::RETRY_AFTER.into());
        }
        response
    }
}

/// What an operation answers when it does not do what it was asked.
#[derive(Debug, Clone, ApiResponse)]
pub enum Failure {
    /// A parameter is not what is allowed; nothing was changed.
    #[oai(status = 400, content_type = "application/problem+json")]
    Invalid(Json<Problem>),
    /// A mistake on the server's side; its log has the details under the id given.
    #[oai(status = 500, content_type = "application/problem+json")]
    Internal(Json<Problem>),
    /// A store is out of reach.
    #[oai(status = 503, content_type = "application/problem+json")]
    Unavailable(
        Json<Problem>,
        /// Seconds after which to try again.
        #[oai(header = "Retry-After")]
        u64,
    ),
}

impl Failure {
    /// Seconds after which it makes sense to try again.
    pub const RETRY_AFTER: u64 = 2;

    /// One parameter is not what is allowed.
    #[must_use]
    pub fn invalid(name: &str, detail: impl Into<String>) -> Self {
        let mistake = Mistake { name: name.to_owned(), detail: detail.into() };
        Self::Invalid(Json(Problem::invalid(vec![mistake])))
    }

    /// A store is out of reach.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let title = "A store is out of reach";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, detail);
        Self::Unavailable(Json(problem), Self::RETRY_AFTER)
    }
}

impl<E: Into<VerbError>> From<E> for Failure {
    fn from(error: E) -> Self {
        use pedidos_common::{queue::QueueError, store::StoreError};
        let error = error.into();
        let said = error.to_string();
        match error {
            VerbError::Queue(QueueError::Answer(_))
            | VerbError::Store(
                StoreError::Corrupt(_) | StoreError::Rejected(_) | StoreError::Settings(_),
            )
            | VerbError::Active { .. } => Self::Internal(Json(Problem::internal(&said))),
            VerbError::OutcomeUnknown { run_id, cause } => {
                let title = "Outcome unknown";
                let detail =
                    format!("MongoDB went away while run {run_id} was being accepted: {cause}");
                let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, detail);
                problem.run_id = Some(run_id);
                Self::Unavailable(Json(problem), Self::RETRY_AFTER)
            }
            VerbError::Queue(_) | VerbError::Store(_) | VerbError::StaleStore { .. } => {
                Self::unavailable(said)
            }
        }
    }
}

/// Every error that no handler answered: of the router, of the framework.
#[must_use]
pub fn of_framework(error: poem::Error) -> Response {
    // A handler's own answer comes this way too.
    if error.is_from_response() {
        return error.into_response();
    }
    let status = error.status();
    let problem = match status {
        StatusCode::NOT_FOUND => {
            Problem::new(status, "Not found", "there is no such path; /docs shows those there are")
        }
        // What the spec has, `strict` has seen to; the rest is only to be read.
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(status, "Method not allowed", "this path takes GET")
        }
        status if status.is_client_error() => {
            Problem::new(status, status.canonical_reason().unwrap_or("Refused"), error.to_string())
        }
        _ => Problem::internal(&error.to_string()),
    };
    let mut response = problem.response();
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

/// A panic is a mistake of ours too.
#[derive(Debug, Clone, Copy)]
pub struct OnPanic;

impl PanicHandler for OnPanic {
    type Response = Response;

    fn get_response(&self, panic: Box<dyn Any + Send + 'static>) -> Response {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without words");
        Problem::internal(said).response()
    }
}
