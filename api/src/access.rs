//! Who may call what, how often, and who did.
//!
//! - [`policy`]: the one table that decides.
//! - [`guard`]: what stands around the routes: where a call comes from, who calls, what that
//!   takes, how often; and the lines of the audit trail ([`trail`]).
//! - [`who`]: finds out who calls, by a key ([`keyring`]), a token ([`token`], with the
//!   cryptography of [`signatures`]) or the cookie of a browser ([`cookie`]).
//! - [`origin`]: calls that a web page from elsewhere makes a browser send.

pub mod cookie;
pub mod guard;
pub mod keyring;
pub mod origin;
pub mod policy;
pub mod signatures;
pub mod token;
pub mod trail;
pub mod who;

use std::sync::Arc;

use pedidos_common::config::AccessSettings;

use self::who::Door;

/// Who may call, and how that is found out. Cloning shares it.
#[derive(Clone)]
pub struct Access {
    /// What is configured.
    pub settings: AccessSettings,
    /// Finds out who calls.
    pub door: Arc<Door>,
}

impl Access {
    /// Reads keys and what else there is.
    ///
    /// # Errors
    /// Every mistake, by the name of its setting.
    pub fn open(settings: &AccessSettings) -> Result<Self, Vec<String>> {
        Ok(Self { settings: settings.clone(), door: Arc::new(Door::open(settings)?) })
    }

    /// What a person should know who starts this: who can do what.
    #[must_use]
    pub fn said(&self) -> Option<&'static str> {
        match (self.settings.wants_credentials(), self.settings.is_loopback()) {
            (true, _) => None,
            (false, true) => Some(
                "no keys: whoever is on this machine may do everything, and no other machine is \
                 served",
            ),
            (false, false) => {
                Some("ALLOW_ANONYMOUS: whoever reaches this address may do everything")
            }
        }
    }
}

#[cfg(test)]
mod tests;
