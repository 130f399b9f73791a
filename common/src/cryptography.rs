//! What TLS is made of: rustls with ring, for every client of this process.

/// Makes it the process' own. Clients of HTTP cannot be built before; that it is already
/// installed is no mistake.
pub fn install() {
    let _already = rustls::crypto::ring::default_provider().install_default();
}
