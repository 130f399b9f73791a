//! One connection: plain or TLS, with a client that may be as slow as [`Pace`] allows
//! and must read what it is sent.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep_until},
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};

use super::pace::{End, Pace};

/// A write may take so long until some of it is taken.
const WRITE: Duration = Duration::from_secs(20);

type Tcp = Pin<Box<TimeoutStream<TcpStream>>>;

/// What the bytes go through.
enum Wire {
    Plain(Tcp),
    /// The handshake is made by whoever reads first, not by whoever accepts: one that
    /// hangs holds nobody up.
    Greeting(Box<Accept<Tcp>>),
    Secure(Box<TlsStream<Tcp>>),
}

/// One connection.
pub struct Connection {
    wire: Wire,
    pace: Pace,
    deadline: Pin<Box<Sleep>>,
    /// An answer is being written, and the client does not take it.
    blocked: bool,
    /// What is still to be said before the end, once it is decided.
    farewell: Option<Vec<u8>>,
    /// One of those that there may be at once.
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        tls: Option<TlsAcceptor>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE));
        let stream = Box::pin(stream);
        let wire = match tls {
            Some(tls) => Wire::Greeting(Box::new(tls.accept(stream))),
            None => Wire::Plain(stream),
        };
        let now = Instant::now();
        let pace = Pace::begin(now);
        let deadline = Box::pin(sleep_until(pace.deadline().unwrap_or(now)));
        Self { wire, pace, deadline, blocked: false, farewell: None, _permit: permit }
    }

    /// From now on there is nothing but a last word, and the end.
    fn end(&mut self, end: End) {
        tracing::debug!(?end, "a connection is ended");
        // Not in the middle of an answer.
        let said = end.said().filter(|_| !self.blocked);
        self.farewell = Some(said.map(problem).unwrap_or_default());
    }

    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.farewell.as_mut().filter(|left| !left.is_empty()) {
            let Some(mut wire) = ready_wire(&mut self.wire, cx)? else {
                return Poll::Ready(Ok(()));
            };
            let written = ready!(wire.as_mut().poll_write(cx, left))?;
            left.drain(..written.max(1));
        }
        match ready_wire(&mut self.wire, cx)? {
            Some(wire) => wire.poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// The wire, once it is there; makes the handshake go on.
fn ready_wire<'a>(
    wire: &'a mut Wire,
    cx: &mut Context<'_>,
) -> io::Result<Option<Pin<&'a mut dyn Stream>>> {
    if let Wire::Greeting(handshake) = wire {
        match Pin::new(handshake.as_mut()).poll(cx)? {
            Poll::Ready(stream) => *wire = Wire::Secure(Box::new(stream)),
            Poll::Pending => return Ok(None),
        }
    }
    Ok(match wire {
        Wire::Plain(stream) => Some(Pin::new(stream)),
        Wire::Secure(stream) => Some(Pin::new(stream.as_mut())),
        Wire::Greeting(_) => None,
    })
}

/// What is said at the end, as an answer of the API would be.
fn problem((status, title, detail): (&str, &str, &str)) -> Vec<u8> {
    let code = &status[..3];
    let body = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{code},"detail":"{detail}"}}"#
    );
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n\
         x-content-type-options: nosniff\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.farewell.is_none() {
            let before = buffer.filled().len();
            let read = match ready_wire(&mut this.wire, cx)? {
                Some(wire) => wire.poll_read(cx, buffer)?,
                None => Poll::Pending,
            };
            if read.is_ready() {
                match this.pace.came(&buffer.filled()[before..], Instant::now()) {
                    Ok(()) => return Poll::Ready(Ok(())),
                    Err(end) => this.end(end),
                }
                buffer.set_filled(before);
            } else {
                let Some(deadline) = this.pace.deadline() else { return Poll::Pending };
                if this.deadline.deadline() != deadline {
                    this.deadline.as_mut().reset(deadline);
                }
                ready!(this.deadline.as_mut().poll(cx));
                let end = this.pace.late();
                this.end(end);
            }
        }
        // And then nothing comes any more.
        this.poll_farewell(cx)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.farewell.is_some() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let Some(wire) = ready_wire(&mut this.wire, cx)? else { return Poll::Pending };
        let written = wire.poll_write(cx, bytes);
        this.blocked = written.is_pending();
        if let Poll::Ready(Ok(written)) = &written {
            this.pace.sent(&bytes[..*written], Instant::now());
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready_wire(&mut self.wire, cx)? {
            Some(wire) => wire.poll_flush(cx),
            // Nothing was written yet. And whoever ends a connection flushes it first: one
            // whose handshake hangs would never end.
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match &mut this.wire {
            Wire::Plain(stream) => stream.as_mut().poll_shutdown(cx),
            Wire::Secure(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            // There is nobody to take leave of.
            Wire::Greeting(_) => Poll::Ready(Ok(())),
        }
    }
}
