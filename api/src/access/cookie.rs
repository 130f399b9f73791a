//! The session cookie of a browser: `NAME.SIGNED_IN.EXPIRES.MAC`. It says which key signed in, not
//! its role: revoked keys and changed roles count at once.
//!
//! The MAC's key is derived from a secret in MongoDB, which all replicas share, and the hash of the
//! API key. Whoever reads only one of database and key file can forge no cookie.

use pedidos_core::{
    bytes::{hex, unhex},
    key_file::{Hash, Key},
};
use poem::http::{HeaderMap, header};
use ring::hmac;

pub const NAME: &str = "pedidos_session";
/// Its name over TLS: a browser accepts it from this host alone, over TLS alone, so that neither a
/// page of a sibling domain nor an attacker on the network can set one.
const HOST_NAME: &str = "__Host-pedidos_session";
/// `GET /pedidos/session` renews it.
const LASTS_MS: i64 = 60 * 60 * 1_000;
/// Bytes of HMAC-SHA-256.
const MAC_LENGTH: usize = 32;
/// Since the sign-in.
const LASTS_AT_MOST_MS: i64 = 12 * LASTS_MS;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The name of the key that signed in.
    pub name: String,
    /// ms since the epoch.
    pub signed_in: i64,
    /// ms since the epoch.
    pub expires: i64,
}

impl Session {
    #[must_use]
    pub fn new(name: &str, now: i64) -> Self {
        Self { name: name.to_owned(), signed_in: now, expires: now + LASTS_MS }
    }

    /// The session with a later end, once half of its time is over.
    #[must_use]
    pub fn renewed(&self, now: i64) -> Option<Self> {
        let expires = (now + LASTS_MS).min(self.signed_in + LASTS_AT_MOST_MS);
        let due = self.expires - now < LASTS_MS / 2 && expires > self.expires;
        due.then(|| Self { expires, ..self.clone() })
    }

    /// Parses a cookie without verifying it. It must have the form of [`Self::set`]: a session has
    /// one form only.
    fn read(value: &str) -> Option<(Self, Vec<u8>)> {
        let mut parts = value.rsplitn(4, '.');
        let mac = unhex(parts.next()?).filter(|mac| mac.len() == MAC_LENGTH)?;
        let expires = parts.next()?.parse().ok()?;
        let signed_in = parts.next()?.parse().ok()?;
        let name = parts.next()?.to_owned();
        let session = Self { name, signed_in, expires };
        (format!("{}.{}", session.text(), hex(&mac)) == value).then_some((session, mac))
    }

    fn text(&self) -> String {
        format!("{}.{}.{}", self.name, self.signed_in, self.expires)
    }

    /// The header that sets it. `secure`: over TLS, and only so.
    #[must_use]
    pub fn set(&self, secret: &[u8], key: &Hash, secure: bool, now: i64) -> String {
        let text = self.text();
        let mac = hmac::sign(&signing_key(secret, key), text.as_bytes());
        let value = format!("{text}.{}", hex(mac.as_ref()));
        header_of(&value, (self.expires - now) / 1_000, secure)
    }
}

/// The header that removes it.
#[must_use]
pub fn removal(secure: bool) -> String {
    header_of("", 0, secure)
}

fn header_of(value: &str, seconds: i64, secure: bool) -> String {
    let name = name(secure);
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

const fn name(secure: bool) -> &'static str {
    if secure { HOST_NAME } else { NAME }
}

/// The values of the cookie in a request; `secure`: it came over TLS. With more than one, somebody
/// else set one of them, and it is not known which.
pub fn all(headers: &HeaderMap, secure: bool) -> impl Iterator<Item = &str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = cookies.flat_map(|value| value.split(';'));
    cookies.filter_map(move |cookie| cookie.trim().strip_prefix(name(secure))?.strip_prefix('='))
}

/// A cookie that is not verified yet.
#[derive(Debug, Clone)]
pub struct Claimed {
    session: Session,
    mac: Vec<u8>,
}

#[must_use]
pub fn claimed(value: &str) -> Option<Claimed> {
    let (session, mac) = Session::read(value)?;
    Some(Claimed { session, mac })
}

impl Claimed {
    /// The session and its key, if one of these keys signed it and it has not expired.
    #[must_use]
    pub fn verified(self, keys: &[Key], secret: &[u8], now: i64) -> Option<(Session, Key)> {
        let key = keys.iter().find(|key| key.name == self.session.name)?;
        let signing = signing_key(secret, &key.hash);
        hmac::verify(&signing, self.session.text().as_bytes(), &self.mac).ok()?;
        (self.session.expires > now).then(|| (self.session, key.clone()))
    }
}

fn signing_key(secret: &[u8], key: &Hash) -> hmac::Key {
    let both = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), key);
    hmac::Key::new(hmac::HMAC_SHA256, both.as_ref())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use pedidos_core::role::Role;

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
        let taken = |value: &str, secret: &[u8], now| claimed(value)?.verified(&keys, secret, now);
        assert_eq!(taken(&value, b"secret", NOW).unwrap(), (session.clone(), keys[0].clone()));
        // Another secret, another key of that name, its time over.
        assert!(taken(&value, b"another", NOW).is_none());
        let another = [key("a.b", 9)];
        assert!(claimed(&value).unwrap().verified(&another, b"secret", NOW).is_none());
        assert!(taken(&value, b"secret", session.expires).is_none());
        // Any part of it changed.
        let stolen = value.replacen("a.b", "other", 1);
        let longer = value.replacen(&session.expires.to_string(), "1900000000000", 1);
        // The same, spelled in another way.
        let (text, mac) = value.rsplit_once('.').unwrap();
        let plus = text.replacen(".1", ".+1", 1);
        let zero = text.replacen(".1", ".01", 1);
        let respelled = [
            format!("{plus}.{mac}"),
            format!("{zero}.{mac}"),
            format!("{text}.{}", mac.to_uppercase()),
            format!("{value} "),
        ];
        let cut = [&value[1..], &value[..value.len() - 2], "", "..."];
        let wrong = [stolen.as_str(), &longer].into_iter().chain(cut);
        for wrong in wrong.chain(respelled.iter().map(String::as_str)) {
            assert!(taken(wrong, b"secret", NOW).is_none(), "{wrong}");
        }
    }

    #[test]
    fn under_tls_only_the_cookie_that_no_neighbour_can_set_counts() {
        let session = Session::new("a", NOW);
        let set = session.set(b"secret", &[1; 32], true, NOW);
        assert!(set.starts_with("__Host-pedidos_session=a."), "{set}");
        assert!(set.contains("; Path=/;") && set.ends_with("; Secure"), "{set}");
        assert!(removal(true).starts_with("__Host-pedidos_session=;"));
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            "pedidos_session=planted; __Host-pedidos_session=own".parse().unwrap(),
        );
        assert_eq!(all(&headers, true).collect::<Vec<_>>(), ["own"]);
        assert_eq!(all(&headers, false).collect::<Vec<_>>(), ["planted"]);
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
        assert_eq!(all(&headers, false).next(), None);
        headers.append(header::COOKIE, "theme=dark; pedidos_session=x.y; a=b".parse().unwrap());
        assert_eq!(all(&headers, false).collect::<Vec<_>>(), ["x.y"]);
        headers.append(header::COOKIE, "pedidos_session=z".parse().unwrap());
        assert_eq!(all(&headers, false).collect::<Vec<_>>(), ["x.y", "z"]);
    }
}
