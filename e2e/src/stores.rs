//! A database and a queue of one's own, on the servers of the environment.

use std::{
    collections::HashMap,
    net::{SocketAddr, ToSocketAddrs},
};

use fred::interfaces::KeysInterface;
use mongodb::{
    Database,
    bson::{Document, doc},
};
use pedidos_core::order::{OrderId, PENDENTE};
use pedidos_pipeline::{queue::Queue, store::Store};
use pedidos_service::settings::Settings;

use secrecy::ExposeSecret;

use crate::{process::Environment, wait::eventually};

/// Both stores, as the product reaches them, and MongoDB as it is.
pub struct Stores {
    pub store: Store,
    pub queue: Queue,
    /// The database itself, for what no part of the product asks.
    pub database: Database,
}

/// Settings for a database and a queue that nobody else has.
pub fn own_settings() -> Environment {
    let name = format!("e2e-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let pairs = [
        ("MONGO_URI", with_database(&variable("MONGO_URI"), &name)),
        ("REDIS_URL", variable("REDIS_URL")),
        ("QUEUE_NAME", name),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

pub fn redis_address() -> String {
    let url = variable("REDIS_URL");
    let address = url.split('/').nth(2).unwrap_or_default();
    address.rsplit('@').next().unwrap_or_default().to_owned()
}

pub fn redis_port() -> u16 {
    let address = redis_address();
    let port = address.rsplit(':').next().and_then(|port| port.parse().ok());
    port.expect("REDIS_URL has a port")
}

/// Where MongoDB listens: the first of its hosts.
pub fn mongo_address() -> SocketAddr {
    let uri = variable("MONGO_URI");
    let hosts = uri.split('/').nth(2).unwrap_or_default();
    let host = hosts.rsplit('@').next().and_then(|hosts| hosts.split(',').next());
    let mut addresses = host.and_then(|host| host.to_socket_addrs().ok()).into_iter().flatten();
    addresses.next().expect("MONGO_URI names a host and a port")
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: these tests need both stores, run make test")
    })
}

/// The connection string with another database in its place.
fn with_database(uri: &str, database: &str) -> String {
    let (base, options) = uri.split_once('?').unwrap_or((uri, ""));
    let (scheme, hosts) = base.split_once("://").expect("MONGO_URI has a scheme");
    let hosts = hosts.split('/').next().unwrap_or_default();
    let mark = if options.is_empty() { "" } else { "?" };
    format!("{scheme}://{hosts}/{database}{mark}{options}")
}

impl Stores {
    /// Connects as the product does with these settings.
    pub async fn connect(environment: &Environment) -> Self {
        let known: HashMap<&str, &str> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let settings = Settings::read(&known).expect("the harness' settings are right");
        let queue = Queue::connect(&settings.redis, &settings.queue);
        let store = Store::connect(&settings.mongo, &settings.queue.name).await;
        let client = mongodb::Client::with_uri_str(settings.mongo.uri.expose_secret()).await;
        let client = client.expect("MongoDB can be asked");
        Self {
            store: store.expect("the store can be asked"),
            queue: queue.expect("the queue can be asked"),
            database: client.database(&settings.queue.name),
        }
    }

    /// Deletes every key of the queue in one step, as if Redis had been emptied
    /// for it alone. Answers how many there were.
    pub async fn empty_redis(&self) -> u64 {
        let client = self.queue.client();
        let pattern = format!("{}*", self.queue.keys().prefix());
        let mut keys: Vec<String> = Vec::new();
        let mut cursor = "0".to_owned();
        loop {
            let page = client.scan_page(cursor, pattern.as_str(), Some(1_000), None);
            let (next, found): (String, Vec<String>) = page.await.expect("Redis answers");
            keys.extend(found);
            cursor = next;
            if cursor == "0" {
                break;
            }
        }
        if keys.is_empty() {
            return 0;
        }
        client.del(keys).await.expect("Redis answers")
    }

    /// Waits until Redis' clock has gone on by so many milliseconds.
    pub async fn later(&self, milliseconds: i64) {
        let now = async || self.queue.snapshot().await.expect("Redis answers").now_ms;
        let until = now().await + milliseconds;
        eventually("Redis' clock", async || now().await >= until).await;
    }

    /// Orders of any run.
    pub async fn orders(&self) -> u64 {
        self.store.count_all().await.expect("MongoDB answers")
    }

    /// Orders of any run that are still pending.
    pub async fn pending(&self) -> u64 {
        let orders = self.database.collection::<Document>("orders");
        let pending = orders.count_documents(doc! { "status": PENDENTE });
        pending.await.expect("MongoDB answers")
    }

    pub async fn runs(&self) -> u64 {
        let runs = self.database.collection::<Document>("process_runs");
        runs.count_documents(doc! {}).await.expect("MongoDB answers")
    }

    /// A run in the history, as it is stored.
    pub async fn run_document(&self, run_id: &str) -> Document {
        let runs = self.database.collection::<Document>("process_runs");
        let run = runs.find_one(doc! { "_id": run_id }).await;
        run.expect("MongoDB answers").expect("it is in the history")
    }

    /// One field of every order of a run, by index.
    pub async fn field(&self, run_id: &str, field: &str) -> Vec<String> {
        let run = self.store.run(run_id).await.expect("MongoDB answers");
        let created = run.expect("it is in the history").created_at;
        let created = created.timestamp_millis() as u64;
        let all = OrderId::floor(created)..OrderId::floor(created + 1);
        let documents = self.store.documents(&all).await.expect("MongoDB answers");
        let value = |document: &Document| document.get_str(field).unwrap_or("").to_owned();
        documents.iter().map(value).collect()
    }

    /// Leaves nothing behind.
    pub async fn remove(&self) {
        // Not within the time that a call of the product may take: a million orders go.
        self.database.drop().await.expect("MongoDB answers");
        // Log lines of processes that have ended may still have been on their way.
        self.empty_redis().await;
        self.queue.close().await;
    }
}
