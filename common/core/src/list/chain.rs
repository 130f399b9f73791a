//! The hash of a list up to a record.

use std::fmt;

use ring::digest::{Context, SHA256};

use super::{
    format::ListFormat,
    header::Header,
    record::{Record, sha},
};
use crate::bytes::{hex, unhex};

/// SHA-256 over the chain before and the record: equal after the same records of the same format
/// and header, and else different. Line ends, blank lines, a byte order mark, quotes and gzip do
/// not count, nor where the bytes were cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Chain([u8; 32]);

impl Chain {
    /// Before the first record.
    pub(super) fn start(format: ListFormat, header: Option<&Header>) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(b"pedidos list ");
        hash.update(format.as_str().as_bytes());
        if let Some(header) = header {
            hash.update(&[header.delimiter]);
            hash.update(&header.encoded);
        }
        Self(sha(hash))
    }

    /// Adds a record.
    pub fn next(&mut self, record: &Record) {
        let mut hash = Context::new(&SHA256);
        hash.update(&self.0);
        let (kind, content) = record.to_hash();
        hash.update(&[kind]);
        hash.update(content);
        self.0 = sha(hash);
    }

    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// None if the text is not 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        unhex(text)?.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({})", self.hex())
    }
}
