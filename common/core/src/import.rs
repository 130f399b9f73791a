//! Imports: lists of a client's own orders.
//!
//! A list is stored block by block. Order *i* of an import is its *i*-th accepted line (I11).

use std::time::Duration;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// Lines of a block, at most.
pub const BLOCK_LINES: u32 = 5_000;
/// Bytes of a block, about: while it is stored, its lines, their orders, their documents and what is
/// sent of them are in memory, each of this size.
pub const BLOCK_BYTES: usize = 2 * 1_024 * 1_024;
/// A block is stored this long after its first line at the latest, however slow the client is.
pub const BLOCK_TIME: Duration = Duration::from_secs(2);
/// Rejects that are kept; the next one ends the upload.
pub const MOST_REJECTS: u64 = 10_000;
/// Rejects that an import itself shows.
pub const REJECTS_SHOWN: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ImportState {
    /// Takes lines.
    Open,
    /// Takes no more lines.
    Sealed,
    /// Is a run, or becomes one as soon as no other run is active.
    Started,
    /// Its orders are deleted.
    Discarded,
    /// Its run was deleted.
    Deleted,
}

impl ImportState {
    pub const ALL: [Self; 5] =
        [Self::Open, Self::Sealed, Self::Started, Self::Discarded, Self::Deleted];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sealed => "sealed",
            Self::Started => "started",
            Self::Discarded => "discarded",
            Self::Deleted => "deleted",
        }
    }
}

/// The seed of the random bits in the ids of an import's orders. Below 2^53, so that every JSON
/// reader reads it exactly.
#[must_use]
pub fn seed_of(import_id: &str) -> i64 {
    let digest = digest(&SHA256, import_id.as_bytes());
    let first = digest.as_ref().iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte));
    (first >> 11) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_of_an_import_is_what_it_was_in_the_first_release() {
        // Changing this breaks every import that is being uploaded during an upgrade.
        assert_eq!(seed_of("0b0e7f4e-6a0c-4f0e-9d5e-0d6f6f0a1b2c"), 8_752_161_566_876_651);
    }
}
