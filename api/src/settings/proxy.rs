//! What stands before the API: the path that it puts before ours, and which proxies are trusted.

use std::net::IpAddr;

use pedidos_service::config::{IpNetwork, Values, base_path};

#[derive(Debug, Clone, Default)]
pub struct ProxySettings {
    /// PUBLIC_BASE_PATH: what the API's paths begin with for whoever calls it. Empty, or it
    /// begins with `/` and does not end with it.
    pub base_path: String,
    /// TRUSTED_PROXIES: whose `X-Forwarded-…` counts.
    pub trusted: Vec<IpNetwork>,
}

impl ProxySettings {
    #[must_use]
    pub fn of(values: &Values) -> Self {
        Self {
            base_path: base_path(values.text("PUBLIC_BASE_PATH")).unwrap_or_default(),
            trusted: values.items("TRUSTED_PROXIES").filter_map(|it| it.parse().ok()).collect(),
        }
    }

    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}
