//! How often a caller may call: one allowance for all replicas.

use std::time::Instant;

use pedidos_core::role::Role;
use pedidos_e2e::{Client, Cluster, client::Answer, keys::KeyFile};
use reqwest::{Method, header};

/// Writes a minute: one more every ten seconds.
const WRITES: u32 = 6;

/// Calls both in turns; answers how many were taken, and the refusals of each.
async fn in_turns(both: [&Client; 2], path: &str, times: usize) -> (u32, [Vec<Answer>; 2]) {
    let (mut taken, mut refused) = (0, [Vec::new(), Vec::new()]);
    for turn in 0..times {
        let answer = both[turn % 2].raw(Method::POST, path).await;
        match answer.status {
            429 => refused[turn % 2].push(answer),
            _ => taken += 1,
        }
    }
    (taken, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_shared_by_all_replicas_and_each_caller_has_its_own() {
    let keys = KeyFile::new();
    let names = ["one", "two"];
    let [one, two] = names.map(|name| keys.add(name, Role::Operator));
    let mut settings = keys.settings();
    settings.push(("RATE_LIMIT_WRITES", WRITES.to_string()));
    let mut cluster = Cluster::guarded(&settings).await;
    let other = cluster.start_api().await;
    let replicas = [cluster.client().clone(), cluster.client_of(other).clone()];
    let began = Instant::now();
    // However slow this machine is, so many came back meanwhile.
    let back = || began.elapsed().as_secs() as u32 / (60 / WRITES) + 1;
    let resume = "/pedidos/queue/resume";
    for key in [&one, &two] {
        let clients = replicas.each_ref().map(|client| client.with_key(key));
        let (taken, refused) = in_turns(clients.each_ref(), resume, 30).await;
        assert!((WRITES..=WRITES + back()).contains(&taken), "{taken} were taken");
        for answer in refused.iter().inspect(|all| assert!(!all.is_empty())).flatten() {
            assert_eq!(answer.problem(429)["title"], "Too many requests");
            let wait: u32 = answer.header(header::RETRY_AFTER).parse().unwrap();
            assert!((1..=60 / WRITES).contains(&wait), "{answer:#?}");
            let policy = answer.headers["ratelimit-policy"].to_str().unwrap();
            assert_eq!(policy, format!("\"writes\";q={WRITES};w=60"));
            let left = answer.headers["ratelimit"].to_str().unwrap();
            assert!(left.starts_with("\"writes\";r=0;t="), "{left}");
        }
    }
    // What only looks has an allowance of its own, and says what is left.
    let looked = replicas[0].with_key(&one).raw(Method::GET, "/pedidos").await;
    assert_eq!(looked.status, 200, "{looked:#?}");
    let left = looked.headers["ratelimit"].to_str().unwrap();
    assert!(left.starts_with("\"reads\";r=") && !left.starts_with("\"reads\";r=0;"), "{left}");

    // Who is not known is known by the address, with however many keys they try.
    let mut statuses = Vec::new();
    for turn in 0..30 {
        let stranger = replicas[turn % 2].with_key(&format!("pedidos_{turn}"));
        statuses.push(stranger.raw(Method::POST, resume).await.status);
    }
    let tried = statuses.iter().filter(|status| **status == 401).count() as u32;
    assert!((WRITES..=WRITES + back()).contains(&tried), "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 401 | 429)), "{statuses:?}");

    // All of them together left a line or two in the trail, not one each.
    let lines = cluster.audit_lines().await;
    let too_many =
        lines.iter().filter(|line| line.get_i32("status").ok() == Some(429)).count() as u32;
    let minutes = began.elapsed().as_secs() as u32 / 60 + 1;
    assert!((3..=3 * minutes).contains(&too_many), "{too_many}");
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_from_the_same_machine_are_not_limited() {
    let settings = [("RATE_LIMIT_READS", "1".to_owned()), ("RATE_LIMIT_WRITES", "1".to_owned())];
    let cluster = Cluster::guarded(&settings).await;
    for _ in 0..20 {
        cluster.client().resume().await;
        let answer = cluster.client().raw(Method::GET, "/pedidos").await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        assert!(!answer.headers.contains_key("ratelimit"), "{answer:#?}");
    }
    // But what a page from elsewhere makes a browser send is.
    let headers = [("origin", "https://evil.example")];
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let path = "/pedidos/queue/resume";
        statuses.push(cluster.client().with_headers(Method::POST, path, &headers).await.status);
    }
    assert_eq!(statuses[0], 403);
    assert!(statuses[1..].contains(&429), "{statuses:?}");
    cluster.finish().await;
}
