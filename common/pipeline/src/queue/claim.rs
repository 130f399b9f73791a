//! `claim` is the only way for a worker to get work.
//!
//! - Arguments: the token; the version of control that the caller has seen; the worker; the
//!   batch size; the lease time in ms; high water; µs spent pushing VIP and NORMAL orders since
//!   the last claim; 1 if a chunk may be given; 1 if Redis is full: then nothing is given that
//!   would add to it; the name of the caller's processor (empty: it has none), how many orders one
//!   call to it takes, and 1 if it takes calls now.
//! - Answers work ([`Claim::Work`]), or `behind`, `lost` or `wait`, with what holds batches back.
//!   Asked again with the same token it answers the same lease.
//! - Guarantees: no NORMAL order is given out while a VIP order is open (I1); an order is under
//!   one lease at most (I2); no more is given out to push than high water allows (I10); batches of a
//!   named processor go to workers that have it, and no more of them than the limits allow (I14).

use std::{sync::LazyLock, time::Duration};

use fred::types::scripts::Script;
use futures_util::future::BoxFuture;

use super::{client::Queue, error::Result, lease::Claim, script::script, token::Token};

/// The processor of a worker, as its claims name it.
#[derive(Debug, Clone, Copy)]
pub struct Calls<'a> {
    /// Empty: it has none.
    pub processor: &'a str,
    /// Orders of one call, at most.
    pub size: u32,
    /// It takes calls now.
    pub open: bool,
}

impl Calls<'_> {
    /// Of a worker that has the built-in processor alone.
    pub const NONE: Self = Self { processor: "", size: 1, open: false };
}

pub(super) static CLAIM: LazyLock<Script> = LazyLock::new(|| script("", include_str!("claim.lua")));
/// To drain frees memory: a claim that a full Redis refuses is made again with this.
static CLAIM_WHEN_FULL: LazyLock<Script> =
    LazyLock::new(|| script("allow-oom", include_str!("claim.lua")));

impl Queue {
    /// `pushing`: time spent pushing VIP and NORMAL orders since the last claim. `generate`: a
    /// chunk may be given. When Redis is full, what is in it can still be drained.
    pub fn claim<'a>(
        &'a self,
        token: &'a Token,
        worker: &'a str,
        pushing: [Duration; 2],
        generate: bool,
        calls: Calls<'a>,
    ) -> BoxFuture<'a, Result<Claim>> {
        Box::pin(async move {
            let args = |full: bool| {
                vec![
                    token.as_str().into(),
                    self.seen_version().into(),
                    worker.into(),
                    i64::from(self.settings.batch_size).into(),
                    self.lease_ms(),
                    (self.settings.high_water as i64).into(),
                    (pushing[0].as_micros() as i64).into(),
                    (pushing[1].as_micros() as i64).into(),
                    i64::from(generate).into(),
                    i64::from(full).into(),
                    calls.processor.into(),
                    i64::from(calls.size).into(),
                    i64::from(calls.open).into(),
                ]
            };
            let answer = match self.call(&CLAIM, args(false)).await {
                Err(error) if error.is_full() => self.call(&CLAIM_WHEN_FULL, args(true)).await,
                answer => answer,
            };
            Claim::read(token, &answer?)
        })
    }
}
