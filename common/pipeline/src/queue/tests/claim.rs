//! `claim`: what is given out, and when.

use super::*;

#[tokio::test]
async fn the_same_token_gets_the_same_lease() {
    let run = Fixture::with_run(&settings(), 20).await;
    let token = Token::random();
    for _ in 0..3 {
        match run.claim(&token, "w", [Duration::ZERO; 2], true, Calls::NONE).await.unwrap() {
            Claim::Work(lease) => assert_eq!(lease.work, Work::Generate(0..8)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(run.see().await.leases, 1);
}

#[tokio::test]
async fn full_batches_of_vip_orders_come_before_more_generating() {
    let mut small = settings();
    small.batch_size = 1;
    let run = Fixture::with_run(&small, 40).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    assert!(run.see().await.ledger(VIP).waiting > 0, "the seed gives VIP orders in this chunk");
    assert!(matches!(run.take().await.work, Work::Drain(Priority::Vip, _)));
}

#[tokio::test]
async fn a_part_of_a_batch_is_left_to_grow_while_more_is_generated() {
    let mut large = settings();
    large.batch_size = 100;
    let run = Fixture::with_run(&large, 20).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    assert_eq!(run.take().await.work, Work::Generate(8..16));
}

#[tokio::test]
async fn a_worker_that_builds_chunks_enough_is_given_none_and_drains() {
    let run = Fixture::with_run(&settings(), 20).await;
    let ask = || async {
        run.claim(&Token::random(), "w", [Duration::ZERO; 2], false, Calls::NONE).await.unwrap()
    };
    assert!(matches!(ask().await, Claim::Wait(..)));
    let chunk = run.take().await;
    run.push(&chunk).await;
    match ask().await {
        Claim::Work(lease) => assert!(matches!(lease.work, Work::Drain(Priority::Vip, _))),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_more_is_generated_than_high_water_allows_but_always_one() {
    let mut low = settings();
    (low.high_water, low.batch_size) = (8, 8);
    let run = Fixture::with_run(&low, 100).await;
    assert_eq!(run.take().await.work, Work::Generate(0..8));
    // Another eight might come of the one that is out.
    run.expect_none().await;
}

#[tokio::test]
async fn nothing_normal_is_given_while_a_vip_order_is_waiting_leased_or_delayed() {
    let run = Fixture::with_run(&settings(), 24).await;
    let vip = ids(0..24, VIP).len();
    generate_all(&run).await;
    let mut left = vip - run.see().await.ledger(VIP).processed as usize;
    assert!(left > 0, "the seed leaves VIP orders to the last chunk");
    while left > 0 {
        let lease = run.take().await;
        let Work::Drain(Priority::Vip, batch) = &lease.work else { panic!("{lease:?}") };
        left -= batch.len();
        if left == 0 {
            // The very last one: leased, then delayed, then processed.
            run.expect_none().await;
            let retry = vec![(batch[0], Duration::from_mins(1))];
            run.ack(&lease.token, &Outcome { retry, ..Outcome::default() }).await.unwrap();
            assert_eq!(run.phase().await, Phase::WaitingVipDrain);
            run.expect_none().await;
            run.make_retries_due().await;
            let again = run.take().await;
            assert_eq!(again.work, Work::Drain(VIP, vec![batch[0]]));
            run.ack(&again.token, &Outcome::default()).await.unwrap();
        } else {
            run.ack(&lease.token, &Outcome::default()).await.unwrap();
        }
    }
    assert_eq!(run.phase().await, Phase::EnqueueNormal);
    assert_eq!(run.take().await.work, Work::Enqueue(0..6));
}

#[tokio::test]
async fn a_waiting_retry_shortens_the_wait() {
    let run = Fixture::with_run(&settings(), 8).await;
    generate_all(&run).await;
    let lease = run.take().await;
    let Work::Drain(_, batch) = &lease.work else { panic!("{lease:?}") };
    let retry = batch.iter().map(|id| (*id, Duration::from_millis(300))).collect();
    run.ack(&lease.token, &Outcome { retry, ..Outcome::default() }).await.unwrap();
    match run.ask().await {
        Claim::Wait(hint, _) => assert!(hint <= Duration::from_millis(300), "{hint:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn retries_that_are_due_are_given_a_batch_at_a_time_ahead_of_what_waits() {
    let mut wide = settings();
    (wide.chunk_size, wide.high_water, wide.batch_size) = (80, 400, 4);
    let run = Fixture::with_run(&wide, 80).await;
    let first = failed_batch(&run, Duration::from_mins(1)).await;
    let other = run.take().await;
    let Work::Drain(VIP, second) = &other.work else { panic!("{other:?}") };
    let retry = second.iter().map(|id| (*id, Duration::from_mins(1))).collect();
    run.ack(&other.token, &Outcome { retry, ..Outcome::default() }).await.unwrap();
    let waits = run.take().await;
    run.release(&waits.token).await.unwrap();
    assert_eq!(run.see().await.ledger(VIP).delayed, 8);
    run.make_retries_due().await;
    let mut again = Vec::new();
    for _ in 0..2 {
        let lease = run.take().await;
        let Work::Drain(VIP, batch) = &lease.work else { panic!("{lease:?}") };
        assert_eq!(batch.len(), 4);
        again.extend_from_slice(batch);
    }
    again.sort_unstable();
    assert_eq!(again, [first, second.clone()].concat());
    assert_eq!(run.take().await.work, waits.work);
    assert_eq!(run.see().await.ledger(VIP).delayed, 0);
}

#[tokio::test]
async fn who_has_nothing_to_do_is_never_told_to_ask_again_at_once() {
    let mut run = Fixture::with_run(&settings(), 8).await;
    failed_batch(&run, Duration::from_millis(1)).await;
    run.pause().await;
    run.make_retries_due().await;
    // Due, but not to be had: there is no point in asking before anything changes.
    match run.ask().await {
        Claim::Wait(hint, _) => assert_eq!(hint, Duration::from_secs(1)),
        other => panic!("{other:?}"),
    }
    run.resume().await;
    let lease = run.take().await;
    let Work::Drain(VIP, batch) = &lease.work else { panic!("{lease:?}") };
    let retry = batch.iter().map(|id| (*id, Duration::from_millis(20))).collect();
    run.ack(&lease.token, &Outcome { retry, ..Outcome::default() }).await.unwrap();
    match run.ask().await {
        // What is due within a moment is one batch.
        Claim::Wait(hint, _) => assert!(hint >= Duration::from_millis(25), "{hint:?}"),
        Claim::Work(again) => assert_eq!(again.work, lease.work, "they are due by now"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_redis_that_lacks_a_part_of_the_run_says_so_and_keeps_the_fence_shut() {
    for (name, says) in
        [("vip", "VIP"), ("vip:delayed", "VIP"), ("leases", "lease"), ("leased", "lease")]
    {
        let mut wide = settings();
        (wide.chunk_size, wide.high_water, wide.batch_size) = (80, 400, 4);
        let run = Fixture::with_run(&wide, 80).await;
        let failed = failed_batch(&run, Duration::from_mins(1)).await;
        assert!(!failed.is_empty());
        let held = run.take().await;
        run.delete(name).await;
        if name == "vip" || name == "vip:delayed" {
            run.ack(&held.token, &Outcome::default()).await.unwrap();
        }
        // What is left is given out first.
        let (version, what) = loop {
            match run.ask().await {
                Claim::Work(lease) => {
                    assert!(matches!(lease.work, Work::Drain(VIP, _)), "{name}: {lease:?}");
                    run.ack(&lease.token, &Outcome::default()).await.unwrap();
                }
                Claim::Lost { version, what } => break (version, what),
                other => panic!("{name}: {other:?}"),
            }
        };
        assert!(what.contains(says), "{name}: {what}");
        assert_eq!(version, run.control.version);
        assert_eq!(run.field("phase").await.as_deref(), Some("WAITING_VIP_DRAIN"), "{name}");
    }
}

#[tokio::test]
async fn a_chunk_that_was_handed_back_and_is_gone_is_missed() {
    let run = Fixture::with_run(&settings(), 8).await;
    let chunk = run.take().await;
    run.release(&chunk.token).await.unwrap();
    run.delete("chunks").await;
    match run.ask().await {
        Claim::Lost { what, .. } => {
            assert!(what.contains("1 chunks are given out, 0 are done"), "{what}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn time_spent_pushing_is_added_up() {
    let run = Fixture::with_run(&settings(), 8).await;
    for _ in 0..2 {
        let spent = [Duration::from_micros(1500), Duration::from_micros(20)];
        run.claim(&Token::random(), "w", spent, true, Calls::NONE).await.unwrap();
    }
    let figures = run.see().await.run.unwrap().figures;
    assert_eq!((figures.enqueue_vip_us, figures.enqueue_normal_us), (3000, 40));
}

#[tokio::test]
async fn an_ended_run_stays_as_it_was_saved() {
    let mut run = Fixture::with_run(&settings(), 8).await;
    run.end(Phase::Done, Figures { enqueue_vip_us: 7, ..Figures::default() }).await;
    let spent = [Duration::from_micros(1500), Duration::from_micros(20)];
    run.claim(&Token::random(), "w", spent, true, Calls::NONE).await.unwrap();
    let figures = run.see().await.run.unwrap().figures;
    assert_eq!((figures.enqueue_vip_us, figures.enqueue_normal_us), (7, 0));
}
