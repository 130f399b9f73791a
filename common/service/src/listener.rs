//! Accepts connections: HTTP/1.1, plain or TLS, with limits on all that a client can make the
//! process hold: connections, the size of a request's head, and how long each step may take.
//!
//! No client waits for another: a handshake that hangs, a client that does not write and one
//! that does not read each hold their own connection, for a while. A client that connects when
//! all slots are taken is answered 503.
//!
//! - [`budget`]: how many connections there may be, and whose.
//! - [`descriptors`]: whether the process may open so many.
//! - `names`: the names by which the process is called; `settings`: how it is reached.
//! - `accept`: the listener, which gives each connection a slot.
//! - [`serve`](serve()): serves connections. Each `connection` is followed by its `tracker`;
//!   `close` has the reasons to close one, and `refused` those of the HTTP library.

mod accept;
pub mod budget;
mod close;
mod connection;
pub mod descriptors;
mod head;
mod names;
mod refused;
mod serve;
mod settings;
mod tracker;

pub(crate) use self::names::without_brackets;
pub use self::{
    accept::Listener,
    budget::{Budget, ConnectionHandle, Port},
    names::HostNames,
    serve::serve,
    settings::ListenerSettings,
};
