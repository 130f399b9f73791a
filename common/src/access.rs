//! Who may call the API: roles, and the file of keys.
//!
//! A key is 256 random bits behind a prefix by which people and scanners know it. Only its
//! SHA-256 is kept. That is enough: a slow hash defends what can be guessed, and nobody
//! guesses 256 bits.
//!
//! The file only ever grows, by a line at a time, so whoever reads it while it is written
//! sees the file of before or the file of after:
//!
//! ```text
//! key NAME ROLE SHA256 created=TIME [expires=TIME]
//! revoked NAME [TIME]
//! ```

use std::{
    fmt::{self, Display},
    fs::{self, File},
    io::{self, Write},
    path::Path,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};
use subtle::{Choice, ConstantTimeEq};
use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::telemetry::iso;

/// What every key begins with.
pub const PREFIX: &str = "pedidos_";

/// What a caller may do. Each may all that the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    Viewer,
    /// Start and steer runs.
    Operator,
    /// Destroy, and read the audit trail.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == text);
        role.ok_or_else(|| format!("'{text}' is not viewer, operator or admin"))
    }
}

/// The SHA-256 of a key.
pub type Hash = [u8; 32];

/// A key as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Whom it was given to. Never used twice: the audit trail names keys by it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Of the key itself.
    pub hash: Hash,
    /// When it was made, ms since the epoch.
    pub created: i64,
    /// When it expires, ms since the epoch.
    pub expires: Option<i64>,
    /// It was revoked.
    pub revoked: bool,
}

/// Why a key that is known lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapsed {
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
}

impl Key {
    /// Does it still count?
    ///
    /// # Errors
    /// It does not, and why.
    pub fn counts_at(&self, now: i64) -> Result<(), Lapsed> {
        match self.expires {
            _ if self.revoked => Err(Lapsed::Revoked),
            Some(expires) if expires <= now => Err(Lapsed::Expired),
            _ => Ok(()),
        }
    }

    fn line(&self) -> String {
        let hash = hex(&self.hash);
        let expires = self.expires.map(|at| format!(" expires={}", iso(at))).unwrap_or_default();
        format!("key {} {} {hash} created={}{expires}\n", self.name, self.role, iso(self.created))
    }
}

/// What a file of keys says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// The keys, in the order of the file.
    pub keys: Vec<Key>,
    /// Lines that make no sense, by number. They let nobody in.
    pub mistakes: Vec<String>,
}

impl Keys {
    /// Reads the text of a file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut all = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            if let Err(mistake) = all.line(line) {
                // Never the line itself: somebody may have put a key there.
                all.mistakes.push(format!("line {number}: {mistake}"));
            }
        }
        all
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            // Whatever follows: a mistake must not undo that it is revoked.
            ["revoked", name, ..] => {
                let key = self.keys.iter_mut().find(|key| key.name == *name);
                key.ok_or("it revokes a key that is not in the lines above")?.revoked = true;
                Ok(())
            }
            ["key", name, role, hash, rest @ ..] => {
                let mut key = Key {
                    name: key_name(name)?,
                    role: role.parse()?,
                    hash: unhex(hash)
                        .and_then(|hash| hash.try_into().ok())
                        .ok_or("the hash is not 64 hexadecimal digits")?,
                    created: 0,
                    expires: None,
                    revoked: false,
                };
                for word in rest {
                    match word.split_once('=') {
                        Some(("created", at)) => key.created = instant(at)?,
                        Some(("expires", at)) => key.expires = Some(instant(at)?),
                        _ => return Err("only created= and expires= may follow the hash".into()),
                    }
                }
                if self.keys.iter().any(|known| known.name == key.name) {
                    return Err(format!("there is a key '{name}' above"));
                }
                self.keys.push(key);
                Ok(())
            }
            _ => Err("it begins neither with key, revoked nor #, or is cut short".to_owned()),
        }
    }

    /// Finds the key that this is. Every key is compared, and all of each, so that the time
    /// it takes tells nothing.
    #[must_use]
    pub fn find(&self, presented: &str) -> Option<&Key> {
        let presented = hash(presented);
        let mut found = None;
        for key in &self.keys {
            let same: Choice = key.hash.ct_eq(&presented);
            if bool::from(same) {
                found = Some(key);
            }
        }
        found
    }
}

/// The SHA-256 of what was presented as a key.
#[must_use]
pub fn hash(presented: &str) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, presented.as_bytes()).as_ref());
    hash
}

/// Random bytes, from the system.
///
/// # Errors
/// The system has none.
pub fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system gives no random bytes"))?;
    Ok(bytes)
}

/// Makes a key, appends its hash to the file, and answers the key: the only time that
/// it is seen. A file that is not there is made, for its owner's eyes.
///
/// # Errors
/// The file cannot be read or written, has lines that make no sense, or a key of this name.
pub fn add(file: &Path, name: &str, role: Role, expires: Option<i64>) -> io::Result<String> {
    let (mut open, keys) = open(file, true)?;
    if keys.keys.iter().any(|key| key.name == name) {
        let text = format!("{}: there is, or was, a key '{name}'", file.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    let secret = format!("{PREFIX}{}", hex(&random()?));
    let (name, hash, created) = (name.to_owned(), hash(&secret), now_ms());
    let key = Key { name, role, hash, created, expires, revoked: false };
    append(&mut open, file, &key.line())?;
    Ok(secret)
}

/// Revokes a key.
///
/// # Errors
/// The file cannot be read or written, has lines that make no sense, or no such key.
pub fn revoke(file: &Path, name: &str) -> io::Result<()> {
    let (mut open, keys) = open(file, false)?;
    match keys.keys.iter().find(|key| key.name == name) {
        Some(key) if key.revoked => Ok(()),
        Some(_) => append(&mut open, file, &format!("revoked {name} {}\n", iso(now_ms()))),
        None => {
            let text = format!("{}: there is no key '{name}'", file.display());
            Err(io::Error::new(io::ErrorKind::NotFound, text))
        }
    }
}

/// The keys of a file, for a person to look at.
///
/// # Errors
/// It cannot be read.
pub fn list(file: &Path) -> io::Result<Keys> {
    Ok(Keys::parse(&fs::read_to_string(file).map_err(|error| named(file, &error))?))
}

/// Opens a file to append to it, alone, and reads what it says.
fn open(file: &Path, make: bool) -> io::Result<(File, Keys)> {
    let mut options = File::options();
    options.append(true).create(make);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let open = options.open(file).map_err(|error| named(file, &error))?;
    // Two at once must not both find that a name is free.
    open.lock().map_err(|error| named(file, &error))?;
    let keys = list(file)?;
    match keys.mistakes.first() {
        Some(mistake) => {
            let text = format!("{}: {mistake}", file.display());
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
        None => Ok((open, keys)),
    }
}

fn append(open: &mut File, file: &Path, line: &str) -> io::Result<()> {
    // A last line without its end would swallow ours.
    let text = fs::read(file).map_err(|error| named(file, &error))?;
    let cut = text.last().is_some_and(|last| *last != b'\n');
    let line = format!("{}{line}", if cut { "\n" } else { "" });
    open.write_all(line.as_bytes())
        .and_then(|()| open.sync_all())
        .map_err(|error| named(file, &error))
}

fn named(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

/// A name that a key may have.
///
/// # Errors
/// It may not.
pub fn key_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("a name is 1 to 64 of A-Z a-z 0-9 . _ - @".to_owned())
    }
}

/// When a key expires: an instant, a day, or a time from now (90d, 12h), as ms since the
/// epoch.
///
/// # Errors
/// It is none of these, or over.
pub fn expiry(text: &str) -> Result<i64, String> {
    let unit = match text.chars().last() {
        Some('d') => Some(24 * 60 * 60),
        Some('h') => Some(60 * 60),
        Some('m') => Some(60),
        _ => None,
    };
    let number = text.get(..text.len().saturating_sub(1)).and_then(|n| n.parse::<u32>().ok());
    let at = match (unit, number) {
        (Some(unit), Some(number)) => now_ms() + i64::from(number) * unit * 1_000,
        _ => instant(text)?,
    };
    if at <= now_ms() { Err(format!("'{text}' is over")) } else { Ok(at) }
}

/// `2027-01-31T12:00:00Z` or `2027-01-31`, as ms since the epoch.
fn instant(text: &str) -> Result<i64, String> {
    let day = time::macros::format_description!("[year]-[month]-[day]");
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| Date::parse(text, &day).map(|day| day.midnight().assume_utc()));
    let at = at.map_err(|_| format!("'{text}' is not a time like 2027-01-31T12:00:00Z"))?;
    Ok((at.unix_timestamp_nanos() / 1_000_000) as i64)
}

/// By the clock of this machine, ms since the epoch.
#[must_use]
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as i64
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
        text
    })
}

/// Hexadecimal digits as bytes, if that is all that they are.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| Some((digit(*high)? << 4 | digit(*low)?) as u8);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file() -> std::path::PathBuf {
        std::env::temp_dir().join(format!("pedidos-keys-{}", uuid::Uuid::new_v4()))
    }

    #[test]
    fn a_key_is_known_by_its_hash_alone_until_it_is_revoked() {
        let file = file();
        let key = add(&file, "painel", Role::Viewer, None).unwrap();
        let other = add(&file, "ci", Role::Admin, Some(now_ms() + 60_000)).unwrap();
        assert_eq!(key.len(), PREFIX.len() + 64);
        assert_ne!(key, other);
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&key[PREFIX.len()..]), "the key itself is in the file");
        let keys = list(&file).unwrap();
        assert_eq!(keys.find(&key).unwrap().name, "painel");
        assert_eq!(keys.find(&other).unwrap().role, Role::Admin);
        assert!(keys.find(&key.to_uppercase()).is_none() && keys.find("").is_none());
        revoke(&file, "painel").unwrap();
        revoke(&file, "painel").unwrap();
        let keys = list(&file).unwrap();
        assert_eq!(keys.find(&key).unwrap().counts_at(now_ms()), Err(Lapsed::Revoked));
        assert_eq!(keys.find(&other).unwrap().counts_at(now_ms()), Ok(()));
        assert_eq!(keys.find(&other).unwrap().counts_at(now_ms() + 60_000), Err(Lapsed::Expired));
        // A name is never used twice, and what is not there is not revoked.
        assert_eq!(
            add(&file, "painel", Role::Admin, None).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(revoke(&file, "nobody").unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::remove_file(file).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_made_is_its_owners() {
        use std::os::unix::fs::PermissionsExt;
        let file = file();
        add(&file, "a", Role::Viewer, None).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_line_that_makes_no_sense_lets_nobody_in_and_takes_nothing_from_others() {
        let hash = "ab".repeat(32);
        let text = format!(
            "# people\n\nkey a viewer {hash} created=2026-01-01T00:00:00Z\nkey b root {hash}\n\
             key c admin {}\nkey a admin {hash}\nkey d admin {hash} expires=soon\nrevoked z\n\
             something else\nkey\nrevoked a not-a-time at all\n",
            &hash[1..]
        );
        let keys = Keys::parse(&text);
        assert_eq!(keys.keys.len(), 1);
        assert!(keys.keys[0].revoked, "{keys:?}");
        let numbers: Vec<_> = keys.mistakes.iter().filter_map(|m| m.split(':').next()).collect();
        let expected: Vec<_> = (4..=10).map(|line| format!("line {line}")).collect();
        assert_eq!(numbers, expected, "{:#?}", keys.mistakes);
        assert!(!keys.mistakes.join("").contains(&hash[1..]), "{:#?}", keys.mistakes);
    }

    #[test]
    fn a_line_is_appended_to_a_file_whose_last_line_has_no_end() {
        let file = file();
        fs::write(&file, "# by hand").unwrap();
        add(&file, "a", Role::Viewer, None).unwrap();
        assert_eq!(list(&file).unwrap().keys.len(), 1);
        fs::remove_file(file).unwrap();
    }

    #[test]
    fn an_expiry_is_an_instant_a_day_or_a_while_and_not_over() {
        let near = |text, ms: i64| (expiry(text).unwrap() - now_ms() - ms).abs() < 5_000;
        assert!(near("90d", 90 * 86_400_000) && near("12h", 43_200_000) && near("5m", 300_000));
        assert_eq!(expiry("2100-01-01").unwrap(), expiry("2100-01-01T00:00:00Z").unwrap());
        for wrong in ["", "d", "0d", "-1d", "soon", "2020-01-01", "1e3d", "é"] {
            assert!(expiry(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_role_may_what_the_one_before_it_may() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("Admin".parse::<Role>().is_err());
    }
}
