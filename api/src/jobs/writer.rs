//! Writes a page of jobs while it is read from the stores, in chunks, and no faster than the client
//! reads: a page of fifty thousand jobs takes no more memory than one of fifty.

use std::{future::Future, io};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use pedidos_api_types::jobs::{Available, Job, JobsAnswer, PageRange};
use poem::{Body, http::StatusCode};
use poem_openapi::{payload::Json, types::ToJSON};
use tokio::sync::mpsc;

use super::page::Page;
use crate::http::{
    failure::Failure,
    long_answer::{LongAnswer, Permit},
    problem,
};

/// The approximate size of a chunk.
const CHUNK_BYTES: usize = 64 * 1_024;
/// Chunks that are made before the client reads the first.
const CHUNKS_AHEAD: usize = 1;

type Chunk = Result<Bytes, Failure>;

pub struct JobWriter {
    sender: mpsc::Sender<Chunk>,
    chunk: Vec<u8>,
    count: u64,
}

impl JobWriter {
    fn begin(sender: mpsc::Sender<Chunk>, page: &Page) -> Self {
        let range = PageRange { start: page.start, end: page.end }.to_json_string();
        let types = page.states.to_json_string();
        let chunk = format!(r#"{{"types":{types},"range":{range},"jobs":["#).into_bytes();
        Self { sender, chunk, count: 0 }
    }

    /// # Errors
    /// The client has disconnected.
    pub async fn push(&mut self, job: Job) -> Result<(), Failure> {
        if self.count > 0 {
            self.chunk.push(b',');
        }
        self.count += 1;
        self.chunk.extend_from_slice(job.to_json_string().as_bytes());
        if self.chunk.len() < CHUNK_BYTES { Ok(()) } else { self.send().await }
    }

    async fn end(mut self, available: Available) -> Result<(), Failure> {
        let (available, total) = (available.to_json_string(), self.count);
        let end = format!(r#"],"available":{available},"total":{total}}}"#);
        self.chunk.extend_from_slice(end.as_bytes());
        self.send().await
    }

    async fn send(&mut self) -> Result<(), Failure> {
        let chunk =
            std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 16));
        self.sender.send(Ok(chunk.into())).await.map_err(|_| {
            let why = "the client has disconnected";
            let problem = problem::new(StatusCode::SERVICE_UNAVAILABLE, "Client disconnected", why);
            Failure::Unavailable(Json(problem), problem::RETRY_AFTER)
        })
    }
}

/// `list` writes the jobs, and returns how many there are. An error before the second chunk is
/// answered as an error; a later one ends the answer in the middle, so that it is not valid JSON.
///
/// # Errors
/// A store does not answer.
pub async fn answer<F, L>(
    page: Page,
    permit: Permit,
    list: L,
) -> Result<LongAnswer<JobsAnswer>, Failure>
where
    F: Future<Output = Result<(Available, JobWriter), Failure>> + Send + 'static,
    L: FnOnce(Page, JobWriter) -> F,
{
    let (sender, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
    let listed = list(page.clone(), JobWriter::begin(sender.clone(), &page));
    tokio::spawn(async move {
        let ended = match listed.await {
            Ok((available, jobs)) => jobs.end(available).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = ended {
            let _disconnected = sender.send(Err(failure)).await;
        }
    });
    let mut begun = Vec::new();
    while let Some(chunk) = chunks.recv().await {
        begun.push(chunk?);
        if begun.len() == 2 {
            return Ok(LongAnswer::under(permit, rest(begun, chunks)));
        }
    }
    // The whole answer fits into one chunk.
    let chunk = begun.pop().ok_or_else(|| {
        Failure::Internal(Json(problem::internal("the page of jobs has no chunk")))
    })?;
    Ok(LongAnswer::short(Body::from(chunk)))
}

fn rest(begun: Vec<Bytes>, chunks: mpsc::Receiver<Chunk>) -> Body {
    let more = stream::unfold(chunks, |mut chunks| async move {
        let chunk = chunks.recv().await?;
        let chunk = chunk
            .map_err(|_| io::Error::other("a store stopped answering in the middle of the page"));
        Some((chunk, chunks))
    });
    Body::from_bytes_stream(stream::iter(begun.into_iter().map(Ok)).chain(more))
}
