//! How many connections a process may have open, on both of its ports together, and whose
//! they may be. No client takes what others need:
//!
//! - an address (of IPv6 a /64: who has one of its addresses has them all) has a share;
//! - so has each client that is identified by a key, a token or a session;
//! - a part is reserved for identified clients, another for the probes of ADMIN_PORT.
//!
//! Only a request identifies a client. So when all slots are taken, a new connection evicts the
//! oldest one that waits: in the middle of a request's head, or for the next request. It evicts
//! none that is being answered, and none of an identified client.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::Waker,
};

use futures_util::task::AtomicWaker;

/// One in so many connections is what an address may have, or an identified client.
pub const SHARE: usize = 4;
/// One in so many is reserved for ADMIN_PORT.
const PROBES: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// PORT.
    Public,
    /// ADMIN_PORT.
    Admin,
}

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// MAX_CONNECTIONS are open.
    All,
    /// Its address has its share.
    Address,
}

/// Addresses that count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = if self.0.is_ipv6() { "/64" } else { "" };
        write!(f, "{}{whole}", self.0)
    }
}

#[derive(Debug)]
struct Entry {
    id: u64,
    group: (Port, Network),
    /// A request of it is being answered.
    in_answer: AtomicBool,
    /// Another connection has its slot now.
    evicted: AtomicBool,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    slots: BTreeMap<u64, Arc<Entry>>,
    /// How many are of clients that are not identified, by port and address, and in all.
    unknown: HashMap<(Port, Network), usize>,
    all_unknown: usize,
    /// Identified clients by connection, and how many connections each has.
    known: HashMap<u64, String>,
    clients: HashMap<String, usize>,
}

/// The slots of a process. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Budget {
    limit: usize,
    table: Arc<Mutex<Table>>,
}

impl Budget {
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { limit: limit as usize, table: Arc::default() }
    }

    /// Gives a new connection a slot.
    ///
    /// # Errors
    /// There is none for it.
    pub fn admit(&self, port: Port, from: IpAddr) -> Result<Slot, Full> {
        let group = (port, Network::of(from));
        let (probes, limit) = (self.limit / PROBES, self.limit);
        // How many may be open in all, how many of unknown clients, and how many of one address,
        // which has a share of its own for probes.
        let (all, unknown, address) = match port {
            Port::Public => (limit - probes, limit - limit / SHARE, limit / SHARE),
            Port::Admin => (limit, limit - limit / SHARE + probes, limit / SHARE / 2),
        };
        let mut table = self.table();
        let of_address = table.unknown.get(&group).copied().unwrap_or_default();
        if of_address >= address.max(1) && !table.make_room(|entry| entry.group == group) {
            return Err(Full::Address);
        }
        let full = table.all_unknown >= unknown.max(1) || table.slots.len() >= all.max(1);
        if full && !table.make_room(|_| true) {
            return Err(Full::All);
        }
        let id = table.next;
        table.next += 1;
        *table.unknown.entry(group).or_default() += 1;
        table.all_unknown += 1;
        let (in_answer, evicted) = (AtomicBool::new(false), AtomicBool::new(false));
        let entry = Arc::new(Entry { id, group, in_answer, evicted, waker: AtomicWaker::new() });
        table.slots.insert(id, Arc::clone(&entry));
        drop(table);
        Ok(Slot(ConnectionHandle { budget: self.clone(), entry }))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Evicts the oldest of these connections that waits; false if none does.
    fn make_room(&mut self, of: impl Fn(&Entry) -> bool) -> bool {
        let mut waits = self.slots.values().filter(|entry| {
            !entry.in_answer.load(Relaxed) && !self.known.contains_key(&entry.id) && of(entry)
        });
        let Some(first) = waits.next().map(Arc::clone) else { return false };
        self.remove_entry(&first);
        first.evicted.store(true, Relaxed);
        first.waker.wake();
        true
    }

    fn remove_entry(&mut self, entry: &Entry) {
        if self.slots.remove(&entry.id).is_none() {
            return;
        }
        match self.known.remove(&entry.id) {
            Some(client) => decrement(&mut self.clients, client),
            None => self.count_out_unknown(entry),
        }
    }

    fn count_out_unknown(&mut self, entry: &Entry) {
        self.all_unknown -= 1;
        decrement(&mut self.unknown, entry.group);
    }
}

/// Forgets who has none left.
fn decrement<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, of: K) {
    if let std::collections::hash_map::Entry::Occupied(mut count) = counts.entry(of) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

/// A connection's slot, until it is dropped or another connection takes it.
#[derive(Debug)]
pub struct Slot(ConnectionHandle);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.budget.table().remove_entry(&self.0.entry);
    }
}

impl Slot {
    #[must_use]
    pub fn handle(&self) -> ConnectionHandle {
        self.0.clone()
    }

    /// Is a request of it being answered?
    #[must_use]
    pub fn is_in_answer(&self) -> bool {
        self.0.entry.in_answer.load(Relaxed)
    }

    /// Has another connection taken this slot? If not, `waker` is woken when one does.
    pub fn is_evicted(&self, waker: &Waker) -> bool {
        self.0.entry.waker.register(waker);
        self.0.entry.evicted.load(Relaxed)
    }
}

/// What a request has of the connection by which it came.
#[derive(Debug, Clone)]
pub struct ConnectionHandle {
    budget: Budget,
    entry: Arc<Entry>,
}

impl ConnectionHandle {
    /// This client's connection. `alone`: no other machine reaches this process, so there is
    /// nobody to leave slots to. A client that has its share already stays unknown here.
    pub fn identify(&self, client: &str, alone: bool) {
        let share = (self.budget.limit / SHARE).max(1);
        let mut table = self.budget.table();
        let has = table.clients.get(client).copied().unwrap_or_default();
        let is_here = table.slots.contains_key(&self.entry.id);
        if !is_here || table.known.contains_key(&self.entry.id) || has >= share && !alone {
            return;
        }
        table.count_out_unknown(&self.entry);
        table.known.insert(self.entry.id, client.to_owned());
        *table.clients.entry(client.to_owned()).or_default() += 1;
    }

    /// A request is here, and is answered until this is dropped.
    #[must_use]
    pub fn start_answer(&self) -> AnswerGuard {
        self.entry.in_answer.store(true, Relaxed);
        AnswerGuard(Arc::clone(&self.entry))
    }
}

/// An answer that is being sent.
#[derive(Debug)]
pub struct AnswerGuard(Arc<Entry>);

impl Drop for AnswerGuard {
    fn drop(&mut self) {
        self.0.in_answer.store(false, Relaxed);
        self.0.waker.wake();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn admit(budget: &Budget, from: &str) -> Result<Slot, Full> {
        budget.admit(Port::Public, address(from))
    }

    fn evicted(slot: &Slot) -> bool {
        slot.is_evicted(Waker::noop())
    }

    #[test]
    fn an_address_has_its_share_and_a_new_one_takes_the_place_of_one_that_waits() {
        let budget = Budget::new(80);
        let first: Vec<_> = (0..20).map(|_| admit(&budget, "10.0.0.1").unwrap()).collect();
        let _answered: Vec<_> =
            first[1..3].iter().map(|slot| slot.handle().start_answer()).collect();
        drop(first[3].handle().start_answer());
        let more: Vec<_> = (0..18).map(|_| admit(&budget, "10.0.0.1").unwrap()).collect();
        assert!(first[3..].iter().all(evicted) && evicted(&first[0]));
        assert!(!first[1..3].iter().any(evicted) && !more.iter().any(evicted));
        // Others have lost nothing by that.
        let _other = admit(&budget, "10.0.0.2").unwrap();
        let _six = budget.admit(Port::Admin, address("10.0.0.1")).unwrap();
        // Those that are being answered make no room.
        let _busy: Vec<_> = more.iter().map(|slot| slot.handle().start_answer()).collect();
        assert_eq!(admit(&budget, "10.0.0.1").unwrap_err(), Full::Address);
        drop(first);
        assert!(admit(&budget, "10.0.0.1").is_ok());
    }

    #[test]
    fn all_of_a_64_is_one_address() {
        let budget = Budget::new(16);
        let busy = |from: &str| {
            let slot = admit(&budget, from)?;
            let answered = slot.handle().start_answer();
            Ok::<_, Full>((slot, answered))
        };
        let slots: Vec<_> =
            (0..4).map(|host| busy(&format!("2001:db8:1:2:{host}::1")).unwrap()).collect();
        assert_eq!(busy("2001:db8:1:2:ffff::").unwrap_err(), Full::Address);
        assert!(busy("2001:db8:1:3::1").is_ok() && busy("::ffff:10.0.0.1").is_ok());
        assert_eq!(Network::of(address("::ffff:10.0.0.1")), Network::of(address("10.0.0.1")));
        assert_eq!(Network::of(address("2001:db8:1:2:3::")).to_string(), "2001:db8:1:2::/64");
        drop(slots);
        assert!(budget.table().slots.is_empty() && budget.table().unknown.is_empty());
    }

    #[test]
    fn unknown_leave_room_for_who_is_known_and_all_leave_room_for_probes() {
        let budget = Budget::new(64);
        let busy = |from: String| {
            let slot = admit(&budget, &from)?;
            let answered = slot.handle().start_answer();
            Ok::<_, Full>((slot, answered))
        };
        let unknown: Vec<_> = (0..48).map(|n| busy(format!("10.0.0.{n}")).unwrap()).collect();
        assert_eq!(busy("10.0.1.1".to_owned()).unwrap_err(), Full::All);
        let probe = |n: u8| budget.admit(Port::Admin, address(&format!("10.0.2.{n}")));
        assert!(probe(0).is_ok());
        // Who turns out to be known makes room for the next one: up to a share each.
        for (at, (slot, _)) in unknown.iter().enumerate() {
            slot.handle().identify(["ana", "bia", "caio"][at % 3], false);
        }
        let more: Vec<_> = (0..12).map(|n| busy(format!("10.0.1.{n}")).unwrap()).collect();
        assert_eq!(busy("10.0.3.1".to_owned()).unwrap_err(), Full::All);
        let probes: Vec<_> = (0..4).map(|n| probe(n).unwrap()).collect();
        drop((unknown, more, probes));
        assert!(budget.table().clients.is_empty() && budget.table().known.is_empty());
        assert_eq!(budget.table().all_unknown, 0);
    }

    #[test]
    fn one_client_is_known_on_a_share_of_connections_unless_it_is_alone() {
        let budget = Budget::new(40);
        let slots: Vec<_> =
            (0..20).map(|n| admit(&budget, &format!("10.0.0.{n}")).unwrap()).collect();
        for slot in &slots {
            slot.handle().identify("ana", false);
        }
        let counted = || {
            let table = budget.table();
            (table.clients["ana"], table.all_unknown)
        };
        assert_eq!(counted(), (10, 10));
        for slot in &slots {
            slot.handle().identify("ana", true);
        }
        assert_eq!(counted(), (20, 0));
    }
}
