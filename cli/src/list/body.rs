//! The body of a request, fed by a thread that reads the list: never more than a few pieces are in
//! memory, however long the list is.

use std::{
    io,
    pin::Pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::mpsc;

/// Pieces that may wait to be sent.
const WAITING: usize = 4;

/// How far a list is sent.
#[derive(Debug, Default)]
pub struct Sent {
    /// Bytes of the file.
    bytes: AtomicU64,
    /// Why the file cannot be read any further.
    failed: Mutex<Option<String>>,
}

impl Sent {
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// What went wrong on this side, if something did.
    pub fn failed(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn fail(&self, why: String) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }
}

#[derive(Debug)]
pub struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

impl Pieces {
    pub fn new() -> (mpsc::Sender<io::Result<Bytes>>, Self) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (sender, Self(receiver))
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|piece| Some(piece?.map(Frame::data)))
    }
}
