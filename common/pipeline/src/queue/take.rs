//! `take` takes orders out of the queue for a person who removes them, whatever pause and fence
//! say: they are acked as removed, or come back.
//!
//! - Arguments: the token; the version of control that the caller has seen; the caller; the
//!   lease time in ms; `wait`, `delayed` or `active`; how many orders at most; the time until
//!   which an active one must have been claimed; `vip`, `normal`, or nothing for both.
//! - Answers as `claim` does. Asked again with the same token it answers the same lease.
//! - Guarantees: an order is under one lease at most (I2): the lease of a worker from which orders
//!   are taken ends, and its ack is stale (I6).

use std::sync::LazyLock;

use fred::types::scripts::Script;
use futures_util::future::BoxFuture;
use pedidos_core::order::Priority;

use super::{
    client::Queue,
    error::Result,
    lease::{Claim, Work},
    script::script,
    token::Token,
};

pub(super) static TAKE: LazyLock<Script> =
    LazyLock::new(|| script("allow-oom", include_str!("take.lua")));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// Orders that wait.
    Waiting,
    /// Orders that wait for a retry.
    Delayed,
    /// Orders that a worker claimed at or before this time, ms since the epoch by Redis' clock: its
    /// lease ends.
    Active { before: i64 },
}

impl Queue {
    /// Takes `most` orders at most, `only` of one priority. Their lease is to be acked.
    pub fn take<'a>(
        &'a self,
        token: &'a Token,
        by: &'a str,
        what: Take,
        only: Option<Priority>,
        most: u64,
    ) -> BoxFuture<'a, Result<Claim>> {
        Box::pin(async move {
            let (state, before) = match what {
                Take::Waiting => ("wait", 0),
                Take::Delayed => ("delayed", 0),
                Take::Active { before } => ("active", before),
            };
            let args = vec![
                token.as_str().into(),
                self.seen_version().into(),
                by.into(),
                self.lease_ms(),
                state.into(),
                (most as i64).into(),
                before.into(),
                only.map_or("", |only| Work::Drain(only, Vec::new()).kind()).into(),
            ];
            Claim::read(token, &self.call(&TAKE, args).await?)
        })
    }
}
