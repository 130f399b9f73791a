//! Sessions: sign in, show the caller, sign out.

use pedidos_api_types::{
    problem::Problem,
    session::{OperationPermission, RoleName, SessionAnswer, SignedOut, ViaName},
};
use pedidos_core::time::{iso, now_ms};
use poem::{Request, http::StatusCode, web::Data};
use poem_openapi::{ApiResponse, OpenApi, payload::Json};

use super::tag::Tag;
use crate::{
    access::{
        caller::{Caller, Via},
        cookie::{self, Session},
        guard,
        policy::{POLICY, Permission},
    },
    app::App,
    http::{failure::Failure, problem, request::is_secure},
};

pub struct SessionApi;

#[derive(Debug, ApiResponse)]
enum SessionResponse {
    /// The caller, and what they may do.
    #[oai(status = 200)]
    Known(
        Json<SessionAnswer>,
        /// The session's cookie, if it is new or renewed.
        #[oai(header = "Set-Cookie")]
        Option<String>,
    ),
    /// There are no credentials, or they are not a key: only a key can sign in.
    #[oai(status = 401, content_type = "application/problem+json")]
    NotAKey(
        Json<Problem>,
        /// The required authentication.
        #[oai(header = "WWW-Authenticate")]
        String,
    ),
}

#[derive(Debug, ApiResponse)]
enum SignOutResponse {
    /// The cookie is removed.
    #[oai(status = 200)]
    Done(
        Json<SignedOut>,
        /// The cookie, empty and expired.
        #[oai(header = "Set-Cookie")]
        String,
    ),
}

#[OpenApi]
impl SessionApi {
    /// Sign in
    ///
    /// For browsers. Takes a key in `Authorization` or `X-API-Key`, and no body; answers with a
    /// cookie (`HttpOnly`, `SameSite=Strict`, signed) that stands for the key for an hour.
    /// `GET /pedidos/session` renews it, for at most twelve hours; revoking the key ends it at once.
    /// A token of the identity provider cannot sign in: send it with each request. Where no
    /// credentials are required, there is no cookie.
    #[oai(path = "/pedidos/session", method = "post", operation_id = "signIn", tag = "Tag::Access")]
    async fn sign_in(
        &self,
        app: Data<&App>,
        caller: Data<&Caller>,
        request: &Request,
    ) -> Result<SessionResponse, Failure> {
        let now = now_ms();
        match (caller.via, &caller.key) {
            (Via::Anonymous, _) => Ok(SessionResponse::known(&caller, None, None)),
            (Via::Key, Some(_)) => {
                let session = Session::new(&caller.name, now);
                cookie_for(&app, &caller, session, request, now).await
            }
            _ => {
                let why =
                    "only a key can sign in: send it as Authorization: Bearer … or X-API-Key: …";
                let problem =
                    problem::new(StatusCode::UNAUTHORIZED, "Authentication required", why);
                Ok(SessionResponse::NotAKey(Json(problem), guard::CHALLENGE.to_owned()))
            }
        }
    }

    /// Show the caller
    ///
    /// And what they may do, operation by operation. Renews a session after half of its time. 401:
    /// sign in first.
    #[oai(
        path = "/pedidos/session",
        method = "get",
        operation_id = "getSession",
        tag = "Tag::Access"
    )]
    async fn who(
        &self,
        app: Data<&App>,
        caller: Data<&Caller>,
        request: &Request,
    ) -> Result<SessionResponse, Failure> {
        let now = now_ms();
        match caller.session.as_ref().and_then(|session| session.renewed(now)) {
            Some(renewed) => cookie_for(&app, &caller, renewed, request, now).await,
            None => Ok(SessionResponse::known(&caller, caller.session.as_ref(), None)),
        }
    }

    /// Sign out
    ///
    /// Removes the cookie. There is no list of sessions: to end a copy of the cookie before its time,
    /// revoke the key.
    #[oai(
        path = "/pedidos/session",
        method = "delete",
        operation_id = "signOut",
        tag = "Tag::Access"
    )]
    #[expect(clippy::unused_async, reason = "the form of a handler")]
    async fn sign_out(&self, request: &Request) -> SignOutResponse {
        let removal = cookie::removal(is_secure(request));
        SignOutResponse::Done(Json(SignedOut { signed_out: true }), removal)
    }
}

async fn cookie_for(
    app: &App,
    caller: &Caller,
    session: Session,
    request: &Request,
    now: i64,
) -> Result<SessionResponse, Failure> {
    let secret = app.access.authenticator.secret(&app.controller.store).await;
    let secret = secret.map_err(Failure::unavailable)?;
    let set =
        caller.key.as_ref().map(|key| session.set(secret, &key.hash, is_secure(request), now));
    Ok(SessionResponse::known(caller, Some(&session), set))
}

impl SessionResponse {
    fn known(caller: &Caller, session: Option<&Session>, set: Option<String>) -> Self {
        let has = |needed| caller.role.is_some_and(|role| role >= needed);
        let permission = |(operation, permission): &(&str, Permission)| {
            let role = permission.role()?;
            let operation = (*operation).to_owned();
            Some(OperationPermission { operation, role: role.into(), allowed: has(role) })
        };
        let answer = SessionAnswer {
            name: caller.name.clone(),
            // The guard refuses callers without a role.
            role: caller.role.map_or(RoleName::Viewer, RoleName::from),
            via: match caller.via {
                // Also when it signs in with a key.
                _ if session.is_some() => ViaName::Session,
                Via::Anonymous | Via::Unknown => ViaName::Anonymous,
                Via::Key => ViaName::Key,
                Via::Token => ViaName::Token,
                Via::Session => ViaName::Session,
            },
            expires_at: session.map(|session| iso(session.expires)),
            operations: POLICY.iter().filter_map(permission).collect(),
        };
        Self::Known(Json(answer), set)
    }
}
