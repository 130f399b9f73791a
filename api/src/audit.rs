//! Handlers: the audit trail.

use pedidos_common::{
    store::{AuditLine, Outcome},
    telemetry::iso,
};
use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, param::Query, payload::Json};

use crate::{App, answers::Answer, openapi::Tag};

/// The audit trail.
pub struct Audit;

/// A page of the audit trail.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct AuditAnswer {
    /// As asked.
    limit: u32,
    /// How many are on this page.
    count: u32,
    /// The lines, the newest first.
    lines: Vec<Line>,
    /// Give it as `cursor` to get the next page; null: this is the last.
    next_cursor: Option<String>,
}

/// One line of the audit trail.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct Line {
    /// Its id, ordered by time.
    id: String,
    /// When.
    at: String,
    /// The call: a call that was allowed has two lines, and both name it.
    call: String,
    /// What became of it.
    outcome: OutcomeName,
    /// The HTTP status of the answer; null while it is begun.
    status: Option<i32>,
    /// Who: the name of the key, or the token's subject.
    name: String,
    /// What they may do; null: it is not known who they are.
    role: Option<String>,
    /// How it is known: key, token, session, anonymous (nobody is asked), nothing.
    via: String,
    /// The address that the connection came from.
    address: String,
    /// What was asked for.
    operation: String,
    /// With which method.
    method: String,
    /// At which path.
    path: String,
    /// With which parameters.
    parameters: Vec<Parameter>,
    /// The `X-Request-Id` of its answer.
    request_id: String,
    /// Why it was refused.
    detail: Option<String>,
}

/// A parameter of a call.
#[derive(Debug, Object)]
struct Parameter {
    /// Its name.
    name: String,
    /// Its value.
    value: String,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
enum OutcomeName {
    /// It was allowed, and begins now. Without another line it is not known how it ended.
    Begun,
    /// It was done.
    Done,
    /// It was not done, and changed nothing.
    Refused,
    /// It was tried, and failed.
    Failed,
}

impl From<AuditLine> for Line {
    fn from(line: AuditLine) -> Self {
        let parameters = line.parameters.into_iter();
        Self {
            id: line.id,
            at: iso(line.at.timestamp_millis()),
            call: line.call,
            outcome: match line.outcome {
                Outcome::Begun => OutcomeName::Begun,
                Outcome::Done => OutcomeName::Done,
                Outcome::Refused => OutcomeName::Refused,
                Outcome::Failed => OutcomeName::Failed,
            },
            status: line.status,
            name: line.name,
            role: line.role,
            via: line.via,
            address: line.address,
            operation: line.operation,
            method: line.method,
            path: line.path,
            parameters: parameters
                .map(|parameter| Parameter { name: parameter.name, value: parameter.value })
                .collect(),
            request_id: line.request_id,
            detail: line.detail,
        }
    }
}

#[OpenApi]
impl Audit {
    /// Show the audit trail
    ///
    /// Every call that would change something, allowed or refused: when, who, what, with
    /// which parameters, and what became of it. The newest first, a page at a time: give
    /// `nextCursor` as `cursor` to get the next page. A call that was allowed has a line from
    /// before it began and one from when it ended. Calls above a rate limit leave one line a
    /// minute, not one each. Lines are only ever added, and a reset leaves them.
    #[oai(path = "/pedidos/audit", method = "get", operation_id = "listAudit", tag = "Tag::Access")]
    async fn audit(
        &self,
        app: Data<&App>,
        /// How many at most.
        #[oai(default = "fifty", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u32>,
        /// `nextCursor` of the page before.
        #[oai(validator(max_length = 36, pattern = "^[0-9a-f-]{36}$"))]
        cursor: Query<Option<String>>,
    ) -> Answer<Json<AuditAnswer>> {
        // One more than asked for tells whether there is a next page.
        let store = &app.controller.store;
        let mut lines = store.audit_lines(limit.0 + 1, cursor.0.as_deref()).await?;
        let more = lines.len() > limit.0 as usize;
        lines.truncate(limit.0 as usize);
        let next_cursor = lines.last().filter(|_| more).map(|last| last.id.clone());
        let lines: Vec<Line> = lines.into_iter().map(Line::from).collect();
        Ok(Json(AuditAnswer { limit: limit.0, count: lines.len() as u32, lines, next_cursor }))
    }
}

const fn fifty() -> u32 {
    50
}
