//! The lines of the audit trail. A call that would change something and is refused leaves
//! one line. One that is allowed leaves a line before it begins, without which it does not
//! begin, and another before it is answered: the trail is only ever added to, and a call
//! whose API dies in the middle is in it.

use pedidos_common::{
    access::now_ms,
    store::{AuditLine, AuditParameter, DateTime, Outcome, Store, StoreError},
};
use poem::{Request, http::StatusCode};
use uuid::Uuid;

use super::who::Caller;
use crate::request_id;

/// No text of a request is kept longer than this.
const LONGEST: usize = 200;
/// Nor more of its parameters.
const MOST: usize = 20;

/// What the trail says of one call.
#[derive(Debug, Clone)]
pub struct Entry {
    line: AuditLine,
}

impl Entry {
    /// Of this call.
    #[must_use]
    pub fn of(request: &Request, operation: &str, caller: &Caller) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let parameters = form_urlencoded::parse(query.as_bytes()).take(MOST);
        let parameters = parameters
            .map(|(name, value)| AuditParameter { name: short(&name), value: short(&value) });
        let call = Uuid::new_v4().to_string();
        Self {
            line: AuditLine {
                id: String::new(),
                at: DateTime::from_millis(0),
                outcome: Outcome::Begun,
                status: None,
                name: caller.name.clone(),
                role: caller.role.map(|role| role.as_str().to_owned()),
                via: caller.via.as_str().to_owned(),
                address: address(request),
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

    /// It is allowed, and begins when this has answered.
    ///
    /// # Errors
    /// The line could not be written: it must not begin.
    pub async fn begins(&self, store: &Store) -> Result<(), StoreError> {
        self.add(store, Outcome::Begun, None, None).await
    }

    /// It has ended, with this answer.
    pub async fn ended(&self, store: &Store, status: StatusCode) {
        let outcome = if status.is_server_error() {
            Outcome::Failed
        } else if status.is_client_error() {
            Outcome::Refused
        } else {
            Outcome::Done
        };
        self.try_add(store, outcome, status, None).await;
    }

    /// It is refused, and has not begun.
    pub async fn refused(&self, store: &Store, status: StatusCode, why: &str) {
        self.try_add(store, Outcome::Refused, status, Some(why)).await;
    }

    /// What is over cannot be taken back for a line that cannot be written: the one of its
    /// beginning says that it was allowed, and the log that this one is missing.
    async fn try_add(
        &self,
        store: &Store,
        outcome: Outcome,
        status: StatusCode,
        why: Option<&str>,
    ) {
        if let Err(error) = self.add(store, outcome, Some(status), why).await {
            let AuditLine { call, name, operation, .. } = &self.line;
            let outcome = outcome.as_str();
            tracing::error!(%error, call, name, operation, outcome, "a line of the audit trail is lost");
        }
    }

    async fn add(
        &self,
        store: &Store,
        outcome: Outcome,
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

/// Where a request comes from: without the port, which says nothing.
#[must_use]
pub fn address(request: &Request) -> String {
    let address = request.remote_addr().as_socket_addr();
    address.map_or_else(|| "unknown".to_owned(), |address| address.ip().to_canonical().to_string())
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
