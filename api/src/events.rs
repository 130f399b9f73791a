//! Server-sent events. One task of this process reads new entries, four times a second while there
//! are streams, and sends them to all streams: Redis' load does not grow with their number. What a
//! stream missed before it began, it reads itself, once.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};
use pedidos_api_types::{
    events::{EventData, EventName, GapEvent, LogEvent, PhaseEvent, StreamEvent},
    status::Status,
};
use pedidos_core::time::iso;
use pedidos_pipeline::{
    commands::{CommandError, Controller},
    events::{self, Cursor, Entry, News},
    queue::Snapshot,
};
use tokio::{
    sync::{Notify, broadcast},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use crate::views;

pub mod slots;

/// How often a comment is sent: proxies close silent connections.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often new entries are read.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Events that a stream may lag behind before it ends.
const MAX_LAG: usize = 1_024;

/// What the task sends to all streams.
#[derive(Debug, Clone)]
enum Notice {
    /// The task begins to read: it has slept, or has just started.
    Begin,
    News(Entry),
    Progress(Arc<Status>),
}

#[derive(Clone)]
pub struct Hub {
    notices: broadcast::Sender<Notice>,
    wake: Arc<Notify>,
    shutdown: CancellationToken,
}

impl Hub {
    /// Starts the task. Streams end at shutdown.
    #[must_use]
    pub fn start(controller: Controller, shutdown: CancellationToken) -> Self {
        let (notices, _) = broadcast::channel(MAX_LAG);
        let hub = Self { notices, wake: Arc::default(), shutdown };
        tokio::spawn(hub.clone().run(controller));
        hub
    }

    async fn run(self, controller: Controller) {
        while !self.shutdown.is_cancelled() {
            tokio::select! {
                () = self.wake.notified() => {}
                () = self.shutdown.cancelled() => return,
            }
            self.publish(&controller).await;
        }
    }

    /// Reads until there are no streams.
    async fn publish(&self, controller: &Controller) {
        let mut cursor = None;
        let mut shown = None;
        let mut ticks = tokio::time::interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.notices.receiver_count() > 0 {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.shutdown.cancelled() => return,
            }
            if let Err(error) = self.publish_once(controller, &mut cursor, &mut shown).await {
                tracing::debug!(%error, "cannot read events; trying again");
            }
        }
    }

    async fn publish_once(
        &self,
        controller: &Controller,
        cursor: &mut Option<Cursor>,
        shown: &mut Option<Snapshot>,
    ) -> Result<(), CommandError> {
        let queue = &controller.queue;
        let mut place = if let Some(place) = *cursor {
            place
        } else {
            let place = events::newest(queue).await?;
            self.send(Notice::Begin);
            place
        };
        for entry in events::after(queue, &place).await? {
            place = place.after(&entry);
            self.send(Notice::News(entry));
        }
        *cursor = Some(place);
        let snapshot = controller.current().await?;
        // The time alone is no change.
        let mut state = snapshot.clone();
        state.now_ms = 0;
        state.workers.iter_mut().for_each(|worker| worker.seen_ms = 0);
        state.run.iter_mut().for_each(|run| (run.clock, run.ahead) = (0, 0));
        if shown.as_ref() != Some(&state) {
            self.send(Notice::Progress(Arc::new(views::status::status(&snapshot))));
            *shown = Some(state);
        }
        Ok(())
    }

    /// The loop sees when there are no streams.
    fn send(&self, notice: Notice) {
        let _no_streams = self.notices.send(notice);
    }
}

struct Stream {
    controller: Controller,
    notices: broadcast::Receiver<Notice>,
    shutdown: CancellationToken,
    /// Everything before this has been sent.
    cursor: Cursor,
    /// Sent first.
    ready: VecDeque<StreamEvent>,
    /// There may be entries that the task does not send: the stream reads them.
    behind: bool,
}

impl Stream {
    /// None ends the stream.
    async fn next(mut self) -> Option<(StreamEvent, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((event, self));
            }
            if self.behind {
                let missed = events::after(&self.controller.queue, &self.cursor).await;
                let missed = missed
                    .inspect_err(
                        |error| tracing::debug!(%error, "stream ended: cannot read what it missed"),
                    )
                    .ok()?;
                self.behind = !missed.is_empty();
                for entry in missed {
                    let event = self.event_of(entry);
                    self.ready.push_back(event);
                }
                continue;
            }
            let notice = tokio::select! {
                notice = self.notices.recv() => notice,
                () = self.shutdown.cancelled() => return None,
            };
            match notice {
                Ok(Notice::Begin) => self.behind = true,
                Ok(Notice::News(entry)) if self.cursor.is_past(&entry) => {}
                Ok(Notice::News(entry)) => {
                    let event = self.event_of(entry);
                    return Some((event, self));
                }
                Ok(Notice::Progress(status)) => {
                    return Some((self.progress(status), self));
                }
                Err(error) => {
                    tracing::debug!(%error, "stream ended: its reader is too slow");
                    return None;
                }
            }
        }
    }

    fn event_of(&mut self, entry: Entry) -> StreamEvent {
        self.cursor = self.cursor.after(&entry);
        let (event, data) = match entry.news {
            News::Log(line) => {
                let (level, line) = (line.level.to_string(), line.text);
                (EventName::Log, EventData::Log(LogEvent { level, line }))
            }
            News::Phase(change) => {
                let (phase, at) = (change.phase.into(), iso(change.at));
                let change = PhaseEvent { phase, run_id: change.run_id, at };
                (EventName::Phase, EventData::Phase(change))
            }
        };
        StreamEvent { id: self.cursor.to_string(), event, data }
    }

    fn progress(&self, status: Arc<Status>) -> StreamEvent {
        let data = EventData::Progress(status);
        StreamEvent { id: self.cursor.to_string(), event: EventName::Progress, data }
    }
}

/// A stream of events from now on, or from after `last`. It begins with the current status.
///
/// # Errors
/// A store does not answer.
pub async fn follow(
    hub: &Hub,
    controller: &Controller,
    last: Option<Cursor>,
) -> Result<BoxStream<'static, StreamEvent>, CommandError> {
    // Before the stream reads what it missed, so that nothing is lost in between.
    let notices = hub.notices.subscribe();
    hub.wake.notify_one();
    let queue = &controller.queue;
    let mut stream = Stream {
        controller: controller.clone(),
        notices,
        shutdown: hub.shutdown.clone(),
        cursor: events::newest(queue).await?,
        ready: VecDeque::new(),
        behind: true,
    };
    match last {
        Some(last)
            if !last.is_ahead_of(&stream.cursor) && events::reaches(queue, &last).await? =>
        {
            stream.cursor = last;
        }
        Some(last) => {
            let data = EventData::Gap(GapEvent { after: last.to_string() });
            let id = stream.cursor.to_string();
            stream.ready.push_back(StreamEvent { id, event: EventName::Gap, data });
        }
        None => {}
    }
    let status = views::status::status(&controller.current().await?);
    let first = stream.progress(Arc::new(status));
    stream.ready.push_back(first);
    Ok(stream::unfold(stream, Stream::next).boxed())
}
