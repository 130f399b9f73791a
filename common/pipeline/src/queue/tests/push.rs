//! `push_chunk` and `push_normal`.

use super::*;

#[tokio::test]
async fn a_chunk_is_counted_once() {
    let run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    assert_eq!(run.push(&chunk).await, Closed::Applied(Phase::EnqueueVip));
    assert_eq!(run.push(&chunk).await, Closed::Stale);
    let seen = run.see().await;
    let vip = ids(0..8, VIP).len() as u64;
    assert_eq!((seen.ledger(VIP).generated, seen.ledger(VIP).waiting), (vip, vip));
    assert_eq!((seen.ledger(NORMAL).generated, seen.ledger(NORMAL).deferred), (8 - vip, 8 - vip));
    assert_eq!(run.field("vipPledged").await.as_deref(), Some("0"));
}

#[tokio::test]
async fn what_a_replay_finds_terminal_is_counted_and_not_pushed() {
    let run = Fixture::with_run(&settings(), 8).await;
    let chunk = run.take().await;
    let mut todo = ids(0..8, VIP);
    todo.pop().unwrap();
    let push = Push { dead: 1, processed: todo.len() as u64, ..Push::default() };
    let normal = ids(0..8, NORMAL).len() as u64;
    // Nothing VIP is left to do: the fence opens in the same step.
    let closed = run.push_chunk(&chunk.token, &push, normal, true).await.unwrap();
    assert_eq!(closed, Closed::Applied(Phase::EnqueueNormal));
    let range = run.take().await;
    assert!(range.replay);
    let normal = ids(0..6, NORMAL);
    let push = Push { todo: normal[1..].to_vec(), processed: 1, ..Push::default() };
    run.push_normal(&range.token, &push).await.unwrap();
    let seen = run.see().await;
    assert_eq!(seen.ledger(VIP).dead, 1);
    assert_eq!(seen.ledger(NORMAL).processed, 1);
    assert_eq!(seen.ledger(NORMAL).waiting as usize, normal.len() - 1);
}

#[tokio::test]
async fn a_push_that_does_not_add_up_is_refused_and_changes_nothing() {
    let run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    let vip = Push { todo: ids(0..8, VIP), ..Push::default() };
    let refused = run.push_chunk(&chunk.token, &vip, 1, false).await;
    assert!(matches!(refused, Err(QueueError::Refused(_))), "{refused:?}");
    let refused = run.push_normal(&chunk.token, &Push::default()).await;
    assert!(matches!(refused, Err(QueueError::Refused(_))), "{refused:?}");
    assert_eq!(run.see().await.ledger(VIP).generated, 0);
    assert_eq!(run.push(&chunk).await, Closed::Applied(Phase::EnqueueVip));
}
