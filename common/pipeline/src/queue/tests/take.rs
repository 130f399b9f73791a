//! `take`: orders that a person removes.

use super::*;

/// Takes orders out of the queue, as a clean does.
async fn pick(run: &Fixture, what: Take, most: u64) -> Option<(Token, Vec<OrderId>)> {
    pick_of(run, what, None, most).await
}

async fn pick_of(
    run: &Fixture,
    what: Take,
    only: Option<Priority>,
    most: u64,
) -> Option<(Token, Vec<OrderId>)> {
    let token = Token::random();
    match run.queue.take(&token, "clean", what, only, most).await.unwrap() {
        Claim::Work(lease) => match lease.work {
            Work::Drain(_, ids) => Some((token, ids)),
            other => panic!("{other:?}"),
        },
        Claim::Wait(..) => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_taken_is_removed_or_returned_also_while_the_queue_is_paused() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    run.pause().await;
    let before = waiting(&run).await;
    let (token, picked) = pick(&run, Take::Waiting, 3).await.unwrap();
    assert_eq!(picked, before[..picked.len()]);
    assert_eq!(run.see().await.ledger(VIP).leased, picked.len() as u64);
    let outcome =
        Outcome { removed: vec![picked[0]], returned: picked[1..].to_vec(), ..Outcome::default() };
    run.ack(&token, &outcome).await.unwrap();
    assert_eq!(waiting(&run).await, before[1..], "returned to the head, in order");
    let seen = run.see().await;
    assert_eq!((seen.ledger(VIP).removed, seen.ledger(VIP).leased), (1, 0));
    // A person removed it; nobody worked on it.
    assert_eq!(seen.run.unwrap().figures.processing(VIP), (0, 0));
}

#[tokio::test]
async fn taking_the_last_vip_orders_opens_the_fence() {
    let run = Fixture::with_run(&settings(), 8).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    assert_eq!(run.phase().await, Phase::WaitingVipDrain);
    let (token, removed) = pick(&run, Take::Waiting, 100).await.unwrap();
    run.ack(&token, &Outcome { removed, ..Outcome::default() }).await.unwrap();
    assert_eq!(run.phase().await, Phase::EnqueueNormal);
    assert!(pick(&run, Take::Waiting, 100).await.is_none());
}

#[tokio::test]
async fn of_one_priority_no_other_order_is_taken() {
    let run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    for what in [Take::Waiting, Take::Delayed, Take::Active { before: i64::MAX >> 11 }] {
        assert!(pick_of(&run, what, Some(NORMAL), 100).await.is_none(), "VIP orders wait alone");
    }
    let before = waiting(&run).await;
    let (token, picked) = pick_of(&run, Take::Waiting, Some(VIP), 2).await.unwrap();
    assert_eq!(picked, before[..2]);
    let returned = picked.clone();
    run.ack(&token, &Outcome { returned, ..Outcome::default() }).await.unwrap();
    assert_eq!(waiting(&run).await, before);
}

#[tokio::test]
async fn orders_that_wait_for_a_retry_are_taken_too() {
    let run = Fixture::with_run(&settings(), 8).await;
    generate_all(&run).await;
    let lease = run.take().await;
    let Work::Drain(VIP, batch) = &lease.work else { panic!("{lease:?}") };
    let retry = vec![(batch[0], Duration::from_mins(1))];
    run.ack(&lease.token, &Outcome { retry, ..Outcome::default() }).await.unwrap();
    let (total, parts) = run.jobs(Listed::Delayed, 0, 9).await.unwrap();
    assert_eq!((total, parts), (1, vec![Jobs::Orders(VIP, vec![batch[0]], 0)]));
    let (token, removed) = pick(&run, Take::Delayed, 100).await.unwrap();
    assert_eq!(removed, [batch[0]]);
    run.ack(&token, &Outcome { removed, ..Outcome::default() }).await.unwrap();
    let ledger = run.see().await.ledger(VIP);
    assert_eq!((ledger.delayed, ledger.removed), (0, 1));
}

#[tokio::test]
async fn what_is_taken_from_a_worker_is_its_no_more() {
    let run = Fixture::with_run(&settings(), 8).await;
    generate_all(&run).await;
    let lease = run.take().await;
    let Work::Drain(VIP, batch) = &lease.work else { panic!("{lease:?}") };
    let now = run.see().await.now_ms;
    assert!(pick(&run, Take::Active { before: now - 60_000 }, 100).await.is_none(), "too young");
    let (token, picked) = pick(&run, Take::Active { before: now }, 100).await.unwrap();
    assert_eq!(picked[..batch.len()], batch[..]);
    assert_eq!(run.ack(&lease.token, &Outcome::default()).await.unwrap(), Closed::Stale);
    // One's own leases are not taken again.
    assert!(pick(&run, Take::Active { before: now + 60_000 }, 100).await.is_none());
    run.ack(&token, &Outcome { removed: picked, ..Outcome::default() }).await.unwrap();
    assert_eq!(run.see().await.ledger(VIP).leased, 0);
}

#[tokio::test]
async fn nothing_is_taken_of_a_run_that_is_cancelled_or_over() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    run.cancel().await;
    assert!(pick(&run, Take::Waiting, 100).await.is_none());
    run.end(Phase::Aborted, Figures::default()).await;
    assert!(pick(&run, Take::Waiting, 100).await.is_none());
}

#[tokio::test]
async fn a_lost_answer_of_take_is_asked_for_again() {
    let run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    let token = Token::random();
    let first = run.queue.take(&token, "clean", Take::Waiting, None, 2).await.unwrap();
    let again = run.queue.take(&token, "clean", Take::Waiting, None, 2).await.unwrap();
    let (Claim::Work(first), Claim::Work(again)) = (first, again) else { panic!() };
    assert_eq!(first.work, again.work);
    assert_eq!(run.see().await.leases, 1);
}
