//! The events of a stream.

use std::sync::Arc;

use poem_openapi::{Enum, Object, Union};
use serde::{Deserialize, Serialize};

use crate::status::{Phase, Status};

/// One event, with the fields of its lines.
#[derive(Debug, Clone, Object)]
pub struct StreamEvent {
    /// Send it as `Last-Event-ID` to continue after this event.
    pub id: String,
    /// What kind of event it is.
    pub event: EventName,
    /// The data, as JSON.
    pub data: EventData,
}

/// What kind of event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum EventName {
    /// The phase has changed.
    Phase,
    /// The status has changed.
    Progress,
    /// A line was logged.
    Log,
    /// Events before this one were dropped, and this reader missed them.
    Gap,
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
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct PhaseEvent {
    /// The new phase.
    pub phase: Phase,
    /// The run.
    pub run_id: Option<String>,
    /// When it changed.
    pub at: String,
}

/// A line was logged.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct LogEvent {
    /// INFO, WARN, ERROR.
    pub level: String,
    /// The whole line: time, level, process, message.
    pub line: String,
}

/// Events before this one were dropped, and this reader missed them.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct GapEvent {
    /// The id that the reader asked to continue from.
    pub after: String,
}

impl EventName {
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
