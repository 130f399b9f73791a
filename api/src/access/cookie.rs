//! The cookie of a signed-in browser: `NAME.SIGNED_IN.EXPIRES.MAC`. It says which key signed
//! in, not what that may do: revoked keys and changed roles count at once.
//!
//! The MAC's key is made of a secret in the database, which all replicas share, and of the
//! hash of the API key. Whoever reads only one of database and file of keys can forge none.

use pedidos_common::access::{Hash, Key, hex, unhex};
use poem::http::{HeaderMap, header};
use ring::hmac;

/// Its name.
pub const NAME: &str = "pedidos_session";
/// So long it lasts, ms; `GET /pedidos/session` renews it.
const LASTS_MS: i64 = 60 * 60 * 1_000;
/// But no longer than this after signing in, ms.
const LASTS_AT_MOST_MS: i64 = 12 * LASTS_MS;

/// A session, as a cookie has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The name of the key that signed in.
    pub name: String,
    /// When, ms since the epoch.
    pub signed_in: i64,
    /// When it is over, ms since the epoch.
    pub expires: i64,
}

impl Session {
    /// Of a key that signs in now.
    #[must_use]
    pub fn new(name: &str, now: i64) -> Self {
        Self { name: name.to_owned(), signed_in: now, expires: now + LASTS_MS }
    }

    /// The same session for longer, once half of it is over.
    #[must_use]
    pub fn renewed(&self, now: i64) -> Option<Self> {
        let expires = (now + LASTS_MS).min(self.signed_in + LASTS_AT_MOST_MS);
        let due = self.expires - now < LASTS_MS / 2 && expires > self.expires;
        due.then(|| Self { expires, ..self.clone() })
    }

    /// Reads a cookie, without believing it.
    fn read(value: &str) -> Option<(Self, Vec<u8>)> {
        let mut parts = value.rsplitn(4, '.');
        let mac = unhex(parts.next()?)?;
        let expires = parts.next()?.parse().ok()?;
        let signed_in = parts.next()?.parse().ok()?;
        let name = parts.next()?.to_owned();
        Some((Self { name, signed_in, expires }, mac))
    }

    fn text(&self) -> String {
        format!("{}.{}.{}", self.name, self.signed_in, self.expires)
    }

    /// The header that sets it. `secure`: it came over TLS, and must not go without.
    #[must_use]
    pub fn set(&self, secret: &[u8], key: &Hash, secure: bool, now: i64) -> String {
        let text = self.text();
        let mac = hmac::sign(&signing_key(secret, key), text.as_bytes());
        let value = format!("{text}.{}", hex(mac.as_ref()));
        header_of(&value, (self.expires - now) / 1_000, secure)
    }
}

/// The header that takes it away.
#[must_use]
pub fn taken_away(secure: bool) -> String {
    header_of("", 0, secure)
}

fn header_of(value: &str, seconds: i64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// The value of the cookie, if the request has one.
#[must_use]
pub fn of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = cookies.flat_map(|value| value.split(';'));
    cookies.find_map(|cookie| cookie.trim().strip_prefix(NAME)?.strip_prefix('='))
}

/// What a cookie claims: not to be believed before it is verified.
#[derive(Debug, Clone)]
pub struct Claimed {
    session: Session,
    mac: Vec<u8>,
    key: Key,
}

/// Reads a cookie that names one of these keys.
#[must_use]
pub fn claimed(value: &str, keys: &[Key]) -> Option<Claimed> {
    let (session, mac) = Session::read(value)?;
    let key = keys.iter().find(|key| key.name == session.name)?.clone();
    Some(Claimed { session, mac, key })
}

impl Claimed {
    /// Whose session it is, if it is one.
    #[must_use]
    pub fn verified(self, secret: &[u8], now: i64) -> Option<(Session, Key)> {
        let signing = signing_key(secret, &self.key.hash);
        hmac::verify(&signing, self.session.text().as_bytes(), &self.mac).ok()?;
        (self.session.expires > now).then_some((self.session, self.key))
    }
}

fn signing_key(secret: &[u8], key: &Hash) -> hmac::Key {
    let both = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), key);
    hmac::Key::new(hmac::HMAC_SHA256, both.as_ref())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use pedidos_common::access::Role;

    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn key(name: &str, byte: u8) -> Key {
        let hash = [byte; 32];
        Key {
            name: name.to_owned(),
            role: Role::Admin,
            hash,
            created: 0,
            expires: None,
            revoked: false,
        }
    }

    fn value(set: &str) -> &str {
        set.strip_prefix("pedidos_session=").unwrap().split(';').next().unwrap()
    }

    #[test]
    fn a_cookie_is_taken_as_it_was_given_and_in_no_other_form() {
        let keys = [key("a.b", 1), key("other", 2)];
        let session = Session::new("a.b", NOW);
        let set = session.set(b"secret", &keys[0].hash, false, NOW);
        assert!(set.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict"), "{set}");
        assert!(session.set(b"secret", &keys[0].hash, true, NOW).ends_with("; Secure"));
        let value = value(&set).to_owned();
        let taken = |value: &str, secret: &[u8], now| claimed(value, &keys)?.verified(secret, now);
        assert_eq!(taken(&value, b"secret", NOW).unwrap(), (session.clone(), keys[0].clone()));
        // Another secret, another key of that name, its time over.
        assert!(taken(&value, b"another", NOW).is_none());
        assert!(claimed(&value, &[key("a.b", 9)]).unwrap().verified(b"secret", NOW).is_none());
        assert!(taken(&value, b"secret", session.expires).is_none());
        // Any part of it changed.
        let stolen = value.replacen("a.b", "other", 1);
        let longer = value.replacen(&session.expires.to_string(), "1900000000000", 1);
        for wrong in [stolen.as_str(), &longer, &value[1..], &value[..value.len() - 2], "", "..."] {
            assert!(taken(wrong, b"secret", NOW).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_session_is_renewed_once_half_is_over_but_not_for_ever() {
        let mut session = Session::new("a", NOW);
        assert_eq!(session.renewed(NOW + LASTS_MS / 2), None);
        let mut now = NOW;
        while let Some(renewed) = session.renewed(session.expires - 1) {
            now = session.expires - 1;
            assert!(renewed.expires > session.expires && renewed.expires <= now + LASTS_MS);
            session = renewed;
        }
        assert_eq!(session.expires, NOW + LASTS_AT_MOST_MS, "{now}");
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers), None);
        headers.append(header::COOKIE, "theme=dark; pedidos_session=x.y; a=b".parse().unwrap());
        assert_eq!(of(&headers), Some("x.y"));
    }
}
