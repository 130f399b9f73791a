//! The guard around the routes: every call of an operation passes it first. It asks where the
//! call comes from, who calls, whether their role allows it, and how often they called; and it
//! writes the audit trail.

use pedidos_api_types::problem::Problem;
use pedidos_pipeline::{commands::Controller, store::Store};
use pedidos_service::listener::ConnectionHandle;
use poem::{
    Endpoint, Middleware, Request, Response, Result,
    http::{HeaderValue, StatusCode, header},
};

use super::{
    Access,
    authenticator::AuthError,
    caller::{Caller, Via},
    cookie,
    credentials::Credentials,
    origin,
    policy::{self, Permission},
    rate_limit,
    trail::AuditEntry,
};
use crate::http::{
    failure::of_framework, list_body, operations::Operations, problem, request::is_secure,
};

/// The challenge of RFC 6750.
pub const CHALLENGE: &str = "Bearer realm=\"pedidos\"";

pub struct Guard {
    pub access: Access,
    pub operations: Operations,
    pub controller: Controller,
}

/// Why a call is refused, and whose call it is.
struct Refusal {
    problem: Problem,
    caller: Caller,
}

impl<E: Endpoint<Output = Response>> Middleware<E> for Guard {
    type Output = Guarded<E>;

    fn transform(&self, inner: E) -> Self::Output {
        let Self { access, operations, controller } = self;
        let guard = Self {
            access: access.clone(),
            operations: operations.clone(),
            controller: controller.clone(),
        };
        Guarded { guard, inner }
    }
}

/// An endpoint behind [`Guard`].
pub struct Guarded<E> {
    guard: Guard,
    inner: E,
}

impl<E: Endpoint<Output = Response>> Endpoint for Guarded<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let guard = &self.guard;
        if guard.is_alone() {
            guard.known(&request, &Caller::anonymous());
        }
        let operation = guard.operations.id(&request).map(str::to_owned);
        let permission = operation.as_deref().map(policy::permission);
        if permission == Some(Permission::Public) {
            return Ok(answered(self.inner.call(request).await));
        }
        let foreign = guard.foreign(&request);
        let (Some(operation), Some(permission)) = (operation, permission) else {
            // The page, the documents, and unknown paths: there is no data to protect.
            return match foreign {
                Some(problem) => Ok(problem::response(&problem)),
                None => Ok(answered(self.inner.call(request).await)),
            };
        };
        let credentials = Credentials::of(&request);
        let authorized = match foreign {
            Some(problem) => Err(Refusal { problem, caller: Caller::unknown() }),
            None => guard.authorize(&credentials, permission).await,
        };
        let caller = authorized.as_ref().unwrap_or_else(|refusal| &refusal.caller);
        let store = &guard.controller.store;
        let entry = permission.is_write().then(|| AuditEntry::of(&request, &operation, caller));
        let (settings, queue) = (&guard.access.settings, &guard.controller.queue);
        let limited = rate_limit::take(settings, queue, &request, permission, caller).await;
        if let Some((used_up, first)) = limited.filter(|(allowance, _)| !allowance.taken) {
            let entry = entry.filter(|_| first);
            list_body::drain(request.take_body());
            return Ok(rate_limit::refuse(&used_up, permission, entry, store).await);
        }
        let mut response = match authorized {
            Err(refusal) => {
                // Without a limit, unknown callers could fill the trail: then only the log has it.
                let counted = limited.is_some() || guard.is_alone();
                let entry = entry.filter(|_| counted || refusal.caller.via != Via::Unknown);
                // A client that still sends a list would not see the answer.
                list_body::drain(request.take_body());
                refused(&refusal, &request, &credentials, entry, store).await
            }
            Ok(caller) => {
                guard.known(&request, &caller);
                if let Some(entry) = &entry
                    && let Err(error) = entry.begins(store).await
                {
                    list_body::drain(request.take_body());
                    return Ok(trail_unavailable(&error.to_string()));
                }
                request.set_data(caller);
                request.set_data(credentials);
                let response = answered(self.inner.call(request).await);
                if let Some(entry) = entry {
                    entry.ended(store, response.status()).await;
                }
                response
            }
        };
        if let Some((allowance, _)) = limited {
            rate_limit::set_headers(&mut response, &allowance, permission);
        }
        Ok(response)
    }
}

impl Guard {
    fn foreign(&self, request: &Request) -> Option<Problem> {
        let settings = &self.access.settings;
        let why = origin::foreign(settings, request.method(), request.uri(), request.headers())?;
        Some(problem::new(StatusCode::FORBIDDEN, why.title, why.detail))
    }

    /// No credentials are asked for, and no other machine can connect.
    fn is_alone(&self) -> bool {
        let settings = &self.access.settings;
        !settings.wants_credentials() && settings.is_loopback()
    }

    /// The connection is this caller's: it may use the connections kept for known callers.
    fn known(&self, request: &Request, caller: &Caller) {
        if let Some(connection) = request.data::<ConnectionHandle>() {
            connection.identify(&caller.client(request), self.is_alone());
        }
    }

    /// The caller, if their role allows the operation.
    async fn authorize(
        &self,
        credentials: &Credentials,
        permission: Permission,
    ) -> Result<Caller, Refusal> {
        let unknown = |problem| Refusal { problem, caller: Caller::unknown() };
        let caller = self.access.authenticator.caller(credentials).await;
        let caller = caller.map_err(|why| unknown(unauthenticated(why)))?;
        match (permission.role(), caller.role) {
            (Some(needed), None) => {
                let why = format!("the token has no role; this operation requires {needed}");
                let problem = problem::new(StatusCode::FORBIDDEN, "Permission denied", why);
                Err(Refusal { problem, caller })
            }
            (Some(needed), Some(role)) if role < needed => {
                let (name, via) = (&caller.name, caller.via.as_str());
                let why = format!(
                    "{name} (by {via}) has the role {role}; this operation requires {needed}"
                );
                let problem = problem::new(StatusCode::FORBIDDEN, "Permission denied", why);
                Err(Refusal { problem, caller })
            }
            _ => Ok(caller),
        }
    }
}

fn unauthenticated(why: AuthError) -> Problem {
    let problem =
        |detail: String| problem::new(StatusCode::UNAUTHORIZED, "Authentication required", detail);
    match why {
        AuthError::Missing => problem(
            "no key or token: send Authorization: Bearer … or X-API-Key: …, or sign in".to_owned(),
        ),
        AuthError::Invalid(what) => problem(what),
        AuthError::Unavailable(what) => {
            problem::new(StatusCode::SERVICE_UNAVAILABLE, "Authentication unavailable", what)
        }
    }
}

async fn refused(
    refusal: &Refusal,
    request: &Request,
    credentials: &Credentials,
    entry: Option<AuditEntry>,
    store: &Store,
) -> Response {
    let mut response = problem::response(&refusal.problem);
    let status = response.status();
    if let Some(entry) = entry {
        entry.refused(store, status, &refusal.problem.detail).await;
    }
    if status == StatusCode::UNAUTHORIZED {
        let challenge = match credentials {
            Credentials::None => CHALLENGE,
            _ => "Bearer realm=\"pedidos\", error=\"invalid_token\"",
        };
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        // The cookie no longer works: take it away.
        if credentials.is_cookie()
            && let Ok(removal) = cookie::removal(is_secure(request)).parse()
        {
            headers.insert(header::SET_COOKIE, removal);
        }
    }
    response
}

/// Nothing is changed that the trail would not show.
fn trail_unavailable(error: &str) -> Response {
    let why = format!("nothing was changed, because the audit trail cannot be written: {error}");
    let title = "Audit trail unavailable";
    problem::response(&problem::new(StatusCode::SERVICE_UNAVAILABLE, title, why))
}

fn answered(result: Result<Response>) -> Response {
    result.unwrap_or_else(of_framework)
}
