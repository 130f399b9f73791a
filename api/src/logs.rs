//! Handlers: what was said, and what happens.

use futures_util::stream::{BoxStream, StreamExt};
use pedidos_common::{
    logs,
    order::Priority,
    queue::{RunView, Snapshot},
};
use poem::{
    Request,
    http::StatusCode,
    web::{Data, sse::Event},
};
use poem_openapi::{
    ApiResponse, Enum, Object, OpenApi,
    param::{Header, Query},
    payload::{EventStream, Json},
    types::ToJSON,
};

use crate::{
    App,
    access::who::Caller,
    answers::Answer,
    error::{Failure, Problem},
    events::{self, StreamEvent},
    openapi::Tag,
    status::{PhaseName, QueueCounts, millis, time},
};

/// Look back, and look on.
pub struct Logs;

/// Seconds after which a stream of this client may have ended.
const STREAM_RETRY_AFTER: u64 = 10;

/// What became of a stream.
#[derive(ApiResponse)]
enum Followed {
    /// What happens, as it happens.
    #[oai(status = 200)]
    Stream(EventStream<BoxStream<'static, StreamEvent>>),
    /// This client has as many streams open as it may have.
    #[oai(status = 429, content_type = "application/problem+json")]
    TooMany(
        Json<Problem>,
        /// Seconds after which to try again.
        #[oai(header = "Retry-After")]
        u64,
    ),
}

/// A level of log lines.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum Level {
    /// What went well.
    Info,
    /// What went wrong and was mended.
    Warn,
    /// What went wrong.
    Error,
}

/// Log lines of all processes, with the run's times and counts.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct LogsAnswer {
    /// The run's times and counts.
    process_log: ProcessLog,
    /// What the queue holds.
    queue_status: QueueCounts,
    /// The lines.
    logs: LogLines,
    /// Counted.
    quick_stats: QuickStats,
    /// Give it as `after` to get what comes after these lines.
    cursor: String,
}

/// The current run's times and counts. Times are ISO-8601 UTC, durations ms.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct ProcessLog {
    /// First chunk claimed → last chunk stored.
    generation_time_ms: u64,
    /// First lease → last ack of VIP orders.
    #[oai(rename = "processingTimeVIPMs")]
    processing_time_vip_ms: u64,
    /// First lease → last ack of NORMAL orders.
    processing_time_normal_ms: u64,
    /// First lease of a VIP order.
    #[oai(rename = "startVIP")]
    start_vip: Option<String>,
    /// Last ack of a VIP order.
    #[oai(rename = "endVIP")]
    end_vip: Option<String>,
    /// First lease of a NORMAL order.
    start_normal: Option<String>,
    /// Last ack of a NORMAL order.
    end_normal: Option<String>,
    /// VIP orders processed.
    #[oai(rename = "totalProcessedVIP")]
    total_processed_vip: u64,
    /// NORMAL orders processed.
    total_processed_normal: u64,
    /// Generation, both enqueue and both processing times added up.
    total_time_ms: u64,
    /// Time spent pushing VIP ids, summed over workers.
    enqueue_vip_time_ms: u64,
    /// Time spent pushing NORMAL ids, summed over workers.
    enqueue_normal_time_ms: u64,
    /// Where the run is.
    phase: PhaseName,
}

/// Lines by level, oldest first.
#[expect(clippy::struct_field_names, reason = "the contract's names")]
#[derive(Debug, Default, Object)]
#[oai(rename_all = "camelCase")]
struct LogLines {
    /// Level info and below.
    log_messages: Vec<String>,
    /// Level warn.
    warn_messages: Vec<String>,
    /// Level error.
    error_messages: Vec<String>,
}

/// Counted.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct QuickStats {
    /// Lines in this answer.
    processed_lines: u64,
    /// VIP orders processed.
    vip_processed: u64,
    /// NORMAL orders processed.
    normal_processed: u64,
    /// Orders processed.
    total_processed: u64,
}

impl ProcessLog {
    fn of(snapshot: &Snapshot) -> Self {
        let idle = RunView::default();
        let run = snapshot.run.as_ref().unwrap_or(&idle);
        let (figures, now) = (&run.figures, snapshot.clock());
        let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
        Self {
            generation_time_ms: millis(figures.generation_ms(now)),
            processing_time_vip_ms: millis(figures.processing_ms(Priority::Vip)),
            processing_time_normal_ms: millis(figures.processing_ms(Priority::Normal)),
            start_vip: time(figures.vip_start),
            end_vip: time(figures.vip_end),
            start_normal: time(figures.normal_start),
            end_normal: time(figures.normal_end),
            total_processed_vip: vip.processed,
            total_processed_normal: normal.processed,
            total_time_ms: millis(figures.total_ms(now)),
            enqueue_vip_time_ms: millis(figures.enqueue_vip_us / 1000),
            enqueue_normal_time_ms: millis(figures.enqueue_normal_us / 1000),
            phase: run.phase.into(),
        }
    }
}

#[OpenApi]
impl Logs {
    /// Show the last log lines
    ///
    /// Of every API and worker process, oldest first, each with its time, level
    /// and process.
    #[oai(path = "/pedidos/logs", method = "get", operation_id = "getLogs", tag = "Tag::Logs")]
    async fn logs(
        &self,
        app: Data<&App>,
        /// How many lines at most.
        #[oai(default = "five_hundred", validator(minimum(value = "1"), maximum(value = "5000")))]
        lines: Query<u32>,
        /// Only lines of this level.
        level: Query<Option<Level>>,
        /// Only lines after this cursor of an earlier answer.
        #[oai(validator(max_length = 41, pattern = r"^[0-9]{1,19}-[0-9]{1,19}$"))]
        after: Query<Option<String>>,
    ) -> Answer<Json<LogsAnswer>> {
        let level = level.0.map(|level| match level {
            Level::Info => tracing::Level::INFO,
            Level::Warn => tracing::Level::WARN,
            Level::Error => tracing::Level::ERROR,
        });
        let queue = &app.controller.queue;
        let snapshot = app.controller.current().await?;
        let tail = logs::tail(queue, lines.0 as usize, level, after.0.as_deref()).await?;
        let process_log = ProcessLog::of(&snapshot);
        let quick_stats = QuickStats {
            processed_lines: tail.lines.len() as u64,
            vip_processed: process_log.total_processed_vip,
            normal_processed: process_log.total_processed_normal,
            total_processed: process_log.total_processed_vip + process_log.total_processed_normal,
        };
        let mut sorted = LogLines::default();
        for line in tail.lines {
            match line.level {
                tracing::Level::ERROR => &mut sorted.error_messages,
                tracing::Level::WARN => &mut sorted.warn_messages,
                _ => &mut sorted.log_messages,
            }
            .push(line.text);
        }
        Ok(Json(LogsAnswer {
            process_log,
            queue_status: QueueCounts::of(&snapshot),
            logs: sorted,
            quick_stats,
            cursor: tail.cursor,
        }))
    }

    /// Follow what happens
    ///
    /// Server-sent events: `phase` at every change of phase, `progress` at most four times
    /// a second while anything changes (its data is the answer of `GET /pedidos`), and
    /// `log` for every log line. A comment comes every 15 seconds. Each event has an
    /// id: given as `Last-Event-ID`, to any replica, no change of phase and no line in
    /// between is missed; if some were dropped by then, an event `gap` says so first. A
    /// reader that is too slow is disconnected, and may go on from its last id.
    ///
    /// The stream has no end, and Swagger UI waits for one: try it with `curl -N`.
    #[oai(path = "/pedidos/events", method = "get", operation_id = "getEvents", tag = "Tag::Logs")]
    async fn events(
        &self,
        app: Data<&App>,
        /// The id of the last event that was received.
        #[oai(
            name = "Last-Event-ID",
            validator(
                max_length = 79,
                pattern = r"^[0-9]{1,19}-[0-9]{1,19}\.[0-9]{1,19}-[0-9]{1,19}$"
            )
        )]
        last_event_id: Header<Option<String>>,
        request: &Request,
    ) -> Answer<Followed> {
        let last = match last_event_id.0.as_deref().map(str::parse) {
            Some(Err(error)) => return Err(Failure::invalid("Last-Event-ID", error)),
            Some(Ok(place)) => Some(place),
            None => None,
        };
        let client = request.data::<Caller>().map_or_else(String::new, |who| who.client(request));
        let Some(seat) = app.streams.admit(client) else {
            let detail = format!("{} streams of this key or address are open", app.streams.most());
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many streams", detail);
            return Ok(Followed::TooMany(Json(problem), STREAM_RETRY_AFTER));
        };
        let stream = events::follow(&app.hub, &app.controller, last).await?;
        let stream = stream.inspect(move |_| _ = &seat).boxed();
        Ok(Followed::Stream(EventStream::new(stream).keep_alive(events::HEARTBEAT).to_event(
            |event| {
                Event::message(event.data.to_json_string())
                    .id(event.id.clone())
                    .event_type(event.event.as_str())
            },
        )))
    }
}

const fn five_hundred() -> u32 {
    500
}
