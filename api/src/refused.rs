//! Requests that the HTTP library refuses by itself, with nothing but a status: they get
//! a problem like all others.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pedidos_common::listener::{self, Listener};
use poem::{
    http::{StatusCode, uri::Scheme},
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::error::{PROBLEM_JSON, Problem};

/// Accepts connections on which the library's refusals are said in our words.
pub struct Refused(pub Listener);

impl Acceptor for Refused {
    type Io = Connection;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (inner, local, remote, scheme) = self.0.accept().await?;
        Ok((Connection { inner, instead: Vec::new() }, local, remote, scheme))
    }
}

/// One connection.
pub struct Connection {
    inner: listener::Connection,
    /// What is written in the place of the library's refusal, as far as it is
    /// still to be written.
    instead: Vec<u8>,
}

/// What to say instead of a refusal of the library's: it is the only one here to
/// answer these without a body.
fn instead_of(response: &[u8]) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(response).ok()?;
    if !head.contains("content-length: 0\r\n") {
        return None;
    }
    let (status, title, detail) = [
        (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request head too large",
            "a request may have 100 headers",
        ),
        (StatusCode::BAD_REQUEST, "Not HTTP", "the request is not what HTTP/1.1 allows"),
    ]
    .into_iter()
    .find(|(status, ..)| head.starts_with(&format!("HTTP/1.1 {} ", status.as_u16())))?;
    let body = serde_json::to_string(&Problem::new(status, title, detail)).ok()?;
    let length = body.len();
    Some(
        format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {PROBLEM_JSON}\r\n\
             x-content-type-options: nosniff\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes(),
    )
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        response: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.instead.is_empty() {
            match instead_of(response) {
                Some(instead) => this.instead = instead,
                None => return Pin::new(&mut this.inner).poll_write(cx, response),
            }
        }
        // The same write is asked for again until it is done.
        while !this.instead.is_empty() {
            let written = ready!(Pin::new(&mut this.inner).poll_write(cx, &this.instead))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            this.instead.drain(..written);
        }
        Poll::Ready(Ok(response.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::instead_of;

    #[test]
    fn only_what_the_library_refuses_by_itself_is_said_in_other_words() {
        let refused = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let said = String::from_utf8(instead_of(refused).unwrap()).unwrap();
        assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
        assert!(said.contains("application/problem+json"), "{said}");
        let ours = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 12\r\n\r\n{\"status\":1}";
        assert!(instead_of(ours).is_none());
        assert!(instead_of(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_none());
    }
}
