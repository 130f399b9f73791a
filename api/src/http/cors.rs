//! Cross-origin requests: pages of CORS_ALLOWED_ORIGINS alone may read our answers. With an empty
//! list no answer has a header of CORS.

use std::sync::Arc;

use poem::{
    Request, Response,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};

/// Headers that such a page may send.
const HEADERS: &str = "authorization, content-encoding, content-type, idempotency-key, last-event-id, x-api-key, x-request-id";
/// Headers that it may read, beyond those that every page may.
const EXPOSED: &str =
    "location, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id";

/// The allowed origins.
#[derive(Debug, Clone)]
pub struct Cors(Arc<[String]>);

impl Cors {
    #[must_use]
    pub fn of(origins: &[String]) -> Self {
        Self(origins.into())
    }

    /// The origin of the request, if it is allowed.
    #[must_use]
    pub fn allows(&self, request: &Request) -> Option<HeaderValue> {
        let origin = request.headers().get(header::ORIGIN)?;
        self.0.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
    }

    /// The answer to a preflight request, if this is one.
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
        set(header::ACCESS_CONTROL_ALLOW_METHODS, "DELETE, GET, POST, PUT");
        set(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        set(header::ACCESS_CONTROL_MAX_AGE, "600");
        Some(response)
    }

    /// Sets the headers of an answer to a request from this origin.
    pub fn mark(&self, origin: Option<HeaderValue>, answer: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        // Caches must keep the answers apart by origin, also those without.
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let exposed = HeaderValue::from_static(EXPOSED);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
}
