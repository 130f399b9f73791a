//! The audit trail.

#![expect(clippy::too_many_arguments, reason = "an operation has the parameters of the contract")]

use pedidos_api_types::{
    audit::{AuditAnswer, OutcomeName},
    problem::Mistake,
};
use pedidos_core::time::instant;
use pedidos_pipeline::store::AuditFilter;
use poem::web::Data;
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{responses::Answer, tag::Tag};
use crate::{
    access::policy::POLICY,
    app::App,
    http::{failure::Failure, problem},
    views,
};

pub struct AuditApi;

#[OpenApi]
impl AuditApi {
    /// Show the audit trail
    ///
    /// Every call that would change something, allowed or refused: when, who, what, with which
    /// parameters, and its outcome. The newest first, in pages: send `nextCursor` as `cursor` to get
    /// the next page. An allowed call has a line from before it began and one from its end. Calls
    /// beyond a rate limit leave one line a minute; the parameters of unknown callers are not kept.
    /// Lines are only added, and a reset keeps them. The other parameters are filters; in a long
    /// trail, filter by time, too.
    #[oai(path = "/pedidos/audit", method = "get", operation_id = "listAudit", tag = "Tag::Access")]
    async fn audit(
        &self,
        app: Data<&App>,
        /// The most lines to list.
        #[oai(default = "fifty", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u32>,
        /// `nextCursor` of the previous page.
        #[oai(validator(max_length = 36, pattern = "^[0-9a-f-]{36}$"))]
        cursor: Query<Option<String>>,
        /// Only lines of this caller: the name of the key, or the token's subject.
        #[oai(validator(max_length = 128))]
        name: Query<Option<String>>,
        /// Only lines of this operation, by its `operationId`.
        #[oai(validator(max_length = 64))]
        operation: Query<Option<String>>,
        /// Only lines with this outcome.
        outcome: Query<Option<OutcomeName>>,
        /// Only lines from this time on: 2027-01-31T12:00:00Z, or a day.
        #[oai(validator(max_length = 35))]
        from: Query<Option<String>>,
        /// Only lines from before this time.
        #[oai(validator(max_length = 35))]
        to: Query<Option<String>>,
    ) -> Answer<Json<AuditAnswer>> {
        let mut mistakes = Vec::new();
        let mut mistake = |name: &str, detail: String| {
            mistakes.push(Mistake { name: name.to_owned(), detail });
        };
        if let Some(unknown) = operation.0.as_ref().filter(|asked| !is_audited(asked)) {
            let known: Vec<_> = audited().collect();
            mistake("operation", format!("'{unknown}' is not one of {}", known.join(", ")));
        }
        let mut at = |name, text: Option<String>| {
            let at = text.map(|text| instant(&text)).transpose();
            at.map_err(|why| mistake(name, why)).ok().flatten()
        };
        let (from, to) = (at("from", from.0), at("to", to.0));
        if !mistakes.is_empty() {
            return Err(Failure::Invalid(Json(problem::invalid(mistakes))));
        }
        let (name, operation, outcome) =
            (name.0, operation.0, outcome.0.map(views::audit::outcome));
        let asked = AuditFilter { name, operation, outcome, from, to };
        // One more than requested shows whether there is a next page.
        let store = &app.controller.store;
        let mut lines = store.audit_lines(limit.0 + 1, cursor.0.as_deref(), &asked).await?;
        let more = lines.len() > limit.0 as usize;
        lines.truncate(limit.0 as usize);
        let next_cursor = lines.last().filter(|_| more).map(|last| last.id.clone());
        let lines: Vec<_> = lines.into_iter().map(views::audit::line).collect();
        Ok(Json(AuditAnswer { limit: limit.0, count: lines.len() as u32, lines, next_cursor }))
    }
}

/// The operations that leave lines.
fn audited() -> impl Iterator<Item = &'static str> {
    POLICY.iter().filter(|(_, need)| need.is_write()).map(|(operation, _)| *operation)
}

fn is_audited(operation: &str) -> bool {
    audited().any(|known| known == operation)
}

const fn fifty() -> u32 {
    50
}
