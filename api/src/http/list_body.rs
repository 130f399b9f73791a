//! A list of orders in the body of a request: read as it arrives, however long it is.
//!
//! Nothing is read ahead of what is stored: a client that sends faster waits.

use std::{io, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt};
use pedidos_core::list::{Chain, ListError, ListFormat, ListReader, Record};
use pedidos_pipeline::commands::{DryRun, ImportError, Upload};
use poem::{
    Body,
    http::{HeaderMap, header},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// A client must send something within this time.
pub const SILENCE: Duration = Duration::from_secs(10);
/// After an early answer, this long is read what the client still sends: a client that has not
/// read the answer by then would see a broken connection instead.
const DRAIN: Duration = Duration::from_secs(5);

/// Why a list is not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(
        "no byte of the list came for {SILENCE:?}: what was stored before stays; send the whole list again"
    )]
    Silent,
    /// The connection broke, or the body is not framed as its head says.
    #[error("the body broke off: {0}; what was stored before stays, so send the whole list again")]
    Broken(String),
}

/// How a list is written, and whether it is gzip.
pub type List = (ListFormat, bool);

/// How the list in the body of a request is written; none: the request has none.
///
/// # Errors
/// It is written as no list is read.
pub fn format_of(headers: &HeaderMap) -> Result<Option<List>, ListError> {
    let text = |name: header::HeaderName| {
        headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let Some(kind) = text(header::CONTENT_TYPE) else { return Ok(None) };
    // Some clients always send an empty object.
    if kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json") {
        return Ok(None);
    }
    let format = ListFormat::from_content_type(&kind)?;
    let encoding = text(header::CONTENT_ENCODING).unwrap_or_default();
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Some((format, false))),
        "gzip" => Ok(Some((format, true))),
        _ => Err(ListError::NotAList(
            "The content encoding is not understood: send the list as gzip, or as it is".to_owned(),
        )),
    }
}

/// What takes the lines of a list.
pub trait Lines: Send {
    fn take(
        &mut self,
        record: Record,
        start: Chain,
    ) -> impl Future<Output = Result<(), ImportError>> + Send;

    /// When the lines taken so far must be stored; none: they need not be.
    fn due(&self) -> Option<Instant>;

    fn store(&mut self) -> impl Future<Output = Result<(), ImportError>> + Send;
}

impl Lines for Upload {
    async fn take(&mut self, record: Record, start: Chain) -> Result<(), ImportError> {
        Self::take(self, record, start).await
    }

    fn due(&self) -> Option<Instant> {
        Self::due(self)
    }

    async fn store(&mut self) -> Result<(), ImportError> {
        Self::store(self).await
    }
}

impl Lines for DryRun {
    async fn take(&mut self, record: Record, _: Chain) -> Result<(), ImportError> {
        Self::take(self, &record)
    }

    fn due(&self) -> Option<Instant> {
        None
    }

    async fn store(&mut self) -> Result<(), ImportError> {
        Ok(())
    }
}

/// How many uploads this process takes at once: each has a block in memory.
#[derive(Debug, Clone)]
pub struct Uploads(Arc<Semaphore>);

/// Held while a list is read.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

impl Uploads {
    pub const AT_ONCE: usize = 4;

    /// None: there are as many uploads as this process takes.
    #[must_use]
    pub fn turn(&self) -> Option<Turn> {
        Arc::clone(&self.0).try_acquire_owned().ok().map(Turn)
    }
}

impl Default for Uploads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(Self::AT_ONCE)))
    }
}

type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Reads a list to its end.
///
/// # Errors
/// The rest of the body is read for a while, so that the client can read the answer.
pub async fn read(body: Body, list: List, lines: &mut impl Lines) -> Result<(), BodyError> {
    let mut pieces: Pieces = Box::pin(body.into_bytes_stream());
    let (format, gzip) = list;
    let read = read_all(&mut pieces, ListReader::new(format, gzip), lines).await;
    if matches!(read, Err(BodyError::List(_) | BodyError::Import(_))) {
        drain_pieces(pieces);
    }
    read
}

/// A body that may be refused before it is read. If it is dropped, it is drained.
pub struct Unread(Option<Body>);

impl Unread {
    #[must_use]
    pub const fn new(body: Body) -> Self {
        Self(Some(body))
    }

    /// The body, for somebody who reads it.
    #[must_use]
    pub fn take(mut self) -> Body {
        self.0.take().unwrap_or_default()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(body) = self.0.take() {
            drain(body);
        }
    }
}

/// Reads a body that nobody wants, for a while: its client has an early answer.
pub fn drain(body: Body) {
    drain_pieces(Box::pin(body.into_bytes_stream()));
}

fn drain_pieces(mut pieces: Pieces) {
    tokio::spawn(async move {
        let until = Instant::now() + DRAIN;
        while let Ok(Some(Ok(_))) = timeout_at(until, pieces.next()).await {}
    });
}

async fn read_all(
    pieces: &mut Pieces,
    mut list: ListReader,
    lines: &mut impl Lines,
) -> Result<(), BodyError> {
    let mut start = None;
    loop {
        let piece = next(pieces, lines).await?;
        match &piece {
            Some(piece) => list.feed(piece),
            None => list.end(),
        }
        while let Some(record) = list.next()? {
            start = start.or_else(|| list.chain_start());
            if let Some(start) = start {
                lines.take(record, start).await?;
            }
        }
        if piece.is_none() {
            return Ok(());
        }
    }
}

/// The next piece; none: the body is over. While the client is silent, lines that are due are
/// stored.
async fn next(pieces: &mut Pieces, lines: &mut impl Lines) -> Result<Option<Bytes>, BodyError> {
    let silent = Instant::now() + SILENCE;
    loop {
        let until = lines.due().map_or(silent, |due| due.min(silent));
        match timeout_at(until, pieces.next()).await {
            Ok(Some(Ok(piece))) if piece.is_empty() => {}
            Ok(Some(Ok(piece))) => return Ok(Some(piece)),
            Ok(Some(Err(error))) => return Err(BodyError::Broken(error.to_string())),
            Ok(None) => return Ok(None),
            Err(_) if until < silent => lines.store().await?,
            Err(_) => return Err(BodyError::Silent),
        }
    }
}
