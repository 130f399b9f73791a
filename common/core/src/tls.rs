//! TLS by rustls: whom a client trusts and what it shows, and the PEM files that client and
//! server read. The server's half is in `pedidos_service::tls`.

use std::{io, path::Path, sync::Arc};

pub use rustls::ClientConfig;
use rustls::{
    ConfigBuilder, RootCertStore,
    client::WantsClientCert,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// A file, and the setting that names it.
pub type Named<'a> = (&'a str, &'a Path);

/// How a client connects that trusts these authorities and no others.
///
/// # Errors
/// The file cannot be read, or holds no certificate; the setting is named.
pub fn trusting(file: Named<'_>) -> Result<ClientConfig, String> {
    client(Some(file), None)
}

/// How a client connects. `authorities` are trusted, or those of the system; `own` is the
/// client's certificate and its key, in one file.
///
/// # Errors
/// A file cannot be used, or the system trusts nobody; the setting is named.
pub fn client(
    authorities: Option<Named<'_>>,
    own: Option<Named<'_>>,
) -> Result<ClientConfig, String> {
    let roots = match authorities {
        Some((name, file)) => roots(name, file, &read(name, file)?)?,
        None => system()?,
    };
    let builder = trust(roots)?;
    let Some((name, file)) = own else { return Ok(builder.with_no_client_auth()) };
    let pem = read(name, file)?;
    let chain = certificates(name, file, &pem)?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| format!("{name}: {}: it has no private key in PEM format", file.display()))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| format!("{name}: {}: {error}", file.display()))
}

/// How a client connects that trusts nobody: one that will not speak TLS.
///
/// # Errors
/// The error is the library's.
pub fn trusting_nobody() -> Result<ClientConfig, String> {
    Ok(trust(RootCertStore::empty())?.with_no_client_auth())
}

fn trust(roots: RootCertStore) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots))
}

/// Whom the system trusts.
fn system() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("this system has no trusted certificate authorities".to_owned());
    }
    Ok(roots)
}

/// The cryptography that every connection of this project uses.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Reads a file of PEM; the setting is named if it cannot be read.
///
/// # Errors
/// It cannot be read.
pub fn read(name: &str, file: &Path) -> Result<Vec<u8>, String> {
    let read = std::fs::read(file);
    let mut bytes =
        read.map_err(|error: io::Error| format!("{name}: {}: {error}", file.display()))?;
    // Editors of Windows begin a file with a byte order mark, and PEM begins with a dash.
    if bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(.."\u{feff}".len());
    }
    Ok(bytes)
}

/// The certificates in a file of PEM.
///
/// # Errors
/// There is none in it.
pub fn certificates(
    name: &str,
    file: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, String> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{name}: {}: it has no certificate in PEM format", file.display())),
    }
}

/// The authorities in a file of PEM.
///
/// # Errors
/// There is none in it, or one that cannot be used.
pub fn roots(name: &str, file: &Path, pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(name, file, pem)? {
        roots.add(certificate).map_err(|error| format!("{name}: {}: {error}", file.display()))?;
    }
    Ok(roots)
}
