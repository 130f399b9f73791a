//! Table tests of every script, on a real Redis: state before → call → state
//! after.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::time::Duration;

use pedidos_common::{
    control::{Fate, Letters},
    events::{self, News},
    order::{OrderId, Priority},
    queue::{
        Claim, Closed, Jobs, Listed, Outcome, Push, QueueError, Take, Token, Work, WorkerInfo,
    },
    run::{Figures, Phase},
};
use support::{Fixture, ids, settings};

const VIP: Priority = Priority::Vip;
const NORMAL: Priority = Priority::Normal;

/// Takes and pushes everything that is to be generated; drains nothing.
async fn generate_all(run: &Fixture) {
    while run.see().await.run.unwrap().phase != Phase::WaitingVipDrain {
        let lease = run.take().await;
        match lease.work {
            Work::Generate(_) => drop(run.push(&lease).await),
            Work::Drain(..) => drop(run.ack(&lease.token, &Outcome::default()).await.unwrap()),
            _ => panic!("{lease:?}"),
        }
        if matches!(run.phase().await, Phase::EnqueueNormal) {
            return;
        }
    }
}

/// Does all work until this phase is reached.
async fn work_until(run: &Fixture, phase: Phase) {
    while run.phase().await != phase {
        let lease = run.take().await;
        match lease.work {
            Work::Generate(_) | Work::Enqueue(_) => drop(run.push(&lease).await),
            Work::Drain(..) => drop(run.ack(&lease.token, &Outcome::default()).await.unwrap()),
            Work::Save => panic!("the run was over before {phase}"),
        }
    }
}

/// Does all work but the save; answers the lease of the save.
async fn work_to_the_end(run: &Fixture) -> pedidos_common::queue::Lease {
    loop {
        let lease = run.take().await;
        match lease.work {
            Work::Generate(_) | Work::Enqueue(_) => drop(run.push(&lease).await),
            Work::Drain(..) => drop(run.ack(&lease.token, &Outcome::default()).await.unwrap()),
            Work::Save => return lease,
        }
    }
}

// --- adopt ---

#[tokio::test]
async fn an_empty_redis_sends_everyone_to_control_first() {
    let queue = Fixture::new(&settings()).await;
    assert!(matches!(queue.ask().await, Claim::Behind));
    assert_eq!(queue.snapshot().await.unwrap().version, 0);
}

#[tokio::test]
async fn adopt_only_ever_raises_the_version() {
    let mut run = Fixture::with_run(&settings(), 8).await;
    let before = run.control.clone();
    run.pause().await;
    assert!(!run.adopt(&before, &Figures::default()).await.unwrap());
    assert!(!run.adopt(&run.control.clone(), &Figures::default()).await.unwrap());
    assert!(run.see().await.paused);
}

#[tokio::test]
async fn a_redis_that_went_back_below_what_was_seen_is_not_believed() {
    let mut run = Fixture::with_run(&settings(), 8).await;
    run.pause().await;
    run.resume().await;
    run.set_field("version", "2").await;
    assert!(matches!(run.ask().await, Claim::Behind));
}

#[tokio::test]
async fn a_new_run_drops_all_of_the_one_before() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    let held = run.take().await;
    run.start("run-2", 30).await;
    let seen = run.see().await;
    assert_eq!(seen.run.as_ref().unwrap().run_id, "run-2");
    assert_eq!((seen.leases, seen.ledger(VIP).generated, seen.ledger(VIP).waiting), (0, 0, 0));
    assert_eq!(run.push(&held).await, Closed::Stale);
    assert_eq!(run.take().await.work, Work::Generate(0..8));
}

#[tokio::test]
async fn a_flag_changes_nothing_else() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    let before = run.see().await;
    run.pause().await;
    let after = run.see().await;
    assert_eq!(after.phase(), Phase::EnqueueVip);
    assert_eq!(after.run.unwrap().figures, before.run.as_ref().unwrap().figures);
    run.expect_none().await;
    run.resume().await;
    assert!(matches!(run.take().await.work, Work::Generate(_)));
}

#[tokio::test]
async fn a_raised_orders_version_replays_the_run_from_the_first_chunk() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    work_until(&run, Phase::EnqueueNormal).await;
    run.change(|control| control.orders_version = control.version).await;
    let seen = run.see().await;
    assert_eq!((seen.phase(), seen.ledger(VIP).generated), (Phase::Generating, 0));
    assert_eq!(run.take().await.work, Work::Generate(0..8));
}

#[tokio::test]
async fn an_ended_run_is_shown_with_the_figures_of_its_end_even_by_an_empty_redis() {
    let mut run = Fixture::with_run(&settings(), 8).await;
    let figures =
        Figures { vip_generated: 3, vip_processed: 3, ended_at: 99, ..Figures::default() };
    run.end(Phase::Done, figures.clone()).await;
    for name in ["run", "vip"] {
        run.delete(name).await;
    }
    assert!(run.adopt(&run.control.clone(), &Figures::default()).await.unwrap());
    let seen = run.see().await;
    assert_eq!(seen.phase(), Phase::Done);
    assert_eq!(seen.run.unwrap().figures, figures);
    run.expect_none().await;
}

#[tokio::test]
async fn a_replay_keeps_the_stamps_that_are_known() {
    let run = Fixture::new(&settings()).await;
    let mut run = run;
    let known = Figures { generation_start: 5, vip_generated: 9, ..Figures::default() }.stamps();
    let mut control = run.control.next();
    control.intent = pedidos_common::control::Intent::Run;
    control.run = Some(pedidos_common::control::RunSpec {
        run_id: "r".into(),
        seed: 1,
        quantity: 8,
        created_ms: 1,
        idempotency_key: None,
        end: None,
    });
    assert!(run.adopt(&control, &known).await.unwrap());
    run.control = control;
    let figures = run.see().await.run.unwrap().figures;
    assert_eq!((figures.generation_start, figures.vip_generated), (5, 0));
}

#[tokio::test]
async fn without_a_run_everything_is_gone_and_the_queue_is_idle() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    run.change(|control| {
        control.run = None;
        control.intent = pedidos_common::control::Intent::Idle;
    })
    .await;
    let seen = run.see().await;
    assert_eq!((seen.phase(), seen.run.is_none(), seen.leases), (Phase::Idle, true, 0));
    assert_eq!(seen.ledger(VIP).waiting, 0);
    run.expect_none().await;
}

#[tokio::test]
async fn state_of_another_version_is_refused_and_left_alone() {
    let run = Fixture::with_run(&settings(), 8).await;
    run.set_field("format", "99").await;
    let refused = [
        run.snapshot().await.err(),
        run.claim(&Token::random(), "w", [Duration::ZERO; 2], true).await.err(),
        run.reclaim().await.err(),
        run.adopt(&run.control.next(), &Figures::default()).await.err(),
    ];
    for error in refused {
        assert!(matches!(error, Some(QueueError::Format(_))), "{error:?}");
    }
    assert_eq!(run.field("format").await.as_deref(), Some("99"));
}

// --- claim ---

#[tokio::test]
async fn the_same_token_gets_the_same_lease() {
    let run = Fixture::with_run(&settings(), 20).await;
    let token = Token::random();
    for _ in 0..3 {
        match run.claim(&token, "w", [Duration::ZERO; 2], true).await.unwrap() {
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
    let ask =
        || async { run.claim(&Token::random(), "w", [Duration::ZERO; 2], false).await.unwrap() };
    assert!(matches!(ask().await, Claim::Wait(_)));
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
            assert_eq!(run.reclaim().await.unwrap(), (0, 1));
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
        Claim::Wait(hint) => assert!(hint <= Duration::from_millis(300), "{hint:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_cancel_stops_claims_and_its_end_becomes_work_when_its_time_is_up() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let held = run.take().await;
    run.cancel().await;
    run.expect_none().await;
    assert_eq!(run.see().await.phase(), Phase::Generating);
    // Two seconds belong to the API that was asked; then anyone may.
    run.set_field("saveAfter", "1").await;
    run.expect_none().await;
    run.release(&held.token).await.unwrap();
    assert_eq!(run.take().await.work, Work::Save);
    run.expect_none().await;
}

#[tokio::test]
async fn time_spent_pushing_is_added_up() {
    let run = Fixture::with_run(&settings(), 8).await;
    for _ in 0..2 {
        let spent = [Duration::from_micros(1500), Duration::from_micros(20)];
        run.claim(&Token::random(), "w", spent, true).await.unwrap();
    }
    let figures = run.see().await.run.unwrap().figures;
    assert_eq!((figures.enqueue_vip_us, figures.enqueue_normal_us), (3000, 40));
}

#[tokio::test]
async fn an_ended_run_stays_as_it_was_saved() {
    let mut run = Fixture::with_run(&settings(), 8).await;
    run.end(Phase::Done, Figures { enqueue_vip_us: 7, ..Figures::default() }).await;
    let spent = [Duration::from_micros(1500), Duration::from_micros(20)];
    run.claim(&Token::random(), "w", spent, true).await.unwrap();
    let figures = run.see().await.run.unwrap().figures;
    assert_eq!((figures.enqueue_vip_us, figures.enqueue_normal_us), (7, 0));
}

// --- push_chunk, push_normal ---

#[tokio::test]
async fn a_chunk_is_counted_once() {
    let run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    assert_eq!(run.push(&chunk).await, Closed::Counted(Phase::EnqueueVip));
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
    assert_eq!(closed, Closed::Counted(Phase::EnqueueNormal));
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
    assert_eq!(run.push(&chunk).await, Closed::Counted(Phase::EnqueueVip));
}

// --- ack ---

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
    assert!(matches!(run.ack(&lease.token, &outcome).await.unwrap(), Closed::Counted(_)));
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
    run.reclaim().await.unwrap();
    let again = run.take().await;
    run.expire(&again.token).await;
    run.reclaim().await.unwrap();
    let others = [batch[0], ids(8..64, VIP)[0]];
    assert_eq!(run.attempts(&others).await.unwrap(), [1, 0]);
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
    assert_eq!(closed, Closed::Counted(Phase::Error));
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

// --- extend ---

fn info(id: &str) -> WorkerInfo {
    WorkerInfo { id: id.into(), host: "h".into(), pid: 1, version: "v".into(), slots: 25, busy: 3 }
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

// --- reclaim ---

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
        assert_eq!(run.reclaim().await.unwrap(), (1, 0));
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
    assert_eq!(run.push(&again).await, Closed::Counted(Phase::EnqueueVip));
    assert_eq!(run.push(&frozen).await, Closed::Stale);
    work_to_the_end(&run).await;
    assert_eq!(run.see().await.ledger(VIP).processed as usize, ids(0..20, VIP).len());
}

#[tokio::test]
async fn a_lease_that_has_not_expired_stays() {
    let run = Fixture::with_run(&settings(), 20).await;
    let lease = run.take().await;
    assert_eq!(run.reclaim().await.unwrap(), (0, 0));
    assert_eq!(run.push(&lease).await, Closed::Counted(Phase::EnqueueVip));
}

#[tokio::test]
async fn deadlines_that_lie_too_far_off_after_a_failover_are_clamped() {
    let run = Fixture::with_run(&settings(), 8).await;
    let lease = run.take().await;
    let far = run.deadline(&lease.token).await.unwrap() + 3_600_000.0;
    run.set_deadline(&lease.token, far).await;
    run.reclaim().await.unwrap();
    let now = run.see().await.now_ms as f64;
    assert!(run.deadline(&lease.token).await.unwrap() <= now + 60_000.0);
}

#[tokio::test]
async fn stamps_never_go_back_though_the_clock_does() {
    let run = Fixture::with_run(&settings(), 8).await;
    let ahead = run.see().await.now_ms + 3_600_000;
    run.set_field("clock", &ahead.to_string()).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    let figures = run.see().await.run.unwrap().figures;
    assert!(figures.generation_start >= ahead && figures.generation_end >= ahead, "{figures:?}");
    // Leases follow the server's own clock all the same.
    let lease = run.take().await;
    assert!(run.deadline(&lease.token).await.unwrap() < ahead as f64);
}

#[tokio::test]
async fn a_released_lease_is_given_again_at_once() {
    let run = Fixture::with_run(&settings(), 20).await;
    let lease = run.take().await;
    run.release(&lease.token).await.unwrap();
    assert_eq!(run.take().await.work, lease.work);
}

// --- snapshot ---

#[tokio::test]
async fn a_large_batch_goes_there_and_back_in_order() {
    let mut large = settings();
    (large.chunk_size, large.batch_size, large.high_water) = (20_000, 5_000, 200_000);
    let run = Fixture::with_run(&large, 20_000).await;
    generate_all(&run).await;
    let expected: Vec<OrderId> = ids(0..20_000, VIP);
    let lease = run.take().await;
    run.expire(&lease.token).await;
    run.reclaim().await.unwrap();
    let lease = run.take().await;
    let Work::Drain(VIP, batch) = &lease.work else { panic!("{lease:?}") };
    assert_eq!(batch[..], expected[..batch.len()]);
}

// --- take ---

/// Takes orders out of the queue, as a clean does.
async fn pick(run: &Fixture, what: Take, most: u64) -> Option<(Token, Vec<OrderId>)> {
    let token = Token::random();
    match run.queue.take(&token, "clean", what, most).await.unwrap() {
        Claim::Work(lease) => match lease.work {
            Work::Drain(_, ids) => Some((token, ids)),
            other => panic!("{other:?}"),
        },
        Claim::Wait(_) => None,
        Claim::Behind => panic!("behind"),
    }
}

async fn waiting(run: &Fixture) -> Vec<OrderId> {
    let (total, parts) = run.jobs(Listed::Waiting, 0, 1000).await.unwrap();
    let ids: Vec<_> = parts
        .into_iter()
        .flat_map(|part| match part {
            Jobs::Orders(_, ids, _) => ids,
            Jobs::Chunk(..) => panic!("a chunk waits"),
        })
        .collect();
    assert_eq!(total, ids.len() as u64);
    ids
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
    let first = run.queue.take(&token, "clean", Take::Waiting, 2).await.unwrap();
    let again = run.queue.take(&token, "clean", Take::Waiting, 2).await.unwrap();
    let (Claim::Work(first), Claim::Work(again)) = (first, again) else { panic!() };
    assert_eq!(first.work, again.work);
    assert_eq!(run.see().await.leases, 1);
}

// --- jobs ---

#[tokio::test]
async fn a_page_of_jobs_counts_both_ends() {
    let run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    let (total, active) = run.jobs(Listed::Active, 0, 9).await.unwrap();
    assert!(matches!(&active[..], [Jobs::Chunk(indexes, _)] if *indexes == (0..8)), "{active:?}");
    assert_eq!(total, 1);
    run.push(&chunk).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    let all = waiting(&run).await;
    assert!(all.len() > 1, "the seed gives the first two chunks two VIP orders");
    let (total, page) = run.jobs(Listed::Waiting, 1, 1).await.unwrap();
    assert_eq!((total, page), (all.len() as u64, vec![Jobs::Orders(VIP, vec![all[1]], 0)]));
    let (total, page) = run.jobs(Listed::Waiting, 50, 60).await.unwrap();
    assert_eq!((total, page), (all.len() as u64, vec![]));
}

// --- what a person decides about dead letters ---

#[tokio::test]
async fn every_lease_says_what_was_decided_about_dead_letters() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let letters = vec![
        Letters { mark: "a1".to_owned(), fate: Fate::RetriedLate },
        Letters { mark: "b2".to_owned(), fate: Fate::Removed },
    ];
    run.change(|control| control.letters.clone_from(&letters)).await;
    assert_eq!(run.take().await.letters, letters);
    run.change(|control| control.letters.clear()).await;
    assert_eq!(run.take().await.letters, []);
}

// --- events ---

#[tokio::test]
async fn every_change_of_phase_is_told_once_and_in_order() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let begin = events::newest(&run).await.unwrap();
    let saved = work_to_the_end(&run).await;
    assert_eq!(saved.work, Work::Save);
    let figures = run.see().await.run.unwrap().figures;
    run.end(Phase::Done, figures.clone()).await;
    run.change(|_| {}).await;
    assert!(events::reaches(&run, &begin).await.unwrap());
    let entries = events::after(&run, &begin).await.unwrap();
    let phases: Vec<_> = entries
        .iter()
        .map(|entry| match &entry.news {
            News::Phase(change) => (change.phase, change.run_id.clone().unwrap()),
            News::Log(line) => panic!("{line:?}"),
        })
        .collect();
    let told: Vec<_> = phases.iter().map(|(phase, _)| *phase).collect();
    let flips = told.iter().filter(|phase| **phase == Phase::EnqueueVip).count();
    assert!(flips >= 2, "{told:?}");
    assert_eq!(
        told[told.len() - 4..],
        [Phase::WaitingVipDrain, Phase::EnqueueNormal, Phase::WaitingNormalDrain, Phase::Done]
    );
    assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "{told:?}");
    // From any place on, exactly the rest.
    let middle = begin.after(&entries[1]);
    assert_eq!(events::after(&run, &middle).await.unwrap(), entries[2..]);
    // A Redis that has lost them cannot go on from there.
    run.delete("phases").await;
    assert!(!events::reaches(&run, &middle).await.unwrap());
}
