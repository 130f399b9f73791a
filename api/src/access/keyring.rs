//! The file of keys, as it is now: read again when it has changed, without a restart.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use pedidos_common::access::Keys;
use tokio::sync::Mutex;

/// It is looked at when it is used, this often at most.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The file of keys.
pub struct Keyring {
    file: PathBuf,
    seen: Mutex<Seen>,
}

struct Seen {
    at: Instant,
    text: String,
    keys: Result<Arc<Keys>, String>,
}

impl Keyring {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// It cannot be read, or has lines that make no sense: every mistake.
    pub fn open(file: &Path) -> Result<Self, Vec<String>> {
        let named = |mistake: &str| format!("API_KEYS_FILE: {}: {mistake}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| {
            vec![named(&format!("{error}; `pedidos key new` makes it, with the first key"))]
        })?;
        let keys = Keys::parse(&text);
        if !keys.mistakes.is_empty() {
            return Err(keys.mistakes.iter().map(|mistake| named(mistake)).collect());
        }
        if keys.keys.is_empty() {
            tracing::warn!(file = %file.display(), "no keys yet: nobody is let in");
        }
        let keys = Ok(Arc::new(keys));
        let seen = Mutex::new(Seen { at: Instant::now(), text, keys });
        Ok(Self { file: file.to_owned(), seen })
    }

    /// The keys. Lines that make no sense let nobody in, and take nothing from the others.
    ///
    /// # Errors
    /// The file cannot be read: nobody is let in.
    pub async fn keys(&self) -> Result<Arc<Keys>, String> {
        let mut seen = self.seen.lock().await;
        if seen.at.elapsed() < LOOK_EVERY {
            return seen.keys.clone();
        }
        seen.at = Instant::now();
        // All of it, not the time of its last change: that may be the same.
        match tokio::fs::read_to_string(&self.file).await {
            Ok(text) if seen.keys.is_ok() && text == seen.text => {}
            Ok(text) => {
                let keys = Keys::parse(&text);
                for mistake in &keys.mistakes {
                    tracing::error!(file = %self.file.display(), %mistake, "a line of no use");
                }
                tracing::info!(keys = keys.keys.len(), "the keys have changed");
                seen.text = text;
                seen.keys = Ok(Arc::new(keys));
            }
            Err(error) => {
                if seen.keys.is_ok() {
                    tracing::error!(file = %self.file.display(), %error, "the keys are gone");
                }
                seen.keys = Err(format!("the file of keys cannot be read: {}", error.kind()));
            }
        }
        seen.keys.clone()
    }
}
