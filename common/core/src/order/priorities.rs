//! The priority of each order of a run, known without its document: a document that somebody has
//! deleted is a dead letter of the priority that its order had.

use std::ops::Range;

use super::{Generator, Priority};

#[derive(Debug, Clone)]
pub enum Priorities {
    /// The generator derives them.
    Generated(Generator),
    /// The blocks of the import say which are VIP.
    Imported(VipBits),
}

impl Priorities {
    #[must_use]
    pub fn of(&self, index: u32) -> Priority {
        match self {
            Self::Generated(generator) => generator.order(index).priority(),
            Self::Imported(bits) if bits.has(index) => Priority::Vip,
            Self::Imported(_) => Priority::Normal,
        }
    }
}

/// One bit for each index of a range: set, the order is VIP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VipBits {
    first: u32,
    bytes: Vec<u8>,
}

impl VipBits {
    /// None of them is VIP.
    #[must_use]
    pub fn none(indexes: &Range<u32>) -> Self {
        let count = indexes.end.saturating_sub(indexes.start) as usize;
        Self { first: indexes.start, bytes: vec![0; count.div_ceil(8)] }
    }

    /// As they are stored: the lowest bit of the first byte is that of `first`.
    #[must_use]
    pub const fn of(first: u32, bytes: Vec<u8>) -> Self {
        Self { first, bytes }
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// An index outside the range is left out.
    pub fn set(&mut self, index: u32) {
        if let Some((byte, bit)) = self.place(index)
            && let Some(byte) = self.bytes.get_mut(byte)
        {
            *byte |= bit;
        }
    }

    #[must_use]
    pub fn has(&self, index: u32) -> bool {
        self.place(index)
            .is_some_and(|(byte, bit)| self.bytes.get(byte).is_some_and(|byte| byte & bit != 0))
    }

    fn place(&self, index: u32) -> Option<(usize, u8)> {
        let at = index.checked_sub(self.first)?;
        Some(((at / 8) as usize, 1 << (at % 8)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_of_one_index() {
        let mut bits = VipBits::none(&(10..29));
        for index in [9, 10, 17, 18, 28, 40] {
            bits.set(index);
        }
        let set: Vec<u32> = (0..64).filter(|index| bits.has(*index)).collect();
        assert_eq!(set, [10, 17, 18, 28]);
        let again = Priorities::Imported(VipBits::of(10, bits.bytes().to_vec()));
        assert_eq!((again.of(17), again.of(16)), (Priority::Vip, Priority::Normal));
    }
}
