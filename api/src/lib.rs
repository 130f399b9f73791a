//! The API, as a library, for `main` and for tests.
//!
//! - [`routes`]: every path, and what stands around it.
//! - [`access`]: who may call what, how often, and who did.
//! - [`http`]: what every request passes and every answer carries; errors; the pages.
//! - [`handlers`]: the operations. [`openapi`]: the document that describes them.
//! - [`views`]: what they answer with, made of the pipeline's snapshots and documents. The types
//!   are in `pedidos-api-types`.
//! - [`jobs`]: the listing of jobs. [`events`]: the stream of events. `exports`, `rejects`: downloads.
//! - [`app`]: what every handler gets.

#![allow(missing_docs, reason = "nothing outside builds on this library")]

pub mod access;
pub mod app;
pub mod events;
mod exports;
pub mod handlers;
pub mod http;
pub mod jobs;
pub mod openapi;
mod rejects;
pub mod routes;
pub mod settings;
pub mod views;
mod yaml;

use std::time::Duration;

use futures_util::future::BoxFuture;
use pedidos_service::{
    admin,
    listener::{self, Budget, Listener, Port},
    output,
    process::{Error, Process},
    settings::Settings,
};

use crate::{
    access::Access,
    app::App,
    events::{Hub, slots::StreamSlots},
    http::{list_body::Uploads, long_answer::LongAnswers},
    settings::ApiSettings,
};

/// How long the start waits for the secret of the session cookies.
const SECRET_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves until SIGTERM or SIGINT. Boxed, so that it is compiled with this crate.
///
/// # Errors
/// The process cannot begin or end as it should, or an address cannot be bound.
pub fn run(settings: Settings, access: Access) -> BoxFuture<'static, Result<(), Error>> {
    Box::pin(async move {
        let name = format!("api:{}", &uuid::Uuid::new_v4().to_string()[..8]);
        let Some(process) = Process::start(&settings, &name).await? else { return Ok(()) };
        let (controller, shutdown) = (process.controller.clone(), process.shutdown.clone());

        // Serves from the start: until the stores are there, /livez answers and everything else
        // says what is missing.
        let most = settings.listener.max_connections;
        let budget = Budget::new(most);
        let api = ApiSettings::of(&settings.values);
        let listener =
            Listener::bind(&settings.listener, api.port, Port::Public, budget.clone()).await?;
        let url = listener.url();
        let admin = match api.admin_port {
            Some(port) => {
                let (exporter, ends) = (process.exporter.clone(), shutdown.clone());
                Some(
                    admin::bind(
                        &settings.listener,
                        port,
                        &budget,
                        controller.clone(),
                        exporter,
                        ends,
                    )
                    .await?,
                )
            }
            None => None,
        };
        let hub = Hub::start(controller.clone(), shutdown.clone());
        let streams = StreamSlots::of(api.max_streams, most);
        let warning = access.warning();
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
        let (authenticator, store) = (access.authenticator.clone(), controller.store.clone());
        let long_answers = LongAnswers::default();
        let app = App {
            controller: controller.clone(),
            settings: api,
            access,
            hub,
            streams,
            long_answers,
            exports: LongAnswers::of_exports(),
            uploads: Uploads::default(),
        };
        let routes = routes::all(app, process.exporter.clone());
        let grace = settings.shutdown_grace;
        let served = tokio::spawn(listener::serve(listener, routes, shutdown.clone(), grace));
        let ready = controller.wait_ready(&shutdown).await;
        if matches!(ready, Ok(true)) {
            let ends = shutdown.clone();
            let secret =
                tokio::spawn(async move { authenticator.load_secret(&store, &ends).await });
            // As a rule it is there at once. If not, only cookies wait for it.
            let _later = tokio::time::timeout(SECRET_TIMEOUT, secret).await;
            // A line each: text behind an address may be taken for a part of it.
            let probes = admin.as_ref().map(|admin| format!("metrics and probes on {}", admin.url));
            let lines = [Some(format!("listening on {url}")), probes, warning.map(str::to_owned)];
            output::print(lines.into_iter().flatten().collect::<Vec<_>>().join("\n"));
            controller.keep_current(&shutdown).await;
        } else {
            shutdown.cancel();
        }
        served.await?;
        if let Some(admin) = admin {
            admin.served.await?;
        }
        process.end().await?;
        Ok(ready.map(drop)?)
    })
}
