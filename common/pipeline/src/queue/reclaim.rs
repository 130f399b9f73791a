//! `reclaim` gives leases back: what they held goes to the head of its queue.
//!
//! - Arguments: how many expired leases at most, and the lease time in ms; or 0, 0 and the
//!   tokens to give back now.
//! - Answers how many were given back.
//! - Guarantees: what a dead worker held is given to another (I5), and no attempt is spent.

use std::{slice, sync::LazyLock};

use fred::types::scripts::Script;
use futures_util::future::BoxFuture;

use super::{client::Queue, error::Result, script::script, token::Token};

pub(super) static RECLAIM: LazyLock<Script> =
    LazyLock::new(|| script("allow-oom", include_str!("reclaim.lua")));

impl Queue {
    /// Gives back expired leases, a hundred at most.
    pub fn reclaim(&self) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            Ok(self.call(&RECLAIM, vec![100.into(), self.lease_ms()]).await?.convert()?)
        })
    }

    /// Gives a lease back now. Does nothing if it is gone.
    pub fn release<'a>(&'a self, token: &'a Token) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.release_all(slice::from_ref(token)).await.map(drop) })
    }

    /// Gives leases back now, with one call. Answers how many were not gone.
    pub fn release_all<'a>(&'a self, tokens: &'a [Token]) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            if tokens.is_empty() {
                return Ok(0);
            }
            let mut args = vec![0.into(), 0.into()];
            args.extend(tokens.iter().map(|token| token.as_str().into()));
            Ok(self.call(&RECLAIM, args).await?.convert()?)
        })
    }
}
