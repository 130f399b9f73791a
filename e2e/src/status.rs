//! What `GET /pedidos` answers, as far as tests look at it.

use pedidos_common::run::{Ledger, Phase};
use serde::Deserialize;
use serde_json::Value;

/// A status. Field names are the contract's.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Where the run is.
    pub phase: Phase,
    /// The current run.
    pub run_id: Option<String>,
    /// The last run in the history.
    pub last_run_id: Option<String>,
    /// Orders processed.
    pub counts: Each<u64>,
    /// When they were.
    pub processing: Each<Window>,
    /// How far the run is.
    pub progress: Progress,
    /// Where every order is.
    pub ledger: Each<Ledger>,
    /// What keeps NORMAL orders behind VIP ones.
    pub fence: Fence,
    /// Who works on it.
    pub workers: Workers,
    /// All of it, as it came.
    #[serde(skip)]
    pub json: Value,
}

/// One for each priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Each<T> {
    /// Of VIP orders.
    pub vip: T,
    /// Of NORMAL orders.
    pub normal: T,
}

impl<T: Copy> Each<T> {
    /// Both.
    pub fn both(&self) -> [T; 2] {
        [self.vip, self.normal]
    }
}

/// First lease → last ack of a priority.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// The first lease.
    pub start: Option<String>,
    /// The last ack.
    pub end: Option<String>,
    /// Orders processed.
    pub count: u64,
}

/// How far a run is, in orders.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// To be generated.
    pub target: u64,
    /// Generated.
    pub generated: u64,
    /// Processed.
    pub processed_total: u64,
}

/// What keeps NORMAL orders behind VIP ones.
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

/// Who works on it.
#[derive(Debug, Clone, Deserialize)]
pub struct Workers {
    /// Heard of in the last seconds.
    pub alive: u64,
    /// Leases that they hold.
    pub busy: u64,
}

impl Status {
    /// Reads an answer.
    pub fn of(json: Value) -> Self {
        let read: Result<Self, _> = Self::deserialize(&json);
        match read {
            Ok(status) => Self { json, ..status },
            Err(error) => panic!("no status: {error}\n{json:#}"),
        }
    }

    /// Is this the status of this run?
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
