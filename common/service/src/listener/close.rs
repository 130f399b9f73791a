//! Why a connection is refused or closed, and what the client is answered then.

use super::budget::Full;

/// Status, title, detail.
pub type Problem = (&'static str, &'static str, &'static str);

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// No request for a while, which is no problem.
    Idle,
    Late,
    /// The head is too long, and all of it is the address.
    LongAddress,
    LongHead,
    Http2,
    /// Its address opened more than its share, and this was the oldest that waited.
    Evicted,
}

impl CloseReason {
    /// Status, title and detail of the last answer, if there is one.
    #[must_use]
    pub const fn problem(self) -> Option<Problem> {
        match self {
            Self::Idle => None,
            Self::Late => Some((
                "408 Request Timeout",
                "Request timeout",
                "the request's head did not arrive within 10 seconds; send it faster",
            )),
            Self::LongAddress => Some((
                "414 URI Too Long",
                "URI too long",
                "the URI is longer than 32 KiB, the limit of URI and headers together; shorten it",
            )),
            Self::LongHead => Some((
                "431 Request Header Fields Too Large",
                "Request head too large",
                "URI and headers together are longer than 32 KiB; shorten them",
            )),
            Self::Http2 => Some((
                "505 HTTP Version Not Supported",
                "HTTP version not supported",
                "this server speaks only HTTP/1.1",
            )),
            Self::Evicted => Some((
                "503 Service Unavailable",
                "Too many connections",
                "the request had not arrived when its address opened more connections than one \
                 address may have; try again in 2 seconds",
            )),
        }
    }
}

impl Full {
    /// Status, title and detail of the answer. A client that speaks TLS cannot be sent one.
    pub const fn problem(self) -> Problem {
        let detail = match self {
            Self::All => "MAX_CONNECTIONS are open; try again in 2 seconds",
            Self::Address => {
                "your address has a quarter of MAX_CONNECTIONS open, its share; try again in 2 \
                 seconds"
            }
        };
        ("503 Service Unavailable", "Too many connections", detail)
    }
}

/// The answer, as the API would write it.
pub fn answer((status, title, detail): Problem) -> Vec<u8> {
    let code = &status[..3];
    let body = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{code},"detail":"{detail}"}}"#
    );
    let retry = if code == "503" { "retry-after: 2\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{retry}content-type: application/problem+json\r\n\
         x-content-type-options: nosniff\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
