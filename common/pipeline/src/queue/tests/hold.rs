//! Cancels, and `hold`.

use super::*;

#[tokio::test]
async fn a_cancel_stops_claims_and_its_end_becomes_work_when_its_time_is_up() {
    let mut run = Fixture::with_run(&settings(), 40).await;
    let held = first_batch(&run).await;
    run.cancel().await;
    run.expect_none().await;
    assert!(run.see().await.phase().is_active());
    // Two seconds belong to the API that was asked; then anyone may.
    run.set_field("saveAfter", "1").await;
    run.expect_none().await;
    run.release(&held.token).await.unwrap();
    assert_eq!(run.take().await.work, Work::Save);
    run.expect_none().await;
}

/// Does what there is to push until a batch is given out, and answers that.
async fn first_batch(run: &Fixture) -> Lease {
    loop {
        let lease = run.take().await;
        match lease.work {
            Work::Drain(..) => return lease,
            _ => drop(run.push(&lease).await),
        }
    }
}

#[tokio::test]
async fn a_cancel_waits_for_batches_and_for_no_chunk() {
    let mut run = Fixture::with_run(&settings(), 40).await;
    let batch = first_batch(&run).await;
    let chunk = run.take().await;
    assert!(matches!(chunk.work, Work::Generate(_)), "{chunk:?}");
    let open = run.see().await.ledger(VIP).open() + run.see().await.ledger(NORMAL).open();
    run.cancel().await;
    assert_eq!(run.see().await.leases, 1);
    assert_eq!(run.push(&chunk).await, Closed::Stale);
    assert_eq!(run.see().await.cancelling().unwrap().of, open);
    run.ack(&batch.token, &Outcome::default()).await.unwrap();
    assert_eq!(run.see().await.leases, 0);
}

#[tokio::test]
async fn one_holds_the_end_of_a_cancel_and_nobody_takes_it_while_it_is_kept() {
    let mut run = Fixture::with_run(&settings(), 40).await;
    let batch = first_batch(&run).await;
    let [one, two] = [Token::random(), Token::random()];
    assert_eq!(run.hold(&one, "a", None).await.unwrap(), Hold::Over, "there is no cancel");
    run.cancel().await;
    run.set_field("saveAfter", "1").await;
    assert_eq!(run.hold(&one, "a", None).await.unwrap(), Hold::Held { others: 1 });
    assert_eq!(run.hold(&two, "b", None).await.unwrap(), Hold::Taken);
    run.ack(&batch.token, &Outcome::default()).await.unwrap();
    run.expect_none().await;
    // What it notes is there for who comes after it.
    let mut before = [Counts::default(); 2];
    before[1].cancelled = 7;
    let noted = CancelProgress { attempt: 3, from: 10, before, marked: 9, of: 0 };
    run.set_deadline(&one, 1e15).await;
    assert_eq!(run.hold(&one, "a", Some(&noted)).await.unwrap(), Hold::Held { others: 0 });
    assert!(run.deadline(&one).await.unwrap() < 1e15, "it was kept");
    let seen = run.see().await.cancelling().unwrap().clone();
    assert!(seen.of >= 9);
    assert_eq!(CancelProgress { of: 0, ..seen }, noted);
    // It dies: the next one has it at once, also with no worker to give it back.
    run.expire(&one).await;
    assert_eq!(run.hold(&two, "b", None).await.unwrap(), Hold::Held { others: 0 });
    assert_eq!(run.hold(&one, "a", None).await.unwrap(), Hold::Taken);
    run.end(Phase::Aborted, Figures::default()).await;
    assert_eq!(run.hold(&two, "b", None).await.unwrap(), Hold::Over);
    assert_eq!(run.see().await.cancelling(), None);
    run.delete_all().await;
    assert_eq!(run.hold(&two, "b", None).await.unwrap(), Hold::Behind);
}
