//! How many streams of events a client may have open. Each holds a connection, and neither one
//! client nor all streams together must take all connections.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use pedidos_service::listener::budget::SHARE;

/// The open streams of this process, by client (`Caller::client`).
#[derive(Debug, Clone)]
pub struct StreamSlots {
    /// MAX_STREAMS.
    each: u32,
    /// What a client may take of MAX_CONNECTIONS.
    share: u32,
    /// What all clients together may take.
    all: u32,
    open: Arc<Mutex<HashMap<String, u32>>>,
}

/// Held by a stream as long as it is open.
#[derive(Debug)]
pub struct StreamSlot {
    streams: StreamSlots,
    client: String,
}

impl StreamSlots {
    /// A client may have `each` streams, but no more than a share of `connections`; some of these are
    /// kept for other requests.
    #[must_use]
    pub fn of(each: u32, connections: u32) -> Self {
        let share = connections / SHARE as u32;
        let all = (connections - share).max(1);
        Self { each, share: share.max(1), all, open: Arc::default() }
    }

    /// `alone`: only this client can connect, so it may have as many as MAX_STREAMS says.
    ///
    /// # Errors
    /// The client, or all together, have as many streams as they may.
    pub fn acquire(&self, client: String, alone: bool) -> Result<StreamSlot, String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: u32 = open.values().sum();
        if all >= self.all {
            return Err(format!("{all} streams are open, the most that MAX_CONNECTIONS allows"));
        }
        let most = if alone { self.each } else { self.each.min(self.share) };
        let taken = open.entry(client.clone()).or_default();
        if *taken >= most {
            return Err(format!(
                "{taken} streams of this key or address are open; the limit is {most}"
            ));
        }
        *taken += 1;
        Ok(StreamSlot { streams: self.clone(), client })
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = open.get_mut(&self.client) {
            *taken -= 1;
            if *taken == 0 {
                open.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_own_and_gets_them_back() {
        let streams = StreamSlots::of(2, 800);
        let acquire = |client: &str| streams.acquire(client.to_owned(), false);
        let slots = [acquire("key:painel").unwrap(), acquire("key:painel").unwrap()];
        assert!(acquire("key:painel").is_err());
        assert!(acquire("address:10.0.0.1").is_ok());
        drop(slots);
        assert!(acquire("key:painel").is_ok());
        assert!(streams.open.lock().unwrap().is_empty(), "nothing is remembered of who left");
    }

    #[test]
    fn streams_leave_connections_for_others() {
        let streams = StreamSlots::of(512, 40);
        let fill = |client: &str, alone| {
            let acquire = || streams.acquire(client.to_owned(), alone).ok();
            std::iter::from_fn(acquire).collect::<Vec<_>>()
        };
        let [one, two] = ["key:one", "key:two"].map(|client| fill(client, false));
        assert_eq!([one.len(), two.len()], [10, 10]);
        let rest = fill("address:127.0.0.1", true);
        assert_eq!(rest.len(), 10, "a quarter is for what is no stream");
        assert!(fill("key:three", false).is_empty());
    }
}
