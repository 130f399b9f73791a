//! What stands around the operations, and what is served beside them.
//!
//! - [`operations`]: the table of operations, read from the OpenAPI document.
//! - [`request_validator`]: refuses what the document does not allow.
//! - [`metrics`]: counts requests, and how long they take.
//! - [`response_headers`], [`request_id`], [`cors`]: what every answer carries.
//! - [`forwarded`]: what a proxy before the API changes; [`request`]: where a request comes from.
//! - [`problem`], [`failure`]: errors.
//! - [`long_answer`]: how many long answers are made at once.
//! - [`dashboard`], [`swagger_ui`], [`static_file`]: the pages.

pub mod cors;
pub mod dashboard;
pub mod failure;
pub mod forwarded;
pub mod list_body;
pub mod long_answer;
pub mod metrics;
pub mod operations;
pub mod problem;
pub mod request;
pub mod request_id;
pub mod request_validator;
pub mod response_headers;
pub mod static_file;
pub mod swagger_ui;
