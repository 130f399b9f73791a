//! A connection of a receiver, which can be made to break in the middle of an answer.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const GARBAGE: &[u8] = b"\x00\xff\x13PTTH/1.1 garbage\r\n\r\n\x00\x01\x02";

/// What happens to the bytes of the next answer.
#[derive(Debug, Clone, Copy, Default)]
enum Ending {
    #[default]
    None,
    /// So many are sent, and then the connection ends.
    After(usize),
    /// Others are sent, and then the connection ends.
    Garbage,
}

/// What a connection and those who answer by it share.
#[derive(Debug, Clone, Default)]
pub(super) struct Fate(Arc<Mutex<Ending>>);

impl Fate {
    /// The connection ends after so many more bytes.
    pub(super) fn cut_after(&self, bytes: usize) {
        *self.lock() = Ending::After(bytes);
    }

    /// The connection ends, with bytes that are no HTTP.
    pub(super) fn garble(&self) {
        *self.lock() = Ending::Garbage;
    }

    fn lock(&self) -> MutexGuard<'_, Ending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Wire<S> {
    stream: S,
    fate: Fate,
}

impl<S> Wire<S> {
    pub(super) const fn new(stream: S, fate: Fate) -> Self {
        Self { stream, fate }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let ending = *self.fate.lock();
        let (sent, left) = match ending {
            Ending::None => return Pin::new(&mut self.stream).poll_write(context, bytes),
            Ending::After(0) => {
                // TLS has what it was given, and may not have sent it yet.
                ready!(Pin::new(&mut self.stream).poll_flush(context))?;
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            Ending::After(left) => {
                let most = left.min(bytes.len());
                let sent = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[..most]))?;
                (sent, left - sent)
            }
            Ending::Garbage => {
                // An idle connection takes so few at once.
                ready!(Pin::new(&mut self.stream).poll_write(context, GARBAGE))?;
                (1, 0)
            }
        };
        *self.fate.lock() = Ending::After(left);
        Poll::Ready(Ok(sent))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
