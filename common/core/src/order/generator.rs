//! The generator: the order with index *i* of a run is a pure function of (run seed, run
//! creation time, *i*), so a chunk that is generated again collides with itself in MongoDB
//! instead of doubling (I4).

use std::ops::Range;

use rand::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

use super::{Order, OrderId, Tier};

/// The `observacoes` of an order that is not processed yet.
const NOTES: [&str; 8] = [
    "entregar no período da manhã",
    "deixar na portaria",
    "embalar para presente",
    "ligar antes de entregar",
    "frágil, manusear com cuidado",
    "cliente prefere contato por e-mail",
    "entrega agendada",
    "sem observações",
];

/// Makes the orders of one run.
///
/// The draws come from one `SplitMix64` stream (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014), of which order *i*
/// owns the outputs 2*i* and 2*i* + 1: its state is a counter, so any order is
/// reached without making those before it.
#[derive(Debug, Clone, Copy)]
pub struct Generator {
    ids_ms: u64,
    base: u64,
}

impl Generator {
    /// The step of `SplitMix64`'s counter.
    const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

    /// `ids_ms`: the base of the run's range of ids, ms since the epoch.
    #[must_use]
    pub fn new(seed: u64, ids_ms: u64) -> Self {
        // One draw keeps the streams of neighbouring seeds apart. The time is
        // in the ids alone: the same seed is the same tiers and prices again.
        Self { ids_ms, base: SplitMix64::from_seed(seed.to_le_bytes()).next_u64() }
    }

    #[must_use]
    pub fn order(&self, index: u32) -> Order {
        let state = self.base.wrapping_add(Self::GAMMA.wrapping_mul(2 * u64::from(index)));
        let mut draws = SplitMix64::from_seed(state.to_le_bytes());
        let content = draws.next_u64();
        // Disjoint bits: 2 of tier, 3 of note, 32 scaled to a price.
        let price = ((content >> 32) * 100_001) >> 32;
        Order {
            id: OrderId::assemble(self.ids_ms, index, draws.next_u64()),
            tier: Tier::ALL[(content & 0b11) as usize],
            cents: price as u32,
            note: NOTES[(content >> 2 & 0b111) as usize],
        }
    }

    /// The id of the order with this index. An imported order has such an id, too.
    #[must_use]
    pub fn id(&self, index: u32) -> OrderId {
        self.order(index).id
    }

    pub fn orders(&self, indexes: Range<u32>) -> impl Iterator<Item = Order> + use<> {
        let generator = *self;
        indexes.map(move |index| generator.order(index))
    }

    /// The ids of a run's first `quantity` orders, in ranges of ten thousand indexes, so that
    /// no call takes long.
    pub fn id_pages(self, quantity: u32) -> impl Iterator<Item = Range<OrderId>> {
        const PAGE: u32 = 10_000;
        (0..quantity)
            .step_by(PAGE as usize)
            .map(move |from| self.id_range(&(from..quantity.min(from.saturating_add(PAGE)))))
    }

    /// All ids that orders of these indexes can have.
    #[must_use]
    pub const fn id_range(&self, indexes: &Range<u32>) -> Range<OrderId> {
        OrderId::assemble(self.ids_ms, indexes.start, 0)
            ..OrderId::assemble(self.ids_ms, indexes.end, 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_order_is_what_it_was_in_the_first_release() {
        // Changing this breaks every run that is in flight during an upgrade.
        let order = Generator::new(42, 1_763_787_600_000).order(123_456);
        assert_eq!(order.id.to_string(), "019aa9ee-f080-7000-8789-032c8b728a67");
        let content = (order.tier, order.cents, order.note);
        assert_eq!(content, (Tier::Prata, 42_373, "deixar na portaria"));
    }

    #[test]
    fn tiers_are_even_and_prices_fill_their_range() {
        let orders: Vec<_> = Generator::new(1, 1).orders(0..100_000).collect();
        for tier in Tier::ALL {
            let share = orders.iter().filter(|order| order.tier == tier).count();
            assert!((24_000..26_000).contains(&share), "{tier:?}: {share}");
        }
        assert!(orders.iter().all(|order| order.cents <= 100_000));
        assert!(orders.iter().any(|order| order.cents < 100));
        assert!(orders.iter().any(|order| order.cents > 99_900));
        for note in NOTES {
            assert!(orders.iter().any(|order| order.note == note), "{note}");
        }
    }

    proptest! {
        #[test]
        fn the_same_index_is_the_same_order_wherever_the_range_begins(
            seed: u64, ms in 0u64..1 << 48, start in 0u32..1_000_000, len in 1u32..200,
        ) {
            let generator = Generator::new(seed, ms);
            let range = generator.id_range(&(start..start + len));
            for (offset, order) in generator.orders(start..start + len).enumerate() {
                prop_assert_eq!(&order, &Generator::new(seed, ms).order(start + offset as u32));
                prop_assert!(range.contains(&order.id));
            }
            prop_assert!(!range.contains(&generator.order(start + len).id));
        }

        #[test]
        fn the_seed_makes_the_content_and_the_time_the_ids(seed: u64, ms in 1u64..1 << 48) {
            let first = |seed, ms| {
                let orders = Generator::new(seed, ms).orders(0..16);
                orders.map(|o| ((o.cents, o.tier, o.note), o.id)).unzip()
            };
            let (content, ids): (Vec<_>, Vec<_>) = first(seed, ms);
            prop_assert_ne!(&content, &first(seed ^ 1, ms).0);
            let (again, later): (Vec<_>, Vec<_>) = first(seed, ms - 1);
            prop_assert_eq!(content, again);
            prop_assert!(ids.iter().all(|id| !later.contains(id)));
        }
    }
}
