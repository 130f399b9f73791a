//! The file of API keys, read again when it has changed, without a restart.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use pedidos_core::key_file::{KeyFile, is_only_ours};
use tokio::sync::Mutex;

/// How often a file is read again at most, when it is used.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

type KeysResult = Result<Arc<KeyFile>, String>;

pub struct Keyring {
    file: PathBuf,
    known: RwLock<KeysResult>,
    /// When the file was read, and its text. Held by the one who reads it; meanwhile the others use
    /// the keys that are known.
    seen: Mutex<(Instant, String)>,
}

impl Keyring {
    /// # Errors
    /// Every mistake: the file cannot be read, others may write it, or lines are invalid.
    pub fn open(file: &Path) -> Result<Self, Vec<String>> {
        let named = |mistake: &str| format!("API_KEYS_FILE: {}: {mistake}", file.display());
        let text = std::fs::read_to_string(file)
            .map_err(|error| vec![named(&format!("{error}; create it with `pedidos key new`"))])?;
        is_only_ours(file).map_err(|mistake| vec![named(&mistake)])?;
        let keys = KeyFile::parse(&text);
        if !keys.mistakes.is_empty() {
            return Err(keys.mistakes.iter().map(|mistake| named(mistake)).collect());
        }
        if keys.keys.is_empty() {
            tracing::warn!(file = %file.display(), "the key file is empty, so every call is refused: add a key with `pedidos key new`");
        }
        let known = RwLock::new(Ok(Arc::new(keys)));
        Ok(Self { file: file.to_owned(), known, seen: Mutex::new((Instant::now(), text)) })
    }

    /// An invalid line gives nobody access, and takes nothing from keys that it does not name.
    ///
    /// # Errors
    /// The file cannot be read, or others may write it: every call is refused.
    pub async fn keys(&self) -> KeysResult {
        if let Ok(mut seen) = self.seen.try_lock()
            && seen.0.elapsed() >= LOOK_EVERY
        {
            seen.0 = Instant::now();
            self.look(&mut seen.1).await;
        }
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look(&self, before: &mut String) {
        let was_ok = self.known.read().unwrap_or_else(PoisonError::into_inner).is_ok();
        // Its text, not its modification time: that may be the same.
        let text = match tokio::fs::read_to_string(&self.file).await {
            Ok(text) => is_only_ours(&self.file).map(|()| text),
            Err(error) => Err(format!("cannot be read: {}", error.kind())),
        };
        let known = match text {
            Ok(text) if was_ok && text == *before => return,
            Ok(text) => {
                let keys = KeyFile::parse(&text);
                for mistake in &keys.mistakes {
                    tracing::error!(file = %self.file.display(), %mistake, "the key file has an invalid line");
                }
                tracing::info!(keys = keys.keys.len(), "key file reloaded");
                *before = text;
                Ok(Arc::new(keys))
            }
            Err(error) => {
                if was_ok {
                    let file = self.file.display();
                    tracing::error!(%file, error, "the key file cannot be used, so every call is refused");
                }
                Err("the API cannot read its keys; its log says why".to_owned())
            }
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }
}
