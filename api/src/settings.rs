//! The settings that the API alone has. Their names, defaults and forms are in
//! `pedidos_service::config`, where every program checks all of them.

mod access;
mod proxy;

use std::time::Duration;

use pedidos_service::config::Values;

pub use self::{
    access::{AccessSettings, Jwks, JwtSettings},
    proxy::ProxySettings,
};

#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// PORT.
    pub port: u16,
    /// MAX_ORDERS.
    pub max_orders: u32,
    /// DASHBOARD_REFRESH.
    pub dashboard_refresh: Duration,
    /// ADMIN_PORT, if it is set: workers have it always, the API on request.
    pub admin_port: Option<u16>,
    /// IMPORT_TTL_HOURS.
    pub import_lifetime: Duration,
    /// MAX_STREAMS.
    pub max_streams: u32,
    pub proxy: ProxySettings,
}

impl ApiSettings {
    #[must_use]
    pub fn of(values: &Values) -> Self {
        let admin_port = values.is_given("ADMIN_PORT").then(|| values.number("ADMIN_PORT"));
        Self {
            port: values.number("PORT"),
            max_orders: values.number("MAX_ORDERS"),
            dashboard_refresh: values.millis("DASHBOARD_REFRESH"),
            admin_port,
            import_lifetime: Duration::from_secs(3_600 * values.number::<u64>("IMPORT_TTL_HOURS")),
            max_streams: values.number("MAX_STREAMS"),
            proxy: ProxySettings::of(values),
        }
    }
}
