//! Processes that are killed, or stand still, at any step of their work: just before a
//! store does it, and just after.

use pedidos_core::run::Phase;
use pedidos_e2e::{
    Client, Cluster, Status,
    cluster::{Id, Kind},
    letters::GIVEN_UP_AT_ONCE,
    phases::long_in,
    proxy::When::{self, After, Before},
    servers::Servers,
    steps::{
        Step::{self, Command, Intent, Script},
        Wires,
    },
};
use reqwest::Method;

const BOTH: [When; 2] = [Before, After];

/// What a worker does in a run, in this order.
const WORK: [Step; 9] = [
    Command("find", "orders"),
    Command("insert", "orders"),
    Script("push_chunk"),
    Command("update", "orders"),
    Script("ack"),
    Script("push_normal"),
    Intent("ended"),
    Command("update", "process_runs"),
    Script("claim"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_at_any_step_costs_no_order() {
    let servers = Servers::start().await;
    for step in WORK {
        for when in BOTH {
            eprintln!("{when:?} {step:?}");
            let mut cluster = Cluster::start_on(&servers, 0, &[]).await;
            let (worker, wires) = Wires::start(&mut cluster, Kind::Worker, &servers).await;
            // An idle worker claims, too: this one is to do so in the middle.
            if step != Script("claim") {
                wires.stop_at(step, when);
            }
            let run_id = cluster.client().generate(1_000).await;
            if step == Script("claim") {
                let some = |status: &Status| status.progress.generated > 0;
                cluster.wait_for("some orders", some).await;
                wires.stop_at(step, when);
            }
            wires.caught(step).await;
            cluster.kill(worker).await;
            cluster.start_worker().await;
            cluster.ends_exact(&run_id).await;
            cluster.finish().await;
        }
    }
    servers.remove().await;
}

/// What happens while a worker stands still, and what there is afterwards.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Done,
    Cancel,
    Reset,
    NewRun,
}

/// The worker of the fixture has sent `step` and stands still; all else goes on without
/// it. Then what it had sent arrives, and it wakes up.
async fn late(servers: &Servers, step: Step, meanwhile: Meanwhile) {
    eprintln!("{step:?} arrives late, after {meanwhile:?}");
    let mut cluster = Cluster::start_on(servers, 0, &[]).await;
    let (zombie, wires) = Wires::start(&mut cluster, Kind::Worker, servers).await;
    wires.stop_at(step, Before);
    let run_id = cluster.client().generate(1_000).await;
    wires.caught(step).await;
    cluster.process(zombie).signal("STOP").await;
    cluster.start_worker().await;
    let orders = match meanwhile {
        Meanwhile::Done => {
            // Not all are at rest: one stands still.
            let done = cluster.done().await;
            assert!(done.is_of(&run_id), "{:#}", done.json);
            assert_eq!(done.dead(), 0, "{:#}", done.json);
            cluster.audit().await;
            1_000
        }
        Meanwhile::Cancel => {
            let answer = cluster.client().cancel("waitTimeoutMs=0&pollIntervalMs=10").await;
            assert_eq!(answer["aborted"], true, "{answer:#}");
            // One more may arrive, outside of the counts.
            cluster.stores.orders().await
        }
        Meanwhile::Reset => {
            cluster.client().reset().await;
            0
        }
        Meanwhile::NewRun => {
            cluster.client().reset().await;
            cluster.run(1_000).await;
            1_000
        }
    };
    let before = cluster.client().status().await;
    wires.let_go(step);
    cluster.process(zombie).signal("CONT").await;
    cluster.at_rest().await;
    let after = cluster.client().status().await;
    assert_eq!(after.json["ledger"], before.json["ledger"], "{step:?} {meanwhile:?}");
    assert_eq!(cluster.stores.pending().await, 0, "{step:?} {meanwhile:?}");
    let now = cluster.stores.orders().await;
    if matches!(meanwhile, Meanwhile::Cancel) {
        assert!(now >= orders, "{step:?}: cancelled orders vanished");
    } else {
        assert_eq!(now, orders, "{step:?} {meanwhile:?}");
    }
    if after.phase.is_ended() {
        cluster.audit().await;
    }
    // And the zombie works on.
    cluster.run(1_000).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stands_still_in_a_step_changes_nothing_when_it_goes_on() {
    let servers = Servers::start().await;
    let steps = [
        Command("insert", "orders"),
        Script("push_chunk"),
        Command("update", "orders"),
        Script("ack"),
    ];
    for step in steps {
        for meanwhile in [Meanwhile::Done, Meanwhile::Cancel, Meanwhile::Reset, Meanwhile::NewRun] {
            late(&servers, step, meanwhile).await;
        }
    }
    servers.remove().await;
}

const GENERATE: [Step; 5] = [
    Script("snapshot"),
    Command("find", "control"),
    Intent("run"),
    Command("update", "process_runs"),
    Script("adopt"),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_at_any_step_of_a_generate_starts_one_run_or_none() {
    let servers = Servers::start().await;
    for step in GENERATE {
        for when in BOTH {
            eprintln!("{when:?} {step:?}");
            let mut cluster = Cluster::on(&servers, &[]).await;
            let (dying, wires) = Wires::start(&mut cluster, Kind::Api, &servers).await;
            let other = cluster.start_api().await;
            cluster.start_worker().await;
            wires.stop_at(step, when);
            let client = cluster.client_of(dying).clone();
            let asked = tokio::spawn(async move {
                let path = "/pedidos/generate?quantity=1000";
                client.try_raw(Method::POST, path, Some("the-same-key")).await
            });
            wires.caught(step).await;
            cluster.kill(dying).await;
            let answer = asked.await.unwrap();
            assert!(answer.is_none(), "it was stopped, and answered {answer:#?}");
            // Asked again, with the-same-key, of another.
            let again = cluster.client_of(other);
            let answer = again.try_generate("quantity=1000", Some("the-same-key")).await.json(202);
            let run_id = answer["runId"].as_str().unwrap().to_owned();
            cluster.ends_exact(&run_id).await;
            assert_eq!((cluster.stores.runs().await, cluster.stores.orders().await), (1, 1_000));
            cluster.finish().await;
        }
    }
    servers.remove().await;
}

/// A call of the API, and the steps that the API may be killed at.
struct Call {
    path: &'static str,
    steps: &'static [Step],
}

const CONTROL: Step = Command("update", "control");
const ORDERS: Step = Command("update", "orders");

/// In the middle of a run.
const CALLS: [Call; 5] = [
    Call { path: "/pedidos/queue/pause", steps: &[CONTROL, Script("adopt")] },
    Call { path: "/pedidos/queue/resume", steps: &[CONTROL, Script("adopt")] },
    Call {
        path: "/pedidos/cancel?waitTimeoutMs=0&pollIntervalMs=10",
        steps: &[
            CONTROL,
            Script("adopt"),
            ORDERS,
            Command("aggregate", "orders"),
            Intent("ended"),
            Command("update", "process_runs"),
        ],
    },
    Call {
        path: "/pedidos/reset",
        steps: &[
            CONTROL,
            Script("adopt"),
            Command("delete", "orders"),
            Command("delete", "process_runs"),
        ],
    },
    Call {
        path: "/pedidos/queue/clean?state=wait&limit=50",
        steps: &[Script("take"), ORDERS, Script("ack")],
    },
];

/// One API is killed at a step of a call. Answers the client of another.
async fn killed_at(
    cluster: &mut Cluster,
    (dying, wires): (Id, Wires),
    path: &'static str,
    (step, when): (Step, When),
) -> Client {
    eprintln!("{path}: {when:?} {step:?}");
    wires.stop_at(step, when);
    let client = cluster.client_of(dying).clone();
    let asked = tokio::spawn(async move { client.try_raw(Method::POST, path, None).await });
    wires.caught(step).await;
    cluster.kill(dying).await;
    let answer = asked.await.unwrap();
    assert!(answer.is_none(), "it was stopped, and answered {answer:#?}");
    cluster.client().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_at_any_step_of_a_command_leaves_it_done_or_not_begun() {
    let servers = Servers::start().await;
    for Call { path, steps } in CALLS {
        for at in steps.iter().flat_map(|step| BOTH.map(|when| (*step, when))) {
            let mut cluster = Cluster::on(&servers, long_in(Phase::WaitingVipDrain)).await;
            let dying = Wires::start(&mut cluster, Kind::Api, &servers).await;
            cluster.start_api().await;
            cluster.start_worker().await;
            let (run_id, _) = cluster.hold(Phase::WaitingVipDrain).await;
            if !path.ends_with("resume") {
                cluster.client().resume().await;
            }
            let api = killed_at(&mut cluster, dying, path, at).await;
            if path.starts_with("/pedidos/reset") {
                // Another finishes it, or is asked to.
                api.reset().await;
                cluster.at_rest().await;
                assert_eq!((cluster.stores.orders().await, cluster.stores.runs().await), (0, 0));
                cluster.run(1_000).await;
            } else {
                // Whatever became of a pause or of its end, a person lifts it.
                api.resume().await;
                let ended = |status: &Status| status.phase.is_ended();
                let ended = cluster.wait_for("an end", ended).await;
                assert!(ended.is_of(&run_id), "{:#}", ended.json);
                assert_eq!(ended.terminal(), ended.progress.generated, "{:#}", ended.json);
                cluster.at_rest().await;
                cluster.audit().await;
            }
            cluster.finish().await;
        }
    }
    servers.remove().await;
}

const LETTERS: [&str; 2] =
    ["/pedidos/queue/retry-failed", "/pedidos/queue/clean?state=failed&limit=1000"];

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_at_any_step_with_dead_letters_loses_none_of_them() {
    let servers = Servers::start().await;
    for path in LETTERS {
        for at in [ORDERS, CONTROL, Script("adopt")].iter().flat_map(|s| BOTH.map(|w| (*s, w))) {
            let mut cluster = Cluster::on(&servers, GIVEN_UP_AT_ONCE).await;
            let dying = Wires::start(&mut cluster, Kind::Api, &servers).await;
            cluster.start_api().await;
            cluster.start_worker().await;
            let run_id = cluster.generate_with_dead(600, [4, 3]).await;
            let done = cluster.done().await;
            assert_eq!(done.dead(), 7, "{:#}", done.json);
            cluster.samples.expect_replay();
            let api = killed_at(&mut cluster, dying, path, at).await;
            // Asked again, whatever became of the first: nothing is left to be done.
            cluster.samples.expect_replay();
            api.raw(Method::POST, path).await.json(200);
            let none = |status: &Status| status.phase == Phase::Done && status.dead() == 0;
            let done = cluster.wait_for("no dead letters", none).await;
            assert!(done.is_of(&run_id), "{:#}", done.json);
            let [vip, normal] = done.ledger.both();
            let removed = if path.contains("clean") { (4, 3) } else { (0, 0) };
            assert_eq!((vip.removed, normal.removed), removed, "{:#}", done.json);
            cluster.audit().await;
            cluster.finish().await;
        }
    }
    servers.remove().await;
}
