//! The listing of jobs, and one order with its history.

use pedidos_core::order::{self, Priority};
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// In the queue.
    Waiting,
    /// Leased by a worker.
    Active,
    /// Waiting for a retry.
    Delayed,
    /// Processed.
    Completed,
    /// Dead letters.
    Failed,
}

/// What kind of job it is.
#[derive(Debug, Clone, Copy, Enum, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum JobName {
    /// Process one order.
    ProcessOrder,
    /// Generate a chunk of orders.
    GenerateOrders,
}

/// What has become of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// It is not processed yet.
    Pendente,
    /// It is processed.
    Processado,
    /// It is a dead letter.
    Falhou,
    /// A person removed it from the queue.
    Removido,
    /// Its run was cancelled first.
    Cancelado,
}

impl OrderStatus {
    /// As an order has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pendente => order::PENDENTE,
            Self::Processado => order::PROCESSADO,
            Self::Falhou => order::FALHOU,
            Self::Removido => order::REMOVIDO,
            Self::Cancelado => order::CANCELADO,
        }
    }
}

/// The priority of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "UPPERCASE")]
#[serde(rename_all = "UPPERCASE")]
pub enum OrderPriority {
    /// Processed before every NORMAL order.
    Vip,
    /// All others.
    Normal,
}

impl From<OrderPriority> for Priority {
    fn from(priority: OrderPriority) -> Self {
        match priority {
            OrderPriority::Vip => Self::Vip,
            OrderPriority::Normal => Self::Normal,
        }
    }
}

/// A page of jobs.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct JobsAnswer {
    /// Jobs in this answer.
    pub total: u64,
    /// The states, as requested.
    pub types: Vec<State>,
    /// The page, as requested: inclusive, within each state.
    pub range: PageRange,
    /// All jobs there are, by state.
    pub available: Available,
    /// The jobs, state by state.
    pub jobs: Vec<Job>,
}

/// The page, as requested.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct PageRange {
    /// The first.
    pub start: u32,
    /// The last.
    pub end: u32,
}

/// All jobs there are, by state; null: not requested.
#[derive(Debug, Clone, Default, Object, Serialize, Deserialize)]
pub struct Available {
    /// In the queue.
    pub waiting: Option<u64>,
    /// Leased by a worker.
    pub active: Option<u64>,
    /// Waiting for a retry.
    pub delayed: Option<u64>,
    /// Processed, less those hidden from the list.
    pub completed: Option<u64>,
    /// Dead letters.
    pub failed: Option<u64>,
}

/// One job. Times are ms since the epoch.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// The order's id, or `chunk-` and the index of its first order.
    pub id: String,
    /// What kind of job it is.
    pub name: JobName,
    /// The state of the job.
    pub state: State,
    /// Failed attempts so far.
    pub attempts_made: u32,
    /// When the order was stored; null for a chunk.
    pub timestamp: Option<i64>,
    /// When a worker leased it.
    pub processed_on: Option<i64>,
    /// When it was processed, or became a dead letter.
    pub finished_on: Option<i64>,
    /// Why it is a dead letter.
    pub failed_reason: Option<String>,
    /// The order, if requested; null for a chunk.
    pub data: Option<OrderData>,
    /// The orders of a chunk; null for an order.
    pub chunk: Option<Chunk>,
}

/// The orders of a chunk, by index.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct Chunk {
    /// The first.
    pub from: u32,
    /// The one after the last.
    pub to: u32,
}

/// An order, as it is stored.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct OrderData {
    /// Its id.
    pub id: String,
    /// The client's own id, of an imported order.
    #[oai(rename = "ref")]
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The customer.
    pub cliente: Option<String>,
    /// Its price.
    pub valor: Option<f64>,
    /// The customer's tier.
    pub tier: Option<String>,
    /// VIP or NORMAL.
    pub priority: Option<String>,
    /// A note.
    pub observacoes: Option<String>,
    /// What else the line of an imported order had.
    pub dados: Option<Value>,
    /// pendente, processado, falhou, removido or cancelado.
    pub status: Option<String>,
    /// When it was stored.
    pub created_at: Option<String>,
    /// Its run.
    pub run_id: Option<String>,
    /// When it was processed.
    pub processed_at: Option<String>,
    /// When it was last put back into the queue.
    pub retried_at: Option<String>,
    /// Why it is a dead letter.
    pub outcome: Option<OutcomeData>,
}

/// Why an order is a dead letter.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct OutcomeData {
    /// The last error.
    pub error: Option<String>,
    /// Attempts made.
    pub attempts: Option<u32>,
    /// When it became a dead letter.
    pub at: Option<String>,
}

/// An order, as it is stored, and what happened to it.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
pub struct OrderDetails {
    #[oai(flatten)]
    #[serde(flatten)]
    pub order: OrderData,
    /// What happened to it, the first first. Times are of the servers' clocks: attempts and late
    /// verdicts of Redis', all else but the first of MongoDB's.
    #[serde(default)]
    pub history: Vec<OrderEvent>,
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
pub struct OrderEvent {
    /// When; null: with the end of its run.
    pub at: Option<String>,
    /// What happened.
    pub event: OrderEventName,
    /// The number of the attempt that failed; of a dead letter, how many were made.
    pub attempt: Option<u32>,
    /// Why it failed.
    pub error: Option<String>,
    /// What the processor said of an order that it has processed.
    pub note: Option<String>,
    /// The worker that called the processor. The built-in processor leaves no name.
    pub worker: Option<String>,
    /// Of a verdict that came too late: `ok`, `fail` or `retry`.
    pub verdict: Option<String>,
}

/// What happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum OrderEventName {
    /// It was stored.
    Stored,
    /// An attempt failed. The last ten are kept, of a named processor alone.
    AttemptFailed,
    /// It became a dead letter.
    GivenUp,
    /// A person put it back into the queue.
    Retried,
    /// It was processed.
    Processed,
    /// A person removed it.
    Removed,
    /// It was cancelled with its run.
    Cancelled,
    /// A verdict came too late, and changed nothing. The last one is kept.
    LateVerdict,
}
