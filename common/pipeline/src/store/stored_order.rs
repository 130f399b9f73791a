//! An order as it is stored, for a person to look at.

use mongodb::bson::{Bson, DateTime, deserialize_from_bson};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// A field that is missing, or not of its type, is none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredOrder {
    #[serde(rename = "_id")]
    pub id: String,
    /// The client's own id, of an imported order.
    #[serde(rename = "ref", default, deserialize_with = "if_any")]
    pub reference: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    pub cliente: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    pub valor: Option<f64>,
    #[serde(default, deserialize_with = "if_any")]
    pub tier: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    pub priority: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    pub observacoes: Option<String>,
    /// The text of a JSON object.
    #[serde(default, deserialize_with = "if_any")]
    pub dados: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    pub created_at: Option<DateTime>,
    #[serde(default, deserialize_with = "if_any")]
    pub run_id: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    pub processed_at: Option<DateTime>,
    #[serde(default, deserialize_with = "if_any")]
    pub retried_at: Option<DateTime>,
    /// When a person removed it.
    #[serde(default, deserialize_with = "if_any")]
    pub removed_at: Option<DateTime>,
    /// The attempt at a cancel that cancelled it.
    #[serde(default, deserialize_with = "if_any")]
    pub cancel_attempt: Option<i64>,
    #[serde(default, deserialize_with = "if_any")]
    pub outcome: Option<StoredOutcome>,
}

/// Why an order was given up, and what else is known of its processing.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct StoredOutcome {
    #[serde(default, deserialize_with = "if_any")]
    pub error: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    pub attempts: Option<u32>,
    /// By MongoDB's clock.
    #[serde(default, deserialize_with = "if_any")]
    pub at: Option<DateTime>,
    /// What the processor said of an order that it has processed.
    #[serde(default, deserialize_with = "if_any")]
    pub note: Option<String>,
    /// The worker that called the processor last.
    #[serde(default, deserialize_with = "if_any")]
    pub worker: Option<String>,
    /// The last attempts that failed, with a named processor.
    #[serde(default, deserialize_with = "if_any")]
    pub history: Option<Vec<StoredAttempt>>,
    /// When a person put it back, each time.
    #[serde(default, deserialize_with = "if_any")]
    pub retries: Option<Vec<DateTime>>,
    #[serde(default, deserialize_with = "if_any")]
    pub late: Option<StoredLate>,
}

/// An attempt that failed. Its time is Redis'.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct StoredAttempt {
    #[serde(default, deserialize_with = "if_any")]
    pub attempt: Option<u32>,
    #[serde(default, deserialize_with = "if_any")]
    pub at: Option<DateTime>,
    #[serde(default, deserialize_with = "if_any")]
    pub error: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    pub worker: Option<String>,
}

/// The last verdict that came too late. Its time is Redis'.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct StoredLate {
    /// `ok`, `fail` or `retry`.
    #[serde(default, deserialize_with = "if_any")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    pub at: Option<DateTime>,
    #[serde(default, deserialize_with = "if_any")]
    pub worker: Option<String>,
}

impl StoredOutcome {
    /// Is it known why? A letter that was put back has its history alone.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.error.is_some() || self.attempts.is_some() || self.at.is_some()
    }
}

fn if_any<'de, D: Deserializer<'de>, T: DeserializeOwned>(field: D) -> Result<Option<T>, D::Error> {
    Ok(deserialize_from_bson(Bson::deserialize(field)?).ok())
}
