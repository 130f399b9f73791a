//! How many streams of events a client may have open. Each is a connection that stays;
//! one client must not take all that there may be.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use poem::{Addr, Request};

/// Whose stream it is. The one place that decides what a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// Whoever asks from this address: a proxy counts as one.
    Address(IpAddr),
    /// Nobody that could be told apart.
    Unknown,
}

impl Client {
    /// Who asks.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        match request.remote_addr().0 {
            Addr::SocketAddr(address) => Self::Address(address.ip().to_canonical()),
            _ => Self::Unknown,
        }
    }
}

/// The open streams of this process, by client.
#[derive(Debug, Clone)]
pub struct Streams {
    most: u32,
    open: Arc<Mutex<HashMap<Client, u32>>>,
}

/// Held by a stream as long as it is open.
#[derive(Debug)]
pub struct Seat {
    streams: Streams,
    client: Client,
}

impl Streams {
    /// A client may have this many.
    #[must_use]
    pub fn at_most(most: u32) -> Self {
        Self { most, open: Arc::default() }
    }

    /// MAX_STREAMS_PER_ADDRESS.
    #[must_use]
    pub const fn most(&self) -> u32 {
        self.most
    }

    /// One more for this client, unless it has all it may have.
    #[must_use]
    pub fn admit(&self, client: Client) -> Option<Seat> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = open.entry(client).or_default();
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
        let [one, other] =
            ["10.0.0.1", "10.0.0.2"].map(|address| Client::Address(address.parse().unwrap()));
        let seats = [streams.admit(one).unwrap(), streams.admit(one).unwrap()];
        assert!(streams.admit(one).is_none());
        assert!(streams.admit(other).is_some());
        drop(seats);
        assert!(streams.admit(one).is_some());
        assert!(streams.open.lock().unwrap().is_empty(), "nothing is remembered of who left");
    }
}
