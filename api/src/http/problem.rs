//! Error answers, as `application/problem+json` (RFC 9457).

use pedidos_api_types::problem::{Mistake, Problem};
use poem::{
    Response,
    http::{StatusCode, header},
};

use super::request_id;

/// The content type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Seconds until the next try.
pub const RETRY_AFTER: u64 = 2;

#[must_use]
pub fn new(status: StatusCode, title: &str, detail: impl Into<String>) -> Problem {
    Problem {
        kind: "about:blank".to_owned(),
        title: title.to_owned(),
        status: status.as_u16(),
        detail: detail.into(),
        errors: None,
        run_id: None,
        request_id: request_id::current(),
    }
}

#[must_use]
pub fn invalid(mistakes: Vec<Mistake>) -> Problem {
    let details: Vec<_> = mistakes.iter().map(|m| format!("{}: {}", m.name, m.detail)).collect();
    let mut problem = new(StatusCode::BAD_REQUEST, "Invalid parameters", details.join("; "));
    problem.errors = Some(mistakes);
    problem
}

/// The log gets the details, the client their id.
#[must_use]
pub fn internal(details: &str) -> Problem {
    let id = uuid::Uuid::new_v4();
    tracing::error!(%id, details, "internal error");
    new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Internal error",
        format!("unexpected error; the API's log has the details under {id}"),
    )
}

#[must_use]
pub fn response(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_string(problem).unwrap_or_default();
    let mut response = Response::builder().status(status).content_type(PROBLEM_JSON).body(body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER.into());
    }
    response
}
