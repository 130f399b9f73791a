//! The indexes of the collections.

use futures_util::future::BoxFuture;
use mongodb::{
    Collection, IndexModel,
    bson::{Document, doc},
    error::{CommandError, Error, ErrorKind},
    options::IndexOptions,
};

use super::{
    call::{CALL_TIMEOUT, in_time},
    client::Store,
    error::{DUPLICATE_KEY, Result, StoreError},
};

/// Errors of the server's state, or of what other clients do there: they pass. Every other error
/// of an index is final.
const PASSING: [i32; 22] = [
    6,      // HostUnreachable
    7,      // HostNotFound
    24,     // LockTimeout
    46,     // LockBusy
    50,     // MaxTimeMSExpired
    89,     // NetworkTimeout
    91,     // ShutdownInProgress
    112,    // WriteConflict
    117,    // ConflictingOperationInProgress
    189,    // PrimarySteppedDown
    262,    // ExceededTimeLimit
    276,    // IndexBuildAborted
    285,    // IndexBuildAlreadyInProgress
    9001,   // SocketException
    10058,  // LegacyNotPrimary
    10107,  // NotWritablePrimary
    11600,  // InterruptedAtShutdown
    11602,  // InterruptedDueToReplStateChange
    12587,  // BackgroundOperationInProgressForNamespace
    13435,  // NotPrimaryNoSecondaryOk
    13436,  // NotPrimaryOrSecondary
    14_031, // OutOfDiskSpace
];

impl Store {
    /// Makes the indexes that the contract names, and those that our queries need. Fails with
    /// [`StoreError::Indexes`] if the server will refuse one the next time, too.
    pub fn ensure_indexes(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let index = |keys: Document, unique: bool| {
                let options = IndexOptions::builder().unique(unique.then_some(true)).build();
                IndexModel::builder().keys(keys).options(options).build()
            };
            let orders = vec![
                index(doc! { "id": 1 }, true),
                index(doc! { "priority": 1 }, false),
                index(doc! { "priority": 1, "status": 1 }, false),
                index(doc! { "createdAt": 1 }, false),
            ];
            make(&self.orders, orders).await?;
            let runs = vec![
                index(doc! { "createdAt": 1 }, false),
                index(doc! { "idempotencyKey": 1 }, false),
            ];
            make(&self.runs, runs).await
        })
    }

    /// Makes the indexes of imports, once: before the first one. That of refs takes as long as
    /// reading all orders that there are, and no call's time limit ends it.
    pub(crate) fn ensure_import_indexes(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let made = self.import_indexes.get_or_try_init(|| self.make_import_indexes());
            made.await.map(drop)
        })
    }

    async fn make_import_indexes(&self) -> Result<()> {
        let partial = |keys: Document, field: &str| {
            let only = doc! { field: { "$type": "string" } };
            let options = IndexOptions::builder().unique(true).partial_filter_expression(only);
            IndexModel::builder().keys(keys).options(options.build()).build()
        };
        let plain = |keys: Document| IndexModel::builder().keys(keys).build();
        let keys = partial(doc! { "idempotencyKey": 1 }, "idempotencyKey");
        make(&self.imports, vec![keys, plain(doc! { "idsMs": 1 })]).await?;
        make(&self.import_blocks, vec![plain(doc! { "importId": 1, "first": 1 })]).await?;
        let references = partial(doc! { "runId": 1, "ref": 1 }, "ref");
        match self.orders.create_index(references).await {
            Ok(_) => Ok(()),
            Err(error) => Err(refused(self.orders.name(), error)),
        }
    }
}

async fn make<T: Send + Sync>(collection: &Collection<T>, indexes: Vec<IndexModel>) -> Result<()> {
    match in_time(CALL_TIMEOUT, collection.create_indexes(indexes)).await {
        Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(refused(collection.name(), error)),
        None => Err(StoreError::Unavailable(format!("no answer within {CALL_TIMEOUT:?}"))),
    }
}

/// The error of an index, with what to do about it.
fn refused(collection: &str, error: Error) -> StoreError {
    let ErrorKind::Command(CommandError { code, code_name, message, .. }) = error.kind.as_ref()
    else {
        return error.into();
    };
    let remedy = match *code {
        code if PASSING.contains(&code) => return error.into(),
        DUPLICATE_KEY => "delete or change the documents that have the same id",
        85 | 86 => "drop the index that is in its place",
        _ => "make the collection one that takes this index",
    };
    StoreError::Indexes(format!(
        "collection {collection}: {message} ({code_name}, code {code}); {remedy}, then start again"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, name: &str) -> StoreError {
        let answer = doc! { "ok": 0, "code": code, "codeName": name, "errmsg": "as it says" };
        let read: std::result::Result<CommandError, _> =
            mongodb::bson::deserialize_from_document(answer);
        match read {
            Ok(error) => refused("orders", ErrorKind::Command(error).into()),
            Err(error) => StoreError::Corrupt(error.to_string()),
        }
    }

    #[test]
    fn what_stays_true_is_told_from_what_passes() {
        for (code, name, remedy) in [
            (11_000, "DuplicateKey", "delete or change"),
            (85, "IndexOptionsConflict", "drop the index"),
            (86, "IndexKeySpecsConflict", "drop the index"),
            (166, "CommandNotSupportedOnView", "make the collection"),
        ] {
            let error = said(code, name);
            let text = error.to_string();
            assert!(error.is_final(), "{text}");
            assert!(
                [name, remedy, "orders", "as it says"].iter().all(|part| text.contains(part)),
                "{text}"
            );
        }
        for code in PASSING {
            let error = said(code, "Passing");
            assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        }
    }
}
