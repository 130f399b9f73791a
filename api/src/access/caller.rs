//! Who calls.

use pedidos_core::{key_file::Key, role::Role};
use poem::Request;

use super::cookie::Session;
use crate::http::request;

#[derive(Debug, Clone)]
pub struct Caller {
    /// The key's name, or the token's subject.
    pub name: String,
    /// None: the token has no role.
    pub role: Option<Role>,
    pub via: Via,
    /// The key that they sent, or signed in with.
    pub key: Option<Key>,
    pub session: Option<Session>,
}

/// How a caller is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Not at all: no credentials are asked for.
    Anonymous,
    /// Not at all, although credentials are asked for.
    Unknown,
    Key,
    /// A token of the identity provider.
    Token,
    /// The cookie of a browser that signed in with a key.
    Session,
}

impl Via {
    /// As the audit trail shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Unknown => "nothing",
            Self::Key => "key",
            Self::Token => "token",
            Self::Session => "session",
        }
    }
}

impl Caller {
    /// Any caller, where no credentials are asked for.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::nameless("anonymous", Some(Role::Admin), Via::Anonymous)
    }

    /// A caller whose credentials are missing or wrong.
    #[must_use]
    pub fn unknown() -> Self {
        Self::nameless("unknown", None, Via::Unknown)
    }

    /// Whose rate limit and streams these are: the key's, the token's, or, without either, the
    /// address's.
    #[must_use]
    pub fn client(&self, request: &Request) -> String {
        match self.via {
            Via::Anonymous | Via::Unknown => format!("address:{}", request::network(request)),
            // A browser that signed in with a key shares the key's.
            Via::Key | Via::Session => format!("key:{}", self.name),
            Via::Token => format!("token:{}", self.name),
        }
    }

    fn nameless(name: &str, role: Option<Role>, via: Via) -> Self {
        Self { name: name.to_owned(), role, via, key: None, session: None }
    }

    pub(super) fn of(key: &Key, session: Option<Session>) -> Self {
        let via = if session.is_some() { Via::Session } else { Via::Key };
        Self { name: key.name.clone(), role: Some(key.role), via, key: Some(key.clone()), session }
    }
}
