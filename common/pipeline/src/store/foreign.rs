//! Documents of others in the collections of this program. One of our shape that cannot be
//! read is skipped, and logged once.

use std::sync::PoisonError;

use futures_util::future::BoxFuture;
use mongodb::bson::{Bson, Document, deserialize_from_document, doc};
use serde::de::DeserializeOwned;

use super::{
    call::within,
    client::Store,
    error::Result,
    shape::{order_shape, run_shape},
};

/// Numbers of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Foreign {
    pub orders: u64,
    pub runs: u64,
}

impl Store {
    /// Reads a document of this collection; none if it cannot be read.
    pub(super) fn readable<T: DeserializeOwned>(
        &self,
        collection: &str,
        document: Document,
    ) -> Option<T> {
        let id = document.get("_id").map_or_else(String::new, Bson::to_string);
        match deserialize_from_document(document) {
            Ok(read) => Some(read),
            Err(error) => {
                let mut said = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
                if said.insert(collection.to_owned()) {
                    tracing::warn!(
                        collection, id, %error,
                        "a document cannot be read and is left as it is; others like it are not logged"
                    );
                }
                None
            }
        }
    }

    /// Counts the documents that are not ours. A reset leaves them.
    pub fn foreign(&self) -> BoxFuture<'_, Result<Foreign>> {
        Box::pin(async move {
            let mut order = order_shape();
            order.insert("_id", doc! { "$type": "string" });
            let (orders, runs) = (doc! { "$nor": [order] }, doc! { "$nor": [run_shape()] });
            let (orders, runs) = tokio::try_join!(
                within(self.orders.count_documents(orders)),
                within(self.runs.count_documents(runs)),
            )?;
            Ok(Foreign { orders, runs })
        })
    }
}
