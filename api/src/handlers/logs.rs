//! Log lines and the stream of events.

use futures_util::stream::{BoxStream, StreamExt};
use pedidos_api_types::{
    events::StreamEvent,
    logs::{Level, LogLines, LogsAnswer, QuickStats},
    problem::Problem,
};
use pedidos_pipeline::logs;
use poem::{
    Request,
    http::StatusCode,
    web::{Data, sse::Event},
};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Query},
    payload::{EventStream, Json},
    types::ToJSON,
};

use super::{responses::Answer, tag::Tag};
use crate::{
    access::{
        caller::{Caller, Via},
        credentials::Credentials,
    },
    app::App,
    events,
    http::{failure::Failure, long_answer::LongAnswer, problem},
    views,
};

pub struct LogsApi;

/// Seconds until the next try.
const STREAM_RETRY_AFTER: u64 = 10;

#[derive(ApiResponse)]
enum EventsResponse {
    /// The events, as they happen.
    #[oai(status = 200)]
    Stream(EventStream<BoxStream<'static, StreamEvent>>),
    /// This client has as many open streams as it may have.
    #[oai(status = 429, content_type = "application/problem+json")]
    TooMany(
        Json<Problem>,
        /// Seconds until the next try.
        #[oai(header = "Retry-After")]
        u64,
    ),
}

#[OpenApi]
impl LogsApi {
    /// Show the last log lines
    ///
    /// Of every API and worker process, the oldest first, each with its time, level and process.
    #[oai(path = "/pedidos/logs", method = "get", operation_id = "getLogs", tag = "Tag::Logs")]
    async fn logs(
        &self,
        app: Data<&App>,
        /// The most lines to show.
        #[oai(default = "five_hundred", validator(minimum(value = "1"), maximum(value = "5000")))]
        lines: Query<u32>,
        /// Only lines of this level.
        level: Query<Option<Level>>,
        /// Only lines after this cursor of an earlier answer.
        #[oai(validator(max_length = 41, pattern = r"^[0-9]{1,19}-[0-9]{1,19}$"))]
        after: Query<Option<String>>,
        caller: Data<&Caller>,
        request: &Request,
    ) -> Answer<LongAnswer<LogsAnswer>> {
        let permit = if lines.0 > five_hundred() {
            Some(app.long_answers.permit(caller.client(request)).await?)
        } else {
            None
        };
        let level = level.0.map(|level| match level {
            Level::Info => tracing::Level::INFO,
            Level::Warn => tracing::Level::WARN,
            Level::Error => tracing::Level::ERROR,
        });
        let queue = &app.controller.queue;
        let snapshot = app.controller.current().await?;
        let tail = logs::tail(queue, lines.0 as usize, level, after.0.as_deref()).await?;
        let process_log = views::logs::process_log(&snapshot);
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
        let answer = LogsAnswer {
            process_log,
            queue_status: views::status::queue_counts(&snapshot),
            logs: sorted,
            quick_stats,
            cursor: tail.cursor,
        };
        Ok(LongAnswer::of(&answer, permit))
    }

    /// Follow the events
    ///
    /// Server-sent events: `phase` at every change of phase, `progress` at most four times a second
    /// while the status changes (its data is the answer of `GET /pedidos`), and `log` for every log
    /// line. A comment follows every 15 seconds. Each event has an id. A reader that sends it as
    /// `Last-Event-ID`, to any replica, misses no change of phase and no line; if some were dropped
    /// by then, an event `gap` comes first. A reader that is too slow is disconnected, and may
    /// continue from its last id. When the caller's key or session is revoked, expires or gets
    /// another role, the stream ends, at the next comment at the latest.
    ///
    /// The stream does not end, and Swagger UI waits for the end: use `curl -N`.
    #[oai(path = "/pedidos/events", method = "get", operation_id = "getEvents", tag = "Tag::Logs")]
    async fn events(
        &self,
        app: Data<&App>,
        /// The id of the last event received.
        #[oai(
            name = "Last-Event-ID",
            validator(
                max_length = 79,
                pattern = r"^[0-9]{1,19}-[0-9]{1,19}\.[0-9]{1,19}-[0-9]{1,19}$"
            )
        )]
        last_event_id: Header<Option<String>>,
        caller: Data<&Caller>,
        credentials: Data<&Credentials>,
        request: &Request,
    ) -> Answer<EventsResponse> {
        let last = match last_event_id.0.as_deref().map(str::parse) {
            Some(Err(error)) => return Err(Failure::invalid("Last-Event-ID", error)),
            Some(Ok(place)) => Some(place),
            None => None,
        };
        let (authenticator, credentials) =
            (app.access.authenticator.clone(), credentials.0.clone());
        let caller = caller.0.clone();
        let alone = caller.via == Via::Anonymous && app.access.settings.is_loopback();
        let slot = match app.streams.acquire(caller.client(request), alone) {
            Ok(slot) => slot,
            Err(detail) => {
                let title = "Too many streams";
                let problem = problem::new(StatusCode::TOO_MANY_REQUESTS, title, detail);
                return Ok(EventsResponse::TooMany(Json(problem), STREAM_RETRY_AFTER));
            }
        };
        let stream = events::follow(&app.hub, &app.controller, last).await?;
        // The stream continues only as long as its caller may open it.
        let lapses = Box::pin(async move { authenticator.lapse(&credentials, &caller).await });
        let stream = stream.take_until(lapses).inspect(move |_| _ = &slot).boxed();
        Ok(EventsResponse::Stream(EventStream::new(stream).keep_alive(events::HEARTBEAT).to_event(
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
