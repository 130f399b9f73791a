//! Imports: lists of a client's own orders.

use pedidos_core::{import, list, order::Priority};
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// The state of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum ImportState {
    /// Takes lines.
    Open,
    /// Takes no more lines; waits to be started.
    Sealed,
    /// Is a run, or waits until it can be one.
    Started,
    /// Was discarded; its orders are deleted.
    Discarded,
    /// Its run was deleted.
    Deleted,
}

/// What to do with an import that has rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum OnRejects {
    /// Do not start it.
    Stop,
    /// Start it without them.
    Skip,
}

/// The priority of orders that name neither priority nor tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "UPPERCASE")]
#[serde(rename_all = "UPPERCASE")]
pub enum DefaultPriority {
    Vip,
    Normal,
}

/// How rejects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum RejectFormat {
    /// A JSON object a line.
    Ndjson,
    /// CSV with a header line.
    Csv,
}

/// An import.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// Its id; that of its run, too. Null after a dry run.
    pub import_id: Option<String>,
    /// As its client named it.
    pub name: Option<String>,
    pub state: ImportState,
    /// Lines that are stored for good: accepted and rejected. Blank lines and a header do not count.
    pub lines: u64,
    /// Orders.
    pub accepted: u64,
    /// Lines that are no orders; `rejects` lists them.
    pub rejected: u64,
    /// Accepted orders that are VIP.
    pub vip: u64,
    /// Accepted orders that are NORMAL.
    pub normal: u64,
    /// Bytes of these lines, decompressed.
    pub bytes: u64,
    /// At most 20.
    pub first_rejects: Vec<Reject>,
    /// When it was created.
    pub created_at: String,
    /// When it was sealed.
    pub sealed_at: Option<String>,
    /// An import that is still open then is discarded. Null after a dry run.
    pub expires_at: Option<String>,
    /// The run, once it is started.
    pub run_id: Option<String>,
    /// True for a dry run: nothing is kept, and a `ref` given twice is noticed only if both lines
    /// are close together.
    #[serde(default)]
    pub dry_run: bool,
}

/// A line that is no order.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct Reject {
    /// Where it begins in the file, from 1; a CSV header counts.
    pub line: u64,
    /// The field that is wrong; null: the whole line.
    pub field: Option<String>,
    /// Why, for programs.
    pub code: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// The line as it came, at most 64 KiB.
    pub original: String,
}

/// A page of imports.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ImportsAnswer {
    /// As requested.
    pub limit: u32,
    /// Imports on this page.
    pub count: u32,
    /// The imports, the newest first.
    pub imports: Vec<Import>,
    /// Give it as `cursor` to get the next page; null: this is the last.
    pub next_cursor: Option<String>,
}

/// The import is discarded.
#[derive(Debug, Clone, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct DiscardAnswer {
    pub discarded: bool,
    /// Orders deleted by this call; the sweep deletes what is left.
    pub removed_orders: u64,
}

impl From<import::ImportState> for ImportState {
    fn from(state: import::ImportState) -> Self {
        match state {
            import::ImportState::Open => Self::Open,
            import::ImportState::Sealed => Self::Sealed,
            import::ImportState::Started => Self::Started,
            import::ImportState::Discarded => Self::Discarded,
            import::ImportState::Deleted => Self::Deleted,
        }
    }
}

impl From<ImportState> for import::ImportState {
    fn from(state: ImportState) -> Self {
        match state {
            ImportState::Open => Self::Open,
            ImportState::Sealed => Self::Sealed,
            ImportState::Started => Self::Started,
            ImportState::Discarded => Self::Discarded,
            ImportState::Deleted => Self::Deleted,
        }
    }
}

impl From<DefaultPriority> for Priority {
    fn from(priority: DefaultPriority) -> Self {
        match priority {
            DefaultPriority::Vip => Self::Vip,
            DefaultPriority::Normal => Self::Normal,
        }
    }
}

impl From<list::Reject> for Reject {
    fn from(reject: list::Reject) -> Self {
        Self {
            line: reject.line,
            field: reject.field,
            code: reject.code.as_str().to_owned(),
            message: reject.message,
            original: reject.original,
        }
    }
}
