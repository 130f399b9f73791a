//! The groups of the OpenAPI document.

use poem_openapi::Tags;

#[derive(Tags)]
pub enum Tag {
    /// Start, follow, cancel and reset runs.
    Runs,
    /// Lists of a client's own orders: upload, check, start, discard.
    Imports,
    /// Pause, resume, list, clean and retry.
    Queue,
    /// Log lines and the stream of events.
    Logs,
    /// For orchestrators and Prometheus.
    Operation,
    /// Sessions and the audit trail.
    Access,
}
