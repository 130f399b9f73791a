//! Every path there is, and what stands around it.

use metrics_exporter_prometheus::PrometheusHandle;
use poem::{Endpoint, EndpointExt, Response, Route, get, middleware::CatchPanic};
use poem_openapi::{LicenseObject, OpenApiService};

use crate::{
    App, error,
    pedidos::Pedidos,
    probes,
    strict::{self, Strict},
};

/// The operations, and the document that describes them.
fn service() -> OpenApiService<Pedidos, ()> {
    OpenApiService::new(Pedidos, "Pedidos", env!("CARGO_PKG_VERSION"))
        .summary("A million orders through a strict priority pipeline")
        .description(
            "Starts, shows and steers runs of orders. Every VIP order (tier DIAMANTE) is \
             processed before any NORMAL one, by any number of workers; counts are exact at \
             every instant. Errors are `application/problem+json` (RFC 9457).",
        )
        .license(LicenseObject::new("MIT").identifier("MIT"))
}

/// The document, as it is committed.
#[must_use]
pub fn spec_yaml() -> String {
    service().spec_yaml()
}

/// The API of this app.
#[must_use]
pub fn all(app: App, exporter: PrometheusHandle) -> impl Endpoint<Output = Response> {
    let service = service();
    let mut spec: serde_json::Value = serde_json::from_str(&service.spec()).unwrap_or_default();
    // The one bound that is configured.
    strict::limit(&mut spec, "quantity", app.settings.max_orders);
    let swagger = service.swagger_ui();
    let (json, yaml) = (service.spec_endpoint(), service.spec_endpoint_yaml());
    Route::new()
        .at("/livez", get(probes::livez))
        .at("/readyz", get(probes::readyz))
        .at("/metrics", get(probes::metrics))
        .nest("/docs", swagger)
        .at("/openapi.json", json)
        .at("/openapi.yaml", yaml)
        .nest("/", service)
        .with(Strict::of(&spec))
        .with(CatchPanic::new().with_handler(error::OnPanic))
        .data(app)
        .data(exporter)
        .catch_all_error(|error| async move { error::of_framework(error) })
}
