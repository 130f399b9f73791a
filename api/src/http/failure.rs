//! Errors, always as `application/problem+json` (RFC 9457), from an unknown path to a panic. A
//! refused call changes nothing.
//!
//! - 400: the request is not what the OpenAPI document allows; every mistake is named.
//! - 404, 405: an unknown path, run or order; a method that the path does not take.
//! - 409: another run is active.
//! - 408: head or body do not arrive in time.
//! - 410: the operation has been removed.
//! - 413, 414, 431: body, address or head are too long.
//! - 422: the request is well formed, and contradicts an earlier one or what it names.
//! - 429: more calls or streams of events than one client may have.
//! - 500: an internal error; the log has its details, the body only its id.
//! - 503: a store does not answer; try again after `Retry-After` seconds.

use std::any::Any;

use pedidos_api_types::problem::{Mistake, Problem};
use pedidos_pipeline::commands::CommandError;
use poem::{
    Response,
    http::{HeaderValue, StatusCode, header},
    middleware::PanicHandler,
};
use poem_openapi::{ApiResponse, payload::Json};

use super::problem::{self, RETRY_AFTER};

/// The errors that every operation may answer.
#[derive(Debug, Clone, ApiResponse)]
pub enum Failure {
    /// A parameter is invalid; nothing was changed.
    #[oai(status = 400, content_type = "application/problem+json")]
    Invalid(Json<Problem>),
    /// An internal error; the API's log has its details under the id given.
    #[oai(status = 500, content_type = "application/problem+json")]
    Internal(Json<Problem>),
    /// A store does not answer.
    #[oai(status = 503, content_type = "application/problem+json")]
    Unavailable(
        Json<Problem>,
        /// Seconds until the next try.
        #[oai(header = "Retry-After")]
        u64,
    ),
}

impl Failure {
    #[must_use]
    pub fn invalid(name: &str, detail: impl Into<String>) -> Self {
        let mistake = Mistake { name: name.to_owned(), detail: detail.into() };
        Self::Invalid(Json(problem::invalid(vec![mistake])))
    }

    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let title = "Store unavailable";
        let problem = problem::new(StatusCode::SERVICE_UNAVAILABLE, title, detail);
        Self::Unavailable(Json(problem), RETRY_AFTER)
    }
}

impl<E: Into<CommandError>> From<E> for Failure {
    fn from(error: E) -> Self {
        use pedidos_pipeline::{queue::QueueError, store::StoreError};
        let error = error.into();
        let detail = error.to_string();
        match error {
            CommandError::Queue(QueueError::Answer(_))
            | CommandError::Store(StoreError::Corrupt(_) | StoreError::Rejected(_))
            | CommandError::Active { .. }
            | CommandError::KeyUsed { .. } => Self::Internal(Json(problem::internal(&detail))),
            CommandError::OutcomeUnknown { run_id, cause } => {
                let title = "Outcome unknown";
                let detail = match &run_id {
                    Some(run_id) => {
                        format!(
                            "the connection to MongoDB was lost while the command for run {run_id} was being accepted; it may or may not take effect: {cause}"
                        )
                    }
                    None => format!(
                        "the connection to MongoDB was lost while the command was being accepted; it may or may not take effect: {cause}"
                    ),
                };
                let mut problem = problem::new(StatusCode::SERVICE_UNAVAILABLE, title, detail);
                problem.run_id = run_id;
                Self::Unavailable(Json(problem), RETRY_AFTER)
            }
            CommandError::Queue(_) | CommandError::Store(_) | CommandError::StaleStore { .. } => {
                Self::unavailable(detail)
            }
        }
    }
}

/// Answers an error of the router or the framework.
#[must_use]
pub fn of_framework(error: poem::Error) -> Response {
    // A handler's own answer comes this way, too.
    if error.is_from_response() {
        return error.into_response();
    }
    let status = error.status();
    let problem = match status {
        StatusCode::NOT_FOUND => {
            problem::new(status, "Not found", "unknown path; /docs lists those there are")
        }
        // The validator has answered for the operations; pages can only be read.
        StatusCode::METHOD_NOT_ALLOWED => {
            problem::new(status, "Method not allowed", "this path takes GET")
        }
        status if status.is_client_error() => problem::new(
            status,
            status.canonical_reason().unwrap_or("Request refused"),
            error.to_string(),
        ),
        _ => problem::internal(&error.to_string()),
    };
    let mut response = problem::response(&problem);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

/// Answers a panic as an internal error.
#[derive(Debug, Clone, Copy)]
pub struct OnPanic;

impl PanicHandler for OnPanic {
    type Response = Response;

    fn get_response(&self, panic: Box<dyn Any + Send + 'static>) -> Response {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without a message");
        problem::response(&problem::internal(message))
    }
}
