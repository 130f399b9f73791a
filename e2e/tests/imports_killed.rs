//! A long list, imported and run while everything is killed in turn. A million lines:
//! `IMPORT_KILLED_LINES=1000000`.

use std::sync::Arc;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use pedidos_e2e::{
    Client, Cluster, DEADLINE, POLL,
    chaos::upload::{Sending, asks_again},
    cluster::Id,
    eventually_some,
    imports::line,
    in_time,
    servers::{Server, Servers},
    wait::poll,
};
use tokio::time::Instant;

/// Pieces as large as the product's own, more or less.
const SETTINGS: [(&str, &str); 3] = [
    ("GENERATION_CHUNK_SIZE", "2000"),
    ("NORMAL_ENQUEUE_BATCH_SIZE", "2000"),
    ("ORDERS_BATCH_SIZE", "100"),
];
/// Every so many lines one is no order.
const BAD: u32 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    Client,
    Api,
    Worker,
    Server(Server),
    Everything,
}

impl Killed {
    const UPLOADING: [Self; 5] = [
        Self::Client,
        Self::Api,
        Self::Server(Server::Mongo),
        Self::Server(Server::Redis),
        Self::Everything,
    ];
    const RUNNING: [Self; 4] =
        [Self::Worker, Self::Server(Server::Mongo), Self::Server(Server::Redis), Self::Everything];
}

struct Place {
    servers: Servers,
    cluster: Cluster,
    api: Id,
    workers: Vec<Id>,
}

impl Place {
    async fn start() -> Self {
        let servers = Servers::start().await;
        let mut cluster = Cluster::on(&servers, &SETTINGS).await;
        let api = cluster.start_api().await;
        let workers = vec![cluster.start_worker().await, cluster.start_worker().await];
        Self { servers, cluster, api, workers }
    }

    fn client(&self) -> &Client {
        self.cluster.client_of(self.api)
    }

    /// Kills it, and starts it again.
    async fn kill(&mut self, killed: Killed) {
        let all = killed == Killed::Everything;
        let workers: Vec<Id> = match killed {
            Killed::Worker => self.workers.drain(..1).collect(),
            Killed::Everything => std::mem::take(&mut self.workers),
            _ => Vec::new(),
        };
        for worker in &workers {
            self.cluster.kill(*worker).await;
        }
        if all || killed == Killed::Api {
            self.cluster.kill(self.api).await;
        }
        for server in Server::ALL {
            if all || killed == Killed::Server(server) {
                self.cluster.samples.expect_replay();
                self.servers.kill(server).await;
            }
        }
        self.servers.up().await;
        if all || killed == Killed::Api {
            self.api = self.cluster.start_api().await;
        }
        for _ in workers {
            let worker = self.cluster.start_worker().await;
            self.workers.push(worker);
        }
    }

    /// How many lines are stored, by MongoDB.
    async fn lines(&self, id: &str) -> i64 {
        eventually_some("the import", async || {
            self.cluster.stores.store.import(id).await.ok().flatten()
        })
        .await
        .lines
    }

    /// Sends the list until it gets beyond what is stored, or is whole; says how long that took.
    async fn send(&self, id: &str, list: &Arc<str>, holds: &[usize]) -> Sending {
        let (stored, began) = (self.lines(id).await, Instant::now());
        let sends = || Sending::of(self.client(), id, list, holds);
        let (mut sending, mut times) = (sends(), 1);
        let sending = loop {
            let taken = poll(POLL, async || {
                let is_over = sending.is_over();
                let further = self.lines(id).await > stored;
                (is_over || further).then_some(further)
            });
            if in_time("a new line", taken).await {
                break sending;
            }
            let answer = sending.answer().await;
            assert!(asks_again(answer.as_ref()), "{answer:#?}");
            assert!(began.elapsed() < DEADLINE, "no new line is taken: {answer:#?}");
            (sending, times) = (sends(), times + 1);
        };
        let took = began.elapsed().as_secs_f64();
        let lines = self.lines(id).await;
        eprintln!("  sent {times} times: from {stored} lines to {lines} after {took:.2} s");
        sending
    }

    /// The orders of the import are those of these numbers, in this order.
    async fn has_imported(&self, id: &str, numbers: impl Iterator<Item = u32>) {
        let orders = self.cluster.stores.database.collection::<Document>("orders");
        let found = orders.find(doc! { "runId": id }).sort(doc! { "_id": 1 });
        let mut found = found.projection(doc! { "ref": 1 }).await.expect("MongoDB answers");
        for number in numbers {
            let order = found.try_next().await.expect("MongoDB answers");
            let order = order.unwrap_or_else(|| panic!("order {number} is not there"));
            assert_eq!(order.get_str("ref").unwrap(), format!("r-{number}"), "{order:#?}");
        }
        assert_eq!(found.try_next().await.expect("MongoDB answers"), None, "an order too many");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_imported_under_kills_of_everything_is_exact() {
    let lines = std::env::var("IMPORT_KILLED_LINES").map_or(40_000, |lines| lines.parse().unwrap());
    let is_order = |number: &u32| number % BAD != BAD - 1;
    let text = (0..lines).fold(String::new(), |text, number| {
        let line = if is_order(&number) { line(number) } else { format!("no order {number}") };
        text + &line + "\n"
    });
    let list: Arc<str> = text.into();
    let mut place = Place::start().await;
    let id = place.client().create_import().await;
    let parts = Killed::UPLOADING.len() + 2;
    for (part, killed) in Killed::UPLOADING.into_iter().enumerate() {
        eprintln!("{killed:?}, uploading");
        // Further than the last attempt came, and then half as far again.
        let hold = list.len() * (part + 1) / parts;
        let holds = [hold, hold + list.len() / parts / 2];
        let mut sending = place.send(&id, &list, &holds).await;
        assert!(in_time("a part of the list", sending.is_held()).await, "it goes on");
        if killed != Killed::Client {
            place.kill(killed).await;
        }
        sending.goes_on().await;
        let survived = in_time("the next part", sending.is_held()).await;
        let answer = in_time("an answer", sending.break_off()).await;
        let status = answer.as_ref().map(|answer| answer.status);
        eprintln!("  its upload went on: {survived}; answered: {status:?}");
        assert!(asks_again(answer.as_ref()), "{answer:#?}");
    }
    let began = Instant::now();
    let whole = eventually_some("the whole list", async || {
        let sending = place.send(&id, &list, &[]).await;
        let answer = in_time("an answer", sending.answer()).await;
        if asks_again(answer.as_ref()) { None } else { answer }
    })
    .await
    .json(200);
    eprintln!("the whole list: {:.2} s", began.elapsed().as_secs_f64());
    let accepted = (0..lines).filter(is_order).count();
    assert_eq!(whole["accepted"], accepted, "{whole:#}");
    assert_eq!(whole["rejected"], lines as usize - accepted, "{whole:#}");
    place.has_imported(&id, (0..lines).filter(is_order)).await;
    place.client().try_start_import(&id, "onRejects=skip").await.json(202);
    let began = Instant::now();
    for (part, killed) in Killed::RUNNING.into_iter().enumerate() {
        let goal = (accepted * 2 * (part + 1) / (Killed::RUNNING.len() + 1)) as u64;
        let status = place.cluster.wait_for("progress", |status| {
            status.progress.generated + status.progress.processed_total >= goal
        });
        let phase = status.await.phase;
        eprintln!("{killed:?}, in {phase:?}");
        assert!(phase.is_active(), "it is too late");
        place.kill(killed).await;
    }
    let done = place.cluster.ends_exact(&id).await;
    assert_eq!(done.progress.processed_total, accepted as u64, "{:#}", done.json);
    eprintln!("the run: {:.2} s", began.elapsed().as_secs_f64());
    place.cluster.finish().await;
    place.servers.remove().await;
}
