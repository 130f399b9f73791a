//! The answers of the operations about imports, and their errors.

use pedidos_api_types::{commands::GenerateAnswer, imports::Import, problem::Problem};
use pedidos_core::list::ListError;
use pedidos_pipeline::{
    commands::{CommandError, ImportError},
    store::StoreError,
};
use poem::{Body, http::StatusCode};
use poem_openapi::{
    ApiResponse,
    payload::{Binary, Json},
};

use super::responses::another_run;
use crate::http::{
    failure::Failure,
    list_body::{BodyError, Uploads},
    problem,
};

#[derive(Debug, ApiResponse)]
pub enum CreateResponse {
    /// Only read: nothing is kept.
    #[oai(status = 200)]
    Counted(Json<Import>),
    /// The import is stored.
    #[oai(status = 201)]
    Created(
        Json<Import>,
        /// The path of the import.
        #[oai(header = "Location")]
        String,
    ),
    /// Stored and started: the run takes place, whatever fails.
    #[oai(status = 202)]
    Started(
        Json<GenerateAnswer>,
        /// The path of the run.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(Debug, ApiResponse)]
pub enum StartResponse {
    /// The run takes place, whatever fails.
    #[oai(status = 202)]
    Accepted(
        Json<GenerateAnswer>,
        /// The path of the run.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
pub enum RejectsResponse {
    /// A JSON object a line.
    #[oai(status = 200, content_type = "application/x-ndjson")]
    Ndjson(
        Binary<Body>,
        /// The name of a file.
        #[oai(header = "Content-Disposition")]
        String,
    ),
    /// CSV with a header line.
    #[oai(status = 200, content_type = "text/csv")]
    Csv(
        Binary<Body>,
        /// The name of a file.
        #[oai(header = "Content-Disposition")]
        String,
    ),
}

/// The errors of the operations about imports.
#[derive(Debug, Clone, ApiResponse)]
pub enum ImportFailure {
    /// A parameter or the list is invalid. What was stored of the list before stays.
    #[oai(status = 400, content_type = "application/problem+json")]
    Invalid(Json<Problem>),
    /// No import has this id.
    #[oai(status = 404, content_type = "application/problem+json")]
    Missing(Json<Problem>),
    /// No byte of the list came for ten seconds. What was stored before stays.
    #[oai(status = 408, content_type = "application/problem+json")]
    Silent(Json<Problem>),
    /// Another list than before, another upload, another state; or another run is active, and
    /// `runId` says which.
    #[oai(status = 409, content_type = "application/problem+json")]
    Conflict(Json<Problem>),
    /// More than MAX_ORDERS orders. What was stored before stays.
    #[oai(status = 413, content_type = "application/problem+json")]
    TooMany(Json<Problem>),
    /// The body is no list that can be read.
    #[oai(status = 415, content_type = "application/problem+json")]
    NotAList(Json<Problem>),
    /// Too many rejects, or nothing to start.
    #[oai(status = 422, content_type = "application/problem+json")]
    Refused(Json<Problem>),
    /// More uploads than this process takes at once.
    #[oai(status = 429, content_type = "application/problem+json")]
    Busy(
        Json<Problem>,
        /// Seconds until the next try.
        #[oai(header = "Retry-After")]
        u64,
    ),
    /// An internal error; the API's log has its details under the id given.
    #[oai(status = 500, content_type = "application/problem+json")]
    Internal(Json<Problem>),
    /// A store does not answer. What was stored of a list before stays: send it again.
    #[oai(status = 503, content_type = "application/problem+json")]
    Unavailable(
        Json<Problem>,
        /// Seconds until the next try.
        #[oai(header = "Retry-After")]
        u64,
    ),
}

impl ImportFailure {
    #[must_use]
    pub fn invalid(name: &str, detail: &str) -> Self {
        Failure::invalid(name, detail).into()
    }

    #[must_use]
    pub fn no_list(what: &str) -> Self {
        let detail = format!(
            "{what} needs a list as body: send it with Content-Type: application/x-ndjson or \
             text/csv"
        );
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::NotAList(Json(problem::new(status, "Not a list", detail)))
    }

    #[must_use]
    pub fn busy() -> Self {
        let detail = format!(
            "this API reads {} lists at once: try again when one is done",
            Uploads::AT_ONCE
        );
        let problem = problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many uploads", detail);
        Self::Busy(Json(problem), problem::RETRY_AFTER)
    }
}

impl From<Failure> for ImportFailure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Invalid(problem) => Self::Invalid(problem),
            Failure::Internal(problem) => Self::Internal(problem),
            Failure::Unavailable(problem, after) => Self::Unavailable(problem, after),
        }
    }
}

impl From<StoreError> for ImportFailure {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl From<ListError> for ImportFailure {
    fn from(error: ListError) -> Self {
        let detail = error.to_string();
        let new = |status, title| Json(problem::new(status, title, detail));
        match error {
            ListError::NotAList(_) => {
                Self::NotAList(new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Not a list"))
            }
            ListError::Broken(_) => {
                Self::Invalid(new(StatusCode::BAD_REQUEST, "List cannot be read"))
            }
        }
    }
}

impl From<ImportError> for ImportFailure {
    fn from(error: ImportError) -> Self {
        let detail = error.to_string();
        let conflict = |title: &str| problem::new(StatusCode::CONFLICT, title, detail.as_str());
        match error {
            ImportError::Command(CommandError::Active { run_id }) => {
                Self::Conflict(Json(another_run(run_id)))
            }
            ImportError::Command(error) => Failure::from(error).into(),
            ImportError::NotFound => {
                let title = "Import not found";
                Self::Missing(Json(problem::new(StatusCode::NOT_FOUND, title, detail)))
            }
            ImportError::Changed(_) => Self::Conflict(Json(conflict("Another list"))),
            ImportError::Superseded => Self::Conflict(Json(conflict("Another upload goes on"))),
            ImportError::State(_) | ImportError::OtherLines { .. } => {
                Self::Conflict(Json(conflict("The import has changed")))
            }
            ImportError::TooMany(_) => {
                let title = "Too many orders";
                Self::TooMany(Json(problem::new(StatusCode::PAYLOAD_TOO_LARGE, title, detail)))
            }
            ImportError::Rejected(_) | ImportError::Empty | ImportError::TooManyRejects => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Self::Refused(Json(problem::new(status, "Import refused", detail)))
            }
        }
    }
}

impl From<BodyError> for ImportFailure {
    fn from(error: BodyError) -> Self {
        let detail = error.to_string();
        match error {
            BodyError::List(error) => error.into(),
            BodyError::Import(error) => error.into(),
            BodyError::Silent => {
                let status = StatusCode::REQUEST_TIMEOUT;
                Self::Silent(Json(problem::new(status, "Upload timeout", detail)))
            }
            BodyError::Broken(_) => {
                let status = StatusCode::BAD_REQUEST;
                Self::Invalid(Json(problem::new(status, "Body cannot be read", detail)))
            }
        }
    }
}
