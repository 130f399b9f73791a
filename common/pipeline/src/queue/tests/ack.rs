//! `ack`, and the end that it makes work.

use super::*;

#[tokio::test]
async fn an_ack_counts_once_and_only_its_own_batch() {
    let run = Fixture::with_run(&settings(), 8).await;
    generate_all(&run).await;
    let lease = run.take().await;
    let Work::Drain(VIP, batch) = &lease.work else { panic!("{lease:?}") };
    let outsider = ids(8..64, VIP)[0];
    for wrong in [
        Outcome { dead: vec![outsider], ..Outcome::default() },
        Outcome { dead: vec![batch[0]], removed: vec![batch[0]], ..Outcome::default() },
        Outcome { removed: vec![batch[0], batch[0]], ..Outcome::default() },
    ] {
        let refused = run.ack(&lease.token, &wrong).await;
        assert!(matches!(refused, Err(QueueError::Refused(_))), "{wrong:?}: {refused:?}");
    }
    assert_eq!(run.see().await.ledger(VIP).leased, batch.len() as u64);
    let outcome = Outcome { dead: vec![batch[0]], ..Outcome::default() };
    assert!(matches!(run.ack(&lease.token, &outcome).await.unwrap(), Closed::Applied(_)));
    assert_eq!(run.ack(&lease.token, &outcome).await.unwrap(), Closed::Stale);
    let ledger = run.see().await.ledger(VIP);
    assert_eq!((ledger.dead, ledger.processed, ledger.leased), (1, batch.len() as u64 - 1, 0));
}

#[tokio::test]
async fn a_made_up_token_is_stale_everywhere() {
    let run = Fixture::with_run(&settings(), 8).await;
    let token = Token::random();
    assert_eq!(run.ack(&token, &Outcome::default()).await.unwrap(), Closed::Stale);
    assert_eq!(run.push_normal(&token, &Push::default()).await.unwrap(), Closed::Stale);
    assert_eq!(run.push_chunk(&token, &Push::default(), 0, false).await.unwrap(), Closed::Stale);
    run.release(&token).await.unwrap();
    assert_eq!(run.see().await.leases, 0);
}

#[tokio::test]
async fn a_failed_attempt_is_remembered_and_an_expired_lease_is_none() {
    let run = Fixture::with_run(&settings(), 8).await;
    generate_all(&run).await;
    let lease = run.take().await;
    let Work::Drain(VIP, batch) = &lease.work else { panic!("{lease:?}") };
    let retry = vec![(batch[0], Duration::ZERO)];
    run.ack(&lease.token, &Outcome { retry, ..Outcome::default() }).await.unwrap();
    run.make_retries_due().await;
    let again = run.take().await;
    run.expire(&again.token).await;
    run.reclaim().await.unwrap();
    let others = [batch[0], ids(8..64, VIP)[0]];
    assert_eq!(run.attempts(&others).await.unwrap(), [1, 0]);
}

#[tokio::test]
async fn attempts_are_forgotten_when_an_order_is_terminal() {
    let mut wide = settings();
    (wide.chunk_size, wide.high_water) = (80, 400);
    let run = Fixture::with_run(&wide, 80).await;
    let batch = failed_batch(&run, Duration::from_mins(1)).await;
    assert!(batch.len() > 1, "the seed gives the batch two orders");
    run.make_retries_due().await;
    let lease = run.take().await;
    let outcome = Outcome { dead: vec![batch[0]], returned: vec![batch[1]], ..Outcome::default() };
    run.ack(&lease.token, &outcome).await.unwrap();
    let made = run.attempts(&batch).await.unwrap();
    assert_eq!((made[0], made[1]), (0, 1), "terminal, and not yet");
    assert!(made[2..].iter().all(|made| *made == 0), "{made:?}");
    let lease = run.take().await;
    assert!(matches!(&lease.work, Work::Drain(VIP, ids) if ids[0] == batch[1]), "{lease:?}");
    run.ack(&lease.token, &Outcome::default()).await.unwrap();
    assert_eq!(run.remembered("attempts").await, 0);
}

#[tokio::test]
async fn too_many_dead_letters_stop_the_run_and_cancel_leaves_that() {
    let mut strict = settings();
    strict.max_dead = 0;
    let mut run = Fixture::with_run(&strict, 20).await;
    generate_all(&run).await;
    let lease = loop {
        let lease = run.take().await;
        if matches!(lease.work, Work::Drain(..)) {
            break lease;
        }
        run.push(&lease).await;
    };
    let Work::Drain(_, batch) = &lease.work else { panic!("{lease:?}") };
    let dead = vec![batch[0]];
    let closed = run.ack(&lease.token, &Outcome { dead, ..Outcome::default() }).await.unwrap();
    assert_eq!(closed, Closed::Applied(Phase::Error));
    run.expect_none().await;
    assert!(run.see().await.run.unwrap().error.unwrap().contains("dead letters"));
    run.cancel().await;
    run.set_field("saveAfter", "1").await;
    assert_eq!(run.take().await.work, Work::Save);
}

#[tokio::test]
async fn the_last_ack_does_not_show_done_but_makes_the_end_work() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let save = work_to_the_end(&run).await;
    let seen = run.see().await;
    assert_eq!(seen.phase(), Phase::WaitingNormalDrain);
    assert_eq!(seen.ledger(VIP).processed + seen.ledger(NORMAL).processed, 20);
    assert_eq!(seen.run.as_ref().unwrap().figures.violations, 0);
    run.expect_none().await;
    // A save that failed is handed back, and is work again after a pause.
    run.release(&save.token).await.unwrap();
    run.expect_none().await;
    run.set_field("saveAfter", "1").await;
    assert_eq!(run.take().await.work, Work::Save);
    run.end(Phase::Done, seen.run.unwrap().figures).await;
    assert_eq!((run.phase().await, run.see().await.leases), (Phase::Done, 0));
}
