//! `push_chunk` closes the lease of a chunk whose orders are all in MongoDB: it counts the
//! chunk, and pushes the ids of its VIP orders.
//!
//! - Arguments: the token; the VIP ids that are still to be processed; the number of VIP and of
//!   NORMAL orders; of the VIP orders those that are dead letters, processed, removed; 1 if any
//!   order of the chunk is terminal; VIP orders that were put back after the fence had opened.
//! - Answers the phase, or `stale` if the lease is gone: then nothing changed.
//! - Guarantees: the numbers add up to the chunk, or nothing changes; a chunk is counted once
//!   (I3), and the ledger balances after it (I2).

use std::sync::LazyLock;

use fred::types::scripts::Script;
use futures_util::future::BoxFuture;

use super::{
    client::{Queue, packed},
    closed::Closed,
    error::Result,
    push::Push,
    script::script,
    token::Token,
};

pub(super) static PUSH_CHUNK: LazyLock<Script> =
    LazyLock::new(|| script("", include_str!("push_chunk.lua")));

impl Queue {
    /// A chunk is stored: pushes its VIP orders and counts all of it.
    /// `normal`: its NORMAL orders; `replay`: some order was found terminal.
    pub fn push_chunk<'a>(
        &'a self,
        token: &'a Token,
        vip: &'a Push,
        normal: u64,
        replay: bool,
    ) -> BoxFuture<'a, Result<Closed>> {
        Box::pin(async move {
            let count = vip.todo.len() as u64 + vip.dead + vip.processed + vip.removed;
            let args = vec![
                token.as_str().into(),
                packed(&vip.todo),
                (count as i64).into(),
                (normal as i64).into(),
                (vip.dead as i64).into(),
                (vip.processed as i64).into(),
                (vip.removed as i64).into(),
                i64::from(replay).into(),
                (vip.late as i64).into(),
            ];
            Closed::read(&self.call(&PUSH_CHUNK, args).await?)
        })
    }
}
