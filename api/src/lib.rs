//! The API, as a library: tests and `main` enter by the same door.
//!
//! - [`routes`]: every path there is, and what stands around it.
//! - [`strict`]: refuses what the spec does not allow, before anything happens.
//! - [`pedidos`]: the handlers: each calls `Controller` or `Queue`, nothing deeper.
//! - [`status`], [`answers`]: what they answer with.
//! - [`error`]: what goes wrong, and how it is said.
//! - [`probes`]: liveness, readiness, metrics.

pub mod answers;
pub mod error;
pub mod pedidos;
pub mod probes;
pub mod routes;
pub mod status;
pub mod strict;

use pedidos_common::{config::ApiSettings, control::Controller};

/// What every handler has: connections and settings, no state (I8).
#[derive(Clone)]
pub struct App {
    /// The stores.
    pub controller: Controller,
    /// The settings.
    pub settings: ApiSettings,
}
