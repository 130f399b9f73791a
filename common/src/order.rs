//! Orders, and how they come about: the order with index *i* of a run is a
//! pure function of (run seed, run creation time, *i*), so a chunk that is
//! generated again collides with itself in MongoDB instead of doubling (I4).
//!
//! Only `createdAt`, the wall clock at the first insert, is not derived.

use std::{fmt, ops::Range, str::FromStr};

use mongodb::bson::{DateTime, Document, RawDocumentBuf, cstr, doc};
use rand::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An order's status before anything has happened to it.
pub const PENDENTE: &str = "pendente";
/// Terminal: processed.
pub const PROCESSADO: &str = "processado";
/// Terminal: a dead letter.
pub const FALHOU: &str = "falhou";
/// Terminal: taken out of the queue by a person.
pub const REMOVIDO: &str = "removido";
/// Terminal: its run was cancelled first.
pub const CANCELADO: &str = "cancelado";

/// What is written on an order that nobody has processed yet.
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

/// Which of the two queues an order waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Priority {
    /// Tier DIAMANTE: processed before any NORMAL order.
    Vip,
    /// Every other tier: waits behind the fence.
    Normal,
}

impl Priority {
    /// Both, in the order in which they are processed.
    pub const ALL: [Self; 2] = [Self::Vip, Self::Normal];

    /// As stored and shown: `VIP` or `NORMAL`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vip => "VIP",
            Self::Normal => "NORMAL",
        }
    }

    /// What `observacoes` says once such an order has been processed.
    #[must_use]
    pub const fn processed_note(self) -> &'static str {
        match self {
            Self::Vip => "enviado com prioridade",
            Self::Normal => "processado sem prioridade",
        }
    }
}

/// A customer's tier, evenly drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Tier {
    /// The lowest.
    Bronze,
    /// Silver.
    Prata,
    /// Gold.
    Ouro,
    /// The only one whose orders are VIP.
    Diamante,
}

impl Tier {
    const ALL: [Self; 4] = [Self::Bronze, Self::Prata, Self::Ouro, Self::Diamante];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bronze => "BRONZE",
            Self::Prata => "PRATA",
            Self::Ouro => "OURO",
            Self::Diamante => "DIAMANTE",
        }
    }

    /// DIAMANTE is VIP, the rest NORMAL.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Diamante => Priority::Vip,
            Self::Bronze | Self::Prata | Self::Ouro => Priority::Normal,
        }
    }
}

/// An order's identity, in the layout of a version 7 UUID (RFC 9562): 48 bits
/// of the run's creation time in ms, then 32 bits of the order's index (12
/// before and 20 behind the variant), then 42 seeded random bits.
///
/// Ids therefore ascend with (run, index): inserts append to the index, and
/// the orders of a run, and of a chunk, are one range of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(Uuid);

impl OrderId {
    /// Bytes of an id as Redis holds it.
    pub const BYTES: usize = 16;

    const fn assemble(created_ms: u64, index: u32, random: u64) -> Self {
        let index = index as u128;
        Self(Uuid::from_u128(
            ((created_ms as u128 & 0xffff_ffff_ffff) << 80)
                | (0x7 << 76)
                | ((index >> 20) << 64)
                | (0b10 << 62)
                | ((index & 0xf_ffff) << 42)
                | (random as u128 & 0x3ff_ffff_ffff),
        ))
    }

    /// The lowest id that any order created at or after `ms` can have. What a
    /// reset deletes is everything below the floor of its `resetBelow`.
    #[must_use]
    pub const fn floor(ms: u64) -> Self {
        Self::assemble(ms, 0, 0)
    }

    /// Creation time of the order's run, ms since the epoch.
    #[must_use]
    pub const fn created_ms(self) -> u64 {
        (self.0.as_u128() >> 80) as u64
    }

    /// The order's index within its run.
    #[must_use]
    pub const fn index(self) -> u32 {
        let bits = self.0.as_u128();
        ((((bits >> 64) & 0xfff) << 20) | ((bits >> 42) & 0xf_ffff)) as u32
    }

    /// The range of ids that holds this one alone.
    #[must_use]
    pub const fn alone(self) -> Range<Self> {
        self..Self(Uuid::from_u128(self.0.as_u128().saturating_add(1)))
    }

    /// As Redis holds it: 16 bytes, big endian, so that bytes sort like ids.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        self.0.as_bytes()
    }

    /// Reads ids that stand back to back; a rest of fewer than 16 bytes is
    /// not an id and is left out.
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

/// One order, as the generator makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its identity; holds the run's creation time and the order's index.
    pub id: OrderId,
    /// The customer's tier; decides the priority.
    pub tier: Tier,
    /// Price in hundredths, 0..=100,000.
    pub cents: u32,
    /// The note it carries until it is processed.
    pub note: &'static str,
}

impl Order {
    /// VIP or NORMAL.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.tier.priority()
    }

    /// `Cliente <index>`.
    #[must_use]
    pub fn cliente(&self) -> String {
        format!("Cliente {}", self.id.index())
    }

    /// The price: 0.00..=1000.00, two decimals.
    #[must_use]
    pub fn valor(&self) -> f64 {
        f64::from(self.cents) / 100.0
    }

    /// The document of a new order, ready for the wire.
    #[must_use]
    pub fn to_raw_document(&self, run_id: &str, created_at: DateTime) -> RawDocumentBuf {
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        let id: &str = self.id.0.as_hyphenated().encode_lower(&mut buffer);
        let mut raw = RawDocumentBuf::new();
        raw.append(cstr!("_id"), id);
        raw.append(cstr!("id"), id);
        raw.append(cstr!("cliente"), self.cliente());
        raw.append(cstr!("valor"), self.valor());
        raw.append(cstr!("tier"), self.tier.as_str());
        raw.append(cstr!("priority"), self.priority().as_str());
        raw.append(cstr!("observacoes"), self.note);
        raw.append(cstr!("status"), PENDENTE);
        raw.append(cstr!("createdAt"), created_at);
        raw.append(cstr!("runId"), run_id);
        raw
    }

    /// The fields that the generator defines and that nothing may change
    /// later; the audit holds every document against them.
    #[must_use]
    pub fn fixed_fields(&self, run_id: &str) -> Document {
        let id = self.id.to_string();
        doc! {
            "_id": &id,
            "id": &id,
            "cliente": self.cliente(),
            "valor": self.valor(),
            "tier": self.tier.as_str(),
            "priority": self.priority().as_str(),
            "runId": run_id,
        }
    }
}

/// Makes the orders of one run.
///
/// The draws come from one `SplitMix64` stream (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014), of which order *i*
/// owns the outputs 2*i* and 2*i* + 1: its state is a counter, so any order is
/// reached without making those before it.
#[derive(Debug, Clone, Copy)]
pub struct Generator {
    created_ms: u64,
    base: u64,
}

impl Generator {
    /// The step of `SplitMix64`'s counter.
    const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

    /// `created_ms`: the run's creation time, ms since the epoch.
    #[must_use]
    pub fn new(seed: u64, created_ms: u64) -> Self {
        // One draw keeps the streams of neighbouring seeds apart. The time is
        // in the ids alone: the same seed is the same tiers and prices again.
        Self { created_ms, base: SplitMix64::from_seed(seed.to_le_bytes()).next_u64() }
    }

    /// The order with this index.
    #[must_use]
    pub fn order(&self, index: u32) -> Order {
        let state = self.base.wrapping_add(Self::GAMMA.wrapping_mul(2 * u64::from(index)));
        let mut draws = SplitMix64::from_seed(state.to_le_bytes());
        let content = draws.next_u64();
        // Disjoint bits: 2 of tier, 3 of note, 32 scaled to a price.
        let price = ((content >> 32) * 100_001) >> 32;
        Order {
            id: OrderId::assemble(self.created_ms, index, draws.next_u64()),
            tier: Tier::ALL[(content & 0b11) as usize],
            cents: price as u32,
            note: NOTES[(content >> 2 & 0b111) as usize],
        }
    }

    /// The orders of a range of indexes.
    pub fn orders(&self, indexes: Range<u32>) -> impl Iterator<Item = Order> + use<> {
        let generator = *self;
        indexes.map(move |index| generator.order(index))
    }

    /// The ids of a run's first `quantity` orders, in ranges of ten thousand
    /// indexes: so that no call that walks over a run takes long.
    pub fn id_pages(self, quantity: u32) -> impl Iterator<Item = Range<OrderId>> {
        const PAGE: u32 = 10_000;
        (0..quantity)
            .step_by(PAGE as usize)
            .map(move |from| self.id_range(&(from..quantity.min(from.saturating_add(PAGE)))))
    }

    /// The ids that orders of these indexes can have: from the first,
    /// included, to the second, excluded.
    #[must_use]
    pub const fn id_range(&self, indexes: &Range<u32>) -> Range<OrderId> {
        OrderId::assemble(self.created_ms, indexes.start, 0)
            ..OrderId::assemble(self.created_ms, indexes.end, 0)
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
        fn an_id_gives_back_what_it_was_made_of(ms in 0u64..1 << 48, index: u32, random: u64) {
            let id = OrderId::assemble(ms, index, random);
            prop_assert_eq!(id.created_ms(), ms);
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
