//! The key to call the API with: `--key`, `PEDIDOS_KEY`, or the one that the user stored for this
//! API. Each line of the user's file is the URL of an API and its key: a key that went to whatever
//! URL is called would reach anybody who makes the user call theirs.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use reqwest::Url;

use crate::{
    address::name_of,
    args::Secret,
    failure::{Failure, Result},
};

#[derive(Debug, Default)]
pub struct Credentials {
    pub key: Option<Secret>,
    /// Without a key: what the user can do if the API asks for one.
    pub hint: Option<String>,
}

impl Credentials {
    fn of(key: &str) -> Self {
        Self { key: Some(Secret(key.trim().to_owned())), hint: None }
    }

    fn none(hint: String) -> Self {
        Self { key: None, hint: Some(hint) }
    }
}

/// The key that was given, or else the one that is stored for this API.
pub fn find(given: Option<Secret>, api: &Url) -> Result<Credentials> {
    match (given, file()) {
        (Some(Secret(key)), _) if !key.trim().is_empty() => Ok(Credentials::of(&key)),
        (_, Some(file)) => read(&file, api),
        (_, None) => Ok(Credentials::none("set PEDIDOS_KEY to a key".to_owned())),
    }
}

/// The user's file of keys, if there is a folder for it.
pub fn file() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(folder.join("pedidos").join("key"))
}

fn read(file: &Path, api: &Url) -> Result<Credentials> {
    let wrong = |what: &str| Failure::Usage(format!("{}: {what}", file.display()));
    let store = format!("store one with `pedidos key store --url {}`", name_of(api));
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Credentials::none(format!("no key is stored for this API; {store}")));
        }
        Err(error) => return Err(wrong(&error.to_string())),
    };
    let mode = fs::metadata(file).map_err(|error| wrong(&error.to_string()))?.permissions();
    if mode.mode() & 0o077 != 0 {
        return Err(wrong("others can read or change the keys in it; run chmod 600 on it"));
    }
    let mut others = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] => {}
            [url, key] if Url::parse(url).is_ok_and(|url| name_of(&url) == name_of(api)) => {
                return Ok(Credentials::of(key));
            }
            [url, _] if Url::parse(url).is_ok_and(|url| url.has_host()) => others.push(*url),
            [_] => {
                return Err(wrong(&format!(
                    "line {number} has a key but no URL; store the key again with `pedidos key \
                     store --url URL`"
                )));
            }
            _ => {
                return Err(wrong(&format!(
                    "line {number} is not the URL of an API and its key; correct it, or remove it \
                     and store the key again with `pedidos key store --url URL`"
                )));
            }
        }
    }
    let has = if others.is_empty() {
        "has no keys".to_owned()
    } else {
        format!("has keys only for {}", others.join(", "))
    };
    Ok(Credentials::none(format!("{} {has}; {store}", file.display())))
}

/// Replaces the file as a whole, so that it is never half written. A line that names no API is
/// left out: its key is never used.
pub fn write(file: &Path, api: &Url, key: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let before = match fs::read_to_string(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        before => before.unwrap_or_default(),
    };
    let kept = before.lines().filter(|line| {
        let url = line.split_whitespace().next().and_then(|url| Url::parse(url).ok());
        url.is_some_and(|url| url.has_host() && name_of(&url) != name_of(api))
    });
    let own = format!("{} {key}", name_of(api));
    let text: String = kept.chain([own.as_str()]).flat_map(|line| [line, "\n"]).collect();
    let new = folder.join(format!("key.{:08x}", rand::random::<u32>()));
    let mut open = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
    open.write_all(text.as_bytes()).and_then(|()| open.sync_all())?;
    fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn new_file() -> PathBuf {
        env::temp_dir().join(format!("pedidos-key-{:032x}", rand::random::<u128>())).join("key")
    }

    fn key_for(file: &Path, api: &str) -> Option<String> {
        read(file, &url(api)).unwrap().key.map(|Secret(key)| key)
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let file = new_file();
        let api = url("http://a");
        assert!(key_for(&file, "http://a").is_none());
        write(&file, &api, "pedidos_x").unwrap();
        for (mode, fits) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            match read(&file, &api) {
                Ok(_) => assert!(fits, "{mode:o}"),
                Err(failure) => {
                    assert!(!fits && failure.exit_code() == 2, "{mode:o}: {failure}");
                    assert!(failure.to_string().contains("chmod 600"), "{failure}");
                }
            }
        }
        fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_key_goes_to_the_api_that_it_was_stored_for_alone() {
        let file = new_file();
        write(&file, &url("https://shop.example/base/"), "one").unwrap();
        write(&file, &url("http://localhost:3000"), "old").unwrap();
        write(&file, &url("http://localhost:3000/"), "two").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 2);
        for (api, key) in [
            ("https://shop.example/base", Some("one")),
            ("https://shop.example:443/base/", Some("one")),
            ("https://u:p@shop.example/base", Some("one")),
            ("http://shop.example/base", None),
            ("https://shop.example", None),
            ("https://shop.example/base/x", None),
            ("https://shop.example.evil/base", None),
            ("https://shop.example:8443/base", None),
            ("http://localhost:3000", Some("two")),
            ("http://localhost:3001", None),
            ("http://127.0.0.1:3000", None),
        ] {
            assert_eq!(key_for(&file, api).as_deref(), key, "{api}");
        }
        let hint = read(&file, &url("http://other")).unwrap().hint.unwrap();
        assert!(hint.contains("pedidos key store --url http://other"), "{hint}");
        assert!(hint.contains("https://shop.example/base") && !hint.contains("two"), "{hint}");
        fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_key_of_before_that_names_no_api_is_to_be_stored_again() {
        let file = new_file();
        write(&file, &url("http://a"), "x").unwrap();
        for wrong in
            ["pedidos_secret\n", "\n  pedidos_secret\n", "not-a-url pedidos_secret", "a b c"]
        {
            fs::write(&file, wrong).unwrap();
            let Err(failure) = read(&file, &url("http://a")) else { panic!("{wrong}") };
            assert_eq!(failure.exit_code(), 2, "{wrong}");
            let said = failure.to_string();
            assert!(said.contains("pedidos key store --url URL"), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
        write(&file, &url("http://a"), "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "http://a new\n");
        fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }

    #[test]
    fn what_is_given_counts_before_any_file() {
        let found = find(Some(Secret(" k ".to_owned())), &url("http://a")).unwrap();
        assert_eq!(found.key.unwrap().0, "k");
    }
}
