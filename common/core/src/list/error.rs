//! Why a whole list cannot be read.

use std::{error, fmt};

/// The list cannot be read, or not any further. Says what it is and what to send instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListError {
    /// It is something else: an archive, a page, another encoding. An API answers 415.
    NotAList(String),
    /// It is damaged, or lacks what every list needs. An API answers 400.
    Broken(String),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NotAList(text) | Self::Broken(text)) = self;
        f.write_str(text)
    }
}

impl error::Error for ListError {}
