//! The header line of a CSV list.

use std::collections::HashSet;

use super::{
    encoded::{cells, encode},
    error::ListError,
    field::{Field, is_ignored},
    reject::shorten,
    spreadsheet::unguard,
};

/// A header with more columns is refused.
pub const MAX_COLUMNS: usize = 1_000;

#[derive(Debug, PartialEq, Eq)]
pub enum Column {
    Known(Field),
    Ignored,
    /// Goes into `dados` under this name.
    Other(String),
    /// Spreadsheets leave such columns at the right. Their cells must be empty.
    Nameless,
}

#[derive(Debug)]
pub struct Header {
    pub delimiter: u8,
    pub columns: Vec<Column>,
    /// Its cells, with their lengths: what a chain starts from.
    pub encoded: Vec<u8>,
}

/// The delimiter of a header line: `,` or `;`, whichever it has more of outside quotes.
pub fn delimiter(line: &[u8]) -> u8 {
    let (mut quoted, mut commas, mut semicolons) = (false, 0, 0);
    for byte in line {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => commas += 1,
            b';' if !quoted => semicolons += 1,
            _ => {}
        }
    }
    if semicolons > commas { b';' } else { b',' }
}

impl Header {
    pub fn new(delimiter: u8, bytes: &[u8], ends: &[usize]) -> Result<Self, ListError> {
        let encoded = encode(bytes, ends);
        let text = std::str::from_utf8(bytes).map_err(|_| {
            broken("The header line is not UTF-8: save the list as UTF-8 (it may be Latin-1)")
        })?;
        let (mut columns, mut names, mut given) = (Vec::new(), HashSet::new(), Vec::new());
        for cell in cells(text, ends) {
            let name = unguard(cell).trim();
            given.push(shorten(name));
            let column = column(name);
            let is_new = match &column {
                Column::Known(field) => names.insert(field.as_str().to_owned()),
                Column::Other(name) => names.insert(name.clone()),
                Column::Ignored | Column::Nameless => true,
            };
            if !is_new {
                return Err(ListError::Broken(format!(
                    "The header line names the column '{}' twice: name each column once",
                    shorten(name)
                )));
            }
            columns.push(column);
        }
        let lacks = |field: &Field| !columns.contains(&Column::Known(*field));
        let missing: Vec<_> = [Field::Cliente, Field::Valor].into_iter().filter(lacks).collect();
        if !missing.is_empty() {
            let missing: Vec<_> = missing.into_iter().map(Field::as_str).collect();
            return Err(ListError::Broken(format!(
                "The header line has no column {}: the first line of a CSV list names its columns, \
                 with , or ; between them, among them cliente and valor; it has: {}",
                missing.join(" and no column "),
                given.get(..20).unwrap_or(&given).join(", ")
            )));
        }
        Ok(Self { delimiter, columns, encoded })
    }
}

fn column(name: &str) -> Column {
    let lower = name.to_lowercase();
    match Field::of(&lower) {
        Some(field) => Column::Known(field),
        None if name.is_empty() => Column::Nameless,
        None if is_ignored(&lower) => Column::Ignored,
        None => Column::Other(name.to_owned()),
    }
}

fn broken(text: &str) -> ListError {
    ListError::Broken(text.to_owned())
}
