//! APIs that ask who calls, and keys for them.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use mongodb::bson::{Document, doc};
use pedidos_core::{key_file, role::Role};

use crate::{client::Client, cluster::Cluster};

/// A folder with a file of keys. It is removed when it is dropped.
pub struct KeyFile {
    folder: PathBuf,
}

/// The issuer whose tokens are accepted.
pub const ISSUER: &str = "https://id.example";
/// The audience that they must name.
pub const AUDIENCE: &str = "pedidos";
/// The public keys of that issuer.
pub const JWKS: &str = include_str!("../fixtures/jwks.json");
/// A token of an operator, signed with RS256 by a key that is gone.
pub const TOKEN: &str = include_str!("../fixtures/token.txt");

impl KeyFile {
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("pedidos-keys-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).expect("a folder can be made");
        for (name, text) in [("jwks.json", JWKS), ("keys", "")] {
            fs::write(folder.join(name), text).expect("a file can be written");
        }
        let keys = Self { folder };
        // Whatever the umask is: files that others may write are not taken.
        keys.set_mode(0o600);
        keys
    }

    /// Who may read and write the files.
    pub fn set_mode(&self, mode: u32) {
        for name in ["jwks.json", "keys"] {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(self.folder.join(name), mode).expect("they are ours");
        }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join("keys")
    }

    pub fn add(&self, name: &str, role: Role) -> String {
        key_file::add(&self.path(), name, role, None).expect("a key can be made")
    }

    /// The settings with which an API takes these keys.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![("API_KEYS_FILE", self.path().display().to_string())]
    }

    /// The settings with which it takes tokens, too.
    pub fn settings_with_tokens(&self) -> Vec<(&'static str, String)> {
        let mut settings = self.settings();
        settings.extend([
            ("JWT_JWKS_FILE", self.folder.join("jwks.json").display().to_string()),
            ("JWT_ISSUER", ISSUER.to_owned()),
            ("JWT_AUDIENCE", AUDIENCE.to_owned()),
        ]);
        settings
    }
}

impl Default for KeyFile {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

impl Cluster {
    /// With one API and no worker, and these settings.
    pub async fn guarded(settings: &[(&'static str, String)]) -> Self {
        let settings: Vec<_> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Self::start(0, &settings).await
    }

    /// The client of the first API, with this key.
    pub fn client_with(&self, key: &str) -> Client {
        self.client().with_key(key)
    }

    /// The lines of the audit trail, the oldest first, as they are stored.
    pub async fn audit_lines(&self) -> Vec<Document> {
        use futures_util::TryStreamExt;
        let lines = self.stores.database.collection::<Document>("audit_log");
        let found = lines.find(doc! {}).sort(doc! { "_id": 1 }).await.expect("MongoDB answers");
        found.try_collect().await.expect("MongoDB answers")
    }
}
