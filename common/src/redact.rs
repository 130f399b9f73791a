//! Passwords stay out of what is said: addresses of stores carry them, and the words of
//! a library may quote an address.

use std::borrow::Cow;

/// What stands for what is left out.
const LEFT_OUT: &str = "***";

/// A text without the user's part of the addresses in it: `redis://:secret@host` becomes
/// `redis://***@host`.
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
        }
    }
    if said.is_empty() {
        return Cow::Borrowed(text);
    }
    said.push_str(rest);
    Cow::Owned(said)
}

/// What is wrong with an address, in a library's words, unless they would show some of
/// its password: one that is not escaped is cut to pieces by whoever reads it.
#[must_use]
pub fn said_of(address: &str, words: &str) -> String {
    let user = address.split_once("://").map_or(address, |(_, rest)| rest);
    let user = user.rsplit_once('@').map_or("", |(user, _)| user);
    let password = user.split_once(':').map_or("", |(_, password)| password);
    let shows = password
        .split(|c: char| !c.is_alphanumeric())
        .any(|piece| !piece.is_empty() && words.contains(piece));
    if shows {
        "it cannot be read; are all special characters of its password percent-encoded? \
         (More would show some of the password.)"
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
            if let Err(error) = fred::types::config::Config::from_url(&address) {
                let letters = password.split(|c: char| !c.is_alphanumeric());
                let said = said_of(&address, error.details());
                let fixed = said_of("redis://u:x@h", "x");
                for piece in letters.filter(|piece| piece.len() > 3) {
                    prop_assert!(said == fixed || !said.contains(piece), "{}", said);
                }
            }
        }
    }
}
