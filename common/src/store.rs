//! MongoDB, the truth. Whatever a counter in Redis will stand for is
//! acknowledged here first, journaled by a majority unless configured weaker.
//! Nothing else writes to MongoDB.

mod audit;
mod control;
mod letters;
mod orders;
mod runs;

use std::{future::IntoFuture, time::Duration};

use mongodb::{
    Client, Collection, Database,
    bson::{Document, RawDocumentBuf, doc},
    error::{Error, ErrorKind, WriteFailure},
    options::{ClientOptions, CollectionOptions, ReadConcern, SelectionCriteria, WriteConcern},
};

pub use mongodb::bson::DateTime;
use secrecy::ExposeSecret;

pub use self::{
    audit::{AuditLine, AuditParameter, Outcome},
    letters::{StoredOrder, StoredOutcome},
    orders::{Counts, Found, Stored},
    runs::RunDocument,
};
use crate::{config::MongoSettings, control::Control, redact::redacted};

/// No call waits longer. It may have taken effect all the same: every write is
/// made so that doing it again changes nothing.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The server answers "duplicate key".
const DUPLICATE_KEY: i32 = 11000;

/// Why the store could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No answer, a lost connection, no primary, a full disk: asking again
    /// may help, and is safe.
    #[error("MongoDB is out of reach: {0}")]
    Unavailable(String),
    /// The server refused this very write: the document is at fault.
    #[error("MongoDB refused the write: {0}")]
    Rejected(String),
    /// The settings name no server that there could be.
    #[error("MONGO_URI: {0}")]
    Settings(String),
    /// A document that cannot be read.
    #[error("MongoDB holds a document that makes no sense: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// What kind of failure it is, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Rejected(_) => "rejected",
            Self::Settings(_) => "settings",
            Self::Corrupt(_) => "corrupt",
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error.kind.as_ref() {
            ErrorKind::Write(WriteFailure::WriteError(write)) => {
                Self::Rejected(format!("{} (code {})", write.message, write.code))
            }
            ErrorKind::InvalidArgument { message, .. }
            | ErrorKind::InvalidTlsConfig { message, .. } => {
                Self::Settings(redacted(message).into_owned())
            }
            ErrorKind::BsonDeserialization(_) | ErrorKind::Bson(_) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Unavailable(redacted(&error.to_string()).into_owned()),
        }
    }
}

/// Result of a call to the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A connection to the store of one queue. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    database: Database,
    queue: String,
    orders: Collection<RawDocumentBuf>,
    dead_letters: Collection<Document>,
    runs: Collection<RunDocument>,
    control: Collection<Control>,
    audit: Collection<AuditLine>,
    secrets: Collection<Document>,
}

impl Store {
    /// Prepares a connection; the first call makes it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: the hosts of a `mongodb+srv://` address are
    /// not to be had. [`StoreError::Settings`]: the settings cannot be used.
    pub async fn connect(mongo: &MongoSettings, queue: &str) -> Result<Self> {
        let mut options = ClientOptions::parse(mongo.uri.expose_secret()).await?;
        options.app_name.get_or_insert_with(|| "pedidos".to_owned());
        options.connect_timeout.get_or_insert(Duration::from_secs(5));
        options.server_selection_timeout.get_or_insert(Duration::from_secs(5));
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
            // Control, history and audit trail are few and must not be lost, whatever the
            // orders may be allowed.
            runs: database.collection_with_options("process_runs", durable.clone()),
            control: database.collection_with_options("control", durable.clone()),
            audit: database.collection_with_options("audit_log", durable.clone()),
            secrets: database.collection_with_options("session_secrets", durable),
            database,
            client,
        })
    }

    /// Does the server answer?
    pub async fn ping(&self) -> Result<()> {
        within(self.database.run_command(doc! { "ping": 1 })).await.map(drop)
    }

    /// The indexes that the contract names, and those that queries here need.
    /// Does nothing where they are.
    pub async fn ensure_indexes(&self) -> Result<()> {
        use mongodb::{IndexModel, options::IndexOptions};
        let index = |keys: Document, unique: bool| {
            let options = IndexOptions::builder().unique(unique.then_some(true)).build();
            IndexModel::builder().keys(keys).options(options).build()
        };
        let orders = [
            index(doc! { "id": 1 }, true),
            index(doc! { "priority": 1 }, false),
            index(doc! { "priority": 1, "status": 1 }, false),
            index(doc! { "createdAt": 1 }, false),
        ];
        within(self.orders.create_indexes(orders)).await?;
        let runs =
            [index(doc! { "createdAt": 1 }, false), index(doc! { "idempotencyKey": 1 }, false)];
        within(self.runs.create_indexes(runs)).await?;
        Ok(())
    }

    /// Warns of a server that may lose what it acknowledged: a standalone that
    /// keeps no journal.
    pub async fn warn_of_risks(&self) -> Result<()> {
        let admin = self.client.database("admin");
        let hello = within(admin.run_command(doc! { "hello": 1 })).await?;
        if hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|msg| msg == "isdbgrid")
        {
            return Ok(());
        }
        // Not every server tells; one that does not is not accused.
        let journaled =
            within(admin.run_command(doc! { "serverStatus": 1 })).await.ok().and_then(|status| {
                let engine = status.get_document("storageEngine").ok()?;
                engine.get_bool("persistent").ok()
            });
        if journaled == Some(false) {
            tracing::warn!(
                "MongoDB is a standalone without a journal: a crash loses acknowledged orders"
            );
        }
        Ok(())
    }

    /// Ends the connections. Without it the driver ends them when the process'
    /// runtime is already gone, and panics.
    pub async fn close(self) {
        self.client.shutdown().immediate(true).await;
    }
}

/// Bounds a call: a connection whose bytes vanish must not hold a slot for ever.
async fn within<T>(call: impl IntoFuture<Output = mongodb::error::Result<T>>) -> Result<T> {
    match tokio::time::timeout(CALL_TIMEOUT, call.into_future()).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::Unavailable(format!("no answer within {CALL_TIMEOUT:?}"))),
    }
}
