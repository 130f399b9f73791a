//! Imports: lists of a client's own orders.

use pedidos_api_types::{
    commands::GenerateAnswer,
    flow::OnVipFailure,
    imports::{
        DefaultPriority, DiscardAnswer, Import, ImportState, ImportsAnswer, OnRejects, RejectFormat,
    },
};
use pedidos_core::{import, order::Priority, time::now_ms};
use pedidos_pipeline::{
    commands::{CreateImport, DryRun, ImportError, StartImport, Started},
    store::ImportDocument,
};
use poem::{Body, Request, web::Data};
use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
    payload::{Binary, Json},
};

use super::{
    completion::run_to_completion,
    flow::RunChoice,
    import_responses::{CreateResponse, ImportFailure, RejectsResponse, StartResponse},
    tag::Tag,
};
use crate::{
    app::App,
    http::list_body::{self, List, Unread},
    rejects, views,
};

type Answer<T> = Result<T, ImportFailure>;

pub struct ImportsApi;

#[OpenApi]
impl ImportsApi {
    /// Create an import
    ///
    /// Without a body: an empty import, to which `PUT /pedidos/imports/{importId}/orders` uploads a
    /// list. With a list as body: creates, uploads, and starts it if `start` is true. Sent again
    /// with the same `Idempotency-Key`, it goes on with the same import, after the lines that are
    /// stored. `dryRun` reads the list and keeps nothing.
    #[oai(
        path = "/pedidos/imports",
        method = "post",
        operation_id = "createImport",
        tag = "Tag::Imports"
    )]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the operation")]
    async fn create(
        &self,
        app: Data<&App>,
        /// A name for people.
        #[oai(validator(min_length = 1, max_length = 128))]
        name: Query<Option<String>>,
        /// The priority of lines that name neither `priority` nor `tier`. Without it, they are
        /// rejected.
        #[oai(name = "defaultPriority")]
        default_priority: Query<Option<DefaultPriority>>,
        /// Start it once the list is whole. Requires an `Idempotency-Key`.
        #[oai(default)]
        start: Query<bool>,
        /// With `start`: what to do if lines are rejected.
        #[oai(name = "onRejects", default = "stop")]
        on_rejects: Query<OnRejects>,
        /// With `start`: who processes the orders: `builtin`, or the name that workers give their processor
        /// (PROCESSOR_NAME). Default: default.
        #[oai(validator(max_length = 64, pattern = "^[A-Za-z0-9._-]+$"))]
        processor: Query<Option<String>>,
        /// With `start`: pause the run once so many of its orders are terminal, to look at them.
        #[oai(name = "pauseAfter", validator(minimum(value = "1"), maximum(value = "1000000000")))]
        pause_after: Query<Option<u32>>,
        /// With `start`: stop the run as ERROR once more than this share of its orders failed, in percent.
        #[oai(name = "maxFailedPercent", validator(minimum(value = "0"), maximum(value = "100")))]
        max_failed_percent: Query<Option<u32>>,
        /// With `start`: whether a dead VIP order holds the fence. Default: hold.
        #[oai(name = "onVipFailure")]
        on_vip_failure: Query<Option<OnVipFailure>>,
        /// Count orders and rejects, and keep nothing. A `ref` that is given twice is noticed only
        /// within 5,000 lines.
        #[oai(name = "dryRun", default)]
        dry_run: Query<bool>,
        /// At most 64 visible characters; the same key answers with the same import.
        #[oai(name = "Idempotency-Key", validator(max_length = 64, pattern = "^[!-~]+$"))]
        idempotency_key: Header<Option<String>>,
        request: &Request,
        body: Body,
    ) -> Answer<CreateResponse> {
        let body = Unread::new(body);
        let list = list_body::format_of(request.headers())?;
        let options = RunChoice::of(processor, pause_after, max_failed_percent, on_vip_failure);
        if !start.0
            && let Some(name) = options.first_given()
        {
            let detail = "only with start=true: give it to the start of the import";
            return Err(ImportFailure::invalid(name, detail));
        }
        let options = options.or(RunChoice::imported());
        let default_priority = default_priority.0.map(Priority::from);
        if dry_run.0 {
            if start.0 {
                return Err(ImportFailure::invalid("dryRun", "a dry run keeps nothing to start"));
            }
            let list = list.ok_or_else(|| ImportFailure::no_list("a dry run"))?;
            let _turn = app.uploads.turn().ok_or_else(ImportFailure::busy)?;
            let mut counts = DryRun::new(default_priority, app.settings.max_orders);
            list_body::read(body.take(), list, &mut counts).await?;
            let import = views::imports::dry_run(counts, name.0, now_ms());
            return Ok(CreateResponse::Counted(Json(import)));
        }
        if start.0 && idempotency_key.0.is_none() {
            return Err(ImportFailure::invalid(
                "Idempotency-Key",
                "required with start=true: without it, an import that breaks off cannot go on",
            ));
        }
        if start.0 && list.is_none() {
            return Err(ImportFailure::no_list("an import that is to be started"));
        }
        let turn = match list {
            Some(_) => Some(app.uploads.turn().ok_or_else(ImportFailure::busy)?),
            None => None,
        };
        let wanted = CreateImport {
            name: name.0,
            default_priority,
            idempotency_key: idempotency_key.0,
            lifetime: app.settings.import_lifetime,
        };
        let controller = app.controller.clone();
        let created =
            run_to_completion(async move { controller.create_import(&wanted).await }).await?;
        let mut import = created.import;
        let import_id = import.import_id.clone();
        // What was started by the same key needs no second upload.
        let was_started = start.0 && import.state == import::ImportState::Started;
        match list {
            Some(list) if !was_started => {
                import = upload(&app, &import_id, list, body.take()).await?;
            }
            _ => drop(body),
        }
        drop(turn);
        if !start.0 {
            let location = format!("/pedidos/imports/{import_id}");
            return Ok(CreateResponse::Created(Json(views::imports::import(import)), location));
        }
        let skip_rejects = on_rejects.0 == OnRejects::Skip;
        let wanted = StartImport { skip_rejects, lines: None, options };
        let (answer, location) = start_import(&app, import_id, wanted).await?;
        Ok(CreateResponse::Started(answer, location))
    }

    /// Upload a list
    ///
    /// The whole list, as NDJSON (`application/x-ndjson`) or CSV with a header line (`text/csv`),
    /// perhaps with `Content-Encoding: gzip`; of any length. A list that broke off is sent again,
    /// whole: lines that are stored are compared and skipped. Ten seconds without a byte end the
    /// upload (408). What was stored before stays, whatever the answer is.
    #[oai(
        path = "/pedidos/imports/:importId/orders",
        method = "put",
        operation_id = "uploadOrders",
        tag = "Tag::Imports"
    )]
    async fn upload(
        &self,
        app: Data<&App>,
        /// The `importId` of the import.
        #[oai(name = "importId")]
        import_id: Path<String>,
        request: &Request,
        body: Body,
    ) -> Answer<Json<Import>> {
        let body = Unread::new(body);
        let list = list_body::format_of(request.headers())?;
        let list = list.ok_or_else(|| ImportFailure::no_list("an upload"))?;
        let _turn = app.uploads.turn().ok_or_else(ImportFailure::busy)?;
        let import = upload(&app, &import_id.0, list, body.take()).await?;
        Ok(Json(views::imports::import(import)))
    }

    /// List imports
    ///
    /// The newest first, in pages: send `nextCursor` as `cursor` to get the next page; null: there
    /// is none.
    #[oai(
        path = "/pedidos/imports",
        method = "get",
        operation_id = "listImports",
        tag = "Tag::Imports"
    )]
    async fn imports(
        &self,
        app: Data<&App>,
        /// The most imports to list.
        #[oai(default = "twenty", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u32>,
        /// `nextCursor` of the previous page.
        #[oai(validator(max_length = 36, pattern = "^[0-9a-f-]{36}$"))]
        cursor: Query<Option<String>>,
        /// Only imports in this state.
        state: Query<Option<ImportState>>,
    ) -> Answer<Json<ImportsAnswer>> {
        let store = &app.controller.store;
        let state = state.0.map(Into::into);
        // One more than requested shows whether there is a next page.
        let page = store.list_imports(limit.0 + 1, cursor.0.as_deref(), state).await?;
        let Some(mut imports) = page else {
            let detail = "unknown: use the nextCursor of a page of this list";
            return Err(ImportFailure::invalid("cursor", detail));
        };
        let more = imports.len() > limit.0 as usize;
        imports.truncate(limit.0 as usize);
        let next_cursor = imports.last().filter(|_| more).map(|last| last.import_id.clone());
        let imports: Vec<_> = imports.into_iter().map(views::imports::import).collect();
        let count = imports.len() as u32;
        Ok(Json(ImportsAnswer { limit: limit.0, count, imports, next_cursor }))
    }

    /// Show one import
    ///
    /// Its state, what was accepted and rejected so far, and the first rejects.
    #[oai(
        path = "/pedidos/imports/:importId",
        method = "get",
        operation_id = "getImport",
        tag = "Tag::Imports"
    )]
    async fn import(
        &self,
        app: Data<&App>,
        /// The `importId` of the import.
        #[oai(name = "importId")]
        import_id: Path<String>,
    ) -> Answer<Json<Import>> {
        Ok(Json(views::imports::import(found(&app, &import_id.0).await?)))
    }

    /// Download the rejects
    ///
    /// Each line that is no order: where it begins, which field is wrong, why, and the line itself.
    #[oai(
        path = "/pedidos/imports/:importId/rejects",
        method = "get",
        operation_id = "listRejects",
        tag = "Tag::Imports"
    )]
    async fn rejects(
        &self,
        app: Data<&App>,
        /// The `importId` of the import.
        #[oai(name = "importId")]
        import_id: Path<String>,
        /// How they are written.
        #[oai(default = "ndjson")]
        format: Query<RejectFormat>,
    ) -> Answer<RejectsResponse> {
        let import = found(&app, &import_id.0).await?;
        let body = rejects::stream(app.controller.store.clone(), import, format.0);
        let name = format!("rejects-{}", import_id.0);
        Ok(match format.0 {
            RejectFormat::Ndjson => RejectsResponse::Ndjson(
                Binary(body),
                format!("attachment; filename=\"{name}.ndjson\""),
            ),
            RejectFormat::Csv => {
                RejectsResponse::Csv(Binary(body), format!("attachment; filename=\"{name}.csv\""))
            }
        })
    }

    /// Start an import
    ///
    /// Seals it, and makes it a run, which has its id. An import that is started already answers with
    /// the same run.
    #[oai(
        path = "/pedidos/imports/:importId/start",
        method = "post",
        operation_id = "startImport",
        tag = "Tag::Imports"
    )]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the operation")]
    async fn start(
        &self,
        app: Data<&App>,
        /// The `importId` of the import.
        #[oai(name = "importId")]
        import_id: Path<String>,
        /// What to do if lines are rejected.
        #[oai(name = "onRejects", default = "stop")]
        on_rejects: Query<OnRejects>,
        /// How many lines the import must have: another number is refused.
        #[oai(validator(minimum(value = "0"), maximum(value = "9007199254740991")))]
        lines: Query<Option<u64>>,
        /// Who processes the orders: `builtin`, or the name that workers give their processor
        /// (PROCESSOR_NAME). Default: default.
        #[oai(validator(max_length = 64, pattern = "^[A-Za-z0-9._-]+$"))]
        processor: Query<Option<String>>,
        /// Pause the run once so many of its orders are terminal, to look at them.
        #[oai(name = "pauseAfter", validator(minimum(value = "1"), maximum(value = "1000000000")))]
        pause_after: Query<Option<u32>>,
        /// Stop the run as ERROR once more than this share of its orders failed, in percent.
        #[oai(name = "maxFailedPercent", validator(minimum(value = "0"), maximum(value = "100")))]
        max_failed_percent: Query<Option<u32>>,
        /// Whether a dead VIP order holds the fence. Default: hold.
        #[oai(name = "onVipFailure")]
        on_vip_failure: Query<Option<OnVipFailure>>,
    ) -> Answer<StartResponse> {
        let skip_rejects = on_rejects.0 == OnRejects::Skip;
        let options = RunChoice::of(processor, pause_after, max_failed_percent, on_vip_failure);
        let options = options.or(RunChoice::imported());
        let wanted = StartImport { skip_rejects, lines: lines.0, options };
        let (answer, location) = start_import(&app, import_id.0, wanted).await?;
        Ok(StartResponse::Accepted(answer, location))
    }

    /// Discard an import
    ///
    /// Deletes its orders. One that is started is a run: cancel that.
    #[oai(
        path = "/pedidos/imports/:importId",
        method = "delete",
        operation_id = "discardImport",
        tag = "Tag::Imports"
    )]
    async fn discard(
        &self,
        app: Data<&App>,
        /// The `importId` of the import.
        #[oai(name = "importId")]
        import_id: Path<String>,
    ) -> Answer<Json<DiscardAnswer>> {
        let controller = app.controller.clone();
        let discard = async move { controller.discard_import(&import_id.0).await };
        let removed_orders = run_to_completion(discard).await?;
        Ok(Json(DiscardAnswer { discarded: true, removed_orders }))
    }
}

async fn found(app: &App, import_id: &str) -> Answer<ImportDocument> {
    Ok(app.controller.store.import(import_id).await?.ok_or(ImportError::NotFound)?)
}

/// Answers the import as it is once the list is whole.
async fn upload(app: &App, import_id: &str, list: List, body: Body) -> Answer<ImportDocument> {
    let mut upload = match app.controller.upload(import_id, app.settings.max_orders).await {
        Ok(upload) => upload,
        Err(error) => {
            list_body::drain(body);
            return Err(error.into());
        }
    };
    list_body::read(body, list, &mut upload).await?;
    Ok(upload.end().await?)
}

async fn start_import(
    app: &App,
    import_id: String,
    wanted: StartImport,
) -> Answer<(Json<GenerateAnswer>, String)> {
    let controller = app.controller.clone();
    let start = async move { controller.start_import(&import_id, wanted).await };
    let started = run_to_completion(start).await?;
    let message = match &started {
        Started { waits_for: Some(run_id), .. } => {
            format!("Accepted. The run begins when run {run_id} has ended.")
        }
        Started { repeated: true, .. } => "This import was started before: this is its run.".into(),
        Started { paused: true, .. } => {
            "Accepted. The queue is paused: resume it to begin the run.".into()
        }
        _ => "Accepted. Follow it with GET /pedidos.".into(),
    };
    let location = format!("/pedidos/runs/{}", started.run_id);
    let answer = GenerateAnswer {
        message,
        run_id: started.run_id,
        quantity: started.quantity as u64,
        paused: started.paused,
        dead_letters_left: 0,
    };
    Ok((Json(answer), location))
}

const fn twenty() -> u32 {
    20
}

const fn stop() -> OnRejects {
    OnRejects::Stop
}

const fn ndjson() -> RejectFormat {
    RejectFormat::Ndjson
}
