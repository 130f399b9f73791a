//! `session_secrets`: the one secret that the API's replicas share.

use futures_util::future::BoxFuture;
use mongodb::bson::{Binary, doc, spec::BinarySubtype};

use super::{
    call::within,
    client::Store,
    error::{DUPLICATE_KEY, Result, StoreError},
};

impl Store {
    /// Stores `new`, if there is no secret yet. Alone it signs nothing: the hash of a key is needed
    /// as well.
    pub fn session_secret(&self, new: [u8; 32]) -> BoxFuture<'_, Result<Vec<u8>>> {
        Box::pin(async move {
            let id = doc! { "_id": &self.queue };
            let bytes = Binary { subtype: BinarySubtype::Generic, bytes: new.to_vec() };
            let unless_there = doc! { "$setOnInsert": { "bytes": bytes } };
            // Two replicas may do this at once: one secret is kept, and both read it.
            match within(self.secrets.update_one(id.clone(), unless_there).upsert(true)).await {
                Err(StoreError::Rejected(error)) if error.contains(&DUPLICATE_KEY.to_string()) => {}
                made => drop(made?),
            }
            let found = within(self.secrets.find_one(id)).await?;
            let bytes = found.as_ref().and_then(|secret| secret.get_binary_generic("bytes").ok());
            let bytes = bytes.filter(|bytes| bytes.len() >= new.len()).cloned();
            bytes.ok_or_else(|| StoreError::Corrupt("session_secrets".to_owned()))
        })
    }
}
