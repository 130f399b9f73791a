//! `ack` closes the lease of a batch, and counts what became of its orders.
//!
//! - Arguments: the token; the ids to retry, of dead letters, of removed orders, of orders
//!   that go back as they are, and of those that go back later; 1 if the processor has judged an
//!   order; then the delay of each retry, and of each that goes back later, in ms. What is not
//!   named was processed.
//! - Answers the phase, or `stale` if the lease is gone: then nothing changed.
//! - Guarantees: what is named is a part of the batch, or nothing changes; a batch is counted
//!   once (I3), and the ledger balances after it (I2); the last VIP order opens the fence in the
//!   same step (I1).

use std::{sync::LazyLock, time::Duration};

use fred::types::scripts::Script;
use futures_util::future::BoxFuture;
use pedidos_core::order::OrderId;

use super::{
    client::{Queue, packed},
    closed::Closed,
    error::Result,
    script::script,
    token::Token,
};

pub(super) static ACK: LazyLock<Script> =
    LazyLock::new(|| script("allow-oom", include_str!("ack.lua")));

/// What became of a batch: orders that are not named were processed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// To be tried again after this delay.
    pub retry: Vec<(OrderId, Duration)>,
    /// Dead letters, in MongoDB already.
    pub dead: Vec<OrderId>,
    /// Removed or cancelled.
    pub removed: Vec<OrderId>,
    /// Put back as they are.
    pub returned: Vec<OrderId>,
    /// Put back after this delay; no attempt is spent.
    pub deferred: Vec<(OrderId, Duration)>,
    /// The processor has judged an order of the batch: it works.
    pub vouched: bool,
}

impl Queue {
    pub fn ack<'a>(
        &'a self,
        token: &'a Token,
        outcome: &'a Outcome,
    ) -> BoxFuture<'a, Result<Closed>> {
        Box::pin(async move {
            let mut args = vec![
                token.as_str().into(),
                packed(outcome.retry.iter().map(|(id, _)| id)),
                packed(&outcome.dead),
                packed(&outcome.removed),
                packed(&outcome.returned),
                packed(outcome.deferred.iter().map(|(id, _)| id)),
                i64::from(outcome.vouched).into(),
            ];
            let delays = outcome.retry.iter().chain(&outcome.deferred);
            args.extend(delays.map(|(_, delay)| (delay.as_millis() as i64).into()));
            Closed::read(&self.call(&ACK, args).await?)
        })
    }
}
