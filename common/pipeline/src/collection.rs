//! Reads a collection that is not ours, as lines of JSON: a list to import.
//!
//! The ids of the matching documents are read first, so what is written cannot grow or move while
//! it is read; then the documents, by pages of ids, so that no cursor is open for long.

use std::{io, time::Duration};

use futures_util::{TryStreamExt, future::BoxFuture};
use mongodb::{
    Client, Collection,
    bson::{Bson, Document, RawBsonRef, RawDocumentBuf, doc},
    options::ClientOptions,
};
use pedidos_core::time::iso;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Number, Value};

use crate::store::{StoreError, corrupt};

/// Documents read at once.
const PAGE: usize = 1_000;
/// A page takes no longer.
const PAGE_TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub struct CollectionSource {
    /// With its password.
    pub uri: SecretString,
    pub database: String,
    pub collection: String,
    /// A JSON object, in extended JSON; none: every document.
    pub filter: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    #[error("the filter is no JSON object: {0}")]
    Filter(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot write the list: {0}")]
    Output(#[from] io::Error),
}

impl From<mongodb::error::Error> for CollectionError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}

type Result<T> = std::result::Result<T, CollectionError>;

impl CollectionSource {
    /// Writes a line for each document, in order of `_id`. Answers how many.
    pub fn write<'a>(&'a self, to: &'a mut (dyn io::Write + Send)) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let filter = self.filter()?;
            let mut options = ClientOptions::parse(self.uri.expose_secret()).await?;
            options.app_name.get_or_insert_with(|| "pedidos".to_owned());
            let client = Client::with_options(options)?;
            let collection = client.database(&self.database).collection(&self.collection);
            let written = write(&collection, filter, to).await;
            client.shutdown().immediate(true).await;
            written
        })
    }

    fn filter(&self) -> Result<Document> {
        let Some(filter) = &self.filter else { return Ok(Document::new()) };
        let wrong = |error: &dyn std::fmt::Display| CollectionError::Filter(error.to_string());
        let value: Value = serde_json::from_str(filter).map_err(|error| wrong(&error))?;
        match Bson::try_from(value).map_err(|error| wrong(&error))? {
            Bson::Document(filter) => Ok(filter),
            other => Err(wrong(&other)),
        }
    }
}

async fn write(
    collection: &Collection<RawDocumentBuf>,
    filter: Document,
    to: &mut (dyn io::Write + Send),
) -> Result<u64> {
    // As BSON, a twelfth of what ids take as values.
    let mut pages: Vec<mongodb::bson::RawArrayBuf> = Vec::new();
    let find = collection.find(filter).sort(doc! { "_id": 1 }).projection(doc! { "_id": 1 });
    let (mut ids, mut in_page) = (find.await?, PAGE);
    while let Some(found) = ids.try_next().await? {
        if in_page == PAGE {
            pages.push(mongodb::bson::RawArrayBuf::new());
            in_page = 0;
        }
        let id = found.get("_id").map_err(corrupt)?.unwrap_or(RawBsonRef::Null);
        if let Some(page) = pages.last_mut() {
            page.push(id);
            in_page += 1;
        }
    }
    let documents = collection.clone_with_type::<Document>();
    let mut written = 0;
    for page in pages {
        let page = Bson::try_from(mongodb::bson::RawBson::Array(page));
        let these = doc! { "_id": { "$in": page.map_err(corrupt)? } };
        let read =
            async { documents.find(these).sort(doc! { "_id": 1 }).await?.try_collect().await };
        let read: std::result::Result<mongodb::error::Result<Vec<Document>>, _> =
            tokio::time::timeout(PAGE_TIMEOUT, read).await;
        let read = read
            .map_err(|_| StoreError::Unavailable(format!("no answer within {PAGE_TIMEOUT:?}")))??;
        for document in read {
            let mut line = plain(Bson::Document(document)).to_string();
            line.push('\n');
            to.write_all(line.as_bytes())?;
            written += 1;
        }
    }
    to.flush()?;
    Ok(written)
}

/// As a client writes JSON: ids, times and decimals without the wrappers of extended JSON.
fn plain(value: Bson) -> Value {
    match value {
        Bson::ObjectId(id) => id.to_hex().into(),
        Bson::DateTime(at) => iso(at.timestamp_millis()).into(),
        Bson::Decimal128(number) => {
            let text = number.to_string();
            text.parse().ok().and_then(Number::from_f64).map_or(text.into(), Value::Number)
        }
        Bson::Document(document) => {
            let fields = document.into_iter().map(|(name, value)| (name, plain(value)));
            Value::Object(fields.collect())
        }
        Bson::Array(values) => Value::Array(values.into_iter().map(plain).collect()),
        other => other.into_relaxed_extjson(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use mongodb::bson::{DateTime, oid::ObjectId};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_written_as_a_client_writes_json() {
        let id = ObjectId::parse_str("65f0a1b2c3d4e5f60718293a").unwrap();
        let document = doc! {
            "_id": id,
            "at": DateTime::from_millis(1_772_366_400_000),
            "total": "12.50".parse::<mongodb::bson::Decimal128>().unwrap(),
            "n": 7_i64,
            "customer": { "name": "Ana", "tags": ["a", 1] },
        };
        let expected = json!({
            "_id": "65f0a1b2c3d4e5f60718293a",
            "at": "2026-03-01T12:00:00.000Z",
            "total": 12.5,
            "n": 7,
            "customer": { "name": "Ana", "tags": ["a", 1] },
        });
        assert_eq!(plain(Bson::Document(document)), expected);
    }

    #[test]
    fn a_filter_is_extended_json() {
        let source = |filter: &str| CollectionSource {
            uri: SecretString::from("mongodb://localhost"),
            database: "shop".into(),
            collection: "orders".into(),
            filter: Some(filter.into()),
        };
        let by_id = source(r#"{"_id": {"$oid": "65f0a1b2c3d4e5f60718293a"}}"#).filter().unwrap();
        assert!(by_id.get_object_id("_id").is_ok(), "{by_id}");
        assert!(source("[1]").filter().is_err());
        assert!(source("{").filter().is_err());
    }
}
