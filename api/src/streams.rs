//! How many streams of events a client may have open. Each is a connection that stays;
//! one client must not take all that there may be.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The open streams of this process, by client: as `Caller::client` tells them apart.
#[derive(Debug, Clone)]
pub struct Streams {
    most: u32,
    open: Arc<Mutex<HashMap<String, u32>>>,
}

/// Held by a stream as long as it is open.
#[derive(Debug)]
pub struct Seat {
    streams: Streams,
    client: String,
}

impl Streams {
    /// A client may have this many.
    #[must_use]
    pub fn at_most(most: u32) -> Self {
        Self { most, open: Arc::default() }
    }

    /// MAX_STREAMS.
    #[must_use]
    pub const fn most(&self) -> u32 {
        self.most
    }

    /// One more for this client, unless it has all it may have.
    #[must_use]
    pub fn admit(&self, client: String) -> Option<Seat> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = open.entry(client.clone()).or_default();
        if *taken >= self.most {
            return None;
        }
        *taken += 1;
        Some(Seat { streams: self.clone(), client })
    }
}

impl Drop for Seat {
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
        let streams = Streams::at_most(2);
        let admit = |client: &str| streams.admit(client.to_owned());
        let seats = [admit("key:painel").unwrap(), admit("key:painel").unwrap()];
        assert!(admit("key:painel").is_none());
        assert!(admit("address:10.0.0.1").is_some());
        drop(seats);
        assert!(admit("key:painel").is_some());
        assert!(streams.open.lock().unwrap().is_empty(), "nothing is remembered of who left");
    }
}
