//! Named processors, limits, the canary, and what holds the fence.

use pedidos_core::control::{Flow, Limits, OnVipFailure, RunOptions};

use super::*;

const OPEN: Calls<'static> = Calls { processor: "refunds", size: 3, open: true };

impl Fixture {
    async fn ask_as(&self, calls: Calls<'_>) -> Claim {
        let token = Token::random();
        self.claim(&token, "w", [Duration::ZERO; 2], true, calls).await.unwrap()
    }

    async fn limit(&mut self, orders_per_second: Option<i64>, max_in_flight: Option<i64>) {
        self.change(|control| control.limits = Limits { orders_per_second, max_in_flight }).await;
    }

    async fn flow(&mut self, flow: Flow) {
        self.change(|control| control.run.as_mut().unwrap().options.flow = flow).await;
    }
}

fn hold() -> Flow {
    Flow { on_vip_failure: OnVipFailure::Hold, ..Flow::default() }
}

/// The orders of a batch; none if no batch was given.
fn batch(claim: &Claim) -> usize {
    match claim {
        Claim::Work(lease) => match &lease.work {
            Work::Drain(_, ids) => ids.len(),
            other => panic!("{other:?}"),
        },
        Claim::Wait(..) => 0,
        other => panic!("{other:?}"),
    }
}

fn held_by(claim: &Claim) -> HeldBy {
    match claim {
        Claim::Wait(_, held_by) => *held_by,
        other => panic!("{other:?}"),
    }
}

/// A run whose VIP orders wait, all of them, in large batches.
async fn waiting_run(quantity: u32) -> Fixture {
    let mut large = settings();
    (large.batch_size, large.chunk_size, large.high_water) = (1000, 1000, 10_000);
    let run = Fixture::with_run(&large, quantity).await;
    for _ in 0..quantity.div_ceil(1000) {
        let chunk = run.take().await;
        run.push(&chunk).await;
    }
    run
}

#[tokio::test]
async fn batches_of_a_named_processor_are_for_workers_that_have_it_and_call_it() {
    let mut run = waiting_run(40).await;
    let options = RunOptions { processor: Some("refunds".to_owned()), ..RunOptions::default() };
    run.change(|control| control.run.as_mut().unwrap().options = options).await;
    for calls in [
        Calls::NONE,
        Calls { processor: "other", size: 3, open: true },
        Calls { open: false, ..OPEN },
    ] {
        assert_eq!(held_by(&run.ask_as(calls).await), HeldBy::Processor, "{calls:?}");
    }
    let claim = run.ask_as(OPEN).await;
    assert_eq!(batch(&claim), 3, "as many as one call takes");
    let Claim::Work(lease) = claim else { panic!("{claim:?}") };
    assert_eq!((lease.processor.as_deref(), lease.vouched_ms), (Some("refunds"), 0));
    let outcome = Outcome { vouched: true, ..Outcome::default() };
    run.ack(&lease.token, &outcome).await.unwrap();
    let Claim::Work(lease) = run.ask_as(OPEN).await else { panic!("no work") };
    assert!(lease.vouched_ms > 0, "an order was judged");
    run.delete_all().await;
}

#[tokio::test]
async fn every_worker_pushes_and_ends_a_run_with_a_named_processor() {
    let mut run = Fixture::with_run(&settings(), 8).await;
    let options = RunOptions { processor: Some("refunds".to_owned()), ..RunOptions::default() };
    run.change(|control| control.run.as_mut().unwrap().options = options).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    run.expect_none().await;
    loop {
        let Claim::Work(lease) = run.ask_as(OPEN).await else { panic!("no work") };
        match lease.work {
            Work::Enqueue(_) => drop(run.push(&lease).await),
            Work::Drain(..) => drop(run.ack(&lease.token, &Outcome::default()).await.unwrap()),
            Work::Generate(_) | Work::Save => break,
        }
    }
    run.delete_all().await;
}

#[tokio::test]
async fn orders_that_are_deferred_wait_and_spend_no_attempt() {
    let run = waiting_run(40).await;
    let Claim::Work(lease) = run.ask().await else { panic!("no work") };
    let Work::Drain(VIP, ids) = &lease.work else { panic!("{lease:?}") };
    let later = Duration::from_mins(1);
    let outcome = Outcome {
        deferred: vec![(ids[0], later)],
        retry: vec![(ids[1], later)],
        ..Outcome::default()
    };
    run.ack(&lease.token, &outcome).await.unwrap();
    let seen = run.see().await.ledger(VIP);
    assert_eq!((seen.delayed, seen.processed), (2, ids.len() as u64 - 2));
    assert_eq!(run.attempts(&ids[..2]).await.unwrap(), [0, 1]);
    run.delete_all().await;
}

#[tokio::test]
async fn the_rate_begins_empty_and_lets_a_tenth_through_at_once() {
    let mut run = waiting_run(2_000).await;
    run.limit(Some(100), None).await;
    let first = run.ask().await;
    let Claim::Wait(pause, held_by) = first else { panic!("{first:?}") };
    assert_eq!(held_by, HeldBy::Rate);
    assert!(pause <= Duration::from_millis(100), "{pause:?}: a tenth of the rate");
    // As if a second had passed: the bucket holds that and no more.
    run.set_field("tokensAt", "1").await;
    assert_eq!(batch(&run.ask().await), 100);
    assert_eq!(batch(&run.ask().await), 0);
    // A clock that goes back gives nothing, and stops nothing.
    run.set_field("tokensAt", "99999999999999").await;
    assert_eq!(batch(&run.ask().await), 0);
    run.set_field("tokensAt", "1").await;
    assert_eq!(batch(&run.ask().await), 100);
    run.limit(None, None).await;
    assert!(batch(&run.ask().await) > 100);
    run.delete_all().await;
}

#[tokio::test]
async fn no_more_than_the_limit_are_in_flight() {
    let mut run = waiting_run(2_000).await;
    run.limit(None, Some(50)).await;
    let Claim::Work(lease) = run.ask().await else { panic!("no work") };
    assert_eq!(lease.work.size(), 50);
    assert_eq!(held_by(&run.ask().await), HeldBy::InFlight);
    run.ack(&lease.token, &Outcome::default()).await.unwrap();
    assert_eq!(batch(&run.ask().await), 50);
    run.delete_all().await;
}

#[tokio::test]
async fn a_canary_lets_so_many_through_and_their_retries() {
    let mut run = waiting_run(2_000).await;
    run.flow(Flow { pause_after: Some(30), ..Flow::default() }).await;
    let Claim::Work(lease) = run.ask().await else { panic!("no work") };
    let Work::Drain(VIP, ids) = &lease.work else { panic!("{lease:?}") };
    assert_eq!(ids.len(), 30);
    assert_eq!(held_by(&run.ask().await), HeldBy::PauseAfter);
    let retry = vec![(ids[0], Duration::from_mins(1))];
    run.ack(&lease.token, &Outcome { retry, ..Outcome::default() }).await.unwrap();
    assert_eq!(held_by(&run.ask().await), HeldBy::PauseAfter, "29 are processed, one is delayed");
    run.make_retries_due().await;
    assert_eq!(batch(&run.ask().await), 1, "the retry is one of the 30");
    run.flow(Flow::default()).await;
    assert!(batch(&run.ask().await) > 30);
    run.delete_all().await;
}

/// Ends all VIP orders, the first of them as a dead letter.
async fn one_vip_order_dies(run: &Fixture) {
    let mut dead = Vec::new();
    while run.see().await.ledger(VIP).open() > 0 {
        let lease = run.take().await;
        let Work::Drain(VIP, ids) = &lease.work else { panic!("{lease:?}") };
        if dead.is_empty() {
            dead.push(ids[0]);
            let outcome = Outcome { dead: dead.clone(), ..Outcome::default() };
            run.ack(&lease.token, &outcome).await.unwrap();
        } else {
            run.ack(&lease.token, &Outcome::default()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_dead_vip_order_holds_the_fence_until_that_is_lifted() {
    let mut run = waiting_run(40).await;
    run.flow(hold()).await;
    one_vip_order_dies(&run).await;
    assert_eq!(run.phase().await, Phase::WaitingVipDrain);
    run.expect_none().await;
    // The change alone opens it.
    run.flow(Flow::default()).await;
    assert_eq!(run.phase().await, Phase::EnqueueNormal);
    run.delete_all().await;
}

#[tokio::test]
async fn without_a_dead_vip_order_nothing_holds_the_fence() {
    let mut run = waiting_run(40).await;
    run.flow(hold()).await;
    work_until(&run, Phase::EnqueueNormal).await;
    run.delete_all().await;
}

#[tokio::test]
async fn too_large_a_share_of_dead_letters_is_an_error_from_a_hundred_on() {
    let mut run = waiting_run(2_000).await;
    run.flow(Flow { max_failed_percent: Some(2), ..Flow::default() }).await;
    for (dead, expected) in [(3, Phase::WaitingVipDrain), (1, Phase::Error)] {
        // 60 orders: 3 of 60 are too many, but a hundred are not done; then 4 of 120.
        run.limit(None, Some(60)).await;
        let lease = run.take().await;
        let Work::Drain(VIP, ids) = &lease.work else { panic!("{lease:?}") };
        let outcome = Outcome { dead: ids[..dead].to_vec(), ..Outcome::default() };
        run.ack(&lease.token, &outcome).await.unwrap();
        assert_eq!(run.phase().await, expected);
    }
    let error = run.see().await.run.unwrap().error.unwrap();
    assert_eq!(error, "4 of 120 orders failed: more than 2 %");
    run.delete_all().await;
}
