//! Every path, and the layers around them.

use std::sync::Arc;

use pedidos_service::metrics::Exporter;
use poem::{
    Endpoint, EndpointExt, Response, Route, RouteMethod, http::HeaderMap, middleware::CatchPanic,
};
use serde_json::Value;

use crate::{
    access::guard::Guard,
    app::App,
    http::{
        cors::Cors,
        dashboard, failure,
        forwarded::{self, PerPrefix},
        metrics::HttpMetrics,
        operations::Operations,
        request_validator::RequestValidator,
        response_headers,
        static_file::StaticFile,
        swagger_ui,
    },
    openapi, yaml,
};

#[must_use]
pub fn all(app: App, exporter: Exporter) -> impl Endpoint<Output = Response> {
    let service = openapi::service();
    let open = !app.access.settings.wants_credentials();
    let document = openapi::document(&service, Some(app.settings.max_orders), open);
    let operations = Operations::of(&document);
    let validator = RequestValidator::of(&document, operations.clone());
    let document = Arc::new(document);
    let json = |document: &Value| serde_json::to_string_pretty(document).unwrap_or_default();
    let (for_page, for_json, for_yaml) = (document.clone(), document.clone(), document.clone());
    let route = Route::new()
        .at(
            "/docs",
            // The page of Swagger UI contains the document.
            PerPrefix::of(move |prefix: &str| {
                swagger_ui::served(&json(&openapi::below(&for_page, prefix)))
            }),
        )
        .at(
            "/openapi.json",
            PerPrefix::of(move |prefix: &str| {
                file("application/json", json(&openapi::below(&for_json, prefix)))
            }),
        )
        .at(
            "/openapi.yaml",
            PerPrefix::of(move |prefix: &str| {
                file("application/yaml", yaml::to_string(&openapi::below(&for_yaml, prefix)))
            }),
        )
        .nest("/", service);
    let (access, controller) = (app.access.clone(), app.controller.clone());
    let cors = Cors::of(&access.settings.allowed_origins);
    let proxy = app.settings.proxy.clone();
    let api = dashboard::before(dashboard::with(route), app.settings.dashboard_refresh)
        .with(validator)
        .with(CatchPanic::new().with_handler(failure::OnPanic))
        .data(app)
        .data(exporter)
        .catch_all_error(|error| async move { failure::of_framework(error) })
        .with(Guard { access, operations: operations.clone(), controller })
        .with(HttpMetrics::of(&document, operations));
    forwarded::around(response_headers::around(api, cors), proxy)
}

fn file(content_type: &'static str, text: String) -> RouteMethod {
    StaticFile::new(content_type, text).served(HeaderMap::new())
}
