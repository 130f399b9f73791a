//! Who is accepted, and who is not.

use pedidos_core::run::Phase;
use pedidos_e2e::{Client, Cluster, client::Answer};

async fn two_replicas() -> (Cluster, Client, Client) {
    let mut cluster = Cluster::new(&[]).await;
    let ids = [cluster.start_api().await, cluster.start_api().await];
    let [one, two] = ids.map(|id| cluster.client_of(id).clone());
    (cluster, one, two)
}

fn run_of(answer: &Answer) -> String {
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    json["runId"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_generates_at_once_to_two_replicas_exactly_one_is_accepted() {
    let (mut cluster, one, two) = two_replicas().await;
    cluster.start_worker().await;
    for round in 0..25 {
        // A run that is held back is not over before the other is asked for.
        one.pause().await;
        let (first, second) = tokio::join!(
            one.try_generate("quantity=60", None),
            two.try_generate("quantity=60", None),
        );
        one.resume().await;
        let (accepted, refused) = match (first.status, second.status) {
            (202, 409) => (first, second),
            (409, 202) => (second, first),
            _ => panic!("round {round}: {first:#?}\n{second:#?}"),
        };
        let problem = refused.problem(409);
        assert_eq!(problem["runId"], run_of(&accepted), "{accepted:#?}\n{refused:#?}");
        let status = cluster.done().await;
        assert!(status.is_of(&run_of(&accepted)), "{:#}", status.json);
        cluster.audit().await;
    }
    assert_eq!(cluster.stores.runs().await, 25);
    assert_eq!(cluster.stores.orders().await, 25 * 60);
    cluster.finish().await;
}

/// 422: the key belongs to this run, of 60 orders.
fn refuses_the_key(answer: &Answer, run: &serde_json::Value) {
    let problem = answer.problem(422);
    assert_eq!(problem["runId"], *run, "{answer:#?}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("60, not 7") && detail.contains("another key"), "{answer:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_twice_at_once_is_the_same_run_twice() {
    let (mut cluster, one, two) = two_replicas().await;
    cluster.start_worker().await;
    let mut runs = Vec::new();
    for round in 0..25 {
        let key = format!("key-{round}");
        let (first, second) = tokio::join!(
            one.try_generate("quantity=60", Some(&key)),
            two.try_generate("quantity=60", Some(&key)),
        );
        let (first, second) = (first.json(202), second.json(202));
        assert_eq!(first["runId"], second["runId"]);
        assert_eq!([&first["quantity"], &second["quantity"]], [60, 60]);
        cluster.done().await;
        runs.push(first["runId"].clone());
    }
    // Also long after; and a request for another run gets none.
    for (round, run) in runs.iter().enumerate() {
        let key = format!("key-{round}");
        let again = two.try_generate("quantity=60", Some(&key)).await.json(202);
        assert_eq!([&again["runId"], &again["quantity"]], [run, &60.into()]);
        refuses_the_key(&two.try_generate("quantity=7", Some(&key)).await, run);
    }
    assert_eq!(cluster.stores.runs().await, 25);
    assert_eq!(cluster.stores.orders().await, 25 * 60);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_asked_for_at_once_with_one_key_the_second_is_refused_by_name() {
    let (mut cluster, one, two) = two_replicas().await;
    cluster.start_worker().await;
    for round in 0..25 {
        let key = format!("key-{round}");
        // Neither ends before the other is asked for.
        one.pause().await;
        let (first, second) = tokio::join!(
            one.try_generate("quantity=60", Some(&key)),
            two.try_generate("quantity=7", Some(&key)),
        );
        let (accepted, refused) = match (first.status, second.status) {
            (202, 422) => (&first, &second),
            (422, 202) => (&second, &first),
            _ => panic!("round {round}: {first:#?}\n{second:#?}"),
        };
        let run_id = run_of(accepted);
        assert_eq!(refused.problem(422)["runId"], run_id, "{refused:#?}");
        // Whoever repeats what was accepted gets it, at any replica; also while it is active.
        for client in [&one, &two] {
            let quantity = accepted.json(202)["quantity"].clone();
            let again = client.try_generate(&format!("quantity={quantity}"), Some(&key)).await;
            assert_eq!(run_of(&again), run_id, "{again:#?}");
        }
        one.resume().await;
        cluster.done().await;
    }
    assert_eq!(cluster.stores.runs().await, 25);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_a_seed_and_a_processor_too() {
    let cluster = Cluster::start(1, &[]).await;
    let client = cluster.client();
    let run = client.try_generate("quantity=60&seed=5", Some("k")).await.json(202);
    for same in ["quantity=60&seed=5", "quantity=60", "quantity=60&pauseAfter=7"] {
        let again = client.try_generate(same, Some("k")).await.json(202);
        assert_eq!(again["runId"], run["runId"], "{same}");
    }
    for (other, says) in [
        ("quantity=60&seed=6", "seed 5, not 6"),
        ("quantity=60&processor=refunds", "processor builtin, not refunds"),
    ] {
        let problem = client.try_generate(other, Some("k")).await.problem(422);
        assert_eq!(problem["runId"], run["runId"], "{other}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem:#}");
    }
    cluster.ends_exact(run["runId"].as_str().unwrap()).await;
    assert_eq!(cluster.stores.runs().await, 1);
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_is_refused_while_one_is_active_and_changes_nothing() {
    let (mut cluster, one, two) = two_replicas().await;
    // No worker: the run waits, active.
    let run_id = one.generate(500).await;
    let before = one.status().await;
    assert_eq!(before.phase, Phase::Generating);
    for client in [&one, &two, &one] {
        let refused = client.try_generate("quantity=10", Some("another")).await;
        let problem = refused.problem(409);
        assert_eq!(problem["runId"], *run_id, "{refused:#?}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&run_id), "{refused:#?}");
    }
    assert_eq!(one.status().await.json["progress"], before.json["progress"]);
    assert_eq!(cluster.stores.runs().await, 1);
    cluster.start_worker().await;
    let status = cluster.done().await;
    assert!(status.is_of(&run_id));
    assert_eq!(status.progress.target, 500);
    cluster.audit().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_workers_is_accepted_and_waits_for_one() {
    let mut cluster = Cluster::start(0, &[]).await;
    let run_id = cluster.client().generate(500).await;
    let status = cluster.client().status().await;
    assert_eq!((status.workers.alive, status.progress.generated), (0, 0));
    cluster.start_worker().await;
    assert!(cluster.done().await.is_of(&run_id));
    cluster.audit().await;
    cluster.finish().await;
}
