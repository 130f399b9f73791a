//! Server-sent events. One task of this process reads what is new, four times a
//! second while anybody listens, and tells all streams: their number costs Redis
//! nothing. What a stream missed before it began, it reads by itself, once.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};
use pedidos_common::{
    control::{Controller, VerbError},
    events::{self, Cursor, Entry, News},
    queue::Snapshot,
    telemetry::iso,
};
use poem_openapi::{Enum, Object, Union};
use tokio::{
    sync::{Notify, broadcast},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use crate::status::{PhaseName, Status};

/// A comment is sent this often: proxies close what is silent.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// What is new is looked for this often.
const TICK: Duration = Duration::from_millis(250);
/// Events that a stream may be behind before it is ended.
const BEHIND: usize = 1_024;

/// One event, as its fields are on the wire.
#[derive(Debug, Clone, Object)]
pub struct StreamEvent {
    /// Give it as `Last-Event-ID` to go on after this event.
    pub id: String,
    /// What kind of event it is.
    pub event: EventName,
    /// The rest, as JSON.
    pub data: EventData,
}

/// What kind of event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum EventName {
    /// The phase has changed.
    Phase,
    /// Something of the status has changed.
    Progress,
    /// A line was logged.
    Log,
    /// Events before this one were dropped, and this reader has missed them.
    Gap,
}

impl EventName {
    /// As it is on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Progress => "progress",
            Self::Log => "log",
            Self::Gap => "gap",
        }
    }
}

/// The data of an event.
#[derive(Debug, Clone, Union)]
pub enum EventData {
    /// Of `phase`.
    Phase(PhaseEvent),
    /// Of `progress`: the answer of `GET /pedidos`.
    Progress(Arc<Status>),
    /// Of `log`.
    Log(LogEvent),
    /// Of `gap`.
    Gap(GapEvent),
}

/// The phase has changed.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct PhaseEvent {
    /// The phase since then.
    phase: PhaseName,
    /// The run.
    run_id: Option<String>,
    /// When.
    at: String,
}

/// A line was logged.
#[derive(Debug, Clone, Object)]
pub struct LogEvent {
    /// INFO, WARN, ERROR.
    level: String,
    /// All of it: time, level, process, message.
    line: String,
}

/// Events before this one were dropped, and this reader has missed them.
#[derive(Debug, Clone, Object)]
pub struct GapEvent {
    /// The id that it asked to go on from.
    after: String,
}

/// What all streams are told.
#[derive(Debug, Clone)]
enum Told {
    /// What the task tells begins here: it had slept, or only starts.
    Begin,
    News(Entry),
    Progress(Arc<Status>),
}

/// Tells all streams of this process what is new.
#[derive(Clone)]
pub struct Hub {
    told: broadcast::Sender<Told>,
    somebody: Arc<Notify>,
    shutdown: CancellationToken,
}

impl Hub {
    /// Starts the one task that reads. Streams end at shutdown.
    #[must_use]
    pub fn start(controller: Controller, shutdown: CancellationToken) -> Self {
        let (told, _) = broadcast::channel(BEHIND);
        let hub = Self { told, somebody: Arc::default(), shutdown };
        tokio::spawn(hub.clone().run(controller));
        hub
    }

    async fn run(self, controller: Controller) {
        while !self.shutdown.is_cancelled() {
            tokio::select! {
                () = self.somebody.notified() => {}
                () = self.shutdown.cancelled() => return,
            }
            self.tell(&controller).await;
        }
    }

    /// Until nobody listens any more.
    async fn tell(&self, controller: &Controller) {
        let mut cursor = None;
        let mut shown = None;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.told.receiver_count() > 0 {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.shutdown.cancelled() => return,
            }
            if let Err(error) = self.tell_once(controller, &mut cursor, &mut shown).await {
                tracing::debug!(%error, "no news for the streams; trying again");
            }
        }
    }

    async fn tell_once(
        &self,
        controller: &Controller,
        cursor: &mut Option<Cursor>,
        shown: &mut Option<Snapshot>,
    ) -> Result<(), VerbError> {
        let queue = &controller.queue;
        let mut place = if let Some(place) = *cursor {
            place
        } else {
            let place = events::newest(queue).await?;
            self.send(Told::Begin);
            place
        };
        for entry in events::after(queue, &place).await? {
            place = place.after(&entry);
            self.send(Told::News(entry));
        }
        *cursor = Some(place);
        let snapshot = controller.current().await?;
        // That time passes is no news.
        let mut state = snapshot.clone();
        (state.now_ms, state.first_deadline_ms) = (0, 0);
        state.workers.iter_mut().for_each(|worker| worker.seen_ms = 0);
        if shown.as_ref() != Some(&state) {
            self.send(Told::Progress(Arc::new(Status::of(&snapshot))));
            *shown = Some(state);
        }
        Ok(())
    }

    /// That nobody is left to be told, the loop sees.
    fn send(&self, told: Told) {
        let _nobody = self.told.send(told);
    }
}

/// One stream.
struct Stream {
    controller: Controller,
    told: broadcast::Receiver<Told>,
    shutdown: CancellationToken,
    /// Everything before this has been sent.
    cursor: Cursor,
    /// To be sent first.
    ready: VecDeque<StreamEvent>,
    /// There may be news that nobody will tell: they have to be read.
    behind: bool,
}

impl Stream {
    /// The next event; none ends the stream.
    async fn next(mut self) -> Option<(StreamEvent, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((event, self));
            }
            if self.behind {
                let missed = events::after(&self.controller.queue, &self.cursor).await;
                let missed = missed
                    .inspect_err(|error| tracing::debug!(%error, "a stream ends: it cannot go on"))
                    .ok()?;
                self.behind = !missed.is_empty();
                for entry in missed {
                    let event = self.news(entry);
                    self.ready.push_back(event);
                }
                continue;
            }
            let told = tokio::select! {
                told = self.told.recv() => told,
                () = self.shutdown.cancelled() => return None,
            };
            match told {
                Ok(Told::Begin) => self.behind = true,
                Ok(Told::News(entry)) if self.cursor.is_past(&entry) => {}
                Ok(Told::News(entry)) => {
                    let event = self.news(entry);
                    return Some((event, self));
                }
                Ok(Told::Progress(status)) => {
                    return Some((self.progress(status), self));
                }
                Err(error) => {
                    tracing::debug!(%error, "a stream ends: its reader is too slow");
                    return None;
                }
            }
        }
    }

    fn news(&mut self, entry: Entry) -> StreamEvent {
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

/// A stream of what happens: from now on, or from after `last`. It begins with the
/// status as it is, so that a reader need not ask for it.
///
/// # Errors
/// A store does not answer.
pub async fn follow(
    hub: &Hub,
    controller: &Controller,
    last: Option<Cursor>,
) -> Result<BoxStream<'static, StreamEvent>, VerbError> {
    // Before it is read what was missed, so that nothing falls in between.
    let told = hub.told.subscribe();
    hub.somebody.notify_one();
    let queue = &controller.queue;
    let mut stream = Stream {
        controller: controller.clone(),
        told,
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
    let status = Status::of(&controller.current().await?);
    let first = stream.progress(Arc::new(status));
    stream.ready.push_back(first);
    Ok(stream::unfold(stream, Stream::next).boxed())
}
