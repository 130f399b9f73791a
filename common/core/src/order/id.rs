//! The ids of orders.

use std::{fmt, ops::Range, str::FromStr};

use uuid::{Uuid, fmt::Hyphenated};

/// The id of an order, in the layout of a version 7 UUID (RFC 9562): 48 bits
/// of the base of the run's range in ms, then 32 bits of the order's index (12
/// before and 20 behind the variant), then 42 seeded random bits.
///
/// Ids therefore ascend with (run, index): inserts append to the index, and
/// the orders of a run, and of a chunk, are one range of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(Uuid);

impl OrderId {
    pub const BYTES: usize = 16;

    pub(super) const fn assemble(ids_ms: u64, index: u32, random: u64) -> Self {
        let index = index as u128;
        Self(Uuid::from_u128(
            ((ids_ms as u128 & 0xffff_ffff_ffff) << 80)
                | (0x7 << 76)
                | ((index >> 20) << 64)
                | (0b10 << 62)
                | ((index & 0xf_ffff) << 42)
                | (random as u128 & 0x3ff_ffff_ffff),
        ))
    }

    /// The lowest id that an order of a run whose ids begin at or after `ms` can have. What a
    /// reset deletes is everything below the floor of its `resetBelow`.
    #[must_use]
    pub const fn floor(ms: u64) -> Self {
        Self::assemble(ms, 0, 0)
    }

    /// All ids with this base.
    #[must_use]
    pub const fn of_ms(ms: u64) -> Range<Self> {
        Self::floor(ms)..Self::floor(ms + 1)
    }

    /// The base of the range of ids of the order's run, ms since the epoch.
    #[must_use]
    pub const fn ids_ms(self) -> u64 {
        (self.0.as_u128() >> 80) as u64
    }

    /// The order's index within its run.
    #[must_use]
    pub const fn index(self) -> u32 {
        let bits = self.0.as_u128();
        ((((bits >> 64) & 0xfff) << 20) | ((bits >> 42) & 0xf_ffff)) as u32
    }

    /// The range that holds this id alone.
    #[must_use]
    pub const fn alone(self) -> Range<Self> {
        self..Self(Uuid::from_u128(self.0.as_u128().saturating_add(1)))
    }

    /// As Redis holds it: 16 bytes, big endian, so that bytes sort like ids.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        self.0.as_bytes()
    }

    /// Room for an id as text.
    pub(super) const fn text_buffer() -> [u8; Hyphenated::LENGTH] {
        [0; Hyphenated::LENGTH]
    }

    /// As text, without an allocation.
    pub(super) fn encode(self, buffer: &mut [u8; Hyphenated::LENGTH]) -> &str {
        self.0.as_hyphenated().encode_lower(buffer)
    }

    /// Reads ids back to back; a rest of fewer than 16 bytes is left out.
    pub fn unpack(bytes: &[u8]) -> impl Iterator<Item = Self> + '_ {
        let (ids, _) = bytes.as_chunks::<{ Self::BYTES }>();
        ids.iter().map(|id| Self(Uuid::from_bytes(*id)))
    }

    /// Writes ids back to back, as [`Self::unpack`] reads them.
    #[must_use]
    pub fn pack<'a>(ids: impl IntoIterator<Item = &'a Self>) -> Vec<u8> {
        ids.into_iter().flat_map(|id| *id.as_bytes()).collect()
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for OrderId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn an_id_gives_back_what_it_was_made_of(ms in 0u64..1 << 48, index: u32, random: u64) {
            let id = OrderId::assemble(ms, index, random);
            prop_assert_eq!(id.ids_ms(), ms);
            prop_assert_eq!(id.index(), index);
            prop_assert_eq!(id.0.get_version_num(), 7);
            prop_assert_eq!(id.0.get_variant(), uuid::Variant::RFC4122);
            prop_assert_eq!(id.to_string().parse::<OrderId>().unwrap(), id);
            prop_assert_eq!(OrderId::unpack(&OrderId::pack([&id, &id])).collect::<Vec<_>>(), [id, id]);
        }

        #[test]
        fn ids_sort_by_run_then_index_as_bytes_and_as_text(
            a in (0u64..1 << 48, any::<u32>(), any::<u64>()),
            b in (0u64..1 << 48, any::<u32>(), any::<u64>()),
        ) {
            let (ida, idb) = (OrderId::assemble(a.0, a.1, a.2), OrderId::assemble(b.0, b.1, b.2));
            prop_assume!((a.0, a.1) != (b.0, b.1));
            let expected = (a.0, a.1).cmp(&(b.0, b.1));
            prop_assert_eq!(ida.cmp(&idb), expected);
            prop_assert_eq!(ida.as_bytes().cmp(idb.as_bytes()), expected);
            prop_assert_eq!(ida.to_string().cmp(&idb.to_string()), expected);
        }

        #[test]
        fn an_id_is_read_as_it_is_written_or_not_at_all(text in "[0-9a-f-]{0,40}|\\PC*") {
            if let Ok(id) = text.parse::<OrderId>() {
                prop_assert_eq!(id.to_string().parse::<OrderId>().ok(), Some(id));
            }
        }

        #[test]
        fn ids_back_to_back_are_all_that_fit(bytes in vec(any::<u8>(), 0..100)) {
            let ids: Vec<_> = OrderId::unpack(&bytes).collect();
            prop_assert_eq!(ids.len(), bytes.len() / OrderId::BYTES);
            prop_assert!(bytes.starts_with(&OrderId::pack(&ids)));
        }
    }
}
