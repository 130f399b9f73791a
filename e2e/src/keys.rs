//! APIs that ask who calls, and keys for them.

use std::{fs, path::PathBuf};

use mongodb::bson::{Document, doc};
use pedidos_common::access::{self, Role};

use crate::{Cluster, client::Client};

/// A folder with a file of keys. It is removed when it is dropped.
pub struct KeyFile {
    folder: PathBuf,
}

/// Whose tokens are taken.
pub const ISSUER: &str = "https://id.example";
/// For whom they must be.
pub const AUDIENCE: &str = "pedidos";
/// The keys of who signs those tokens.
pub const JWKS: &str = include_str!("../fixtures/jwks.json");
/// A token of an operator, signed with RS256 by a key that is gone.
pub const TOKEN: &str = include_str!("../fixtures/token.txt");

impl KeyFile {
    /// With no key yet.
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("pedidos-keys-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).expect("a folder can be made");
        fs::write(folder.join("jwks.json"), JWKS).expect("a file can be written");
        fs::write(folder.join("keys"), "").expect("a file can be written");
        Self { folder }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.join("keys")
    }

    /// Makes a key.
    pub fn add(&self, name: &str, role: Role) -> String {
        access::add(&self.path(), name, role, None).expect("a key can be made")
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
