//! The lines of the audit trail. A write that is refused leaves one line. One that is allowed
//! leaves a line before it begins, without which it does not begin, and another before it is
//! answered. Lines are only added, and a call whose API dies in the middle is in the trail.

use pedidos_core::time::now_ms;
use pedidos_pipeline::store::{
    AuditLine, AuditOutcome, AuditParameter, DateTime, Store, StoreError,
};
use poem::{Request, http::StatusCode};
use uuid::Uuid;

use super::caller::{Caller, Via};
use crate::http::{request, request_id};

/// Characters that are kept of a request's text.
const LONGEST: usize = 200;
/// Bytes that are kept of all its parameters with their names.
const PARAMETERS_LIMIT: usize = 2_000;

/// The lines of one call.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    line: AuditLine,
}

impl AuditEntry {
    #[must_use]
    pub fn of(request: &Request, operation: &str, caller: &Caller) -> Self {
        // None of an unknown caller: they may be anything.
        let query = request.uri().query().filter(|_| caller.via != Via::Unknown);
        let parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let parameters = parameters
            .map(|(name, value)| AuditParameter { name: short(&name), value: short(&value) })
            .scan(0, |length, it| {
                *length += it.name.len() + it.value.len();
                (*length <= PARAMETERS_LIMIT).then_some(it)
            });
        let call = Uuid::new_v4().to_string();
        Self {
            line: AuditLine {
                id: String::new(),
                at: DateTime::from_millis(0),
                outcome: AuditOutcome::Begun,
                status: None,
                name: caller.name.clone(),
                role: caller.role.map(|role| role.as_str().to_owned()),
                via: caller.via.as_str().to_owned(),
                address: request::address(request),
                operation: operation.to_owned(),
                method: request.method().to_string(),
                path: short(request.uri().path()),
                parameters: parameters.collect(),
                request_id: request_id::current().unwrap_or_else(|| call.clone()),
                call,
                detail: None,
            },
        }
    }

    /// The call is allowed, and begins once this line is written.
    ///
    /// # Errors
    /// The line cannot be written: the call must not begin.
    pub async fn begins(&self, store: &Store) -> Result<(), StoreError> {
        self.add(store, AuditOutcome::Begun, None, None).await
    }

    /// The call has ended with this status.
    pub async fn ended(&self, store: &Store, status: StatusCode) {
        let outcome = if status.is_server_error() {
            AuditOutcome::Failed
        } else if status.is_client_error() {
            AuditOutcome::Refused
        } else {
            AuditOutcome::Done
        };
        self.try_add(store, outcome, status, None).await;
    }

    /// The call is refused, and has not begun.
    pub async fn refused(&self, store: &Store, status: StatusCode, why: &str) {
        self.try_add(store, AuditOutcome::Refused, status, Some(why)).await;
    }

    /// A call that has ended cannot be undone because its line cannot be written. The line of its
    /// beginning says that it was allowed, and the log that this one is missing.
    async fn try_add(
        &self,
        store: &Store,
        outcome: AuditOutcome,
        status: StatusCode,
        why: Option<&str>,
    ) {
        if let Err(error) = self.add(store, outcome, Some(status), why).await {
            let AuditLine { call, name, operation, .. } = &self.line;
            let outcome = outcome.as_str();
            tracing::error!(%error, call, name, operation, outcome, "audit trail: line lost");
        }
    }

    async fn add(
        &self,
        store: &Store,
        outcome: AuditOutcome,
        status: Option<StatusCode>,
        why: Option<&str>,
    ) -> Result<(), StoreError> {
        let line = AuditLine {
            id: Uuid::now_v7().to_string(),
            at: DateTime::from_millis(now_ms()),
            outcome,
            status: status.map(|status| status.as_u16().into()),
            detail: why.map(short),
            ..self.line.clone()
        };
        store.add_audit_line(&line).await
    }
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
