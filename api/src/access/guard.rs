//! What stands around the routes: every call of an operation passes here first.

use std::time::Duration;

use pedidos_common::{
    control::Controller,
    queue::limit::{Allowance, WINDOW},
    store::Store,
};
use poem::{
    Endpoint, Middleware, Request, Response, Result,
    http::{HeaderValue, StatusCode, header},
};

use super::{
    Access, cookie, origin,
    policy::{self, Need},
    trail::Entry,
    who::{Caller, Unknown, Via},
};
use crate::{
    error::{Failure, Problem, of_framework},
    session::is_secure,
    strict::Strict,
};

/// So long is waited for the allowances, which are in Redis. Without them a call goes on: a
/// Redis that is away is told by what the call itself does, and no verb is done without it.
const PATIENCE: Duration = Duration::from_millis(500);

/// What is asked for, in the words of RFC 6750.
pub const CHALLENGE: &str = "Bearer realm=\"pedidos\"";

/// Lets through who may, as often as they may.
pub struct Guard {
    /// Who may call.
    pub access: Access,
    /// Which operation a request asks for.
    pub operations: Strict,
    /// Where allowances and audit trail are.
    pub controller: Controller,
}

/// Why a call does not pass.
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
        let operation = guard.operations.operation(&request).map(str::to_owned);
        let need = operation.as_deref().map(policy::need);
        if need == Some(Need::Nothing) {
            return Ok(answered(self.inner.call(request).await));
        }
        let foreign = guard.foreign(&request);
        let (Some(operation), Some(need)) = (operation, need) else {
            // The page, the documents; and what there is not. None of it is anybody's data.
            return match foreign {
                Some(problem) => Ok(problem.response()),
                None => Ok(answered(self.inner.call(request).await)),
            };
        };
        let passed = match foreign {
            Some(problem) => Err(Refusal { problem, caller: Caller::unknown() }),
            None => guard.passes(&request, need).await,
        };
        let caller = passed.as_ref().unwrap_or_else(|refusal| &refusal.caller);
        let store = &guard.controller.store;
        let entry = need.changes().then(|| Entry::of(&request, &operation, caller));
        let allowance = guard.allowance(&request, need, &passed).await;
        if let Some((used_up, first)) = allowance.filter(|(allowance, _)| !allowance.taken) {
            return Ok(too_often(&used_up, need, entry.filter(|_| first), store).await);
        }
        let mut response = match passed {
            Err(refusal) => refused(&refusal, &request, entry, store).await,
            Ok(caller) => {
                if let Some(entry) = &entry
                    && let Err(error) = entry.begins(store).await
                {
                    return Ok(unwritten(&error.to_string()));
                }
                request.set_data(caller);
                let response = answered(self.inner.call(request).await);
                if let Some(entry) = entry {
                    entry.ended(store, response.status()).await;
                }
                response
            }
        };
        if let Some((allowance, _)) = allowance {
            tell(&mut response, &allowance, need);
        }
        Ok(response)
    }
}

impl Guard {
    fn foreign(&self, request: &Request) -> Option<Problem> {
        let settings = &self.access.settings;
        let why = origin::foreign(settings, request.method(), request.uri(), request.headers())?;
        Some(Problem::new(StatusCode::FORBIDDEN, "Not from here", why))
    }

    /// Who calls, if they may.
    async fn passes(&self, request: &Request, need: Need) -> Result<Caller, Refusal> {
        let unknown = |problem| Refusal { problem, caller: Caller::unknown() };
        let caller = self.access.door.caller(request.headers(), &self.controller.store).await;
        let caller = caller.map_err(|why| unknown(who_are_you(why)))?;
        match (need.role(), caller.role) {
            (Some(needed), None) => {
                let why = format!("the token gives no role, and this takes the role {needed}");
                let problem = Problem::new(StatusCode::FORBIDDEN, "Not allowed", why);
                Err(Refusal { problem, caller })
            }
            (Some(needed), Some(role)) if role < needed => {
                let (name, via) = (&caller.name, caller.via.as_str());
                let why = format!(
                    "{name} (by {via}) has the role {role}, and this takes the role {needed}"
                );
                let problem = Problem::new(StatusCode::FORBIDDEN, "Not allowed", why);
                Err(Refusal { problem, caller })
            }
            _ => Ok(caller),
        }
    }

    /// Takes this call out of the caller's allowance, and says whether it is the first in a
    /// while that is too many. Not limited is who need not say who they are on a machine
    /// that only they can reach.
    async fn allowance(
        &self,
        request: &Request,
        need: Need,
        passed: &Result<Caller, Refusal>,
    ) -> Option<(Allowance, bool)> {
        let settings = &self.access.settings;
        let (kind, calls) = if need.changes() {
            ("writes", settings.writes_per_minute)
        } else {
            ("reads", settings.reads_per_minute)
        };
        let caller = match passed {
            Ok(caller) if caller.via == Via::Anonymous && settings.is_loopback() => return None,
            Ok(caller) | Err(Refusal { caller, .. }) => caller,
        };
        if calls == 0 {
            return None;
        }
        let whose = caller.client(request);
        let asked = self.controller.queue.limit(kind, &whose, calls);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::warn!(%error, "not limited: the allowances are out of reach");
                None
            }
            Err(_) => None,
        }
    }
}

/// What asks for credentials.
fn who_are_you(why: Unknown) -> Problem {
    let problem = |detail: String| Problem::new(StatusCode::UNAUTHORIZED, "Who are you?", detail);
    match why {
        Unknown::Silent => problem(
            "a key or token is missing: Authorization: Bearer …, X-API-Key: …, or sign in"
                .to_owned(),
        ),
        Unknown::Wrong(what) => problem(what),
        Unknown::Unavailable(what) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Nobody can be let in now", what)
        }
    }
}

async fn refused(
    refusal: &Refusal,
    request: &Request,
    entry: Option<Entry>,
    store: &Store,
) -> Response {
    let mut response = refusal.problem.response();
    let status = response.status();
    if let Some(entry) = entry {
        entry.refused(store, status, &refusal.problem.detail).await;
    }
    if status == StatusCode::UNAUTHORIZED {
        let silent = cookie::of(request.headers()).is_none()
            && !request.headers().contains_key(header::AUTHORIZATION);
        let challenge =
            if silent { CHALLENGE } else { "Bearer realm=\"pedidos\", error=\"invalid_token\"" };
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        // A cookie that is of no use any more is taken away.
        if cookie::of(request.headers()).is_some()
            && let Ok(taken_away) = cookie::taken_away(is_secure(request)).parse()
        {
            headers.insert(header::SET_COOKIE, taken_away);
        }
    }
    response
}

async fn too_often(
    used_up: &Allowance,
    need: Need,
    entry: Option<Entry>,
    store: &Store,
) -> Response {
    let (calls, seconds) = (used_up.calls, whole_seconds(used_up.next_in));
    let kind = if need.changes() { "that change something" } else { "that only look" };
    let why = format!("{calls} calls {kind} may be made in a minute; the next in {seconds} s");
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many calls", why);
    // One line for all of them in a while: the trail must not be what can be filled.
    if let Some(entry) = entry {
        entry.refused(store, StatusCode::TOO_MANY_REQUESTS, &problem.detail).await;
    }
    let mut response = problem.response();
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    tell(&mut response, used_up, need);
    response
}

/// Says what is left.
fn tell(response: &mut Response, allowance: &Allowance, need: Need) {
    let name = if need.changes() { "writes" } else { "reads" };
    let Allowance { calls, left, whole_in, .. } = allowance;
    let policy = format!("\"{name}\";q={calls};w={}", WINDOW.as_secs());
    let rest = format!("\"{name}\";r={left};t={}", whole_seconds(*whole_in));
    for (header, value) in [("ratelimit-policy", policy), ("ratelimit", rest)] {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(header, value);
        }
    }
}

const fn whole_seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1_000) as u64
}

/// What would change something is not even begun when nobody could say later who did it.
fn unwritten(error: &str) -> Response {
    let why = format!("nothing was done, for it could not be written down who did it: {error}");
    let title = "The audit trail is out of reach";
    let mut response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, why).response();
    response.headers_mut().insert(header::RETRY_AFTER, Failure::RETRY_AFTER.into());
    response
}

fn answered(result: Result<Response>) -> Response {
    result.unwrap_or_else(of_framework)
}
