//! A certificate authority of a test's own, and what it signs: files, as the programs and
//! the servers read them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// A certificate authority. The folder with its files is removed when it is dropped.
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub file: PathBuf,
}

/// A certificate that an authority has signed, and its key.
#[derive(Debug, Clone)]
pub struct Signed {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Both, in one file.
    pub both: PathBuf,
    /// The certificate, as it is on the wire.
    pub der: Vec<u8>,
}

impl Authority {
    /// A new one, which nobody trusts yet.
    pub fn new() -> Self {
        let name = format!("pedidos-authority-{}", uuid::Uuid::new_v4().simple());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder can be made");
        let mut params = CertificateParams::new(Vec::new()).expect("no names are fine");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "An authority of a test");
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.self_signed(&key).expect("it can sign");
        let file = folder.join("ca.pem");
        fs::write(&file, certificate.pem()).expect("a file can be written");
        Self { folder, issuer: Issuer::new(params, key), file }
    }

    /// A certificate for this machine, under the name of its files.
    pub fn sign(&self, name: &str) -> Signed {
        self.sign_for(name, &["localhost", "127.0.0.1"])
    }

    /// As [`Self::sign`], and it has expired.
    pub fn sign_expired(&self, name: &str) -> Signed {
        let mut params = params(&["localhost", "127.0.0.1"]);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        self.sign_these(name, params)
    }

    /// A certificate for these hosts, under the name of its files.
    pub fn sign_for(&self, name: &str, hosts: &[&str]) -> Signed {
        self.sign_these(name, params(hosts))
    }

    fn sign_these(&self, name: &str, mut params: CertificateParams) -> Signed {
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.issuer).expect("it can be signed");
        let file = |ending: &str, text: String| {
            let file = self.folder.join(format!("{name}.{ending}"));
            fs::write(&file, text).expect("a file can be written");
            file
        };
        let (pem, secret) = (certificate.pem(), key.serialize_pem());
        Signed {
            both: file("both.pem", format!("{pem}{secret}")),
            certificate: file("crt", pem),
            key: file("key", secret),
            der: certificate.der().to_vec(),
        }
    }

    /// The settings of a listener that shows this.
    pub fn settings(signed: &Signed) -> Vec<(&'static str, &str)> {
        vec![("TLS_CERT_FILE", text(&signed.certificate)), ("TLS_KEY_FILE", text(&signed.key))]
    }
}

fn params(hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
    CertificateParams::new(hosts).expect("they are names")
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// A path of these tests, as text.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("it is plain")
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.folder);
    }
}
