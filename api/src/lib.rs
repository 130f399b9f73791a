//! The API, as a library: tests and `main` enter by the same door.
//!
//! - [`routes`]: every path there is, and what stands around it.
//! - [`access`]: who may call what, how often, and who did.
//! - [`strict`]: refuses what the spec does not allow, before anything happens.
//! - [`runs`], [`queue`], [`logs`], [`probes`], [`session`], [`audit`]: the handlers: each
//!   calls `Controller`, `Queue` or `Store`, nothing deeper.
//! - [`status`], [`answers`], [`health`], [`history`], [`jobs`]: what they answer with.
//! - [`gauges`]: the whole queue, as Prometheus reads it.
//! - [`measured`]: counts requests, and how long they took.
//! - [`events`]: what happens, as a stream.
//! - [`dashboard`]: the web page, compiled in.
//! - [`error`]: what goes wrong, and how it is said.
//! - [`openapi`]: the document that describes it all.
//! - [`refused`]: what the HTTP library refuses, said as we say it.
//! - [`hygiene`], [`request_id`], [`cors`]: what every answer carries.
//! - [`streams`]: how many streams a client may have.
//! - [`docs`]: Swagger UI, and what it may do.

pub mod access;
pub mod answers;
pub mod audit;
pub mod cors;
pub mod dashboard;
pub mod docs;
pub mod error;
pub mod events;
pub mod gauges;
pub mod health;
pub mod history;
pub mod hygiene;
pub mod jobs;
pub mod logs;
pub mod measured;
pub mod openapi;
pub mod probes;
pub mod queue;
pub mod refused;
pub mod request_id;
pub mod routes;
pub mod runs;
pub mod session;
pub mod status;
pub mod streams;
pub mod strict;

use pedidos_common::{config::ApiSettings, control::Controller};

use crate::{access::Access, events::Hub, streams::Streams};

/// What every handler has: connections and settings, no state (I8).
#[derive(Clone)]
pub struct App {
    /// The stores.
    pub controller: Controller,
    /// The settings.
    pub settings: ApiSettings,
    /// Who may call.
    pub access: Access,
    /// Tells the streams what is new.
    pub hub: Hub,
    /// How many streams there are, and whose.
    pub streams: Streams,
}
