//! Lines of an export: what a list needs to bring an order again, and what became of the order.
//!
//! Columns that a list knows come back as they were. Ours begin with `pedidos_`, and a list that has
//! them ignores them. So what failed can be exported, mended and imported again.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::{dados::quoted, spreadsheet::guard};

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A JSON object a line, without the fields that the order does not have.
    Ndjson,
    /// With a header line and `,` between the cells.
    Csv,
    /// As a spreadsheet in Brazil reads it: `;` between the cells, a comma as decimal sign, and a
    /// byte order mark, which says that it is UTF-8.
    SemicolonCsv,
}

/// The id comes first, so that a reader that was cut off knows where to go on.
const COLUMNS: [&str; 17] = [
    "pedidos_id",
    "ref",
    "cliente",
    "valor",
    "tier",
    "priority",
    "observacoes",
    "dados",
    "pedidos_status",
    "pedidos_error",
    "pedidos_attempts",
    "pedidos_note",
    "pedidos_createdAt",
    "pedidos_processedAt",
    "pedidos_failedAt",
    "pedidos_retriedAt",
    "pedidos_removedAt",
];

/// An order with what became of it. Times are ISO-8601 UTC.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExportLine {
    pub id: String,
    pub reference: Option<String>,
    pub cliente: Option<String>,
    pub valor: Option<f64>,
    pub tier: Option<String>,
    pub priority: Option<String>,
    pub observacoes: Option<String>,
    /// The text of a JSON object.
    pub dados: Option<String>,
    pub status: Option<String>,
    /// Why it is a dead letter.
    pub error: Option<String>,
    /// Attempts that were spent.
    pub attempts: Option<u32>,
    /// What the processor said of it.
    pub note: Option<String>,
    pub created_at: Option<String>,
    pub processed_at: Option<String>,
    pub failed_at: Option<String>,
    /// When a person last put it back.
    pub retried_at: Option<String>,
    /// When a person removed it.
    pub removed_at: Option<String>,
}

enum Value<'a> {
    Text(&'a str),
    Number(String),
    Object(&'a str),
}

impl ExportFormat {
    /// What stands before the first line.
    #[must_use]
    pub fn header(self) -> String {
        let row = |delimiter: &str| COLUMNS.join(delimiter) + "\r\n";
        match self {
            Self::Ndjson => String::new(),
            Self::Csv => row(","),
            Self::SemicolonCsv => format!("\u{feff}{}", row(";")),
        }
    }
}

impl ExportLine {
    /// Adds the line, with its end, to the text.
    pub fn write(&self, format: ExportFormat, text: &mut String) {
        match format {
            ExportFormat::Ndjson => self.write_object(text),
            ExportFormat::Csv => self.write_row(',', text),
            ExportFormat::SemicolonCsv => self.write_row(';', text),
        }
    }

    /// In the order of the columns.
    fn values(&self) -> [Option<Value<'_>>; COLUMNS.len()] {
        [
            Some(Value::Text(&self.id)),
            self.reference.as_deref().map(Value::Text),
            self.cliente.as_deref().map(Value::Text),
            self.valor.and_then(price).map(Value::Number),
            self.tier.as_deref().map(Value::Text),
            self.priority.as_deref().map(Value::Text),
            self.observacoes.as_deref().map(Value::Text),
            self.dados.as_deref().map(Value::Object),
            self.status.as_deref().map(Value::Text),
            self.error.as_deref().map(Value::Text),
            self.attempts.map(|attempts| Value::Number(attempts.to_string())),
            self.note.as_deref().map(Value::Text),
            self.created_at.as_deref().map(Value::Text),
            self.processed_at.as_deref().map(Value::Text),
            self.failed_at.as_deref().map(Value::Text),
            self.retried_at.as_deref().map(Value::Text),
            self.removed_at.as_deref().map(Value::Text),
        ]
    }

    fn write_object(&self, text: &mut String) {
        let mut before = '{';
        for (name, value) in COLUMNS.iter().zip(self.values()) {
            let Some(value) = value else { continue };
            text.push(before);
            before = ',';
            text.push_str(&quoted(name));
            text.push(':');
            match value {
                Value::Number(number) => text.push_str(&number),
                Value::Object(object) if is_object(object) => text.push_str(&in_one_line(object)),
                // Somebody else has written it: as a text, it is told and not taken for an object.
                Value::Text(it) | Value::Object(it) => text.push_str(&quoted(it)),
            }
        }
        text.push_str("}\n");
    }

    fn write_row(&self, delimiter: char, text: &mut String) {
        for (number, value) in self.values().into_iter().enumerate() {
            if number > 0 {
                text.push(delimiter);
            }
            match value {
                Some(Value::Number(number)) if delimiter == ';' => {
                    text.push_str(&number.replace('.', ","));
                }
                Some(Value::Number(number)) => text.push_str(&number),
                Some(Value::Text(it) | Value::Object(it)) => text.push_str(&cell(it, delimiter)),
                None => {}
            }
        }
        text.push_str("\r\n");
    }
}

/// With two decimals, unless somebody has stored more; none if JSON has no such number.
fn price(valor: f64) -> Option<String> {
    let price = format!("{valor:.2}");
    let is_whole = price.parse() == Ok(valor);
    valor.is_finite().then(|| if is_whole { price } else { valor.to_string() })
}

fn is_object(text: &str) -> bool {
    text.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// A cell of CSV may have had line ends between the members; JSON has none in its strings.
fn in_one_line(object: &str) -> Cow<'_, str> {
    if object.contains(['\r', '\n']) {
        object.replace(['\r', '\n'], " ").into()
    } else {
        object.into()
    }
}

fn cell(text: &str, delimiter: char) -> Cow<'_, str> {
    let cell = guard(text);
    if cell.contains([delimiter, '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\"")).into()
    } else {
        cell
    }
}
