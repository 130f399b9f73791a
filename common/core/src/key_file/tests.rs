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
    let keys = KeyFile::parse(&text);
    assert_eq!(keys.keys.len(), 1);
    assert!(keys.keys[0].revoked, "{keys:?}");
    let numbers: Vec<_> = keys.mistakes.iter().filter_map(|m| m.split(':').next()).collect();
    let expected: Vec<_> = (4..=10).map(|line| format!("line {line}")).collect();
    assert_eq!(numbers, expected, "{:#?}", keys.mistakes);
    assert!(!keys.mistakes.join("").contains(&hash[1..]), "{:#?}", keys.mistakes);
}

#[test]
fn a_revocation_that_is_spelled_wrong_revokes_and_is_a_mistake() {
    let hash = "ab".repeat(32);
    let two = format!("key a viewer {hash}\nkey Ana.B admin {hash}\n");
    for (line, a, ana) in [
        ("REVOKED a", true, false),
        ("Revoked ana.b 2027-01-31", false, true),
        ("revoke a", true, false),
        ("revokd: a", true, false),
        ("revoked A", true, false),
        ("revoked 'a'", true, false),
        ("revoked: Ana.B", false, true),
        ("a revoked", true, false),
        ("-a", false, false),
        ("revoked nobody", false, false),
        ("# revoked a", false, false),
    ] {
        let keys = KeyFile::parse(&format!("{two}{line}\n"));
        let revoked: Vec<_> = keys.keys.iter().map(|key| key.revoked).collect();
        assert_eq!(revoked, [a, ana], "{line}");
        assert_eq!(keys.mistakes.len(), usize::from(!line.starts_with('#')), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_or_replace_is_not_ours() {
    use std::os::unix::fs::PermissionsExt;
    let folder = file();
    fs::create_dir(&folder).unwrap();
    let file = folder.join("keys");
    fs::write(&file, "").unwrap();
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for (folder_mode, mode, ours) in [
        (0o755, 0o600, true),
        (0o755, 0o444, true),
        (0o1777, 0o640, true),
        (0o755, 0o666, false),
        (0o755, 0o620, false),
        (0o755, 0o602, false),
        (0o777, 0o600, false),
    ] {
        set(&folder, folder_mode);
        set(&file, mode);
        let said = is_only_ours(&file);
        assert_eq!(said.is_ok(), ours, "{folder_mode:o} {mode:o}: {said:?}");
        assert!(said.is_ok() || said.unwrap_err().contains("chmod"));
    }
    set(&folder, 0o755);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_may_begin_as_editors_of_windows_do() {
    let text = format!("\u{feff}key a viewer {}\r\nrevoked a\r\n", "ab".repeat(32));
    let keys = KeyFile::parse(&text);
    assert!(keys.mistakes.is_empty() && keys.keys[0].revoked, "{keys:?}");
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
