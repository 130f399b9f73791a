//! Every path there is, and what stands around it.

use metrics_exporter_prometheus::PrometheusHandle;
use poem::{
    Endpoint, EndpointExt, Response, Route, endpoint::make_sync, get, middleware::CatchPanic,
};

use crate::{App, cors::Cors, dashboard, docs, error, hygiene, openapi, strict::Strict};

/// The API of this app.
#[must_use]
pub fn all(app: App, exporter: PrometheusHandle) -> impl Endpoint<Output = Response> {
    let service = openapi::service();
    let document = openapi::document(&service, Some(app.settings.max_orders));
    let json = serde_json::to_string_pretty(&document).unwrap_or_default();
    let yaml = serde_yaml::to_string(&document).unwrap_or_default();
    // Swagger UI carries the document in its page.
    let page = service.swagger_ui_html().replace(&service.spec(), &json);
    let file = |content_type: &'static str, text: String| {
        get(make_sync(move |_| Response::builder().content_type(content_type).body(text.clone())))
    };
    let route = Route::new()
        .at("/docs", docs::served(page))
        .at("/openapi.json", file("application/json", json))
        .at("/openapi.yaml", file("application/yaml", yaml))
        .nest("/", service);
    let cors = Cors::of(&app.settings.cors_origins);
    let api = dashboard::before(dashboard::with(route))
        .with(Strict::of(&document))
        .with(CatchPanic::new().with_handler(error::OnPanic))
        .data(app)
        .data(exporter)
        .catch_all_error(|error| async move { error::of_framework(error) });
    hygiene::around(api, cors)
}
