//! Keeps passwords out of logs and errors: addresses of stores contain them, and the error of a
//! library may quote an address.

use std::borrow::Cow;

const LEFT_OUT: &str = "***";

/// Replaces the user's part of each address in a text: `redis://:secret@host` becomes
/// `redis://***@host`. Of an address without `@` and without a valid port nothing is shown:
/// `mongodb://user:secret` becomes `mongodb://***`.
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    let mut said = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
        let address = &after[..after.find(ends).unwrap_or(after.len())];
        said.push_str(before);
        rest = after;
        if let Some(user) = address.rfind('@') {
            said.push_str(LEFT_OUT);
            rest = &after[user..];
        } else if !has_ports(address) {
            said.push_str(LEFT_OUT);
            rest = &after[address.len()..];
        }
    }
    if said.is_empty() {
        return Cow::Borrowed(text);
    }
    said.push_str(rest);
    Cow::Owned(said)
}

/// Does a port follow the `:` of each host, or the word PORT, as in a help text?
fn has_ports(address: &str) -> bool {
    let hosts = address.split(['/', '?', '#']).next().unwrap_or_default();
    hosts.split(',').all(|host| {
        let host = host.rsplit_once(']').map_or(host, |(_, port)| port);
        host.split_once(':').is_none_or(|(_, port)| {
            // Punctuation of the sentence that quotes the address.
            let port = port.trim_end_matches(['.', ')', ':', ';']);
            port == "PORT" || port.bytes().all(|digit| digit.is_ascii_digit())
        })
    })
}

/// A library's error about an address, unless it would show a part of the password or of an
/// option's value: a library cuts an address that is not escaped at the wrong places.
#[must_use]
pub fn said_of(address: &str, words: &str) -> String {
    let after = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (user, rest) = after.rsplit_once('@').unwrap_or((after, ""));
    let password = user.split_once(':').map_or("", |(_, password)| password);
    let options = rest.split_once('?').map_or("", |(_, options)| options);
    let values = options.split('&').filter_map(|option| Some(option.split_once('=')?.1));
    let shows = values
        .chain([password])
        .flat_map(|secret| secret.split(|c: char| !c.is_alphanumeric()))
        .any(|piece| !piece.is_empty() && words.contains(piece));
    if shows {
        "it cannot be read; percent-encode all special characters of its user and password, for \
         example / as %2F and @ as %40 (to say more would show some of them)"
            .to_owned()
    } else {
        redacted(words).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_users_part_of_every_address_is_left_out() {
        for (text, said) in [
            ("nothing to hide", "nothing to hide"),
            ("redis://localhost:6379", "redis://localhost:6379"),
            ("at 'redis://:pw@host:1/0' no", "at 'redis://***@host:1/0' no"),
            ("mongodb://u:p@ss@a,b/x?y", "mongodb://***@a,b/x?y"),
            ("a://b:c@d and e://f:g@h", "a://***@d and e://***@h"),
            ("://", "://"),
            ("é://ü:ö@ä", "é://***@ä"),
            ("'mongodb://u:SECRET'", "'mongodb://***'"),
            ("mongodb://u:SECRET/d?x=y and more", "mongodb://*** and more"),
            ("mongodb://a:1,b:SECRET/d", "mongodb://***"),
            ("mongodb://a:1,b:2/d", "mongodb://a:1,b:2/d"),
            (
                "at http://[::1]:3000/x:y, http://[::1] no",
                "at http://[::1]:3000/x:y, http://[::1] no",
            ),
            ("it is not http://HOST:PORT", "it is not http://HOST:PORT"),
            ("see http://a:1.", "see http://a:1."),
        ] {
            assert_eq!(redacted(text), said);
        }
    }

    #[test]
    fn words_that_would_show_a_password_are_not_said() {
        let address = "mongodb://u:pa/ss@host/x";
        assert!(!said_of(address, "illegal character in 'ss@host'").contains("ss@host"));
        assert!(!said_of(address, "no port in 'pa'").contains("'pa'"));
        assert_eq!(said_of("redis://h:0", "invalid port"), "invalid port");
        assert!(!said_of("mongodb://u:SECRET", "no port in 'SECRET'").contains("SECRET"));
        let option = "mongodb://h/d?authMechanismProperties=AWS_SESSION_TOKEN:SECRET";
        assert!(!said_of(option, "cannot read 'SECRET'").contains("SECRET"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC*") {
            let once = redacted(&text).into_owned();
            prop_assert_eq!(redacted(&once), once.as_str());
            prop_assert!(!said_of(&text, "words").is_empty());
        }

        #[test]
        fn a_password_is_never_shown(password in "[a-zA-Z0-9:@/?#%]{1,20}", port in "[a-z0-9]{0,4}") {
            let address = format!("redis://user:{password}@host:{port}/0");
            let said = redacted(&address).into_owned();
            prop_assert_eq!(said, format!("redis://***@host:{port}/0"));
        }
    }
}
