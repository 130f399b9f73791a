//! `push_normal` closes the lease of an index range behind the fence, and pushes the ids of its
//! NORMAL orders.
//!
//! - Arguments: the token; the ids that are still to be processed; orders that are dead
//!   letters, processed, removed.
//! - Answers the phase, or `stale` if the lease is gone: then nothing changed.
//! - Guarantees: a range is counted once (I3), and the ledger balances after it (I2).

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

pub(super) static PUSH_NORMAL: LazyLock<Script> =
    LazyLock::new(|| script("", include_str!("push_normal.lua")));

impl Queue {
    /// Pushes the NORMAL orders of a range.
    pub fn push_normal<'a>(
        &'a self,
        token: &'a Token,
        normal: &'a Push,
    ) -> BoxFuture<'a, Result<Closed>> {
        Box::pin(async move {
            let args = vec![
                token.as_str().into(),
                packed(&normal.todo),
                (normal.dead as i64).into(),
                (normal.processed as i64).into(),
                (normal.removed as i64).into(),
            ];
            Closed::read(&self.call(&PUSH_NORMAL, args).await?)
        })
    }
}
