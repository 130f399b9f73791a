//! The key to call with: `--key`, `PEDIDOS_KEY`, or the user's file.

use std::{env, fs, io, path::Path, path::PathBuf};

use crate::{args::Secret, client::Result, failure::Failure};

/// What was given, or what the user's file has. None: it is called without.
pub fn of(given: Option<Secret>) -> Result<Option<Secret>> {
    let given = given.filter(|secret| !secret.0.trim().is_empty());
    match (given, file()) {
        (Some(secret), _) => Ok(Some(Secret(secret.0.trim().to_owned()))),
        (None, Some(file)) => read(&file),
        (None, None) => Ok(None),
    }
}

fn file() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(folder.join("pedidos").join("key"))
}

fn read(file: &Path) -> Result<Option<Secret>> {
    let wrong = |what: &str| Failure::Usage(format!("{}: {what}", file.display()));
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(&error.to_string())),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(file).map_err(|error| wrong(&error.to_string()))?.permissions();
        if mode.mode() & 0o077 != 0 {
            return Err(wrong("others can read or write this key; chmod 600 makes it yours alone"));
        }
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next()) {
        (Some(key), None) => Ok(Some(Secret(key.to_owned()))),
        _ => Err(wrong("it must be one line: the key")),
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let file = env::temp_dir().join(format!("pedidos-key-{:032x}", rand::random::<u128>()));
        assert!(read(&file).unwrap().is_none());
        fs::write(&file, "\n  pedidos_x\n").unwrap();
        for (mode, fits) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            match read(&file) {
                Ok(secret) => assert!(fits && secret.unwrap().0 == "pedidos_x", "{mode:o}"),
                Err(failure) => {
                    assert!(!fits && failure.exit_code() == 2, "{mode:o}: {failure}");
                    assert!(failure.to_string().contains("chmod 600"), "{failure}");
                }
            }
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        for wrong in ["", "a\nb"] {
            fs::write(&file, wrong).unwrap();
            assert_eq!(read(&file).unwrap_err().exit_code(), 2, "{wrong}");
        }
        fs::remove_file(file).unwrap();
    }

    #[test]
    fn what_is_given_counts_before_any_file() {
        assert_eq!(of(Some(Secret(" k ".to_owned()))).unwrap().unwrap().0, "k");
    }
}
