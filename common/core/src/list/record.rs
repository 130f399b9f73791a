//! A record of a list: a line of NDJSON, or a record of CSV, which may span lines.

use std::sync::Arc;

use ring::digest::Context;

use super::{
    cells,
    encoded::decode,
    header::{Header, MAX_COLUMNS},
    json,
    order_line::OrderLine,
    reject::{Problem, Reject, RejectCode},
};
use crate::order::Priority;

/// A line is at most so long, without its line end. Of CSV, the cells count, without quotes.
pub const LINE_LIMIT: usize = 64 * 1_024;

#[derive(Debug, Clone)]
pub struct Record {
    line: u64,
    /// The line, or the cells with their lengths. If it was cut: the start of it.
    bytes: Vec<u8>,
    /// SHA-256 of all of it, if it was cut.
    digest: Option<[u8; 32]>,
    fault: Option<Fault>,
    /// Of CSV.
    header: Option<Arc<Header>>,
}

/// Why a record is a reject, whatever its fields are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    TooLong = 1,
    TooManyCells = 2,
    OpenQuote = 3,
}

impl Record {
    pub(super) const fn line_of(line: u64, bytes: Vec<u8>) -> Self {
        Self { line, bytes, digest: None, fault: None, header: None }
    }

    pub(super) const fn cells_of(line: u64, encoded: Vec<u8>, header: Arc<Header>) -> Self {
        Self { line, bytes: encoded, digest: None, fault: None, header: Some(header) }
    }

    /// Only the start of the record is kept; the hash is that of all of it.
    pub(super) const fn cut(&mut self, fault: Fault, digest: [u8; 32]) {
        self.fault = Some(fault);
        self.digest = Some(digest);
    }

    pub(super) const fn is_open(&mut self) {
        self.fault = Some(Fault::OpenQuote);
    }

    /// The line of the file on which it begins, from 1. A header, blank lines and line ends in
    /// quotes count.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Bytes that are kept of it.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.bytes.len()
    }

    /// What a chain hashes.
    pub(super) fn to_hash(&self) -> (u8, &[u8]) {
        let content = self.digest.as_ref().map_or(self.bytes.as_slice(), |digest| digest);
        (self.fault.map_or(0, |fault| fault as u8), content)
    }

    /// `default_priority` is that of orders that have neither priority nor tier.
    pub fn parse(&self, default_priority: Option<Priority>) -> Result<OrderLine, Reject> {
        self.order(default_priority).map_err(|problem| Reject {
            line: self.line,
            field: problem.field,
            code: problem.code,
            message: problem.message,
            original: self.original(),
        })
    }

    /// The reject of this record, for a reason that only the import knows.
    #[must_use]
    pub fn reject(&self, field: Option<&str>, code: RejectCode, message: String) -> Reject {
        let (line, field) = (self.line, field.map(str::to_owned));
        Reject { line, field, code, message, original: self.original() }
    }

    fn order(&self, default_priority: Option<Priority>) -> Result<OrderLine, Problem> {
        match (self.fault, &self.header) {
            (Some(fault), _) => Err(self.faulty(fault)),
            (None, None) => json::read(&self.bytes)?.check(default_priority),
            (None, Some(header)) => cells::read(&self.bytes, header)?.check(default_priority),
        }
    }

    fn faulty(&self, fault: Fault) -> Problem {
        let (code, text) = match fault {
            Fault::TooLong if self.header.is_some() => (
                RejectCode::LineTooLong,
                "the line is longer than 64 KiB: shorten it, and look for a quote that is never \
                 closed",
            ),
            Fault::TooLong => {
                (RejectCode::LineTooLong, "the line is longer than 64 KiB: shorten it")
            }
            Fault::TooManyCells => {
                let text = format!(
                    "the line has more than {MAX_COLUMNS} cells: it must have as many as the header"
                );
                return Problem::of_line(RejectCode::Columns, text);
            }
            Fault::OpenQuote => (
                RejectCode::OpenQuote,
                "a double quote opens a cell of this record, and the list ends before it is closed: \
                 close it; a quote inside quotes is written twice",
            ),
        };
        Problem::of_line(code, text)
    }

    fn original(&self) -> String {
        let line = match &self.header {
            None => String::from_utf8_lossy(&self.bytes).into_owned(),
            Some(header) => {
                let delimiter = char::from(header.delimiter);
                let cells = decode(&self.bytes).map(|cell| written(cell, delimiter));
                cells.collect::<Vec<_>>().join(&delimiter.to_string())
            }
        };
        let end = line.floor_char_boundary(LINE_LIMIT);
        line.get(..end).unwrap_or_default().to_owned()
    }
}

/// A cell as CSV has it.
fn written(cell: &[u8], delimiter: char) -> String {
    let text = String::from_utf8_lossy(cell);
    if text.contains(['"', '\r', '\n', delimiter]) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

pub fn sha(hash: Context) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}
