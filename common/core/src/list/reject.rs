//! Why a line is no order.

use serde::{Deserialize, Serialize};

use crate::text::one_line;

/// A line that is no order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reject {
    /// The line of the file on which the record begins, from 1.
    pub line: u64,
    /// None if no single field is at fault.
    pub field: Option<String>,
    pub code: RejectCode,
    /// What is wrong and what would be right, for a person.
    pub message: String,
    /// The line, up to [`LINE_LIMIT`](super::LINE_LIMIT) of it. A CSV record is written anew, with
    /// quotes only where they are needed. What is not UTF-8 is replaced by U+FFFD.
    pub original: String,
}

/// What is wrong with a line, for a program. The examples leave out what is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RejectCode {
    /// More than 64 KiB, such as a line with a file in it.
    LineTooLong,
    /// Bytes that are not UTF-8: `{"cliente":"Jos\xe9"}` in Latin-1.
    NotUtf8,
    /// `{"cliente":"Ana",}`
    NotJson,
    /// `["Ana", 12.5]`
    NotAnObject,
    /// CSV: `"Ana;12,5`, up to the end of the list.
    OpenQuote,
    /// CSV: `Ana;12;5` below `cliente;valor`.
    Columns,
    /// `{"valor":1,"valor":2}`
    DuplicateKey,
    /// `{"valor":1}`, which has no `cliente`.
    Required,
    /// `{"valor":"12.50"}`
    Type,
    /// `{"ref":" "}`
    Empty,
    /// `ref` of 129 characters, `dados` of 17 KiB.
    TooLong,
    /// `{"cliente":"A\u0000"}`
    ControlCharacter,
    /// CSV: `Ana;twelve`
    NotANumber,
    /// `{"valor":-1}`
    Negative,
    /// `{"valor":1e400}`
    TooLarge,
    /// `{"valor":12.345}`
    Decimals,
    /// `{"tier":"ouro"}`
    NotAllowed,
    /// Neither `priority` nor `tier`, where the import has no default priority.
    NoPriority,
    /// `dados` of 200 objects in each other.
    TooDeep,
    /// A `ref` that another line of the list has. Only the importer can know.
    DuplicateRef,
    /// A rule of the collection `orders` that the order breaks, such as a validator of its own. Only
    /// the importer can know.
    Refused,
}

impl RejectCode {
    pub const ALL: [Self; 21] = [
        Self::LineTooLong,
        Self::NotUtf8,
        Self::NotJson,
        Self::NotAnObject,
        Self::OpenQuote,
        Self::Columns,
        Self::DuplicateKey,
        Self::Required,
        Self::Type,
        Self::Empty,
        Self::TooLong,
        Self::ControlCharacter,
        Self::NotANumber,
        Self::Negative,
        Self::TooLarge,
        Self::Decimals,
        Self::NotAllowed,
        Self::NoPriority,
        Self::TooDeep,
        Self::DuplicateRef,
        Self::Refused,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LineTooLong => "lineTooLong",
            Self::NotUtf8 => "notUtf8",
            Self::NotJson => "notJson",
            Self::NotAnObject => "notAnObject",
            Self::OpenQuote => "openQuote",
            Self::Columns => "columns",
            Self::DuplicateKey => "duplicateKey",
            Self::Required => "required",
            Self::Type => "type",
            Self::Empty => "empty",
            Self::TooLong => "tooLong",
            Self::ControlCharacter => "controlCharacter",
            Self::NotANumber => "notANumber",
            Self::Negative => "negative",
            Self::TooLarge => "tooLarge",
            Self::Decimals => "decimals",
            Self::NotAllowed => "notAllowed",
            Self::NoPriority => "noPriority",
            Self::TooDeep => "tooDeep",
            Self::DuplicateRef => "duplicateRef",
            Self::Refused => "refused",
        }
    }
}

/// A reject that does not know its line yet.
#[derive(Debug)]
pub struct Problem {
    pub field: Option<String>,
    pub code: RejectCode,
    pub message: String,
}

impl Problem {
    pub fn of_line(code: RejectCode, message: impl Into<String>) -> Self {
        Self { field: None, code, message: message.into() }
    }

    /// The message begins with the name of the field.
    pub fn of_field(field: &str, code: RejectCode, message: impl AsRef<str>) -> Self {
        let message = format!("{} {}", shorten(field), message.as_ref());
        Self { field: Some(shorten(field)), code, message }
    }
}

/// At most 40 characters of a value, on one line.
pub fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", one_line(text.get(..end).unwrap_or_default())),
        None => one_line(text),
    }
}
