//! The settings of a processor: PROCESSOR_….

use std::{path::PathBuf, time::Duration};

use pedidos_core::tls;
use pedidos_service::config::Values;
use secrecy::{ExposeSecret, SecretString};

use super::signature::Signer;

/// How batches of a named processor are handed over.
#[derive(Clone)]
pub struct ProcessorSettings {
    /// PROCESSOR_NAME: runs that name it are for this worker.
    pub name: String,
    /// PROCESSOR_BATCH_SIZE: orders of one call, at most.
    pub batch_size: u32,
    /// PROCESSOR_TIMEOUT_MS: how long one call may take.
    pub timeout: Duration,
    /// RETRY_FOR_MS: how long an order is answered `retry` before it is given up though no other
    /// order shows that the processor works.
    pub retry_for: Duration,
    pub(super) url: Option<reqwest::Url>,
    pub(super) authorization: Option<SecretString>,
    secrets: Vec<SecretString>,
    authorities: Option<PathBuf>,
    certificate: Option<PathBuf>,
}

impl ProcessorSettings {
    /// The longest call, unless PROCESSOR_TIMEOUT_MS says otherwise.
    const TIMEOUT: Duration = Duration::from_secs(10);

    /// Takes them from what is set. Which contradict each other, `pedidos_service::config` says.
    ///
    /// # Errors
    /// A file cannot be read, or a URL cannot be used.
    pub fn of(values: &Values) -> Result<Self, String> {
        let lease = values.millis("LEASE_MS");
        let timeout = if values.is_given("PROCESSOR_TIMEOUT_MS") {
            values.millis("PROCESSOR_TIMEOUT_MS")
        } else {
            Self::TIMEOUT.min(lease / 3)
        };
        let url = Some(values.text("PROCESSOR_URL")).filter(|url| !url.is_empty());
        let url = url.map(reqwest::Url::parse).transpose();
        let [new, old, authorization] =
            ["PROCESSOR_SECRET", "PROCESSOR_SECRET_OLD", "PROCESSOR_AUTHORIZATION"]
                .map(|name| secret(values, name));
        Ok(Self {
            name: values.text("PROCESSOR_NAME").to_owned(),
            batch_size: values.number("PROCESSOR_BATCH_SIZE"),
            timeout,
            retry_for: values.millis("RETRY_FOR_MS"),
            url: url.map_err(|error| format!("PROCESSOR_URL: {error}"))?,
            authorization: authorization?,
            secrets: [new?, old?].into_iter().flatten().collect(),
            authorities: values.file("PROCESSOR_CA_FILE"),
            certificate: values.file("PROCESSOR_CLIENT_CERT_FILE"),
        })
    }

    pub(super) fn signer(&self) -> Result<Option<Signer>, String> {
        if self.secrets.is_empty() {
            return Ok(None);
        }
        let secrets = self.secrets.iter().map(ExposeSecret::expose_secret);
        Signer::new(secrets).map(Some).map_err(|error| format!("PROCESSOR_SECRET: {error}"))
    }

    /// Over TLS, HTTP/2 is offered first.
    pub(super) fn tls(&self, url: &reqwest::Url) -> Result<tls::ClientConfig, String> {
        if url.scheme() != "https" {
            return tls::trusting_nobody().map_err(|error| format!("PROCESSOR_URL: {error}"));
        }
        let authorities = self.authorities.as_deref().map(|file| ("PROCESSOR_CA_FILE", file));
        let own = self.certificate.as_deref().map(|file| ("PROCESSOR_CLIENT_CERT_FILE", file));
        let mut tls = tls::client(authorities, own)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(tls)
    }
}

/// A secret, or what is in the file that NAME_FILE names, without white space around it.
fn secret(values: &Values, name: &str) -> Result<Option<SecretString>, String> {
    let by_file = format!("{name}_FILE");
    let text = match values.file(&by_file) {
        Some(file) => {
            let read = std::fs::read_to_string(&file);
            read.map_err(|error| format!("{by_file}: {}: {error}", file.display()))?
        }
        None => values.text(name).to_owned(),
    };
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.into()))
}
