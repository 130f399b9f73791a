//! The API, as a library: tests and `main` enter by the same door.
//!
//! - [`routes`]: every path there is, and what stands around it.
//! - [`strict`]: refuses what the spec does not allow, before anything happens.
//! - [`runs`], [`queue`], [`logs`], [`probes`]: the handlers: each calls `Controller` or
//!   `Queue`, nothing deeper.
//! - [`status`], [`answers`], [`health`], [`history`], [`jobs`]: what they answer with.
//! - [`events`]: what happens, as a stream.
//! - [`dashboard`]: the web page, compiled in.
//! - [`error`]: what goes wrong, and how it is said.
//! - [`openapi`]: the document that describes it all.
//! - [`refused`]: what the HTTP library refuses, said as we say it.
//! - [`hygiene`], [`request_id`], [`cors`]: what every answer carries.
//! - [`streams`]: how many streams a client may have.
//! - [`docs`]: Swagger UI, and what it may do.

pub mod answers;
pub mod cors;
pub mod dashboard;
pub mod docs;
pub mod error;
pub mod events;
pub mod health;
pub mod history;
pub mod hygiene;
pub mod jobs;
pub mod logs;
pub mod openapi;
pub mod probes;
pub mod queue;
pub mod refused;
pub mod request_id;
pub mod routes;
pub mod runs;
pub mod status;
pub mod streams;
pub mod strict;

use pedidos_common::{config::ApiSettings, control::Controller};

use crate::{events::Hub, streams::Streams};

/// What every handler has: connections and settings, no state (I8).
#[derive(Clone)]
pub struct App {
    /// The stores.
    pub controller: Controller,
    /// The settings.
    pub settings: ApiSettings,
    /// Tells the streams what is new.
    pub hub: Hub,
    /// How many streams there are, and whose.
    pub streams: Streams,
}
