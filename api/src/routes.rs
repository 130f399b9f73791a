//! Every path there is, and what stands around it.

use pedidos_common::metrics::Exporter;
use poem::{
    Endpoint, EndpointExt, Response, Route, endpoint::make_sync, get, middleware::CatchPanic,
};

use crate::{
    App, access::guard::Guard, cors::Cors, dashboard, docs, error, hygiene, measured::Measured,
    openapi, strict::Strict,
};

/// The API of this app.
#[must_use]
pub fn all(app: App, exporter: Exporter) -> impl Endpoint<Output = Response> {
    let service = openapi::service();
    let open = !app.access.settings.wants_credentials();
    let document = openapi::document(&service, Some(app.settings.max_orders), open);
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
    let strict = Strict::of(&document);
    let (access, controller) = (app.access.clone(), app.controller.clone());
    let cors = Cors::of(&access.settings.allowed_origins);
    let api = dashboard::before(dashboard::with(route), app.settings.dashboard_refresh)
        .with(strict.clone())
        .with(CatchPanic::new().with_handler(error::OnPanic))
        .data(app)
        .data(exporter)
        .catch_all_error(|error| async move { error::of_framework(error) })
        .with(Guard { access, operations: strict.clone(), controller })
        .with(Measured::of(&document, strict));
    hygiene::around(api, cors)
}
