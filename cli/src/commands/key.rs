//! `pedidos key`: the key file of an API, and the keys that this user has stored.

use std::{
    io::{self, Read},
    path::Path,
};

use comfy_table::Table;
use pedidos_core::{
    key_file::{self, KeyFile, Lapsed},
    role::Role,
    time::{iso, now_ms},
};
use reqwest::Url;
use serde_json::{Value, json};

use crate::{
    address::name_of,
    args::{NewKey, Secret},
    credentials,
    failure::{Failure, Result},
    figure::{NONE, minute},
    output, table,
};

pub fn new(new: &NewKey) -> Result<()> {
    let file = &new.file.path;
    let key = key_file::add(file, &new.name, new.role, new.expires).map_err(failure)?;
    if output::is_json() {
        let (name, role) = (&new.name, new.role.as_str());
        let expires = new.expires.map(iso);
        return print(&json!({ "name": name, "role": role, "expires": expires, "key": key }));
    }
    // The only line on standard output, so that the key can be piped to where it is kept.
    output::line(&key)?;
    let allows = match new.role {
        Role::Viewer => "read",
        Role::Operator => "read, and start, pause and cancel runs",
        Role::Admin => "do everything",
    };
    let until = new.expires.map_or_else(String::new, |at| format!(", until {}", iso(at)));
    output::note(&format!(
        "this key lets {} {allows}{until}; keep it now: {} has only its hash, and the key is not \
         shown again",
        new.name,
        file.display()
    ));
    Ok(())
}

/// Stores a key for this API, and replaces the one that was stored for it.
pub fn store(given: Option<Secret>, api: &Url) -> Result<()> {
    let file = credentials::file().ok_or_else(|| {
        Failure::Usage("no folder to store a key in: set HOME or XDG_CONFIG_HOME".to_owned())
    })?;
    let key = match given {
        Some(Secret(key)) => key,
        None => from_input()?,
    };
    let key = key.trim();
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(Failure::Usage("a key is one word on one line".to_owned()));
    }
    credentials::write(&file, api, key).map_err(|error| {
        Failure::Failed(format!("cannot store the key in {}: {error}", file.display()))
    })?;
    if output::is_json() {
        return print(&json!({ "url": name_of(api), "file": file.to_string_lossy() }));
    }
    output::line(&format!("stored the key for {} in {}", name_of(api), file.display()))
}

fn print(document: &Value) -> Result<()> {
    output::json(&document.to_string())
}

fn from_input() -> Result<String> {
    let mut key = String::new();
    if output::can_ask() {
        output::note("Paste the key, then press Enter:");
        io::stdin().read_line(&mut key)?;
    } else {
        io::stdin().read_to_string(&mut key)?;
    }
    Ok(key)
}

pub fn list(file: &Path) -> Result<()> {
    let keys = key_file::list(file).map_err(failure)?;
    if output::is_json() {
        print(&document(&keys, now_ms()))?;
    } else {
        output::line(&table(&keys, now_ms()).to_string())?;
    }
    if keys.mistakes.is_empty() {
        return Ok(());
    }
    let (file, mistakes) = (file.display(), keys.mistakes.join("\n  "));
    Err(Failure::Failed(format!("{file} has lines that are ignored; correct them:\n  {mistakes}")))
}

pub fn revoke(file: &Path, name: &str) -> Result<()> {
    key_file::revoke(file, name).map_err(failure)?;
    if output::is_json() {
        return print(&json!({ "revoked": name }));
    }
    output::line(&format!("revoked the key of {name}"))
}

fn failure(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}

fn document(keys: &KeyFile, now: i64) -> Value {
    let keys = keys.keys.iter().map(|key| {
        json!({
            "name": key.name,
            "role": key.role.as_str(),
            "created": (key.created != 0).then(|| iso(key.created)),
            "expires": key.expires.map(iso),
            "valid": key.counts_at(now).is_ok(),
            "revoked": key.revoked,
        })
    });
    json!({ "keys": keys.collect::<Vec<_>>() })
}

fn table(keys: &KeyFile, now: i64) -> Table {
    let mut table = table::blocks(["name\nrole", "created (UTC)\nvalid"]);
    for key in &keys.keys {
        let created = if key.created == 0 { NONE.to_owned() } else { minute(&iso(key.created)) };
        let valid = match (key.counts_at(now), key.expires) {
            (Ok(()), None) => "yes".to_owned(),
            (Ok(()), Some(expires)) => format!("until {}", minute(&iso(expires))),
            (Err(Lapsed::Revoked), _) => "no: revoked".to_owned(),
            (Err(Lapsed::Expired), _) => "no: expired".to_owned(),
        };
        table.add_row([format!("{}\n{}", key.name, key.role), format!("{created}\n{valid}")]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_listed_in_60_columns() {
        let lines = [("ops", "0"), (&*"n".repeat(64), "1")].map(|(name, digit)| {
            format!(
                "key {name} operator {} created=2026-03-01T12:00:00.000Z \
                 expires=2027-03-01T12:00:00.000Z\n",
                digit.repeat(64)
            )
        });
        let text = lines.concat() + "revoked ops\n";
        let keys = KeyFile::parse(&text);
        assert!(keys.mistakes.is_empty(), "{:?}", keys.mistakes);
        let shown = table(&keys, 1_780_000_000_000).to_string();
        for part in ["ops", "operator", "2026-03-01 12:00", "no: revoked", "until 2027-03-01 12:00"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        for line in shown.lines() {
            assert!(line.chars().count() <= 60, "{line}");
        }
        let document = document(&keys, 1_780_000_000_000);
        assert_eq!(document["keys"][0]["valid"], false);
        assert_eq!(document["keys"][1]["expires"], "2027-03-01T12:00:00.000Z");
    }
}
