//! What processes an order: the code behind a run that names a processor.
//!
//! [`Processor`] is for programs of one's own ([`crate::main`]); [`Http`] hands every batch to a URL.

mod answer;
mod http;
mod settings;
mod signature;

use std::{fmt, pin::Pin, time::Duration};

use pedidos_core::order::{OrderId, Priority};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

pub use self::{http::Http, settings::ProcessorSettings};

/// Processes orders.
///
/// Called at least once for every order: again if a worker dies, or its answer is lost. So it must not
/// matter if an order is processed twice; [`BatchOrder::key`] tells that it is the same one.
pub trait Processor: Send + Sync + 'static {
    /// Processes a batch, and answers for each of its orders what became of it. An order that is
    /// left out is tried again.
    ///
    /// Dropped if the lease of the batch is lost, or after PROCESSOR_TIMEOUT_MS.
    ///
    /// # Errors
    /// The processor itself is at fault, and no order: none spends an attempt.
    fn process(&self, batch: &Batch) -> impl Future<Output = Result<Vec<Verdict>, Fault>> + Send;
}

/// Orders of one run and one priority, for one call. As JSON it is the body of an HTTP call.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// The run.
    pub run_id: String,
    /// The queue.
    pub queue: String,
    /// Of all its orders.
    pub priority: Priority,
    /// New with every call.
    pub batch_id: String,
    /// At least one.
    pub orders: Vec<BatchOrder>,
}

/// An order of a batch.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchOrder {
    /// Ours.
    #[serde(serialize_with = "shown")]
    pub id: OrderId,
    /// The client's own id, if its line had one.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The customer.
    pub cliente: String,
    /// The amount.
    pub valor: f64,
    /// BRONZE, PRATA, OURO or DIAMANTE, if it has one.
    pub tier: Option<String>,
    /// Its priority.
    pub priority: Priority,
    /// A remark.
    pub observacoes: Option<String>,
    /// What its line had besides, as it came.
    pub dados: Option<Box<RawValue>>,
    /// When it was stored, as RFC 3339.
    pub created_at: String,
    /// 1 the first time.
    pub attempt: i64,
}

impl BatchOrder {
    /// What tells a receiver that it has had this order before: the client's own id, else ours.
    #[must_use]
    pub fn key(&self) -> String {
        self.reference.clone().unwrap_or_else(|| self.id.to_string())
    }
}

fn shown<S: Serializer>(value: impl fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&value)
}

/// What became of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The order.
    pub id: OrderId,
    /// What became of it.
    pub judgement: Judgement,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is processed.
    Ok {
        /// Kept with the order.
        note: Option<String>,
    },
    /// It is to be tried again.
    Retry {
        /// Why.
        error: Option<String>,
        /// After this time, at most LEASE_MS; none: after the usual backoff.
        after: Option<Duration>,
    },
    /// It cannot be processed: it becomes a dead letter at once.
    Fail {
        /// Why.
        error: Option<String>,
    },
}

impl Verdict {
    /// The order is processed.
    #[must_use]
    pub fn ok(order: &BatchOrder) -> Self {
        Self { id: order.id, judgement: Judgement::Ok { note: None } }
    }

    /// The order is to be tried again.
    #[must_use]
    pub fn retry(order: &BatchOrder, error: impl Into<String>) -> Self {
        let judgement = Judgement::Retry { error: Some(error.into()), after: None };
        Self { id: order.id, judgement }
    }

    /// The order cannot be processed.
    #[must_use]
    pub fn fail(order: &BatchOrder, error: impl Into<String>) -> Self {
        Self { id: order.id, judgement: Judgement::Fail { error: Some(error.into()) } }
    }
}

/// A call that failed for all orders of its batch. The processor is at fault, unless others show
/// that it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of fault.
    pub kind: FaultKind,
    /// What happened.
    pub message: String,
    /// How long no call is to be made, at most five minutes.
    pub retry_after: Option<Duration>,
}

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// This batch is refused as it is (400, 413, 415, 422): its halves may not be.
    Refused,
    /// It asks for less (429, 503).
    Busy,
    /// Any other status.
    Status,
    /// No connection, or a broken one.
    Connection,
    /// No answer in time.
    Timeout,
    /// An answer that cannot be read.
    Answer,
    /// It answered `retry` for every order, and no order vouches for it.
    Retry,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Refused,
        Self::Busy,
        Self::Status,
        Self::Connection,
        Self::Timeout,
        Self::Answer,
        Self::Retry,
    ];

    /// As the metrics have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Status => "status",
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Answer => "answer",
            Self::Retry => "retry",
        }
    }
}

impl Fault {
    /// A fault of this kind.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A processor whose type is not known here.
pub(crate) trait AnyProcessor: Send + Sync {
    fn call<'a>(&'a self, batch: &'a Batch) -> Called<'a>;
}

pub(crate) type Called<'a> = Pin<Box<dyn Future<Output = Result<Vec<Verdict>, Fault>> + Send + 'a>>;

impl<P: Processor> AnyProcessor for P {
    fn call<'a>(&'a self, batch: &'a Batch) -> Called<'a> {
        Box::pin(self.process(batch))
    }
}
