//! One connection, plain or TLS. The client may be as slow as [`RequestTracker`] allows, and
//! must read what it is sent.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};

use super::{
    budget::{ConnectionHandle, Slot},
    close::{CloseReason, answer},
    refused::replacement_of,
    tracker::RequestTracker,
};

/// How long a write may wait until the client takes some of it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes that are read at once: the HTTP library makes room for more if it gets all it has room
/// for.
const READ_SIZE: usize = 8 * 1_024;

type Tcp = Pin<Box<TimeoutStream<TcpStream>>>;

enum Wire {
    Plain(Tcp),
    /// The first read makes the handshake, not the accept: one that hangs delays no other
    /// connection.
    Handshake(Box<Accept<Tcp>>),
    Secure(Box<TlsStream<Tcp>>),
    /// The handshake failed, and must not be asked again.
    Failed,
}

pub struct Connection {
    wire: Wire,
    tracker: RequestTracker,
    deadline: Pin<Box<Sleep>>,
    /// An answer is being written, and the client does not read it.
    is_blocked: bool,
    /// The answer is a stream of events, which does not end by itself.
    is_stream: bool,
    /// The client has closed its side.
    client_left: bool,
    /// Set once the connection is to be closed: what is left to be written before that.
    closing: Option<Vec<u8>>,
    /// What is left to be written of the answer that replaces one of the library's.
    replacement: Vec<u8>,
    slot: Slot,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, tls: Option<TlsAcceptor>, slot: Slot) -> Self {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let stream = Box::pin(stream);
        let wire = match tls {
            Some(tls) => Wire::Handshake(Box::new(tls.accept(stream))),
            None => Wire::Plain(stream),
        };
        let now = Instant::now();
        let tracker = RequestTracker::new(now);
        let deadline = Box::pin(sleep_until(tracker.deadline().unwrap_or(now)));
        Self {
            wire,
            tracker,
            deadline,
            is_blocked: false,
            is_stream: false,
            client_left: false,
            closing: None,
            replacement: Vec::new(),
            slot,
        }
    }

    /// For the requests that come by it.
    pub(super) fn handle(&self) -> ConnectionHandle {
        self.slot.handle()
    }

    fn close(&mut self, reason: CloseReason) {
        tracing::debug!(?reason, "closing a connection");
        // Not in the middle of an answer.
        let problem = reason.problem().filter(|_| !self.is_blocked && !self.tracker.is_answering());
        self.closing = Some(problem.map(answer).unwrap_or_default());
    }

    fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.closing.as_mut().filter(|left| !left.is_empty()) {
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

/// The wire, once the handshake is done.
fn ready_wire<'a>(
    wire: &'a mut Wire,
    cx: &mut Context<'_>,
) -> io::Result<Option<Pin<&'a mut dyn Stream>>> {
    if let Wire::Handshake(handshake) = wire {
        match Pin::new(handshake.as_mut()).poll(cx) {
            Poll::Ready(Ok(stream)) => *wire = Wire::Secure(Box::new(stream)),
            Poll::Ready(Err(error)) => {
                *wire = Wire::Failed;
                return Err(error);
            }
            Poll::Pending => return Ok(None),
        }
    }
    match wire {
        Wire::Plain(stream) => Ok(Some(Pin::new(stream))),
        Wire::Secure(stream) => Ok(Some(Pin::new(stream.as_mut()))),
        Wire::Handshake(_) => Ok(None),
        Wire::Failed => Err(io::ErrorKind::NotConnected.into()),
    }
}

/// Does an answer begin here, and is it a stream of events: one without an end of its own?
fn begins_stream(bytes: &[u8]) -> Option<bool> {
    let answer = bytes.strip_prefix(b"HTTP/1.")?.get(1..)?;
    let mut head = answer.split(|byte| *byte == b'\n').take_while(|line| *line != b"\r");
    let has_body = head.next()?.starts_with(b" 200 ");
    Some(has_body && head.any(|line| line.starts_with(b"content-type: text/event-stream")))
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.closing.is_none() {
            let mut room = [0; READ_SIZE];
            let mut bytes = ReadBuf::new(&mut room[..buffer.remaining().min(READ_SIZE)]);
            let read = match ready_wire(&mut this.wire, cx)? {
                Some(wire) => wire.poll_read(cx, &mut bytes)?,
                None => Poll::Pending,
            };
            if read.is_ready() {
                this.client_left |= bytes.filled().is_empty() && buffer.remaining() > 0;
                if this.client_left && this.is_stream {
                    // The library would wait for the stream's end before it lets go.
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
                let is_answered =
                    this.is_blocked || this.tracker.is_complete() && this.slot.is_in_answer();
                if this.client_left && is_answered && !this.slot.is_evicted(cx.waker()) {
                    // The library would drop what is not sent yet. It is woken to read again when
                    // more is sent, and when the answer ends.
                    return Poll::Pending;
                }
                if this
                    .tracker
                    .received(bytes.filled(), Instant::now())
                    .map_err(|reason| this.close(reason))
                    .is_ok()
                {
                    buffer.put_slice(bytes.filled());
                    return Poll::Ready(Ok(()));
                }
            } else if this.slot.is_evicted(cx.waker())
                && this.tracker.is_waiting()
                && !this.is_blocked
            {
                let reason = this.tracker.evicted();
                this.close(reason);
            } else {
                let Some(deadline) = this.tracker.deadline() else { return Poll::Pending };
                if this.deadline.deadline() != deadline {
                    this.deadline.as_mut().reset(deadline);
                }
                ready!(this.deadline.as_mut().poll(cx));
                let reason = this.tracker.late();
                this.close(reason);
            }
        }
        // Nothing is read any more.
        this.poll_closing(cx)
    }
}

impl Connection {
    /// Writes the replacement. Only then is the library told that its own `bytes` were written:
    /// it asks for the same write again until then.
    fn poll_replacement(&mut self, cx: &mut Context<'_>, bytes: usize) -> Poll<io::Result<usize>> {
        while !self.replacement.is_empty() {
            let Some(wire) = ready_wire(&mut self.wire, cx)? else { return Poll::Pending };
            let written = ready!(wire.poll_write(cx, &self.replacement))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.replacement.drain(..written);
        }
        Poll::Ready(Ok(bytes))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.closing.is_some() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let begin = parts.iter().find(|part| !part.is_empty()).map_or(&[][..], |part| part);
        if let Some(is_stream) = begins_stream(begin) {
            this.is_stream = is_stream;
        }
        if this.client_left && this.is_stream {
            // A client that has closed its side may still read an answer, but a stream has no end.
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if this.replacement.is_empty() {
            this.replacement = replacement_of(begin).unwrap_or_default();
        }
        let written = if this.replacement.is_empty() {
            let Some(wire) = ready_wire(&mut this.wire, cx)? else { return Poll::Pending };
            wire.poll_write_vectored(cx, parts)
        } else {
            this.poll_replacement(cx, begin.len())
        };
        this.is_blocked = written.is_pending();
        if this.client_left && !this.is_blocked {
            cx.waker().wake_by_ref();
        }
        if let Poll::Ready(Ok(1..)) = &written {
            this.tracker.sent(begin, Instant::now());
        }
        written
    }

    /// So that what is sent is not copied first.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready_wire(&mut self.wire, cx)? {
            Some(wire) => wire.poll_flush(cx),
            // Nothing was written yet. And a close flushes first: one whose handshake hangs would
            // never end.
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match &mut this.wire {
            Wire::Plain(stream) => stream.as_mut().poll_shutdown(cx),
            Wire::Secure(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            // There is no session to close.
            Wire::Handshake(_) | Wire::Failed => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::begins_stream;

    #[test]
    fn a_stream_is_known_by_the_head_of_its_answer() {
        let stream = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n5\r\ndata:\r\n";
        assert_eq!(begins_stream(stream), Some(true));
        // A long answer that is written as it is read has an end.
        let long = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(begins_stream(long), Some(false));
        assert_eq!(begins_stream(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"), Some(false));
        assert_eq!(begins_stream(b"HTTP/1.1 304 Not Modified\r\n\r\n"), Some(false));
        assert_eq!(begins_stream(b"5\r\ndata:\r\n"), None);
    }
}
