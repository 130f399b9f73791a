//! The two formats of a list.

use super::error::ListError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListFormat {
    /// A JSON object on each line.
    Ndjson,
    /// A header line, then a line for each order.
    Csv,
}

impl ListFormat {
    pub const ALL: [Self; 2] = [Self::Ndjson, Self::Csv];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// Reads a `Content-Type`. A charset that is not UTF-8 is refused; other parameters say
    /// nothing that matters.
    pub fn from_content_type(text: &str) -> Result<Self, ListError> {
        let mut parts = text.split(';').map(str::trim);
        let format = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "application/x-ndjson" | "application/jsonl" => Self::Ndjson,
            "text/csv" => Self::Csv,
            _ => {
                return Err(ListError::NotAList(
                    "The content type is none of a list: send application/x-ndjson, \
                     application/jsonl or text/csv"
                        .to_owned(),
                ));
            }
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let charset = value.trim().trim_matches('"').to_ascii_lowercase();
            let is_known = ["utf-8", "utf8", "us-ascii"].contains(&charset.as_str());
            if name.trim().eq_ignore_ascii_case("charset") && !is_known {
                return Err(ListError::NotAList(
                    "The charset of the content type is not UTF-8: send the list as UTF-8"
                        .to_owned(),
                ));
            }
        }
        Ok(format)
    }
}
