//! Web pages from elsewhere: a browser lets them read our answers if we say so, and we
//! say so to the origins of CORS_ALLOWED_ORIGINS alone. With an empty list nothing of
//! this is in any answer.

use std::sync::Arc;

use poem::{
    Request, Response,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};

/// What such a page may send.
const HEADERS: &str =
    "authorization, content-type, idempotency-key, last-event-id, x-api-key, x-request-id";
/// What it may read, beyond what every page may.
const EXPOSED: &str =
    "location, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id";

/// The origins that there are.
#[derive(Debug, Clone)]
pub struct Cors(Arc<[String]>);

impl Cors {
    /// These alone.
    #[must_use]
    pub fn of(origins: &[String]) -> Self {
        Self(origins.into())
    }

    /// Where the request comes from, if that is allowed.
    #[must_use]
    pub fn allows(&self, request: &Request) -> Option<HeaderValue> {
        let origin = request.headers().get(header::ORIGIN)?;
        self.0.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
    }

    /// The answer to a browser that asks beforehand, if that is what this is.
    #[must_use]
    pub fn preflight(&self, request: &Request) -> Option<Response> {
        let asks = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks || self.allows(request).is_none() {
            return None;
        }
        let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
        let mut set = |name, value| {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        set(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
        set(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        set(header::ACCESS_CONTROL_MAX_AGE, "600");
        Some(response)
    }

    /// Says in an answer to a request from there who may read it.
    pub fn mark(&self, origin: Option<HeaderValue>, answer: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        // Whoever keeps answers must keep them apart by origin, also those without.
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let exposed = HeaderValue::from_static(EXPOSED);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
}
