//! What `GET /pedidos` answers, as far as tests look at it.

use pedidos_core::run::{Ledger, Phase};
use serde::Deserialize;
use serde_json::Value;

/// A status. Field names are the contract's.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub phase: Phase,
    pub run_id: Option<String>,
    /// The last run in the history.
    pub last_run_id: Option<String>,
    pub counts: Each<u64>,
    pub processing: Each<Window>,
    pub progress: Progress,
    pub ledger: Each<Ledger>,
    pub fence: Fence,
    pub workers: Workers,
    /// All of it, as it came.
    #[serde(skip)]
    pub json: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Each<T> {
    pub vip: T,
    pub normal: T,
}

impl<T: Copy> Each<T> {
    pub fn both(&self) -> [T; 2] {
        [self.vip, self.normal]
    }
}

/// First lease → last ack of a priority.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    pub start: Option<String>,
    pub end: Option<String>,
    pub count: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub target: u64,
    pub generated: u64,
    pub processed_total: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fence {
    /// NORMAL orders may be claimed.
    pub open: bool,
    /// NORMAL orders that were claimed too early.
    pub violations: u64,
    /// VIP orders that a person put back after it had opened.
    pub late_vip: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Workers {
    /// Heard of in the last seconds.
    pub alive: u64,
    /// Leases that they hold.
    pub busy: u64,
}

impl Status {
    pub fn of(json: Value) -> Self {
        let read: Result<Self, _> = Self::deserialize(&json);
        match read {
            Ok(status) => Self { json, ..status },
            Err(error) => panic!("no status: {error}\n{json:#}"),
        }
    }

    pub fn is_of(&self, run_id: &str) -> bool {
        self.run_id.as_deref() == Some(run_id)
    }

    /// Orders that nothing more will happen to.
    pub fn terminal(&self) -> u64 {
        self.ledger.both().iter().map(Ledger::terminal).sum()
    }

    /// Orders that are cancelled or were removed.
    pub fn removed(&self) -> u64 {
        self.ledger.both().iter().map(|ledger| ledger.removed).sum()
    }

    /// Orders that were given up.
    pub fn dead(&self) -> u64 {
        self.ledger.both().iter().map(|ledger| ledger.dead).sum()
    }

    /// Orders that are under a lease.
    pub fn leased(&self) -> u64 {
        self.ledger.both().iter().map(|ledger| ledger.leased).sum()
    }
}
