//! The last log lines of all processes, in one capped stream in Redis.

use futures_util::future::BoxFuture;
use std::collections::HashMap;

use fred::interfaces::StreamsInterface;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use crate::queue::{Queue, QueueError};

/// Lines that the stream keeps, about.
pub const KEPT: i64 = 10_000;
/// Lines that are read or written at once.
const PAGE: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    /// Time, level, process and message.
    pub text: String,
}

#[derive(Debug, Clone, Default)]
pub struct Tail {
    /// Oldest first.
    pub lines: Vec<Line>,
    /// Where to continue reading: the id of the last line, or the place before the first.
    pub cursor: String,
}

/// Sends this process' lines to Redis until shutdown, and then the lines that are left. While
/// Redis cannot be reached, lines are dropped, and `dropped` gets their number.
pub fn ship(
    mut lines: mpsc::Receiver<Line>,
    queue: Queue,
    shutdown: CancellationToken,
    dropped: fn(u64),
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let mut batch = Vec::new();
        loop {
            let received = tokio::select! {
                received = lines.recv_many(&mut batch, PAGE) => received,
                () = shutdown.cancelled() => {
                    lines.close();
                    lines.recv_many(&mut batch, PAGE).await
                }
            };
            if received == 0 {
                return;
            }
            if send(&queue, &batch).await.is_err() {
                // A log line about it could not be sent either.
                dropped(batch.len() as u64);
            }
            batch.clear();
        }
    })
}

async fn send(queue: &Queue, lines: &[Line]) -> Result<(), QueueError> {
    let (key, cap) = (&queue.keys().logs(), ("MAXLEN", "~", KEPT));
    queue
        .ask(|client| async move {
            let pipeline = client.pipeline();
            for Line { level, text } in lines {
                let fields = vec![("level", level.as_str()), ("text", text.as_str())];
                pipeline.xadd::<(), _, _, _, _>(key, false, cap, "*", fields).await?;
            }
            pipeline.last().await
        })
        .await
}

pub fn clear(queue: &Queue) -> BoxFuture<'_, Result<(), QueueError>> {
    Box::pin(async move {
        use fred::interfaces::KeysInterface;
        queue.ask(|client| async move { client.del(queue.keys().logs()).await }).await
    })
}

/// The last `most` lines, of one level or of all; after a cursor, if given.
pub fn tail<'a>(
    queue: &'a Queue,
    most: usize,
    level: Option<Level>,
    after: Option<&'a str>,
) -> BoxFuture<'a, Result<Tail, QueueError>> {
    Box::pin(async move {
        type Entry = (String, HashMap<String, String>);
        let start = after.map_or_else(|| "-".to_owned(), |cursor| format!("({cursor}"));
        let mut end = "+".to_owned();
        let mut tail = Tail { cursor: after.unwrap_or("0-0").to_owned(), ..Tail::default() };
        let mut newest = true;
        while tail.lines.len() < most {
            let (key, from, to) = (&queue.keys().logs(), end.as_str(), start.as_str());
            let page: Vec<Entry> =
                queue
                    .ask(|client| async move {
                        client.xrevrange(key, from, to, Some(PAGE as u64)).await
                    })
                    .await?;
            let Some((oldest, _)) = page.last() else {
                break;
            };
            end = format!("({oldest}");
            if std::mem::take(&mut newest) {
                tail.cursor.clone_from(&page[0].0);
            }
            let lines = page.into_iter().filter_map(|(_, fields)| {
                line(fields).filter(|line| level.is_none_or(|level| level == line.level))
            });
            let room = most - tail.lines.len();
            tail.lines.extend(lines.take(room));
        }
        tail.lines.reverse();
        Ok(tail)
    })
}

pub(crate) fn line(mut fields: HashMap<String, String>) -> Option<Line> {
    Some(Line { level: fields.remove("level")?.parse().ok()?, text: fields.remove("text")? })
}
