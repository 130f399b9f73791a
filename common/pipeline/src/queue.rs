//! The queue in Redis: what is happening. Every change of its state is one Lua script. Beside each
//! `.lua` is one Rust file with its contract, its call and its answer. Nothing else writes the
//! queue's state.
//!
//! `client` calls the scripts, through `connection`. `lease`, `closed` and `view` are what they
//! answer: work, the end of a lease, the state at one instant.

mod ack;
mod adopt;
mod answer;
mod claim;
mod client;
mod closed;
mod connection;
mod error;
mod extend;
mod figures;
mod hold;
mod jobs;
pub mod keys;
mod lease;
pub mod limit;
mod push;
mod push_chunk;
mod push_normal;
mod ready;
mod reclaim;
mod script;
mod snapshot;
mod take;
#[cfg(test)]
mod tests;
mod token;
mod view;

pub use self::{
    ack::Outcome,
    claim::Calls,
    client::Queue,
    closed::Closed,
    error::{QueueError, Result},
    extend::{BreakerState, ProcessorInfo, StuckOrder, WorkerInfo},
    hold::CancelProgress,
    jobs::{Jobs, Listed},
    lease::{Claim, HeldBy, Lease, Work},
    push::Push,
    take::Take,
    token::Token,
    view::{RunView, Snapshot, Survey, WorkerSeen},
};
pub(crate) use self::{adopt::Patch, hold::Hold, script::PHASES_KEPT};

/// The scripts by name, and the hashes by which Redis' MONITOR and SLOWLOG show them.
#[must_use]
pub fn scripts() -> [(&'static str, String); 12] {
    [
        ("adopt", &adopt::ADOPT),
        ("claim", &claim::CLAIM),
        ("push_chunk", &push_chunk::PUSH_CHUNK),
        ("push_normal", &push_normal::PUSH_NORMAL),
        ("ack", &ack::ACK),
        ("extend", &extend::EXTEND),
        ("reclaim", &reclaim::RECLAIM),
        ("take", &take::TAKE),
        ("hold", &hold::HOLD),
        ("ready", &ready::READY),
        ("snapshot", &snapshot::SNAPSHOT),
        ("jobs", &jobs::JOBS),
    ]
    .map(|(name, script)| (name, script.sha1().to_string()))
}
