//! TLS of a listener: the certificate that it shows, and whose certificates it wants. It
//! follows its files: new connections get a renewed certificate, and the open ones go on.
//! The client's half is in `pedidos_core::tls`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use pedidos_core::tls::{certificates, provider, read, roots};
use tokio::sync::watch;
use tokio_rustls::rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

/// How often the files are read. They are a few kilobytes.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// What a listener uses for new connections now.
pub type CurrentConfig = watch::Receiver<Arc<ServerConfig>>;

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
    /// Reads the files once.
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
            format!("TLS_KEY_FILE: {}: it has no private key in PEM format", self.key.display())
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
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Reads the files now and whenever they change, until the receiver is dropped. Files that do
    /// not fit each other are half replaced: the previous certificate stays.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn follow(self) -> Result<CurrentConfig, String> {
        let mut seen = self.read()?;
        let (current, receiver) = watch::channel(self.config(&seen)?);
        tokio::spawn(async move {
            let mut problem = None;
            loop {
                tokio::select! {
                    () = tokio::time::sleep(CHECK_EVERY) => {}
                    () = current.closed() => return,
                }
                let now = self.read().and_then(|files| {
                    let changed = files != seen;
                    let config = if changed { Some(self.config(&files)?) } else { None };
                    Ok((files, config))
                });
                match now {
                    Ok((files, Some(config))) => {
                        current.send_replace(config);
                        (seen, problem) = (files, None);
                        tracing::info!(
                            file = %self.certificate.display(),
                            "new connections get the new certificate"
                        );
                    }
                    Ok((_, None)) => problem = None,
                    Err(error) if problem.as_ref() != Some(&error) => {
                        tracing::warn!(%error, "keeping the previous certificate");
                        problem = Some(error);
                    }
                    Err(_) => {}
                }
            }
        });
        Ok(receiver)
    }
}
