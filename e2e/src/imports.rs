//! Lists of orders, and what is stored of them.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use pedidos_core::order::OrderId;
use reqwest::{Body, Method};
use serde_json::Value;

use crate::{client::Answer, client::Client, cluster::Cluster};

pub const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");
pub const CSV: (&str, &str) = ("Content-Type", "text/csv");
pub const GZIP: (&str, &str) = ("Content-Encoding", "gzip");

/// A list, behind the headers of its request.
pub type List<'a> = (&'a [(&'a str, &'a str)], Vec<u8>);

/// The line of the order with this number: every fourth is VIP, each has a `ref`.
pub fn line(number: u32) -> String {
    let tier = ["BRONZE", "PRATA", "OURO", "DIAMANTE"][number as usize % 4];
    format!(
        r#"{{"ref":"r-{number}","cliente":"Cliente {number}","valor":{}.25,"tier":"{tier}","sku":{number}}}"#,
        number % 1_000
    )
}

/// Is the order of the line with this number VIP?
pub const fn is_vip(number: u32) -> bool {
    number % 4 == 3
}

/// The lines of these numbers, as NDJSON.
pub fn lines(numbers: impl IntoIterator<Item = u32>) -> String {
    numbers.into_iter().map(|number| line(number) + "\n").collect()
}

/// Options with which the run of an import behaves as a generated one.
pub const BUILTIN: &str = "processor=builtin&onVipFailure=continue";

impl Client {
    /// `POST /pedidos/imports`, answered in any way. `list`: with its headers.
    pub async fn try_create_import(
        &self,
        query: &str,
        key: Option<&str>,
        list: Option<List<'_>>,
    ) -> Answer {
        let path = format!("/pedidos/imports?{query}");
        let key = key.map(|key| ("Idempotency-Key", key));
        let (headers, body) = list.unwrap_or_default();
        let headers: Vec<_> = headers.iter().copied().chain(key).collect();
        self.send(Method::POST, &path, &headers, body).await.expect("the API answers")
    }

    /// `POST /pedidos/imports` without a list; answers its id.
    pub async fn create_import(&self) -> String {
        let answer = self.try_create_import("name=a%20list", None, None).await;
        let import = answer.json(201);
        let id = import["importId"].as_str().expect("it has an id").to_owned();
        let location = answer.header(reqwest::header::LOCATION);
        assert_eq!(location, format!("/pedidos/imports/{id}"));
        id
    }

    /// `PUT /pedidos/imports/{importId}/orders`; none if there was no answer.
    pub async fn try_upload(
        &self,
        id: &str,
        headers: &[(&str, &str)],
        list: impl Into<Body>,
    ) -> Option<Answer> {
        self.send(Method::PUT, &format!("/pedidos/imports/{id}/orders"), headers, list).await
    }

    /// The same, with NDJSON, which is taken; answers the import.
    pub async fn upload(&self, id: &str, list: impl Into<Body>) -> Value {
        let answer = self.try_upload(id, &[NDJSON], list).await;
        answer.expect("the API answers").json(200)
    }

    pub async fn import(&self, id: &str) -> Value {
        self.raw(Method::GET, &format!("/pedidos/imports/{id}")).await.json(200)
    }

    /// `POST /pedidos/imports/{importId}/start` with [`BUILTIN`], answered in any way.
    pub async fn try_start_import(&self, id: &str, query: &str) -> Answer {
        let query = format!("{query}&{BUILTIN}");
        let path = format!("/pedidos/imports/{id}/start?{}", query.trim_start_matches('&'));
        self.raw(Method::POST, &path).await
    }

    pub async fn start_import(&self, id: &str) {
        let answer = self.try_start_import(id, "").await;
        assert_eq!(answer.json(202)["runId"], id, "{answer:#?}");
    }

    /// `DELETE /pedidos/imports/{importId}`, answered in any way.
    pub async fn try_discard_import(&self, id: &str) -> Answer {
        self.raw(Method::DELETE, &format!("/pedidos/imports/{id}")).await
    }
}

impl Cluster {
    /// The orders of an import in order of id, as far as they were accepted; each must have the
    /// index of its place.
    pub async fn imported(&self, id: &str) -> Vec<Document> {
        let import = self.stores.store.import(id).await.expect("MongoDB answers");
        let accepted = import.expect("there is such an import").accepted;
        let orders = self.stores.database.collection::<Document>("orders");
        let found = orders.find(doc! { "runId": id }).sort(doc! { "_id": 1 }).await;
        let found: Vec<Document> =
            found.expect("MongoDB answers").try_collect().await.expect("MongoDB answers");
        let index = |order: &Document| {
            let id: OrderId = order.get_str("_id").unwrap().parse().unwrap();
            i64::from(id.index())
        };
        let found: Vec<_> = found.into_iter().filter(|order| index(order) < accepted).collect();
        let indexes: Vec<_> = found.iter().map(index).collect();
        assert!(indexes.iter().copied().eq(0..accepted), "{accepted} accepted: {indexes:?}");
        found
    }

    /// The import must have exactly the orders of these numbers, in this order.
    pub async fn has_imported(&self, id: &str, numbers: impl IntoIterator<Item = u32>) {
        let orders = self.imported(id).await;
        let found: Vec<_> = orders.iter().map(|order| order.get_str("ref").unwrap()).collect();
        let wanted: Vec<_> = numbers.into_iter().map(|number| format!("r-{number}")).collect();
        assert_eq!(found, wanted);
    }

    /// Starts the import and waits for the end of its run, which must be exact.
    pub async fn runs_import(&self, id: &str) {
        self.client().start_import(id).await;
        let done = self.done().await;
        assert!(done.is_of(id), "{:#}", done.json);
        self.audit().await;
    }
}

/// A list that arrives piece by piece, as the test sends them; dropping the sender breaks it off.
pub struct Pieces(tokio::sync::mpsc::Sender<Result<Vec<u8>, std::io::Error>>);

impl Pieces {
    pub fn new() -> (Self, Body) {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
            Some((receiver.recv().await?, receiver))
        });
        (Self(sender), Body::wrap_stream(pieces))
    }

    pub async fn send(&self, piece: impl Into<Vec<u8>>) {
        let sent = self.0.send(Ok(piece.into())).await;
        sent.expect("the request goes on");
    }

    /// As [`Self::send`], unless the request has ended: answers false then.
    pub async fn try_send(&self, piece: &[u8]) -> bool {
        self.0.send(Ok(piece.to_vec())).await.is_ok()
    }

    /// The last piece, unless the request has ended before.
    pub async fn finish_with(self, piece: impl Into<Vec<u8>>) {
        let _ended = self.0.send(Ok(piece.into())).await;
    }

    /// Ends the connection in the middle of the list.
    pub async fn break_off(self) {
        // The request may have ended before.
        let _ended = self.0.send(Err(std::io::ErrorKind::ConnectionReset.into())).await;
    }
}
