//! Who calls: by a key, a token or the cookie of a signed-in browser; or nobody knows.

use pedidos_common::{
    access::{Key, Lapsed, PREFIX, Role, now_ms, random},
    config::AccessSettings,
    store::Store,
};
use poem::{
    Request,
    http::{HeaderMap, header},
};
use tokio::sync::OnceCell;

use super::{
    cookie::{self, Session},
    keyring::Keyring,
    token::{Refused, Tokens},
    trail,
};

/// The header that a key may be in, instead of `Authorization`.
pub const KEY_HEADER: &str = "x-api-key";

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key's name, or the token's subject.
    pub name: String,
    /// What they may do; none: the token does not say.
    pub role: Option<Role>,
    /// How it is known.
    pub via: Via,
    /// The key that they have, or signed in with.
    pub key: Option<Key>,
    /// The session, if that is how it is known.
    pub session: Option<Session>,
}

/// How it is known who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// It is not, and nobody is asked.
    Anonymous,
    /// It is not, although it should be.
    Nothing,
    /// By a key.
    Key,
    /// By a token of the identity provider.
    Token,
    /// By the cookie of a browser that signed in with a key.
    Session,
}

impl Via {
    /// As the audit trail has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Nothing => "nothing",
            Self::Key => "key",
            Self::Token => "token",
            Self::Session => "session",
        }
    }
}

impl Caller {
    /// Whoever calls where nobody is asked who they are.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::nameless("anonymous", Some(Role::Admin), Via::Anonymous)
    }

    /// Whoever did not say who they are, or not so that it could be believed.
    #[must_use]
    pub fn unknown() -> Self {
        Self::nameless("unknown", None, Via::Nothing)
    }

    /// Whose allowance and streams these are: the key's, the token's, or, of whoever is not
    /// known, the address'.
    #[must_use]
    pub fn client(&self, request: &Request) -> String {
        match self.via {
            Via::Anonymous | Via::Nothing => format!("address:{}", trail::address(request)),
            // A browser that signed in with a key shares what it has.
            Via::Key | Via::Session => format!("key:{}", self.name),
            Via::Token => format!("token:{}", self.name),
        }
    }

    fn nameless(name: &str, role: Option<Role>, via: Via) -> Self {
        Self { name: name.to_owned(), role, via, key: None, session: None }
    }

    fn of(key: &Key, session: Option<Session>) -> Self {
        let via = if session.is_some() { Via::Session } else { Via::Key };
        Self { name: key.name.clone(), role: Some(key.role), via, key: Some(key.clone()), session }
    }
}

/// Why it is not known who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// They did not say.
    Silent,
    /// What they said is not to be believed.
    Wrong(String),
    /// It cannot be found out now.
    Unavailable(String),
}

/// What a request says of who sends it.
enum Said {
    Nothing,
    Bearer(String),
    Cookie(String),
}

/// Finds out who calls.
pub struct Door {
    settings: AccessSettings,
    keys: Option<Keyring>,
    tokens: Option<Tokens>,
    secret: OnceCell<Vec<u8>>,
}

impl Door {
    /// Reads what there is to be read.
    ///
    /// # Errors
    /// It makes no sense; every mistake.
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

    /// Finds out who calls. `Authorization` counts before the header of keys, and that before
    /// a cookie; a wrong one is not mended by another that is right.
    ///
    /// # Errors
    /// It is not known, and must be.
    pub async fn caller(&self, headers: &HeaderMap, store: &Store) -> Result<Caller, Unknown> {
        if !self.settings.wants_credentials() {
            return Ok(Caller::anonymous());
        }
        match said(headers)? {
            Said::Nothing => Err(Unknown::Silent),
            Said::Cookie(value) => self.by_cookie(&value, store).await,
            Said::Bearer(text) if text.starts_with(PREFIX) => self.by_key(&text).await,
            Said::Bearer(text) => self.by_token(&text).await,
        }
    }

    async fn by_key(&self, presented: &str) -> Result<Caller, Unknown> {
        let keys = match &self.keys {
            Some(keys) => keys.keys().await.map_err(Unknown::Unavailable)?,
            None => return Err(Unknown::Wrong("no keys are taken here, only tokens".to_owned())),
        };
        let key = keys.find(presented).ok_or_else(|| Unknown::Wrong("no such key".to_owned()))?;
        still_counts(key)?;
        Ok(Caller::of(key, None))
    }

    async fn by_token(&self, presented: &str) -> Result<Caller, Unknown> {
        let Some(tokens) = &self.tokens else {
            return Err(Unknown::Wrong(format!("it is not a key: they begin with {PREFIX}")));
        };
        match tokens.check(presented).await {
            Ok(bearer) => Ok(Caller {
                name: bearer.name,
                role: bearer.role,
                via: Via::Token,
                key: None,
                session: None,
            }),
            Err(Refused::Token(why)) => Err(Unknown::Wrong(why)),
            Err(Refused::Provider(why)) => Err(Unknown::Unavailable(why)),
        }
    }

    async fn by_cookie(&self, value: &str, store: &Store) -> Result<Caller, Unknown> {
        let over = || Unknown::Wrong("the session is over: sign in again".to_owned());
        let Some(keys) = &self.keys else { return Err(over()) };
        let keys = keys.keys().await.map_err(Unknown::Unavailable)?;
        // No store is asked about what is no cookie of ours.
        let claimed = cookie::claimed(value, &keys.keys).ok_or_else(over)?;
        let secret = self.secret(store).await.map_err(Unknown::Unavailable)?;
        let (session, key) = claimed.verified(secret, now_ms()).ok_or_else(over)?;
        still_counts(&key)?;
        Ok(Caller::of(&key, Some(session)))
    }

    /// What cookies are signed with, together with the hash of the key that signed in.
    ///
    /// # Errors
    /// The store that has it is out of reach.
    pub async fn secret(&self, store: &Store) -> Result<&[u8], String> {
        let secret = self.secret.get_or_try_init(|| async {
            let new = random().map_err(|error| error.to_string())?;
            store.session_secret(new).await.map_err(|error| error.to_string())
        });
        secret.await.map(Vec::as_slice)
    }
}

fn still_counts(key: &Key) -> Result<(), Unknown> {
    key.counts_at(now_ms()).map_err(|lapsed| {
        let what = match lapsed {
            Lapsed::Revoked => "was revoked",
            Lapsed::Expired => "has expired",
        };
        Unknown::Wrong(format!("the key '{}' {what}", key.name))
    })
}

fn said(headers: &HeaderMap) -> Result<Said, Unknown> {
    let wrong = |what: &str| Err(Unknown::Wrong(what.to_owned()));
    for (name, is_scheme) in [(header::AUTHORIZATION.as_str(), true), (KEY_HEADER, false)] {
        let mut given = headers.get_all(name).iter();
        let (Some(value), more) = (given.next(), given.next()) else { continue };
        if more.is_some() {
            return wrong("a key or token is given more than once");
        }
        let Ok(text) = value.to_str() else { return wrong("it is not made of visible characters") };
        if !is_scheme {
            return Ok(Said::Bearer(text.trim().to_owned()));
        }
        return match text.trim().split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => {
                Ok(Said::Bearer(rest.trim().to_owned()))
            }
            _ => wrong("Authorization takes Bearer, then a space and a key or token"),
        };
    }
    let cookie = cookie::of(headers).map(str::to_owned);
    Ok(cookie.map_or(Said::Nothing, Said::Cookie))
}
