//! Where a request comes from: the address, the scheme and the path that its client used, also
//! if a proxy stands between. [`super::forwarded`] sets what a proxy says.

use std::net::{IpAddr, SocketAddr};

use pedidos_service::listener::budget::Network;
use poem::{Request, http::uri::Scheme};

/// The client's address, as a trusted proxy gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ForwardedFor(pub(super) IpAddr);

/// What a proxy puts before our paths.
#[derive(Debug, Clone)]
pub(super) struct ForwardedPrefix(pub(super) String);

pub(super) fn peer(request: &Request) -> Option<IpAddr> {
    request.remote_addr().as_socket_addr().map(SocketAddr::ip)
}

/// The client's address; none: it is not known.
#[must_use]
pub fn client_ip(request: &Request) -> Option<IpAddr> {
    let forwarded = request.data::<ForwardedFor>().map(|client| client.0);
    forwarded.or_else(|| peer(request)).map(|address| address.to_canonical())
}

/// The client's address as text, without the port, which says nothing.
#[must_use]
pub fn address(request: &Request) -> String {
    client_ip(request).map_or_else(|| "unknown".to_owned(), |address| address.to_string())
}

/// The network that shares one anonymous client's limits: whoever has one of its addresses may
/// have all.
#[must_use]
pub fn network(request: &Request) -> String {
    client_ip(request)
        .map_or_else(|| "unknown".to_owned(), |address| Network::of(address).to_string())
}

/// What our paths begin with for this client. Empty, or it begins with `/` and does not end
/// with it.
#[must_use]
pub fn prefix(request: &Request) -> &str {
    request.data::<ForwardedPrefix>().map_or("", |prefix| &prefix.0)
}

/// Did it come over TLS, to us or to a proxy before us? A client that lies only makes its own
/// cookie stricter, and gets its own page's picture by another scheme.
#[must_use]
pub fn is_secure(request: &Request) -> bool {
    *request.scheme() == Scheme::HTTPS || request.header("x-forwarded-proto") == Some("https")
}
