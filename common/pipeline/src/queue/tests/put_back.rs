//! Dead letters that are put back after the end of their run.

use super::*;

/// A run of 40 orders that is DONE with these dead, and the figures of its end.
async fn done_with_dead(run: &mut Fixture, dead: &[OrderId]) -> Figures {
    loop {
        let lease = run.take().await;
        match &lease.work {
            Work::Generate(_) | Work::Enqueue(_) => drop(run.push(&lease).await),
            Work::Drain(_, ids) => {
                let dead = ids.iter().filter(|id| dead.contains(id)).copied().collect();
                let outcome = Outcome { dead, ..Outcome::default() };
                run.ack(&lease.token, &outcome).await.unwrap();
            }
            Work::Save => break,
        }
    }
    let figures = run.see().await.run.unwrap().figures;
    run.end(Phase::Done, figures.clone()).await;
    figures
}

#[tokio::test]
async fn what_is_put_back_after_the_end_is_queued_and_nothing_else_is_done_again() {
    let [vip, normal] = [VIP, NORMAL].map(|priority| ids(0..40, priority));
    let put = [vip[..2].to_vec(), normal[..1].to_vec()];
    for older in [false, true] {
        let mut run = Fixture::with_run(&settings(), 40).await;
        let first = done_with_dead(&mut run, &[put[0].as_slice(), &put[1]].concat()).await;
        let mut next = run.control.next();
        next.intent = Intent::Run;
        next.orders_version = next.version;
        next.run.as_mut().unwrap().take_up(1, 3);
        // A Redis that shows anything else than that end replays.
        let base = if older { next.version - 2 } else { next.version - 1 };
        let patch = Patch { base, ids: put.clone(), late_vip: 2 };
        assert!(run.adopt(&next, &Figures::default(), Some(&patch)).await.unwrap());
        run.control = next;
        let seen = run.see().await;
        if older {
            assert_eq!((seen.phase(), seen.ledger(VIP).generated), (Phase::Generating, 0));
            continue;
        }
        assert_eq!(seen.phase(), Phase::WaitingVipDrain);
        for (priority, put) in [VIP, NORMAL].into_iter().zip(&put) {
            let ledger = seen.ledger(priority);
            assert_eq!((ledger.waiting, ledger.dead), (put.len() as u64, 0), "{ledger:?}");
        }
        // VIP orders first, leased or not.
        let lease = run.take().await;
        assert_eq!(lease.work, Work::Drain(VIP, put[0].clone()));
        run.expect_none().await;
        run.ack(&lease.token, &Outcome::default()).await.unwrap();
        let lease = run.take().await;
        assert_eq!(lease.work, Work::Drain(NORMAL, put[1].clone()));
        run.ack(&lease.token, &Outcome::default()).await.unwrap();
        assert_eq!(run.take().await.work, Work::Save);
        let last = run.see().await.run.unwrap().figures;
        let counted = [last.vip_processed + last.normal_processed, last.vip_dead, last.late_vip];
        assert_eq!(counted, [40, 0, 2]);
        let moved = Figures {
            vip_processed: first.vip_processed,
            normal_processed: first.normal_processed,
            vip_dead: first.vip_dead,
            normal_dead: first.normal_dead,
            late_vip: first.late_vip,
            ..last
        };
        assert_eq!(moved, first, "its times are those of the first end");
    }
}
