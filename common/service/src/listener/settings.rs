//! How a process is reached: HOST, MAX_CONNECTIONS, and the certificate of TLS.

use super::names::HostNames;
use crate::{config::Reader, tls::TlsSettings};

#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// HOST, which is bound, and the other names of the process.
    pub names: HostNames,
    /// MAX_CONNECTIONS.
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

    pub(crate) fn read(reader: &mut Reader) -> Self {
        Self {
            names: HostNames::of(&reader.values),
            max_connections: reader.values.number("MAX_CONNECTIONS"),
            tls: tls(reader),
        }
    }
}

fn tls(reader: &mut Reader) -> Option<TlsSettings> {
    let files = ["TLS_CERT_FILE", "TLS_KEY_FILE"].map(|name| (name, reader.values.file(name)));
    let client_ca = reader.values.file("TLS_CLIENT_CA_FILE");
    match files {
        [(_, Some(certificate)), (_, Some(key))] => {
            let tls = TlsSettings { certificate, key, client_ca };
            if let Err(mistake) = tls.load() {
                reader.note(&mistake);
            }
            Some(tls)
        }
        [(_, None), (_, None)] => {
            if client_ca.is_some() {
                reader.wrong("TLS_CLIENT_CA_FILE", "without TLS_CERT_FILE there is no TLS");
            }
            None
        }
        [(cert, found), (key, _)] => {
            let (given, lacks) = if found.is_some() { (cert, key) } else { (key, cert) };
            reader.wrong(lacks, &format!("required, for {given} is given"));
            None
        }
    }
}
