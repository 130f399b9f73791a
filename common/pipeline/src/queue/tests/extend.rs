//! `extend`: heartbeats.

use super::*;

fn info(id: &str) -> WorkerInfo {
    WorkerInfo {
        id: id.into(),
        host: "h".into(),
        pid: 1,
        version: "v".into(),
        slots: 25,
        busy: 3,
        processor: None,
    }
}

#[tokio::test]
async fn a_heartbeat_moves_the_deadline_and_names_what_is_gone() {
    let run = Fixture::with_run(&settings(), 20).await;
    let lease = run.take().await;
    run.set_deadline(&lease.token, 5.0).await;
    let gone = Token::random();
    let stale = run.extend(&info("w1"), &[lease.token.clone(), gone.clone()]).await.unwrap();
    assert_eq!(stale, [gone]);
    assert!(run.deadline(&lease.token).await.unwrap() > 1e12);
    let first = run.see().await;
    assert_eq!((first.workers.len(), &first.workers[0].info), (1, &info("w1")));
    assert!((first.now_ms - 5_000..=first.now_ms).contains(&first.workers[0].seen_ms));
    run.extend(&info("w1"), &[]).await.unwrap();
    let again = run.see().await.workers;
    assert!((first.workers[0].seen_ms..).contains(&again[0].seen_ms), "its last heartbeat");
    run.leave("w1").await.unwrap();
    assert!(run.see().await.workers.is_empty());
}
