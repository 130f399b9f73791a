//! `pedidos follow`, as a container and an impatient API have it.

use pedidos_core::role::Role;
use pedidos_e2e::{
    Cluster,
    keys::KeyFile,
    process::{Environment, Process},
};

fn told(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_what_is_followed_and_say_that_the_run_goes_on() {
    let mut cluster = Cluster::start(0, &[]).await;
    let run_id = cluster.client().generate(500).await;
    let url = format!("http://{}", cluster.client().address());
    let environment = told(&[("PEDIDOS_URL", &url)]);
    for signal in ["INT", "TERM", "HUP"] {
        let mut follow = Process::attentive("follow", "pedidos", &["follow"], &environment);
        follow.line("no worker alive").await;
        follow.signal(signal).await;
        let status = follow.ended().await;
        let said = follow.all().await;
        assert_eq!(status.code(), Some(130), "{signal}: {said}");
        assert!(said.contains(&format!("run {run_id} continues")), "{signal}: {said}");
    }
    let mut logs = Process::attentive("logs", "pedidos", &["logs", "--follow"], &environment);
    logs.line("INFO").await;
    logs.signal("TERM").await;
    assert_eq!(logs.ended().await.code(), Some(130));
    cluster.start_worker().await;
    cluster.ends_exact(&run_id).await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_waits_when_its_calls_exceed_the_limit() {
    let keys = KeyFile::new();
    let [ops, eyes] = [("ops", Role::Admin), ("eyes", Role::Viewer)].map(|(n, r)| keys.add(n, r));
    let mut settings = keys.settings();
    // As many at once, and then one in ten seconds.
    settings.push(("RATE_LIMIT_READS", "6".to_owned()));
    let mut cluster = Cluster::guarded(&settings).await;
    let run_id = cluster.client_with(&ops).generate(500).await;
    let url = format!("http://{}", cluster.client().address());
    let environment = told(&[("PEDIDOS_URL", &url), ("PEDIDOS_KEY", &eyes)]);
    let mut follow = Process::spawn("follow", "pedidos", &["follow"], &environment);
    follow.line("still trying").await;
    assert!(follow.is_running(), "{}", follow.tail());
    cluster.start_worker().await;
    let status = follow.ended().await;
    let said = follow.all().await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("Too many requests") && said.contains(&run_id), "{said}");
    cluster.finish().await;
}
