//! The file of API keys.
//!
//! A key is 256 random bits behind a prefix by which people and scanners recognise it. The file
//! keeps its SHA-256 alone. A slow hash is not needed: it protects what can be guessed, and 256
//! random bits cannot.
//!
//! Lines are only ever appended, one at a time, so a reader sees the file as it was before a
//! change or after it:
//!
//! ```text
//! key NAME ROLE SHA256 created=TIME [expires=TIME]
//! revoked NAME [TIME]
//! ```

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use ring::digest;
use subtle::{Choice, ConstantTimeEq};

use crate::{
    bytes::{hex, random, unhex},
    role::Role,
    time::{instant, iso, now_ms},
};

pub const PREFIX: &str = "pedidos_";

pub type Hash = [u8; 32];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Never used twice: the audit trail names keys by it.
    pub name: String,
    pub role: Role,
    pub hash: Hash,
    /// ms since the epoch.
    pub created: i64,
    /// ms since the epoch; none: never.
    pub expires: Option<i64>,
    pub revoked: bool,
}

/// Why a known key is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapsed {
    Revoked,
    Expired,
}

impl Key {
    /// Is the key accepted at this time?
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

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFile {
    pub keys: Vec<Key>,
    /// Lines that cannot be read, by number. They add no key, and revoke the key that they name.
    pub mistakes: Vec<String>,
}

impl KeyFile {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut all = Self::default();
        // Windows editors begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in (1..).zip(text.lines()) {
            if let Err(mistake) = all.line(line) {
                // Not the line itself: there may be a key in it.
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
            // Whatever follows the name: a mistake there must not keep the key valid.
            ["revoked", name, ..] if self.keys.iter().any(|key| key.name == *name) => {
                let named = self.keys.iter_mut().filter(|key| key.name == *name);
                named.for_each(|key| key.revoked = true);
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
                    return Err(format!("there is another key '{name}' above"));
                }
                self.keys.push(key);
                Ok(())
            }
            ["key", ..] => {
                Err("the line is incomplete: key NAME ROLE SHA256 created=TIME".to_owned())
            }
            // It may be a misspelled revocation: rather revoke a key too many.
            words => {
                let named: Vec<_> = words.iter().filter(|word| self.revoke(word)).collect();
                let right = "a line is key NAME ROLE SHA256 created=TIME, revoked NAME, or # …";
                Err(match named.as_slice() {
                    [] => format!("{right}; this one revokes no key that is in the lines above"),
                    [name, ..] => format!("{right}; it names the key '{name}', which is revoked"),
                })
            }
        }
    }

    /// Revokes the key of this name, in upper or lower case. Answers whether there is one.
    fn revoke(&mut self, name: &str) -> bool {
        let name = name.trim_matches(|c: char| matches!(c, ':' | ',' | ';' | '=' | '"' | '\''));
        let named = self.keys.iter_mut().filter(|key| key.name.eq_ignore_ascii_case(name));
        named.fold(false, |_, key| {
            key.revoked = true;
            true
        })
    }

    /// Compares with every key, and with all of each, so that the time it takes tells nothing.
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

#[must_use]
pub fn hash(presented: &str) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, presented.as_bytes()).as_ref());
    hash
}

/// Makes a key, appends its hash to the file, and answers the key: it is never shown again. A
/// missing file is created, readable by its owner alone.
pub fn add(file: &Path, name: &str, role: Role, expires: Option<i64>) -> io::Result<String> {
    let (mut open, keys) = open(file, true)?;
    if keys.keys.iter().any(|key| key.name == name) {
        let text =
            format!("{}: the name '{name}' is taken by a key, valid or revoked", file.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    let secret = format!("{PREFIX}{}", hex(&random()?));
    let (name, hash, created) = (name.to_owned(), hash(&secret), now_ms());
    let key = Key { name, role, hash, created, expires, revoked: false };
    append(&mut open, file, &key.line())?;
    Ok(secret)
}

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

pub fn list(file: &Path) -> io::Result<KeyFile> {
    Ok(KeyFile::parse(&fs::read_to_string(file).map_err(|error| named(file, &error))?))
}

/// Locks the file and reads it, to append to it.
fn open(file: &Path, make: bool) -> io::Result<(File, KeyFile)> {
    let mut options = File::options();
    options.append(true).create(make);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let open = options.open(file).map_err(|error| named(file, &error))?;
    // Two processes must not both find that a name is free.
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

/// Fails if others may write the file or replace it: they could add keys of their own. The
/// error says how to change that.
pub fn is_only_ours(file: &Path) -> Result<(), String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| {
            fs::metadata(path).map(|it| it.permissions().mode()).map_err(|e| e.to_string())
        };
        let (own, path) = (mode(file)?, file.display());
        if own & 0o022 != 0 {
            return Err(format!("others may write it (mode {:o}): chmod go-w {path}", own & 0o777));
        }
        // In a folder with the sticky bit nobody replaces the files of others.
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let its = mode(folder)?;
        if its & 0o002 != 0 && its & 0o1000 == 0 {
            let folder = folder.display();
            return Err(format!("everybody may replace it (folder {folder}): chmod o-w {folder}"));
        }
    }
    Ok(())
}

fn append(open: &mut File, file: &Path, line: &str) -> io::Result<()> {
    // Our line must not be appended to a last line that has no line feed.
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

/// Checks the name of a new key.
pub fn key_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("a name is 1 to 64 of A-Z a-z 0-9 . _ - @".to_owned())
    }
}

/// Reads an instant, a day or a time from now (90d, 12h, 5m) as ms since the epoch. It must be in
/// the future.
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
    if at <= now_ms() { Err(format!("'{text}' is in the past")) } else { Ok(at) }
}

#[cfg(test)]
mod tests;
