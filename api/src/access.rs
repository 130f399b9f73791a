//! Who may call what, how often, and who did.
//!
//! - [`policy`]: the one table of what each role may do.
//! - [`guard`]: stands around the routes and asks all of it, in this order: where a call comes
//!   from ([`origin`]), who calls, what that requires, how often ([`rate_limit`]); and writes the
//!   audit trail ([`trail`]).
//! - [`credentials`]: what a request has of them. [`authenticator`]: finds out who the
//!   [`caller`] is, by a key ([`keyring`]), a token ([`token`], with the cryptography of
//!   [`signatures`]) or the cookie of a browser ([`cookie`]).

pub mod authenticator;
pub mod caller;
pub mod cookie;
pub mod credentials;
pub mod guard;
pub mod keyring;
pub mod origin;
pub mod policy;
pub mod rate_limit;
pub mod signatures;
pub mod token;
pub mod trail;

use std::sync::Arc;

use crate::settings::AccessSettings;

use self::authenticator::Authenticator;

/// Who may call, and how that is found out. Cloning shares it.
#[derive(Clone)]
pub struct Access {
    pub settings: AccessSettings,
    pub authenticator: Arc<Authenticator>,
}

impl Access {
    /// # Errors
    /// Every mistake, by the name of its setting.
    pub fn open(settings: &AccessSettings) -> Result<Self, Vec<String>> {
        Ok(Self {
            settings: settings.clone(),
            authenticator: Arc::new(Authenticator::open(settings)?),
        })
    }

    /// A warning for the log of the start, if nobody has to authenticate.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        match (self.settings.wants_credentials(), self.settings.is_loopback()) {
            (true, _) => None,
            (false, true) => Some(
                "no API keys: everybody on this machine may do everything; other machines cannot \
                 connect",
            ),
            (false, false) => {
                Some("ALLOW_ANONYMOUS: everybody who reaches this address may do everything")
            }
        }
    }
}

#[cfg(test)]
mod tests;
