//! What the API answers: each type is in the OpenAPI document, is what the API writes, and is
//! what the command line reads. Doc comments are the document's descriptions.
//!
//! Fields may be added to the contract: a reader ignores those that it does not know, and the
//! added ones that an older API lacks have a default.
//!
//! - [`commands`]: generate, cancel, reset; and the commands of the queue.
//! - [`status`]: the current run, and what the queue holds. [`health`]: whether all is well.
//! - [`runs`]: the history. [`jobs`]: jobs and orders.
//! - [`imports`]: lists of a client's own orders.
//! - [`flow`]: limits, what holds a run back, and its processor.
//! - [`logs`], [`events`]: log lines, and the stream of events.
//! - [`session`], [`audit`]: who calls, and who changed what.
//! - [`problem`]: every error.

#![allow(missing_docs, reason = "a name that says it all gets no description")]

pub mod audit;
pub mod commands;
pub mod events;
pub mod flow;
pub mod health;
pub mod imports;
pub mod jobs;
pub mod logs;
pub mod problem;
pub mod runs;
pub mod session;
pub mod status;

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use poem_openapi::types::{ParseFromJSON, ToJSON};
    use serde::{Serialize, de::DeserializeOwned};
    use serde_json::Value;

    use super::{
        audit, commands, flow, health, imports, jobs, logs, problem, runs, session, status,
    };

    /// What serde reads and writes is what the OpenAPI document says.
    fn both<T: ParseFromJSON + ToJSON + DeserializeOwned + Serialize>(example: &Value) {
        let by_serde: T = serde_json::from_value(example.clone()).unwrap();
        let by_document = T::parse_from_json(Some(example.clone()));
        let by_document = by_document.unwrap_or_else(|error| panic!("{}", error.message()));
        let written = serde_json::to_value(&by_serde).unwrap();
        assert_eq!(Some(written), by_document.to_json());
    }

    #[test]
    fn serde_and_the_document_agree_on_every_example() {
        let examples: Value =
            serde_json::from_str(include_str!("../../src/examples.json")).unwrap();
        for (operation, answers) in examples.as_object().unwrap() {
            for (status, example) in answers.as_object().unwrap() {
                if operation == "parameters" || !example.is_object() {
                    continue;
                }
                match (operation.as_str(), status.as_str()) {
                    (_, status) if status.starts_with(['4', '5']) => {
                        both::<problem::Problem>(example);
                    }
                    ("generate", _) => both::<commands::GenerateAnswer>(example),
                    ("createImport", "202") | ("startImport", _) => {
                        both::<commands::GenerateAnswer>(example);
                    }
                    ("createImport" | "uploadOrders" | "getImport", _) => {
                        both::<imports::Import>(example);
                    }
                    ("listImports", _) => both::<imports::ImportsAnswer>(example),
                    ("discardImport", _) => both::<imports::DiscardAnswer>(example),
                    ("getLimits" | "setLimits", _) => both::<flow::Limits>(example),
                    ("failOrder", _) => both::<flow::FailAnswer>(example),
                    ("cancel", _) => both::<commands::CancelAnswer>(example),
                    ("reset", _) => both::<commands::ResetAnswer>(example),
                    ("pauseQueue", _) => both::<commands::PauseAnswer>(example),
                    ("resumeQueue", _) => both::<commands::ResumeAnswer>(example),
                    ("cleanQueue", _) => both::<commands::CleanAnswer>(example),
                    ("closeQueue", _) => both::<commands::CloseAnswer>(example),
                    ("retryFailed", _) => both::<commands::RetriedAnswer>(example),
                    ("getStatus", _) => both::<status::Status>(example),
                    ("getQueueStatus", _) => both::<status::QueueStatus>(example),
                    ("getQueueHealth", _) => both::<health::Health>(example),
                    ("listJobs", _) => both::<jobs::JobsAnswer>(example),
                    ("getOrder", _) => both::<jobs::OrderDetails>(example),
                    ("getLogs", _) => both::<logs::LogsAnswer>(example),
                    ("listRuns", _) => both::<runs::RunsAnswer>(example),
                    ("getRun" | "changeRun", _) => both::<runs::Run>(example),
                    ("deleteRun", _) => both::<runs::DeleteRunAnswer>(example),
                    ("getSession" | "signIn", _) => both::<session::SessionAnswer>(example),
                    ("signOut", _) => both::<session::SignedOut>(example),
                    ("listAudit", _) => both::<audit::AuditAnswer>(example),
                    unknown => panic!("no type for {unknown:?}"),
                }
            }
        }
    }

    #[test]
    fn an_answer_may_have_fields_that_its_reader_does_not_know() {
        let nothing = r#"{"aborted": false, "message": "", "addedOneDay": {"is": ["ignored"]}}"#;
        let nothing: commands::CancelAnswer = serde_json::from_str(nothing).unwrap();
        assert_eq!((nothing.aborted, nothing.leases_held), (false, 0));
    }
}
