//! Workers that die or stand still around a call: orders are called again, and counted once.

use std::time::Instant;

use mongodb::bson::doc;
use pedidos_core::{order::Priority, run::Phase};
use pedidos_e2e::{
    Cluster, Status,
    cluster::{Id, Kind},
    eventually, eventually_some,
    imports::{NDJSON, lines},
    proxy::When::{After, Before},
    receiver::{Call, Receiver, Reply, Verdict},
    servers::Servers,
    steps::{
        Step::{self, Command, Script},
        Wires,
    },
};
use pedidos_service::metrics::{LOST, STALE};

/// Small batches, a short lease, and calls that may take a third of it.
const SETTINGS: &[(&str, &str)] = &[
    ("PROCESSOR_BATCH_SIZE", "25"),
    ("PROCESSOR_TIMEOUT_MS", "1000"),
    ("LEASE_MS", "3000"),
    ("RETRY_BACKOFF_MS", "10"),
    ("ORDERS_QUEUE_CONCURRENCY", "2"),
];

/// The worker of a call, if it was started with this name.
fn is_of(call: &Call, name: &str) -> bool {
    call.header("authorization") == name
}

/// A cluster on these servers, whose processes have this receiver, and no worker yet.
async fn cluster_on(servers: &Servers, receiver: &Receiver) -> Cluster {
    let settings = [SETTINGS, &receiver.settings()].concat();
    Cluster::start_on(servers, 0, &settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_during_a_call_costs_no_order_and_its_batch_is_called_again() {
    for (priority, workers) in
        [(Priority::Vip, 1), (Priority::Normal, 1), (Priority::Vip, 2), (Priority::Normal, 4)]
    {
        let receiver = Receiver::start().await;
        let mut cluster = Cluster::start_for(&receiver, workers - 1, SETTINGS).await;
        let dying = cluster.start_named("dying").await;
        receiver.answer(move |call| {
            let hangs = is_of(call, "dying") && call.priority == priority;
            if hangs { Reply::Hang } else { Reply::ok(call) }
        });
        let run_id = cluster.client().generate_for("default", 1_000).await;
        let hangs = |call: &Call| is_of(call, "dying") && call.priority == priority;
        let open = receiver.call("a call that hangs", hangs).await;
        cluster.kill(dying).await;
        receiver.answer_well();
        receiver.let_go();
        cluster.start_worker().await;
        cluster.ends_exact(&run_id).await;
        let receipts = cluster.was_called(&receiver, &run_id).await;
        for order in &open.orders {
            assert!(receipts.with(&order.id).len() > 1, "{order:#?} was not called again");
        }
        receipts.spent_no_attempt();
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_at_any_step_around_a_call_costs_no_order() {
    let servers = Servers::start().await;
    let steps = [Command("find", "orders"), Command("update", "orders"), Script("ack")];
    for step in steps {
        for when in [Before, After] {
            eprintln!("{when:?} {step:?}");
            let receiver = Receiver::start().await;
            receiver.answer(|_| Reply::Hang);
            let mut cluster = cluster_on(&servers, &receiver).await;
            let (worker, wires) = Wires::start(&mut cluster, Kind::Worker, &servers).await;
            // One chunk, which is stored by the time of the first call.
            let run_id = cluster.client().generate_for("default", 200).await;
            receiver.call("the first call", |_| true).await;
            wires.stop_at(step, when);
            receiver.answer_well();
            receiver.let_go();
            wires.caught(step).await;
            cluster.kill(worker).await;
            let died = Instant::now();
            let stored = cluster.ids(&run_id, doc! { "status": "processado" }).await;
            cluster.start_worker().await;
            cluster.ends_exact(&run_id).await;
            let receipts = cluster.was_called(&receiver, &run_id).await;
            receipts.spent_no_attempt();
            // What was stored is terminal, whether it was counted or not.
            for id in stored {
                let again = receipts.with(&id).into_iter().find(|call| call.received > died);
                assert!(again.is_none(), "{id} was called again: {again:#?}");
            }
            cluster.finish().await;
        }
    }
    servers.remove().await;
}

/// In what a worker is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum In {
    /// Nothing has been answered yet.
    ItsCall,
    /// It has its verdicts, and its write of them is on the way.
    ItsWrite,
}

/// The worker that is frozen, with the verdict that the only VIP order of its run has failed.
struct Frozen {
    worker: Id,
    wires: Wires,
    run_id: String,
    /// The number of its call.
    call: usize,
}

/// The write of its verdicts.
const WRITE: Step = Command("update", "orders");

/// What the worker is told that was frozen, and only it.
fn too_late(call: &Call) -> Reply {
    Reply::all(call, &Verdict::Fail("too late".to_owned()))
}

impl Frozen {
    /// Starts a run of four orders with one worker, and freezes that in the call of the VIP one.
    async fn freeze(cluster: &mut Cluster, servers: &Servers, receiver: &Receiver, at: In) -> Self {
        let (worker, wires) = Wires::start(cluster, Kind::Worker, servers).await;
        receiver.answer(move |call| if at == In::ItsCall { Reply::Hang } else { too_late(call) });
        if at == In::ItsWrite {
            wires.stop_at(WRITE, Before);
        }
        let run_id = cluster.client().run_lines(0..4, "onVipFailure=continue").await;
        let call = receiver.call("its call", |call| call.run_id == run_id).await;
        if at == In::ItsWrite {
            wires.caught(WRITE).await;
        }
        cluster.process(worker).signal("STOP").await;
        assert!(call.has("r-3") && call.orders.len() == 1, "{call:#?}");
        Self { worker, wires, run_id, call: call.number }
    }

    /// From now on others are answered like this.
    fn others(&self, receiver: &Receiver, rule: impl Fn(&Call) -> Reply + Send + Sync + 'static) {
        let frozen = self.call;
        receiver
            .answer(move |call| if call.number == frozen { too_late(call) } else { rule(call) });
    }

    /// Its verdict arrives, or its write does, and it goes on.
    async fn thaw(&self, cluster: &mut Cluster, receiver: &Receiver) {
        receiver.let_go();
        self.wires.let_go(WRITE);
        cluster.process(self.worker).signal("CONT").await;
    }

    /// Waits until it has noticed that its lease is gone.
    async fn notices(&self, cluster: &Cluster) {
        let worker = cluster.client_of(self.worker);
        eventually("a worker that notices what it lost", async || {
            worker.metric(LOST).await + worker.metric(STALE).await >= 1.0
        })
        .await;
    }
}

/// Holds NORMAL calls, and answers this for VIP orders.
fn vip_alone(verdict: Verdict) -> impl Fn(&Call) -> Reply + Send + Sync + 'static {
    move |call| match call.priority {
        Priority::Vip => Reply::all(call, &verdict),
        Priority::Normal => Reply::Hang,
    }
}

async fn status_of(cluster: &Cluster, run_id: &str) -> String {
    let order = cluster.order(run_id, "r-3").await;
    order.get_str("status").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_frozen_in_a_call_that_thaws_after_normal_began_changes_nothing() {
    let servers = Servers::start().await;
    for at in [In::ItsCall, In::ItsWrite] {
        eprintln!("{at:?}");
        let receiver = Receiver::start().await;
        let mut cluster = cluster_on(&servers, &receiver).await;
        let frozen = Frozen::freeze(&mut cluster, &servers, &receiver, at).await;
        frozen.others(&receiver, vip_alone(Verdict::OK));
        cluster.start_worker().await;
        receiver.call("NORMAL", |call| call.priority == Priority::Normal).await;
        assert_eq!(status_of(&cluster, &frozen.run_id).await, "processado");
        frozen.thaw(&mut cluster, &receiver).await;
        frozen.notices(&cluster).await;
        assert_eq!(status_of(&cluster, &frozen.run_id).await, "processado");
        receiver.answer_well();
        receiver.let_go();
        cluster.ends_exact(&frozen.run_id).await;
        cluster.was_called(&receiver, &frozen.run_id).await;
        cluster.finish().await;
    }
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_frozen_in_a_call_that_thaws_after_retry_failed_buries_nothing() {
    let servers = Servers::start().await;
    for at in [In::ItsCall, In::ItsWrite] {
        eprintln!("{at:?}");
        let receiver = Receiver::start().await;
        let mut cluster = cluster_on(&servers, &receiver).await;
        let frozen = Frozen::freeze(&mut cluster, &servers, &receiver, at).await;
        frozen.others(&receiver, vip_alone(Verdict::Fail("in time".to_owned())));
        cluster.start_worker().await;
        cluster.wait_for("a dead letter", |status| status.dead() == 1).await;
        // Put back, it is called again, and pending meanwhile.
        frozen.others(&receiver, |_| Reply::Hang);
        let before = receiver.count();
        cluster.samples.expect_replay();
        assert_eq!(cluster.client().retry_failed("").await, 1);
        let again = |call: &Call| call.number >= before && call.has("r-3");
        receiver.call("a call after retry-failed", again).await;
        frozen.thaw(&mut cluster, &receiver).await;
        frozen.notices(&cluster).await;
        assert_eq!(status_of(&cluster, &frozen.run_id).await, "pendente");
        receiver.answer_well();
        receiver.let_go();
        cluster.ends_exact(&frozen.run_id).await;
        assert_eq!(status_of(&cluster, &frozen.run_id).await, "processado");
        cluster.finish().await;
    }
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_frozen_in_a_call_that_thaws_after_a_cancel_changes_nothing() {
    let servers = Servers::start().await;
    for at in [In::ItsCall, In::ItsWrite] {
        eprintln!("{at:?}");
        let receiver = Receiver::start().await;
        let mut cluster = cluster_on(&servers, &receiver).await;
        let frozen = Frozen::freeze(&mut cluster, &servers, &receiver, at).await;
        frozen.others(&receiver, Reply::ok);
        cluster.start_worker().await;
        let answer = cluster.client().cancel("waitTimeoutMs=0&pollIntervalMs=10").await;
        assert_eq!(answer["aborted"], true, "{answer:#}");
        let ended = |status: &Status| status.phase == Phase::Aborted;
        let before = cluster.wait_for("the end of a cancel", ended).await;
        assert_eq!(status_of(&cluster, &frozen.run_id).await, "cancelado");
        frozen.thaw(&mut cluster, &receiver).await;
        cluster.at_rest().await;
        assert_eq!(status_of(&cluster, &frozen.run_id).await, "cancelado");
        let after = cluster.client().status().await;
        assert_eq!(after.json["ledger"], before.json["ledger"]);
        cluster.audit().await;
        // And it works on.
        cluster.client().resume().await;
        let run_id = cluster.client().generate_for("default", 200).await;
        cluster.ends_exact(&run_id).await;
        cluster.was_called(&receiver, &run_id).await;
        cluster.finish().await;
    }
    servers.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_terminal_is_not_called_again_when_redis_is_emptied() {
    for priority in [Priority::Vip, Priority::Normal] {
        let receiver = Receiver::start().await;
        let cluster = Cluster::start_for(&receiver, 2, SETTINGS).await;
        receiver.answer(move |call| {
            let hangs = call.priority == priority && call.number >= 3;
            if hangs { Reply::Hang } else { Reply::ok(call) }
        });
        let run_id = cluster.client().generate_for("default", 600).await;
        receiver.call("a call that hangs", |call| call.number >= 3 && call.is_open()).await;
        let is_stored = async || {
            let stored = cluster.ids(&run_id, doc! { "status": "processado" }).await;
            (stored == receiver.of(&run_id).settled()).then_some(stored)
        };
        let stored = eventually_some("the verdicts so far in MongoDB", is_stored).await;
        let emptied = Instant::now();
        cluster.samples.expect_replay();
        assert!(cluster.stores.empty_redis().await > 0);
        receiver.answer_well();
        receiver.let_go();
        cluster.ends_exact(&run_id).await;
        let receipts = cluster.was_called(&receiver, &run_id).await;
        receipts.spent_no_attempt();
        for id in stored {
            let again = receipts.with(&id).into_iter().find(|call| call.received > emptied);
            assert!(again.is_none(), "{id} was called again: {again:#?}");
        }
        cluster.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_frozen_uploader_stores_too_late_is_not_called() {
    let servers = Servers::start().await;
    let receiver = Receiver::start().await;
    let mut cluster = cluster_on(&servers, &receiver).await;
    cluster.start_worker().await;
    let (api, wires) = Wires::start(&mut cluster, Kind::Api, &servers).await;
    let id = cluster.client().create_import().await;
    let insert = Command("insert", "orders");
    wires.stop_at(insert, Before);
    let (late, late_id) = (cluster.client_of(api).clone(), id.clone());
    let uploading = tokio::spawn(async move {
        drop(late.try_upload(&late_id, &[NDJSON], lines(0..400)).await);
    });
    wires.caught(insert).await;
    cluster.process(api).signal("STOP").await;
    cluster.client().upload(&id, lines(0..200)).await;
    receiver.answer(|call| match call.priority {
        Priority::Vip => Reply::ok(call),
        Priority::Normal => Reply::Hang,
    });
    cluster.client().start_for(&id, "").await;
    receiver.call("NORMAL", |call| call.priority == Priority::Normal).await;
    wires.let_go(insert);
    cluster.process(api).signal("CONT").await;
    uploading.await.unwrap();
    receiver.answer_well();
    receiver.let_go();
    let done = cluster.ends_exact(&id).await;
    assert_eq!(done.progress.processed_total, 200, "{:#}", done.json);
    let receipts = receiver.of(&id);
    let called: Vec<_> = receipts.0.iter().flat_map(|call| &call.orders).collect();
    assert!(called.iter().all(|order| order.number() < 200), "{called:#?}");
    assert_eq!(receipts.settled().len(), 200);
    cluster.finish().await;
    servers.remove().await;
}
