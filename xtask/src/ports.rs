//! Ports of this machine.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    net::{SocketAddr, TcpListener, TcpStream},
    ops::Range,
    time::Duration,
};

/// Accepts anything connections there?
pub fn is_open(port: u16) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_ok()
}

/// Can a server listen there?
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// One of these ports, by chance, for which this is so.
pub fn any(among: Range<u16>, is_so: impl Fn(u16) -> bool) -> u16 {
    loop {
        // Every one has keys of its own.
        let random = RandomState::new().build_hasher().finish();
        let port = among.start + (random % u64::from(among.end - among.start)) as u16;
        if is_so(port) {
            return port;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{thread, time::Instant};

    use super::*;

    #[test]
    fn a_port_that_is_taken_is_open_and_not_free() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(is_open(port) && !is_free(port));
        drop(taken);
        // A child that another test starts holds the socket until its program runs.
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_open(port) {
            assert!(Instant::now() < deadline, "port {port} is still open");
            thread::yield_now();
        }
    }

    #[test]
    fn any_port_of_a_range_may_come() {
        let drawn: Vec<_> = (0..200).map(|_| any(5..8, |_| true)).collect();
        assert!((5..8).all(|port| drawn.contains(&port)), "{drawn:?}");
        assert_eq!(any(5..8, |port| port == 7), 7);
    }
}
