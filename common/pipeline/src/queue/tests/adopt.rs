//! `adopt`: versions, runs and replays.

use super::*;

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
    assert!(!run.adopt(&before, &Figures::default(), None).await.unwrap());
    assert!(!run.adopt(&run.control.clone(), &Figures::default(), None).await.unwrap());
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
    assert!(run.adopt(&run.control.clone(), &Figures::default(), None).await.unwrap());
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
    control.intent = Intent::Run;
    control.run = Some(pedidos_core::control::RunSpec::generated("r".into(), 1, 8, 1));
    assert!(run.adopt(&control, &known, None).await.unwrap());
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
        control.intent = Intent::Idle;
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
        run.claim(&Token::random(), "w", [Duration::ZERO; 2], true, Calls::NONE).await.err(),
        run.reclaim().await.err(),
        run.adopt(&run.control.next(), &Figures::default(), None).await.err(),
    ];
    for error in refused {
        assert!(matches!(error, Some(QueueError::Format(_))), "{error:?}");
    }
    assert_eq!(run.field("format").await.as_deref(), Some("99"));
}
