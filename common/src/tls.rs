//! TLS, by rustls alone: the certificate that a listener shows, and whom it lets in;
//! the authorities that a client trusts. What a listener shows follows its files: a
//! renewed certificate is taken up by new connections, and the open ones go on.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::watch;
pub use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::{
    ConfigBuilder, RootCertStore, ServerConfig,
    client::WantsClientCert,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

/// How often the files are looked at. They are a few kilobytes.
const LOOK: Duration = Duration::from_secs(1);

/// What a listener shows, from when on.
pub type Shown = watch::Receiver<Arc<ServerConfig>>;

/// Where a listener's certificate is.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// TLS_CERT_FILE: the chain, its own certificate first.
    pub certificate: PathBuf,
    /// TLS_KEY_FILE.
    pub key: PathBuf,
    /// TLS_CLIENT_CA_FILE: who may sign for clients; none: they need no certificate.
    pub client_ca: Option<PathBuf>,
}

/// The files' bytes. Compared, not their times: a file may be replaced by one that is as
/// old, or through a link.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl TlsSettings {
    /// What the files come to now.
    ///
    /// # Errors
    /// One cannot be read, or they do not fit each other; the setting is named.
    pub fn load(&self) -> Result<Arc<ServerConfig>, String> {
        self.read().and_then(|files| self.config(&files))
    }

    fn read(&self) -> Result<Files, String> {
        Ok(Files {
            certificate: read("TLS_CERT_FILE", &self.certificate)?,
            key: read("TLS_KEY_FILE", &self.key)?,
            client_ca: match &self.client_ca {
                Some(file) => Some(read("TLS_CLIENT_CA_FILE", file)?),
                None => None,
            },
        })
    }

    fn config(&self, files: &Files) -> Result<Arc<ServerConfig>, String> {
        let chain = certificates("TLS_CERT_FILE", &self.certificate, &files.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(|_| {
            // Not the parser's words: it might quote what it read.
            format!("TLS_KEY_FILE: {}: no private key as PEM is in it", self.key.display())
        })?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS_CERT_FILE: {error}"))?;
        let builder = match (&self.client_ca, &files.client_ca) {
            (Some(path), Some(pem)) => {
                let roots = roots("TLS_CLIENT_CA_FILE", path, pem)?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots.into(), provider())
                        .build()
                        .map_err(|error| format!("TLS_CLIENT_CA_FILE: {error}"))?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| {
            format!("TLS_KEY_FILE: {} and TLS_CERT_FILE: {error}", self.key.display())
        })?;
        // The one protocol that is spoken here.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// What the files come to, now and whenever they change: until nobody asks any more.
    /// Files that do not fit each other are half replaced: what was is shown on.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn follow(self) -> Result<Shown, String> {
        let mut seen = self.read()?;
        let (shown, receiver) = watch::channel(self.config(&seen)?);
        tokio::spawn(async move {
            let mut problem = None;
            loop {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = shown.closed() => return,
                }
                let now = self.read().and_then(|files| {
                    let changed = files != seen;
                    let config = if changed { Some(self.config(&files)?) } else { None };
                    Ok((files, config))
                });
                match now {
                    Ok((files, Some(config))) => {
                        shown.send_replace(config);
                        (seen, problem) = (files, None);
                        tracing::info!(
                            file = %self.certificate.display(),
                            "a new certificate is shown from now on"
                        );
                    }
                    Ok((_, None)) => problem = None,
                    Err(error) if problem.as_ref() != Some(&error) => {
                        tracing::warn!(%error, "the certificate of before is shown on");
                        problem = Some(error);
                    }
                    Err(_) => {}
                }
            }
        });
        Ok(receiver)
    }
}

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
        .map_err(|_| format!("{name}: {}: no private key as PEM is in it", file.display()))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| format!("{name}: {}: {error}", file.display()))
}

/// How a client connects that trusts nobody: one that will not speak TLS.
///
/// # Errors
/// None that can be had: the library's.
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
        return Err("this system has no certificates of authorities to trust".to_owned());
    }
    Ok(roots)
}

/// The cryptography that every connection of this project uses.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read(name: &str, file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error: io::Error| format!("{name}: {}: {error}", file.display()))
}

fn certificates(
    name: &str,
    file: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, String> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{name}: {}: no certificate as PEM is in it", file.display())),
    }
}

fn roots(name: &str, file: &Path, pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(name, file, pem)? {
        roots.add(certificate).map_err(|error| format!("{name}: {}: {error}", file.display()))?;
    }
    Ok(roots)
}
