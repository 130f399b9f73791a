//! A call of a receiver, as it came and as it was answered.

use std::{collections::HashMap, fmt, time::Instant};

use bytes::Bytes;
use hyper::{HeaderMap, Version, http::request::Parts};
use pedidos_core::order::Priority;
use serde_json::Value;

/// What a receiver says of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is done; with a note, or an empty one.
    Ok(String),
    /// Again, after so many milliseconds if that is said.
    Retry(Option<u64>),
    /// Never again, for this reason.
    Fail(String),
    /// Nothing at all.
    LeftOut,
}

impl Verdict {
    /// The simple good one.
    pub const OK: Self = Self::Ok(String::new());

    /// Does it end the order?
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Ok(_) | Self::Fail(_))
    }
}

/// An order of a call.
#[derive(Debug, Clone)]
pub struct Sent {
    pub id: String,
    /// The client's own id, of an imported order.
    pub reference: Option<String>,
    pub attempt: u64,
    /// All of it, as it came.
    pub json: Value,
}

impl Sent {
    /// Is this its id, or its `ref`?
    pub fn is(&self, name: &str) -> bool {
        self.id == name || self.reference.as_deref() == Some(name)
    }

    /// The number in the `ref` of a list of [`crate::imports::lines`], or the index of a generated
    /// order.
    pub fn number(&self) -> u32 {
        let number =
            self.reference.as_deref().and_then(|text| text.strip_prefix("r-")?.parse().ok());
        number.unwrap_or_else(|| {
            let id: pedidos_core::order::OrderId = self.id.parse().expect("it is an id");
            id.index()
        })
    }
}

/// A call. Times are of this machine's monotonic clock.
#[derive(Clone)]
pub struct Call {
    /// The calls of a receiver are counted from 0.
    pub number: usize,
    /// When its head was read.
    pub received: Instant,
    /// When its answer was handed to the connection; none if there was none, or nobody waited.
    pub answered: Option<Instant>,
    /// The caller went away before.
    pub left: bool,
    pub path: String,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub run_id: String,
    pub batch_id: String,
    pub priority: Priority,
    pub orders: Vec<Sent>,
    /// What was said of its orders, by id; of an order that is missing here, nothing.
    pub verdicts: HashMap<String, Verdict>,
    /// The answer as a whole, in words.
    pub said: String,
}

impl Call {
    /// Reads a request; says what is wrong with one that breaks the contract.
    pub(super) fn read(head: Parts, body: Bytes, received: Instant) -> Result<Self, String> {
        let json: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        let text = |value: &Value, field: &str| {
            let found = value[field].as_str().filter(|text| !text.is_empty());
            found.map(str::to_owned).ok_or_else(|| format!("no {field}: {json:#}"))
        };
        let orders = json["orders"].as_array().filter(|orders| !orders.is_empty());
        let orders = orders.ok_or_else(|| format!("no orders: {json:#}"))?;
        let sent = |order: &Value| {
            Ok::<_, String>(Sent {
                id: text(order, "id")?,
                reference: order["ref"].as_str().map(str::to_owned),
                attempt: order["attempt"].as_u64().ok_or_else(|| format!("attempt: {order:#}"))?,
                json: order.clone(),
            })
        };
        let orders = orders.iter().map(sent).collect::<Result<Vec<_>, _>>()?;
        let priority = text(&json, "priority")?;
        let priority = Priority::ALL.into_iter().find(|it| it.as_str() == priority);
        text(&json, "queue")?;
        Ok(Self {
            number: 0,
            received,
            answered: None,
            left: false,
            path: head.uri.path().to_owned(),
            version: head.version,
            headers: head.headers,
            run_id: text(&json, "runId")?,
            batch_id: text(&json, "batchId")?,
            priority: priority.ok_or_else(|| format!("priority: {json:#}"))?,
            orders,
            verdicts: HashMap::new(),
            said: String::new(),
            body,
        })
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Does somebody still wait for an answer?
    pub const fn is_open(&self) -> bool {
        self.answered.is_none() && !self.left
    }

    /// Is this order in it, by its id or `ref`?
    pub fn has(&self, name: &str) -> bool {
        self.orders.iter().any(|order| order.is(name))
    }
}

/// Without the body, and with ids alone: it is to be read when a test fails.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let orders = self.orders.iter().map(|order| {
            let name = order.reference.as_deref().unwrap_or(&order.id);
            (name, order.attempt, self.verdicts.get(&order.id))
        });
        f.debug_struct("Call")
            .field("number", &self.number)
            .field("priority", &self.priority)
            .field("batch", &self.batch_id)
            .field("took", &self.answered.map(|answered| answered - self.received))
            .field("left", &self.left)
            .field("said", &self.said)
            .field("orders", &orders.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
