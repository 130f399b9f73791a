//! Where a process is reached: HTTP/1.1, plain or by TLS, with bounds on all that a
//! client can make it hold: connections, what a request's head may have, and how long
//! any of it may take.
//!
//! Nobody waits for anybody: a handshake that hangs, a client that does not write and one
//! that does not read each cost their own connection, for a while. One that comes when
//! there are as many as there may be is told so, and goes.

mod connection;
mod pace;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use poem::{
    http::uri::Scheme,
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;

pub use self::connection::Connection;
use crate::tls::{Shown, TlsSettings};

/// What is said to one too many. By TLS there is no way to say it.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 2\r\n\
    content-type: application/problem+json\r\nx-content-type-options: nosniff\r\n\
    content-length: 120\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Too many connections\",\"status\":503,\
    \"detail\":\"as many are open as MAX_CONNECTIONS allows\"}";

/// After a failed accept: there may be no file descriptor to be had.
const BREATH: Duration = Duration::from_millis(100);

/// How a process is reached.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// HOST: the address that is bound.
    pub host: String,
    /// MAX_CONNECTIONS: how many may be open.
    pub max_connections: u32,
    /// TLS_CERT_FILE and what belongs to it; none: plain HTTP.
    pub tls: Option<TlsSettings>,
}

impl ListenerSettings {
    /// The same for a listener that is open to all who reach it: probes and scrapers show no
    /// certificate of their own.
    #[must_use]
    pub fn open_to_all(&self) -> Self {
        let tls = self.tls.clone().map(|tls| TlsSettings { client_ca: None, ..tls });
        Self { tls, ..self.clone() }
    }
}

/// A bound address.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Shown>,
    open: Arc<Semaphore>,
    /// The last connection was refused, and that was logged.
    full: bool,
}

impl Listener {
    /// Binds HOST and this port; 0 picks a free one.
    ///
    /// # Errors
    /// It cannot be bound, or the certificate cannot be used; the error says which.
    pub async fn bind(settings: &ListenerSettings, port: u16) -> io::Result<Self> {
        let host = settings.host.as_str();
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot bind {host}:{port}: {error}"))
        };
        let tls = settings.tls.clone().map(TlsSettings::follow).transpose();
        let socket = TcpListener::bind((host, port)).await.map_err(named)?;
        Ok(Self {
            address: socket.local_addr()?,
            socket,
            tls: tls.map_err(io::Error::other)?,
            open: Arc::new(Semaphore::new(settings.max_connections as usize)),
            full: false,
        })
    }

    /// Where it is, as it is said when it is ready.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The next connection.
    async fn next(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.socket.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

impl Acceptor for Listener {
    type Io = Connection;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![LocalAddr(self.address.into())]
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        loop {
            let (stream, from) = self.next().await;
            let Ok(permit) = Arc::clone(&self.open).try_acquire_owned() else {
                if !std::mem::replace(&mut self.full, true) {
                    tracing::warn!("connections are refused: MAX_CONNECTIONS are open");
                }
                if self.tls.is_none() {
                    // What does not fit an empty buffer at once is not worth the wait.
                    let _said = stream.try_write(FULL);
                }
                continue;
            };
            self.full = false;
            let _only_slower = stream.set_nodelay(true);
            let tls = self.tls.as_ref().map(|shown| TlsAcceptor::from(shown.borrow().clone()));
            let scheme = if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
            let connection = Connection::new(stream, tls, permit);
            let local = LocalAddr(self.address.into());
            return Ok((connection, local, RemoteAddr(from.into()), scheme));
        }
    }
}
