//! `extend` is a worker's heartbeat, and that of the leases that it works on.
//!
//! - Arguments: the worker; what to show of it (JSON, empty if it leaves); after how many ms
//!   without a heartbeat a worker is forgotten; the lease time in ms; then its tokens.
//! - Answers the tokens that are no longer leases: the worker stops working on them.
//! - Guarantees: a lease that has ended stays ended (I6).

use std::sync::LazyLock;

use fred::types::scripts::Script;
use futures_util::future::BoxFuture;
use pedidos_core::order::Priority;
use serde::{Deserialize, Serialize};

use super::{
    client::Queue,
    error::{QueueError, Result},
    script::script,
    token::Token,
};

pub(super) static EXTEND: LazyLock<Script> =
    LazyLock::new(|| script("allow-oom", include_str!("extend.lua")));

/// What a worker shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerInfo {
    /// Made when it starts.
    pub id: String,
    pub host: String,
    pub pid: u32,
    pub version: String,
    /// Leases that it may hold at once.
    pub slots: u32,
    /// Leases that it holds.
    pub busy: u32,
    /// None: it has the built-in one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<ProcessorInfo>,
}

/// The processor of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessorInfo {
    pub name: String,
    pub breaker: BreakerState,
    /// Since when, ms since the epoch by Redis' clock; 0: since the worker started.
    pub since_ms: i64,
    /// The last fault.
    pub last_error: Option<String>,
    /// An order whose calls fault, alone, while no other order vouches for the processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<StuckOrder>,
}

/// An order that only a person can end, unless its processor is mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StuckOrder {
    pub id: String,
    pub run_id: String,
    pub priority: Priority,
    /// Since when, ms since the epoch by the time of the run.
    pub since_ms: i64,
    pub error: String,
}

/// The breaker between a worker and its processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BreakerState {
    /// Calls are made.
    Closed,
    /// No call is made for a while: the processor is at fault.
    Open,
    /// One call is made, to see whether it works again.
    HalfOpen,
}

impl Queue {
    /// Answers the tokens that are leases no more.
    pub fn extend<'a>(
        &'a self,
        info: &'a WorkerInfo,
        tokens: &'a [Token],
    ) -> BoxFuture<'a, Result<Vec<Token>>> {
        Box::pin(async move {
            let shown =
                serde_json::to_string(info).map_err(|e| QueueError::Answer(e.to_string()))?;
            self.send_heartbeat(&info.id, shown, tokens).await
        })
    }

    /// The worker stops: it does not count as alive from now on.
    pub fn leave<'a>(&'a self, worker: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.send_heartbeat(worker, String::new(), &[]).await.map(drop) })
    }

    async fn send_heartbeat(
        &self,
        worker: &str,
        shown: String,
        tokens: &[Token],
    ) -> Result<Vec<Token>> {
        let mut args = vec![
            worker.into(),
            shown.into(),
            (Self::WORKER_FORGOTTEN.as_millis() as i64).into(),
            self.lease_ms(),
        ];
        args.extend(tokens.iter().map(|token| token.as_str().into()));
        let stale: Vec<String> = self.call(&EXTEND, args).await?.convert()?;
        Ok(stale.into_iter().map(Token::from_redis).collect())
    }
}
