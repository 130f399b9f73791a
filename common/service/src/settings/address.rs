//! Explains what is wrong with the address of a store, and shows nothing of it: the parts of a
//! wrong address cannot be told apart, so any of them may be a password.

use std::net::Ipv6Addr;

/// What ends host and port.
const AFTER_HOSTS: [char; 3] = ['/', '?', '#'];

/// What to change in an address that is wrong. `strict`: the driver wants `:` and `@` of a
/// password percent-encoded, too.
pub fn mistake_in(address: &str, strict: bool) -> Option<String> {
    let (_, after) = address.split_once("://")?;
    let end = after.find(AFTER_HOSTS).unwrap_or(after.len());
    let (authority, rest) = after.split_at(end);
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (Some(user), hosts),
        None => (None, authority),
    };
    let wrong_hosts = hosts.split(',').find_map(mistake_in_host);
    let raw = raw_in(user.unwrap_or_default(), strict);
    // A password with / in it looks like a host, and what follows like a path.
    let path = rest.split('?').next().unwrap_or_default();
    let cut = path.contains('@')
        || rest.contains('#')
        || rest.contains('@') && user.is_none() && wrong_hosts.is_some();
    let raw: Vec<_> = raw.into_iter().chain(rest.chars().next().filter(|_| cut)).collect();
    if !raw.is_empty() {
        let raw: Vec<_> = raw.iter().map(|c| format!("{c} as {}", encoded(*c))).collect();
        return Some(format!("percent-encode {} in its user and password", raw.join(", ")));
    }
    match (wrong_hosts, user) {
        (Some(Wrong::Port), None) => Some(
            "what follows : is not a port, a number from 1 to 65535; if it is a password, @ and \
             the host are missing after it"
                .to_owned(),
        ),
        (Some(wrong), _) => Some(wrong.message().to_owned()),
        (None, _) => None,
    }
}

/// What is wrong with one host and its port.
enum Wrong {
    NoHost,
    Port,
    Brackets,
}

impl Wrong {
    const fn message(&self) -> &'static str {
        match self {
            Self::NoHost => "its host is missing",
            Self::Port => "its port is not a number from 1 to 65535",
            Self::Brackets => "an IPv6 address needs brackets: [::1]:6379",
        }
    }
}

fn mistake_in_host(host: &str) -> Option<Wrong> {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, port)) => (name, port),
        None if host.matches(':').count() > 1 => {
            let address = host.rsplit_once(':').map_or(host, |(address, _)| address);
            let is_one = [host, address].iter().any(|it| it.parse::<Ipv6Addr>().is_ok());
            return Some(if is_one { Wrong::Brackets } else { Wrong::Port });
        }
        None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
    };
    let is_port = |port: &str| {
        port.bytes().all(|digit| digit.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    match port.strip_prefix(':') {
        _ if name.is_empty() => Some(Wrong::NoHost),
        Some(port) if !is_port(port) => Some(Wrong::Port),
        None if !port.is_empty() => Some(Wrong::Port),
        _ => None,
    }
}

/// The characters of user and password that have to be percent-encoded and are not.
fn raw_in(user: &str, strict: bool) -> Vec<char> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let mut raw = Vec::new();
    for part in [name, password] {
        for (at, c) in part.char_indices() {
            let is_raw = match c {
                '%' => !part.as_bytes()[at + 1..]
                    .get(..2)
                    .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
                ':' | '@' => strict,
                '[' | ']' => true,
                _ => false,
            };
            if is_raw && !raw.contains(&c) {
                raw.push(c);
            }
        }
    }
    raw
}

/// Of a character of ASCII, as all of these are.
fn encoded(c: char) -> String {
    format!("%{:02X}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_be_right_is_said_and_nothing_of_the_address() {
        for (address, said) in [
            ("mongodb://u:SE/CRET@h/d", "/ as %2F"),
            ("mongodb://u:SE?CRET@h/d", "? as %3F"),
            ("mongodb://u:SE#CRET@h/d", "# as %23"),
            ("mongodb://u:SE@CRET@h/d", "@ as %40"),
            ("mongodb://u:SE:CRET@h/d", ": as %3A"),
            ("mongodb://u:SE%CRET@h/d", "% as %25"),
            ("mongodb://u:S[E]CRET@h/d", "[ as %5B, ] as %5D"),
            ("mongodb://u:SE@CR/ET@h/d", "/ as %2F"),
            ("mongodb://u:SECRET", "@ and the host are missing"),
            ("mongodb://u:SECRET/d", "@ and the host are missing"),
            ("mongodb://u:SECRET@", "host is missing"),
            ("mongodb://u:SECRET@h:x/d", "not a number from 1 to 65535"),
            ("mongodb://", "host is missing"),
            ("redis://:12#SECRET@h", "# as %23"),
            ("redis://u:12/SECRET@h", "/ as %2F"),
            ("redis://:SECRET", "host is missing"),
            ("redis://::1:6379", "[::1]"),
            ("redis://::1", "[::1]"),
            ("redis://h:0", "from 1 to 65535"),
            ("redis://h:65536", "from 1 to 65535"),
            ("redis://[::1]6379", "from 1 to 65535"),
        ] {
            let mistake = mistake_in(address, address.starts_with("mongodb")).unwrap_or_default();
            assert!(mistake.contains(said), "{address}: {mistake}");
            for piece in ["SECRET", "CRET", "SE"] {
                assert!(!mistake.contains(piece), "{address}: {mistake}");
            }
        }
    }

    #[test]
    fn nothing_is_wrong_with_what_is_right() {
        for address in [
            "mongodb://localhost:27017/ecommerce",
            "mongodb://u:p%2Fw@a:1,b:2,[::1]:3/d?replicaSet=r&appName=me@home",
            "mongodb://h/d?appName=a/b@c",
            "mongodb+srv://u:p@cluster.example/d",
            "mongodb://%2Ftmp%2Fmongodb.sock/d",
        ] {
            assert_eq!(mistake_in(address, true), None, "{address}");
        }
        for address in [
            "redis://h",
            "redis://:p@ss:w@h:6379/0",
            "rediss://user@h:1",
            "redis-sentinel://:p@a:1?sentinelServiceName=x&node=b:2&sentinelPassword=p@w",
            "redis-cluster://a:7000?node=b:7001",
            "redis://[::1]:6379",
        ] {
            assert_eq!(mistake_in(address, false), None, "{address}");
        }
    }

    proptest! {
        #[test]
        fn no_piece_of_an_address_is_said(piece in "[a-z0-9]{12}", chars in "[:@/?#%,\\[\\]]{0,6}") {
            let mut address = format!("mongodb://{piece}");
            for c in chars.chars() {
                address.push(c);
                address.push_str(&piece);
            }
            for strict in [true, false] {
                let mistake = mistake_in(&address, strict).unwrap_or_default();
                prop_assert!(!mistake.contains(&piece), "{}", mistake);
            }
        }
    }
}
