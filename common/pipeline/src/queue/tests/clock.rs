//! Times, when the clock of the server is set back or another.

use super::*;

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

/// Snapshots until Redis' clock has gone on.
async fn later(run: &Fixture) -> Snapshot {
    let before = run.see().await.now_ms;
    loop {
        let now = run.see().await;
        if now.now_ms > before {
            return now;
        }
    }
}

#[tokio::test]
async fn the_time_of_a_run_goes_on_though_the_clock_was_set_back() {
    let run = Fixture::with_run(&settings(), 8).await;
    let hour = 3_600_000;
    let ahead = run.see().await.now_ms + hour;
    for field in ["clock", "progressAt", "phaseAt"] {
        run.set_field(field, &ahead.to_string()).await;
    }
    // Whatever writes next, also one that only asks whether it may.
    run.takes_writes().await.unwrap();
    let first = later(&run).await;
    let second = later(&run).await;
    assert!(first.clock() >= ahead, "{first:?}");
    assert_eq!(second.clock() - first.clock(), second.now_ms - first.now_ms);
    // So it is seen how long nothing has gone forward.
    assert_eq!(second.silent_ms() - first.silent_ms(), second.now_ms - first.now_ms);
    assert!(second.silent_ms() < hour, "{second:?}");
}

#[tokio::test]
async fn a_new_run_knows_nothing_of_what_the_clock_did_before() {
    let mut run = Fixture::with_run(&settings(), 8).await;
    let ahead = run.see().await.now_ms + 3_600_000;
    run.set_field("clock", &ahead.to_string()).await;
    run.start("run-2", 8).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    let seen = run.see().await;
    let figures = &seen.run.as_ref().unwrap().figures;
    assert!(seen.clock() < ahead && figures.generation_end < ahead, "{seen:?}");
    // Nor does an empty queue, after a reset.
    run.set_field("clock", &ahead.to_string()).await;
    run.change(|control| (control.run, control.intent) = (None, Intent::Idle)).await;
    assert!(run.see().await.clock() < ahead);
    run.start("run-3", 8).await;
    assert!(run.see().await.clock() < ahead);
}

#[tokio::test]
async fn a_run_that_is_opened_again_goes_on_behind_its_stamps() {
    let mut run = Fixture::with_run(&settings(), 8).await;
    let ahead = run.see().await.now_ms + 3_600_000;
    run.delete("run").await;
    let known = Figures { generation_start: ahead, vip_start: ahead, ..Figures::default() };
    let next = run.control.next();
    assert!(run.adopt(&next, &known, None).await.unwrap());
    run.control = next;
    work_to_the_end(&run).await;
    let figures = run.see().await.run.unwrap().figures;
    for time in [figures.generation_end, figures.vip_end, figures.normal_end, figures.ended_at] {
        assert!(time >= ahead, "{figures:?}");
    }
}

#[tokio::test]
async fn a_cancel_ends_the_generation_and_an_end_that_was_there_stays() {
    let mut run = Fixture::with_run(&settings(), 20).await;
    let chunk = run.take().await;
    run.push(&chunk).await;
    assert_eq!(run.see().await.run.unwrap().figures.generation_end, 0);
    run.cancel().await;
    let figures = run.see().await.run.unwrap().figures;
    assert!(figures.generation_end >= figures.generation_start, "{figures:?}");
    let mut run = Fixture::with_run(&settings(), 8).await;
    generate_all(&run).await;
    let ended = run.see().await.run.unwrap().figures.generation_end;
    later(&run).await;
    run.cancel().await;
    assert_eq!(run.see().await.run.unwrap().figures.generation_end, ended);
    // One that was never begun has no end either.
    let mut run = Fixture::with_run(&settings(), 8).await;
    run.cancel().await;
    assert_eq!(run.see().await.run.unwrap().figures.generation_end, 0);
}
