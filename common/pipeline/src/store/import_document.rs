//! An import and its blocks, as they are stored.

use std::ops::Range;

use mongodb::bson::{Binary, DateTime, spec::BinarySubtype};
use pedidos_core::{
    control::RunOptions,
    import::{ImportState, seed_of},
    list::Reject,
    order::{Generator, OrderId, Priority, VipBits},
};
use serde::{Deserialize, Serialize};

/// One import. Only a compare-and-set changes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportDocument {
    /// A random UUID; the id of its run, too.
    #[serde(rename = "_id")]
    pub import_id: String,
    pub name: Option<String>,
    pub state: ImportState,
    /// The base of its range of ids, ms since the epoch.
    pub ids_ms: i64,
    /// Raised by every upload that begins to write: only the last one can commit a block.
    pub attempt: i64,
    /// Committed lines: accepted and rejected.
    pub lines: i64,
    pub accepted: i64,
    pub rejected: i64,
    pub vip: i64,
    pub normal: i64,
    /// Bytes of the committed lines.
    pub bytes: i64,
    /// The chain of hashes after the last committed line, in hexadecimal digits; empty before the
    /// first.
    pub chain: String,
    pub default_priority: Option<Priority>,
    /// A call that repeats it gets the same import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    pub first_rejects: Vec<Reject>,
    pub created_at: DateTime,
    pub sealed_at: Option<DateTime>,
    /// An import that is still open then is discarded.
    pub expires_at: DateTime,
    /// Until then the sweep looks for what a late upload stored; none: there is nothing to sweep.
    #[serde(default)]
    pub sweep_until: Option<DateTime>,
    /// How it runs, once it is started.
    #[serde(default)]
    pub options: RunOptions,
}

impl ImportDocument {
    #[must_use]
    pub fn generator(&self) -> Generator {
        Generator::new(seed_of(&self.import_id) as u64, self.ids_ms as u64)
    }

    /// All ids that its orders can have.
    #[must_use]
    pub fn ids(&self) -> Range<OrderId> {
        OrderId::of_ms(self.ids_ms as u64)
    }

    /// The ids above its last order: what is stored there was never accepted.
    #[must_use]
    pub fn ids_never_accepted(&self) -> Range<OrderId> {
        let accepted = self.accepted as u32;
        self.generator().id_range(&(accepted..accepted)).start..self.ids().end
    }
}

/// A block of an import. It exists once the import's `lines` are beyond its first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockDocument {
    /// The import, and the first line in twelve digits, so that blocks sort by it.
    #[serde(rename = "_id")]
    pub id: String,
    pub import_id: String,
    /// Of the import: what lies below a reset is deleted.
    pub ids_ms: i64,
    /// The number of its first line, from 0; blank lines and a header do not count.
    pub line: i64,
    pub lines: i64,
    /// The index of its first order.
    pub first: i64,
    /// Its orders.
    pub count: i64,
    pub attempt: i64,
    /// [`VipBits`] from `first` on.
    pub vip: Binary,
    /// Over its orders, of the fields that processing does not change.
    pub sha256: String,
    pub rejects: Vec<Reject>,
}

impl BlockDocument {
    #[must_use]
    pub fn id_of(import_id: &str, line: i64) -> String {
        format!("{import_id}:{line:012}")
    }

    #[must_use]
    pub fn binary(bits: &VipBits) -> Binary {
        Binary { subtype: BinarySubtype::Generic, bytes: bits.bytes().to_vec() }
    }

    /// Which of its orders are VIP.
    #[must_use]
    pub fn bits(&self) -> VipBits {
        VipBits::of(self.first as u32, self.vip.bytes.clone())
    }
}
