//! Finds out who calls, by a key, a token or the session cookie of a browser.

use std::time::Duration;

use crate::settings::AccessSettings;
use pedidos_core::{
    backoff::Backoff,
    bytes::random,
    key_file::{Key, Lapsed, PREFIX},
    time::now_ms,
};
use pedidos_pipeline::store::Store;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::{
    caller::{Caller, Via},
    cookie,
    credentials::Credentials,
    keyring::Keyring,
    token::{TokenError, Tokens},
};

/// How often a stream checks its caller's credentials again. More often than its heartbeat, so
/// that it ends with the next one at the latest.
const RECHECK_EVERY: Duration = Duration::from_secs(5);

/// Why a caller is not authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthError {
    /// There are no credentials.
    Missing,
    /// The credentials are wrong, revoked or expired.
    Invalid(String),
    /// They cannot be checked now.
    Unavailable(String),
}

pub struct Authenticator {
    settings: AccessSettings,
    keys: Option<Keyring>,
    tokens: Option<Tokens>,
    secret: OnceCell<Vec<u8>>,
}

impl Authenticator {
    /// Reads the files of keys.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn open(settings: &AccessSettings) -> Result<Self, Vec<String>> {
        let mut mistakes: Vec<String> = settings.is_open_to_others().into_iter().collect();
        let keys = settings.keys_file.as_deref().map(Keyring::open).transpose();
        let keys = keys.map_err(|wrong| mistakes.extend(wrong)).ok().flatten();
        let tokens = settings.jwt.as_ref().map(Tokens::open).transpose();
        let tokens = tokens.map_err(|wrong| mistakes.push(wrong)).ok().flatten();
        if mistakes.is_empty() {
            Ok(Self { settings: settings.clone(), keys, tokens, secret: OnceCell::new() })
        } else {
            Err(mistakes)
        }
    }

    /// # Errors
    /// The credentials are missing or wrong, or cannot be checked.
    pub async fn caller(&self, credentials: &Credentials) -> Result<Caller, AuthError> {
        if !self.settings.wants_credentials() {
            return Ok(Caller::anonymous());
        }
        match credentials {
            Credentials::None => Err(AuthError::Missing),
            Credentials::Malformed(what) => Err(AuthError::Invalid((*what).to_owned())),
            Credentials::ManyCookies => {
                Err(AuthError::Invalid("the request has two session cookies".to_owned()))
            }
            Credentials::Cookie(value) => self.by_cookie(value).await,
            Credentials::Bearer(text) if text.starts_with(PREFIX) => self.by_key(text).await,
            Credentials::Bearer(text) => self.by_token(text).await,
        }
    }

    /// Ends when these credentials are revoked, expired, or give another role, or cannot be checked
    /// any more.
    pub async fn lapse(&self, credentials: &Credentials, caller: &Caller) {
        loop {
            tokio::time::sleep(RECHECK_EVERY).await;
            let now = self.caller(credentials).await;
            if !now.is_ok_and(|now| now.name == caller.name && now.role == caller.role) {
                return;
            }
        }
    }

    async fn by_key(&self, presented: &str) -> Result<Caller, AuthError> {
        let keys = match &self.keys {
            Some(keys) => keys.keys().await.map_err(AuthError::Unavailable)?,
            None => {
                return Err(AuthError::Invalid("this API takes tokens, not keys".to_owned()));
            }
        };
        let key =
            keys.find(presented).ok_or_else(|| AuthError::Invalid("unknown key".to_owned()))?;
        check_valid(key)?;
        Ok(Caller::of(key, None))
    }

    async fn by_token(&self, presented: &str) -> Result<Caller, AuthError> {
        let Some(tokens) = &self.tokens else {
            return Err(AuthError::Invalid(format!("not a key: keys begin with {PREFIX}")));
        };
        match tokens.check(presented).await {
            Ok(bearer) => Ok(Caller {
                name: bearer.name,
                role: bearer.role,
                via: Via::Token,
                key: None,
                session: None,
            }),
            Err(TokenError::Invalid(why)) => Err(AuthError::Invalid(why)),
            Err(TokenError::Provider(why)) => Err(AuthError::Unavailable(why)),
        }
    }

    /// Asks no store. Until a cookie is verified, its answer does not show whether there is a key of
    /// its name.
    async fn by_cookie(&self, value: &str) -> Result<Caller, AuthError> {
        let over = || AuthError::Invalid("the session has ended: sign in again".to_owned());
        let Some(keys) = &self.keys else { return Err(over()) };
        let keys = keys.keys().await.map_err(AuthError::Unavailable)?;
        let claimed = cookie::claimed(value).ok_or_else(over)?;
        let secret =
            self.secret.get().ok_or_else(|| AuthError::Unavailable(NO_SECRET.to_owned()))?;
        let (session, key) = claimed.verified(&keys.keys, secret, now_ms()).ok_or_else(over)?;
        check_valid(&key)?;
        Ok(Caller::of(&key, Some(session)))
    }

    /// Cookies are signed with it and with the hash of the key that signed in.
    ///
    /// # Errors
    /// MongoDB, which has it, does not answer; the log says why.
    pub async fn secret(&self, store: &Store) -> Result<&[u8], &'static str> {
        let secret = self.secret.get_or_try_init(|| async {
            let new = random().map_err(|error| error.to_string())?;
            store.session_secret(new).await.map_err(|error| error.to_string())
        });
        secret.await.map(Vec::as_slice).map_err(|error| {
            tracing::warn!(error, "cannot read the secret of the session cookies");
            NO_SECRET
        })
    }

    /// Reads the secret before the first cookie comes, however long that takes.
    pub async fn load_secret(&self, store: &Store, shutdown: &CancellationToken) {
        let mut backoff = Backoff::default();
        while self.keys.is_some() && self.secret(store).await.is_err() {
            tokio::select! {
                () = tokio::time::sleep(backoff.after_failure()) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }
}

/// The same for every cookie.
const NO_SECRET: &str = "sessions cannot be checked until MongoDB answers; use a key";

fn check_valid(key: &Key) -> Result<(), AuthError> {
    key.counts_at(now_ms()).map_err(|lapsed| {
        let what = match lapsed {
            Lapsed::Revoked => "was revoked",
            Lapsed::Expired => "has expired",
        };
        AuthError::Invalid(format!("the key '{}' {what}", key.name))
    })
}
