//! The connection of a process to the store of its queue.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use mongodb::{
    Client, Collection, Database,
    bson::{Document, RawDocumentBuf, doc},
    options::{ClientOptions, CollectionOptions, ReadConcern, SelectionCriteria, WriteConcern},
};
use pedidos_core::control::Control;
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;

use super::{
    audit_line::AuditLine,
    call::within,
    error::{Result, corrupt},
    shape::Skipped,
};
use crate::settings::MongoSettings;

/// A connection to the store of one queue. Cloning shares it.
///
/// The methods answer boxed futures, so that the driver's code behind them is compiled once,
/// with this crate. What an `async fn` awaits is compiled again in every program that calls it.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    pub(super) database: Database,
    pub(super) queue: String,
    pub(super) orders: Collection<RawDocumentBuf>,
    pub(super) dead_letters: Collection<Document>,
    pub(super) runs: Collection<Document>,
    pub(super) imports: Collection<Document>,
    pub(super) import_blocks: Collection<Document>,
    pub(super) control: Collection<Control>,
    pub(super) owner: Collection<Document>,
    pub(super) audit: Collection<AuditLine>,
    pub(super) secrets: Collection<Document>,
    /// Set once the database is known to be this queue's.
    pub(super) owned: Arc<OnceCell<()>>,
    /// Set once the indexes of imports are made.
    pub(super) import_indexes: Arc<OnceCell<()>>,
    /// Collections of which a document was skipped.
    pub(super) skipped: Skipped,
}

impl Store {
    /// Prepares a connection; the first call opens it. Fails if the settings cannot be used, or if
    /// the hosts of a `mongodb+srv://` address cannot be looked up.
    pub fn connect<'a>(mongo: &'a MongoSettings, queue: &'a str) -> BoxFuture<'a, Result<Self>> {
        Box::pin(async move {
            let mut options = ClientOptions::parse(mongo.uri.expose_secret()).await?;
            options.app_name.get_or_insert_with(|| "pedidos".to_owned());
            options.connect_timeout.get_or_insert(Duration::from_secs(5));
            options.server_selection_timeout.get_or_insert(Duration::from_secs(5));
            let least = options.min_pool_size.unwrap_or(0);
            options.max_pool_size.get_or_insert(mongo.connections.max(least));
            let name = options.default_database.clone().unwrap_or_else(|| "ecommerce".to_owned());
            let client = Client::with_options(options)?;
            let write_concern: WriteConcern = mongo.write_concern.clone();
            let collection = CollectionOptions::builder()
                .write_concern(write_concern)
                .read_concern(ReadConcern::majority())
                .selection_criteria(SelectionCriteria::ReadPreference(
                    mongodb::options::ReadPreference::Primary,
                ))
                .build();
            let database = client.database(&name);
            let of = |name: &str| database.collection_with_options(name, collection.clone());
            let mut durable = collection.clone();
            durable.write_concern = Some(
                WriteConcern::builder()
                    .w(mongodb::options::Acknowledgment::Majority)
                    .journal(true)
                    .build(),
            );
            Ok(Self {
                queue: queue.to_owned(),
                orders: of("orders"),
                dead_letters: database.collection_with_options("dead_letters", collection.clone()),
                // Control, history and audit trail must not be lost, whatever write concern is set
                // for orders.
                runs: database.collection_with_options("process_runs", durable.clone()),
                // What a block says is acknowledged with the import itself.
                imports: database.collection_with_options("imports", durable.clone()),
                import_blocks: database
                    .collection_with_options("import_blocks", collection.clone()),
                control: database.collection_with_options("control", durable.clone()),
                owner: database.collection_with_options("owner", durable.clone()),
                audit: database.collection_with_options("audit_log", durable.clone()),
                secrets: database.collection_with_options("session_secrets", durable),
                database,
                client,
                owned: Arc::default(),
                import_indexes: Arc::default(),
                skipped: Skipped::default(),
            })
        })
    }

    pub fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(
            async move { within(self.database.run_command(doc! { "ping": 1 })).await.map(drop) },
        )
    }

    /// The server's clock, ms since the epoch, to compare its stamps with.
    pub fn now_ms(&self) -> BoxFuture<'_, Result<i64>> {
        Box::pin(async move {
            let admin = self.client.database("admin");
            let hello = within(admin.run_command(doc! { "hello": 1 })).await?;
            let now = hello.get_datetime("localTime").map_err(corrupt)?;
            Ok(now.timestamp_millis())
        })
    }

    /// Warns of a standalone without a journal: it may lose acknowledged writes.
    pub fn warn_of_risks(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let admin = self.client.database("admin");
            let hello = within(admin.run_command(doc! { "hello": 1 })).await?;
            if hello.contains_key("setName")
                || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid")
            {
                return Ok(());
            }
            // Not every server tells: then no warning.
            let journaled = within(admin.run_command(doc! { "serverStatus": 1 }))
                .await
                .ok()
                .and_then(|status| {
                    let engine = status.get_document("storageEngine").ok()?;
                    engine.get_bool("persistent").ok()
                });
            if journaled == Some(false) {
                tracing::warn!(
                    "MongoDB is a standalone without a journal: a crash loses acknowledged orders; use a replica set or turn the journal on"
                );
            }
            Ok(())
        })
    }

    /// Without this call the driver closes its connections after the end of the runtime, and
    /// panics.
    pub fn close(self) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.client.shutdown().immediate(true).await;
        })
    }
}
