//! A run on a queue and in a database of its own.

use std::{env, time::Duration};

use fred::interfaces::KeysInterface;
use mongodb::options::WriteConcern;
use pedidos_core::control::RunOptions;
use pedidos_pipeline::{
    commands::{Controller, Generate},
    queue::{Calls, Claim, Lease, Queue, Snapshot, Token},
    settings::{MongoSettings, QueueSettings, RedisSettings},
    store::Store,
};

pub const SEED: u64 = 7;

pub struct Run {
    pub queue: Queue,
    database: mongodb::Database,
}

impl Run {
    /// `sizes`: of a batch, a chunk and a range.
    pub async fn start([batch, chunk, range]: [u32; 3], quantity: u32) -> Self {
        let settings = QueueSettings {
            name: format!("bench-{}", Token::random().as_str()),
            batch_size: batch,
            chunk_size: chunk,
            range_size: range,
            high_water: u64::from(quantity),
            lease: Duration::from_mins(1),
            max_dead: 1000,
        };
        let url = variable("REDIS_URL");
        let queue = Queue::connect(&RedisSettings::at(&url), &settings).unwrap();
        let uri = with_database(&variable("MONGO_URI"), &settings.name);
        let mongo = MongoSettings {
            uri: uri.as_str().into(),
            write_concern: WriteConcern::default(),
            connections: 4,
        };
        let store = Store::connect(&mongo, &settings.name).await.unwrap();
        let wanted = Generate {
            quantity,
            seed: Some(SEED),
            idempotency_key: None,
            options: RunOptions::default(),
        };
        Controller::new(queue.clone(), store).generate(&wanted).await.unwrap();
        let client = mongodb::Client::with_uri_str(&uri).await.unwrap();
        Self { queue, database: client.database(&settings.name) }
    }

    /// A claim that must give work.
    pub async fn claim(&self) -> Lease {
        let token = Token::random();
        let claim = self.queue.claim(&token, "bench", [Duration::ZERO; 2], true, Calls::NONE);
        match claim.await.unwrap() {
            Claim::Work(lease) => lease,
            other => panic!("no work: {other:?}"),
        }
    }

    pub async fn see(&self) -> Snapshot {
        self.queue.snapshot().await.unwrap()
    }

    /// Leaves nothing behind.
    pub async fn remove(self) {
        self.database.drop().await.unwrap();
        let keys = [
            "run",
            "chunks",
            "ranges",
            "vip",
            "normal",
            "leases",
            "leased",
            "vip:delayed",
            "normal:delayed",
            "attempts",
            "phases",
        ];
        let prefix = self.queue.keys().prefix().to_owned();
        let keys: Vec<String> = keys.iter().map(|name| format!("{prefix}:{name}")).collect();
        self.queue.client().del::<(), _>(keys).await.unwrap();
        self.queue.close().await;
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make benches`"))
}

fn with_database(uri: &str, database: &str) -> String {
    let (base, options) =
        uri.split_once('?').map_or((uri, ""), |(base, _)| (base, &uri[base.len()..]));
    let (scheme, rest) = base.split_once("://").expect("MONGO_URI has a scheme");
    let hosts = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{hosts}/{database}{options}")
}
