//! The names by which clients call this process.

use std::net::IpAddr;

use poem::http::uri::Authority;

use crate::config::Values;

#[derive(Debug, Clone, Default)]
pub struct HostNames {
    /// HOST: what is bound is a name of ours.
    pub host: String,
    /// ALLOWED_HOSTS, in lower case.
    pub allowed: Vec<String>,
}

impl HostNames {
    #[must_use]
    pub fn of(values: &Values) -> Self {
        Self {
            // An IPv6 address may be given as it stands in a URL.
            host: without_brackets(values.text("HOST")).to_owned(),
            allowed: values.items("ALLOWED_HOSTS").map(str::to_lowercase).collect(),
        }
    }

    /// Can only this machine reach what is bound?
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Is this `Host` one by which this process is called: a name of ours, or an address that can
    /// be ours?
    ///
    /// With a name, a web page can point to us; with a plain address it cannot. So of addresses
    /// only those are refused that cannot be ours: others than loopback's, if that is what is
    /// bound.
    #[must_use]
    pub fn include(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
        if let Ok(address) = name.parse::<IpAddr>() {
            let listed = self.allowed.iter().any(|host| host.parse() == Ok(address));
            return address.is_loopback() || !self.is_loopback() || listed;
        }
        name == "localhost"
            || name.ends_with(".localhost")
            || name == self.host.to_lowercase()
            || self.allowed.contains(&name)
    }
}

/// An IPv6 address without the brackets that it has in a URL.
pub fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
