//! Handlers: sign in, sign out, who am I.

use pedidos_common::{access::now_ms, telemetry::iso};
use poem::{Request, http::StatusCode, http::uri::Scheme, web::Data};
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, payload::Json};

use crate::{
    App,
    access::{
        cookie::{self, Session as Cookie},
        guard,
        policy::{Need, POLICY},
        who::{Caller, Via},
    },
    error::{Failure, Problem},
    openapi::Tag,
};

/// Sign in, sign out, who am I.
pub struct Session;

/// Who calls, and what they may do.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct SessionAnswer {
    /// The name of the key, or the token's subject; `anonymous` where nobody is asked.
    pub name: String,
    /// What they may do.
    pub role: RoleName,
    /// How it is known who they are.
    pub via: ViaName,
    /// When the session is over, if it is one: until then, `GET /pedidos/session` renews it.
    pub expires_at: Option<String>,
    /// Every operation that takes a role, and whether they have it.
    pub operations: Vec<Permission>,
}

/// Whether an operation may be called.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Permission {
    /// Its `operationId`.
    pub operation: String,
    /// The role that it takes.
    pub role: RoleName,
    /// They have it.
    pub allowed: bool,
}

/// What a caller may do. Each may all that the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum RoleName {
    /// Look.
    Viewer,
    /// Start and steer runs.
    Operator,
    /// Destroy, and read the audit trail.
    Admin,
}

impl From<pedidos_common::access::Role> for RoleName {
    fn from(role: pedidos_common::access::Role) -> Self {
        use pedidos_common::access::Role;
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

/// How it is known who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum ViaName {
    /// It is not: nobody is asked here.
    Anonymous,
    /// By a key.
    Key,
    /// By a token of the identity provider.
    Token,
    /// By the cookie of a browser that signed in.
    Session,
}

/// Who calls.
#[derive(Debug, ApiResponse)]
enum WhoAnswer {
    /// Who calls, and what they may do.
    #[oai(status = 200)]
    Known(
        Json<SessionAnswer>,
        /// The session's cookie, if it is made or renewed.
        #[oai(header = "Set-Cookie")]
        Option<String>,
    ),
    /// Only a key can sign in, or nobody said who they are.
    #[oai(status = 401, content_type = "application/problem+json")]
    NotAKey(
        Json<Problem>,
        /// What is asked for.
        #[oai(header = "WWW-Authenticate")]
        String,
    ),
}

/// The browser is signed out.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct SignedOut {
    /// It has no session any more.
    signed_out: bool,
}

/// The browser is signed out.
#[derive(Debug, ApiResponse)]
enum SignOutAnswer {
    /// The cookie is taken away.
    #[oai(status = 200)]
    Done(
        Json<SignedOut>,
        /// The cookie, empty and over.
        #[oai(header = "Set-Cookie")]
        String,
    ),
}

#[OpenApi]
impl Session {
    /// Sign in
    ///
    /// For browsers. Takes a key in `Authorization` or `X-API-Key`, and no body; answers with
    /// a cookie (`HttpOnly`, `SameSite=Strict`, signed) that stands for the key for an hour.
    /// `GET /pedidos/session` renews it, for twelve hours at most; revoking the key ends it at
    /// once. A token of the identity provider cannot sign in: send it with each call. Where
    /// nobody is asked who they are, there is nothing to sign in to, and no cookie.
    #[oai(path = "/pedidos/session", method = "post", operation_id = "signIn", tag = "Tag::Access")]
    async fn sign_in(
        &self,
        app: Data<&App>,
        caller: Data<&Caller>,
        request: &Request,
    ) -> Result<WhoAnswer, Failure> {
        let now = now_ms();
        match (caller.via, &caller.key) {
            (Via::Anonymous, _) => Ok(WhoAnswer::known(&caller, None, None)),
            (Via::Key, Some(_)) => {
                let session = Cookie::new(&caller.name, now);
                cookie_for(&app, &caller, session, request, now).await
            }
            _ => {
                let why = "only a key can sign in: Authorization: Bearer …, or X-API-Key: …";
                let problem = Problem::new(StatusCode::UNAUTHORIZED, "Who are you?", why);
                Ok(WhoAnswer::NotAKey(Json(problem), guard::CHALLENGE.to_owned()))
            }
        }
    }

    /// Show who calls
    ///
    /// And what they may do, operation by operation. Renews a session once half of it is over.
    /// 401 says that somebody has to sign in first.
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
    ) -> Result<WhoAnswer, Failure> {
        let now = now_ms();
        match caller.session.as_ref().and_then(|session| session.renewed(now)) {
            Some(renewed) => cookie_for(&app, &caller, renewed, request, now).await,
            None => Ok(WhoAnswer::known(&caller, caller.session.as_ref(), None)),
        }
    }

    /// Sign out
    ///
    /// Takes the cookie away. No list of sessions is kept: what ends a copy of the cookie
    /// before its time is revoking the key.
    #[oai(
        path = "/pedidos/session",
        method = "delete",
        operation_id = "signOut",
        tag = "Tag::Access"
    )]
    #[expect(clippy::unused_async, reason = "the form of a handler")]
    async fn sign_out(&self, request: &Request) -> SignOutAnswer {
        let taken_away = cookie::taken_away(is_secure(request));
        SignOutAnswer::Done(Json(SignedOut { signed_out: true }), taken_away)
    }
}

async fn cookie_for(
    app: &App,
    caller: &Caller,
    session: Cookie,
    request: &Request,
    now: i64,
) -> Result<WhoAnswer, Failure> {
    let secret = app.access.door.secret(&app.controller.store).await;
    let secret = secret.map_err(Failure::unavailable)?;
    let set =
        caller.key.as_ref().map(|key| session.set(secret, &key.hash, is_secure(request), now));
    Ok(WhoAnswer::known(caller, Some(&session), set))
}

impl WhoAnswer {
    fn known(caller: &Caller, session: Option<&Cookie>, set: Option<String>) -> Self {
        let has = |needed| caller.role.is_some_and(|role| role >= needed);
        let permission = |(operation, need): &(&str, Need)| {
            let role = need.role()?;
            let operation = (*operation).to_owned();
            Some(Permission { operation, role: role.into(), allowed: has(role) })
        };
        let answer = SessionAnswer {
            name: caller.name.clone(),
            // The guard lets nobody through who has none.
            role: caller.role.map_or(RoleName::Viewer, RoleName::from),
            via: match caller.via {
                // Signing in, too: by the key for the last time.
                _ if session.is_some() => ViaName::Session,
                Via::Anonymous | Via::Nothing => ViaName::Anonymous,
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

/// Did it come over TLS, to us or to a proxy before us? Who lies only makes their own cookie
/// stricter, and gets their own page's picture by another scheme.
#[must_use]
pub fn is_secure(request: &Request) -> bool {
    *request.scheme() == Scheme::HTTPS || request.header("x-forwarded-proto") == Some("https")
}
