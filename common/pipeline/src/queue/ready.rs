//! `ready` asks whether this Redis takes writes: a replica, a server whose disk is full or one
//! that lacks replicas answers reads, and refuses this script before it runs.
//!
//! - Arguments: none.
//! - Answers 1.
//! - Guarantees: it changes nothing that is shown.

use std::sync::LazyLock;

use fred::types::scripts::Script;
use futures_util::future::BoxFuture;

use super::{client::Queue, error::Result, script::script};

pub(super) static READY: LazyLock<Script> =
    LazyLock::new(|| script("allow-oom", include_str!("ready.lua")));

impl Queue {
    /// Fails if this Redis takes no writes, or does not answer. If it refuses because it is no
    /// master, the master is searched for.
    pub fn takes_writes(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.call(&READY, Vec::new()).await.map(drop) })
    }
}
