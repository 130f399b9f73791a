//! `reclaim`: leases that expire or are handed back.

use super::*;

#[tokio::test]
async fn an_expired_lease_goes_back_to_the_head_in_its_order() {
    let mut wide = settings();
    (wide.chunk_size, wide.high_water) = (40, 400);
    let run = Fixture::with_run(&wide, 40).await;
    generate_all(&run).await;
    let first = run.take().await;
    let second = run.take().await;
    for lease in [&second, &first] {
        run.expire(&lease.token).await;
        assert_eq!(run.reclaim().await.unwrap(), 1);
    }
    assert_eq!(run.take().await.work, first.work);
    assert_eq!(run.take().await.work, second.work);
    assert_eq!(run.ack(&first.token, &Outcome::default()).await.unwrap(), Closed::Stale);
}

#[tokio::test]
async fn an_expired_chunk_is_generated_by_another() {
    let run = Fixture::with_run(&settings(), 20).await;
    let frozen = run.take().await;
    run.expire(&frozen.token).await;
    run.reclaim().await.unwrap();
    let again = run.take().await;
    assert_eq!(again.work, frozen.work);
    assert_eq!(run.push(&again).await, Closed::Applied(Phase::EnqueueVip));
    assert_eq!(run.push(&frozen).await, Closed::Stale);
    work_to_the_end(&run).await;
    assert_eq!(run.see().await.ledger(VIP).processed as usize, ids(0..20, VIP).len());
}

#[tokio::test]
async fn a_lease_that_has_not_expired_stays() {
    let run = Fixture::with_run(&settings(), 20).await;
    let lease = run.take().await;
    assert_eq!(run.reclaim().await.unwrap(), 0);
    assert_eq!(run.push(&lease).await, Closed::Applied(Phase::EnqueueVip));
}

#[tokio::test]
async fn what_is_no_longer_listed_is_told_with_control() {
    let mut run = Fixture::with_run(&settings(), 8).await;
    work_to_the_end(&run).await;
    assert_eq!(run.see().await.completed(), 8);
    run.change(|control| control.hidden = 3).await;
    assert_eq!(run.see().await.completed(), 5);
    let dead = Figures { vip_dead: 2, vip_generated: 2, ..Figures::default() };
    run.end(Phase::Aborted, dead).await;
    // The fixture's cancel purges.
    let ended = run.see().await;
    assert_eq!((ended.failed(), ended.ledger(VIP).dead), ([0, 0], 2));
}

#[tokio::test]
async fn a_queue_that_nobody_has_opened_takes_writes_and_stays_empty() {
    let queue = Fixture::new(&settings()).await;
    queue.takes_writes().await.unwrap();
    assert_eq!(queue.field("clock").await, None);
    queue.delete_all().await;
}

#[tokio::test]
async fn a_released_lease_is_given_again_at_once() {
    let run = Fixture::with_run(&settings(), 20).await;
    let lease = run.take().await;
    run.release(&lease.token).await.unwrap();
    assert_eq!(run.take().await.work, lease.work);
}

#[tokio::test]
async fn all_leases_of_a_worker_are_handed_back_with_one_call() {
    let run = Fixture::with_run(&settings(), 40).await;
    let (one, other) = (run.take().await, run.take().await);
    let gone = Token::random();
    let all = [one.token.clone(), gone, other.token.clone()];
    assert_eq!(run.release_all(&all).await.unwrap(), 2);
    assert_eq!(run.see().await.leases, 0);
    assert_eq!(run.release_all(&all).await.unwrap(), 0);
    assert_eq!(run.release_all(&[]).await.unwrap(), 0);
    let again = [run.take().await.work, run.take().await.work];
    assert!(again.contains(&one.work) && again.contains(&other.work), "{again:?}");
}
