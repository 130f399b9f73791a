//! Binds an address, and gives each connection that comes a slot or a refusal.

use std::{io, net::SocketAddr, time::Duration};

use pedidos_core::backoff::LogOnce;
use poem::http::uri::Scheme;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{
    budget::{Budget, Port, Slot},
    close::answer,
    connection::Connection,
    settings::ListenerSettings,
};
use crate::tls::{CurrentConfig, TlsSettings};

/// After a failed accept: the process may have no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

pub struct Listener {
    socket: TcpListener,
    pub(super) address: SocketAddr,
    tls: Option<CurrentConfig>,
    port: Port,
    budget: Budget,
    /// The last connection was refused, and that was logged.
    is_full: bool,
}

/// The setting to change if an address cannot be bound, and to what.
fn remedy(error: io::ErrorKind, port: Port) -> (&'static str, &'static str) {
    let setting = match port {
        Port::Public => "PORT",
        Port::Admin => "ADMIN_PORT",
    };
    match error {
        io::ErrorKind::AddrInUse => (setting, "set it to a port that is free, or to 0 to get one"),
        io::ErrorKind::PermissionDenied => (setting, "set it to 1024 or more, or to 0 to get one"),
        _ => ("HOST", "set it to an address of this machine, for example 127.0.0.1 or 0.0.0.0"),
    }
}

pub struct Accepted {
    pub connection: Connection,
    pub from: SocketAddr,
    pub scheme: Scheme,
}

impl Listener {
    /// Binds HOST and this number; 0 picks a free one. `budget` is shared by both listeners of a
    /// process.
    ///
    /// # Errors
    /// It cannot be bound, or the certificate cannot be used; the error says which.
    pub async fn bind(
        settings: &ListenerSettings,
        number: u16,
        port: Port,
        budget: Budget,
    ) -> io::Result<Self> {
        let host = settings.names.host.as_str();
        let named = |error: io::Error| {
            let (setting, advice) = remedy(error.kind(), port);
            let text = format!("{setting}: cannot bind {host}:{number}: {error}; {advice}");
            io::Error::new(error.kind(), text)
        };
        let tls = settings.tls.clone().map(TlsSettings::follow).transpose();
        let socket = TcpListener::bind((host, number)).await.map_err(named)?;
        let (address, tls) = (socket.local_addr()?, tls.map_err(io::Error::other)?);
        Ok(Self { socket, address, tls, port, budget, is_full: false })
    }

    /// As it is printed when the process is ready.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    async fn next(&mut self) -> (TcpStream, SocketAddr) {
        let mut log_once = LogOnce::default();
        loop {
            match self.socket.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => {
                    if log_once.is_new(&error.to_string()) {
                        tracing::warn!(%error, "cannot accept connections; trying again");
                    }
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    /// The next connection that gets a slot.
    pub(super) async fn accept(&mut self) -> Accepted {
        loop {
            let (stream, from) = self.next().await;
            match self.budget.admit(self.port, from.ip()) {
                Ok(slot) => {
                    self.is_full = false;
                    return self.accepted(stream, from, slot);
                }
                Err(full) => {
                    if !std::mem::replace(&mut self.is_full, true) {
                        tracing::warn!(%from, ?full, "refusing connections; raise MAX_CONNECTIONS if that is too few");
                    }
                    if self.tls.is_none() {
                        // It fits an empty buffer; a client whose buffer is full is not waited for.
                        let _may_fail = stream.try_write(&answer(full.problem()));
                    }
                }
            }
        }
    }

    fn accepted(&self, stream: TcpStream, from: SocketAddr, slot: Slot) -> Accepted {
        let _may_fail = stream.set_nodelay(true);
        let tls = self.tls.as_ref().map(|config| TlsAcceptor::from(config.borrow().clone()));
        let scheme = if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        Accepted { connection: Connection::new(stream, tls, slot), from, scheme }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_at_fault_is_named() {
        let setting = |error, port| remedy(error, port).0;
        assert_eq!(setting(io::ErrorKind::AddrInUse, Port::Public), "PORT");
        assert_eq!(setting(io::ErrorKind::PermissionDenied, Port::Admin), "ADMIN_PORT");
        assert_eq!(setting(io::ErrorKind::AddrNotAvailable, Port::Public), "HOST");
    }
}
