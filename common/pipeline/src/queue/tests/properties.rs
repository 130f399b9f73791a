//! Random sequences of everything that can happen to a queue, on a real Redis.
//! After every step the fence (I1) and the ledger (I2) are checked, against
//! Redis and against a model that remembers every order.

use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};

use super::*;

/// One thing that happens. Numbers choose among the leases that there are.
#[derive(Debug, Clone)]
enum Act {
    Claim,
    ClaimAgain(usize),
    Close(usize, Outcomes),
    CloseStale(usize),
    Expire(usize),
    Release(usize),
    Reclaim,
    RetriesDue,
    Take(u8, u64),
    Pause,
    Resume,
    Cancel,
}

/// The outcomes of the orders of a batch, by position: 0 processed, 1 retried,
/// 2 dead, 3 removed, 4 returned.
type Outcomes = Vec<u8>;

fn act() -> impl Strategy<Value = Act> {
    let outcomes = || vec(prop_oneof![6 => Just(0u8), 2 => Just(1), 3 => 2u8..5], 6);
    prop_oneof![
        12 => Just(Act::Claim),
        2 => any::<usize>().prop_map(Act::ClaimAgain),
        10 => (any::<usize>(), outcomes()).prop_map(|(which, each)| Act::Close(which, each)),
        2 => any::<usize>().prop_map(Act::CloseStale),
        3 => any::<usize>().prop_map(Act::Expire),
        1 => any::<usize>().prop_map(Act::Release),
        3 => Just(Act::Reclaim),
        3 => Just(Act::RetriesDue),
        2 => (0u8..3, 1u64..9).prop_map(|(state, most)| Act::Take(state, most)),
        1 => Just(Act::Pause),
        2 => Just(Act::Resume),
    ]
}

/// What the test knows.
#[derive(Default)]
struct Model {
    live: Vec<Lease>,
    /// Expired, but not reclaimed yet: still good if closed in time.
    gone: Vec<Lease>,
    terminal: HashMap<OrderId, &'static str>,
    cancelled: bool,
}

impl Model {
    fn pick(leases: &[Lease], which: usize) -> Option<usize> {
        (!leases.is_empty()).then(|| which % leases.len())
    }

    /// No two live leases hold the same order, chunk or range; nothing terminal
    /// is given out.
    fn check_exclusive(&self, lease: &Lease) {
        for other in &self.live {
            match (&lease.work, &other.work) {
                (Work::Drain(_, a), Work::Drain(_, b)) => {
                    assert!(a.iter().all(|id| !b.contains(id)), "an order is leased twice");
                }
                (a, b) => assert_ne!(a, b, "given twice"),
            }
        }
        if let Work::Drain(_, batch) = &lease.work {
            for id in batch {
                assert!(!self.terminal.contains_key(id), "a terminal order is given out");
            }
        }
    }
}

async fn close(run: &Fixture, model: &mut Model, lease: &Lease, outcomes: &[u8]) -> Closed {
    let Work::Drain(_, batch) = &lease.work else {
        return match lease.work {
            Work::Save => Closed::Applied(run.phase().await),
            _ => run.push(lease).await,
        };
    };
    let mut outcome = Outcome::default();
    let mut ended = Vec::new();
    for (at, id) in batch.iter().enumerate() {
        match outcomes.get(at) {
            Some(1) => outcome.retry.push((*id, Duration::from_secs(30))),
            Some(2) => {
                outcome.dead.push(*id);
                ended.push((*id, "dead"));
            }
            Some(3) => {
                outcome.removed.push(*id);
                ended.push((*id, "removed"));
            }
            Some(4) => outcome.returned.push(*id),
            _ => ended.push((*id, "processed")),
        }
    }
    let closed = run.ack(&lease.token, &outcome).await.unwrap();
    if closed != Closed::Stale {
        for (id, state) in ended {
            assert_eq!(model.terminal.insert(id, state), None, "counted twice");
        }
    }
    closed
}

async fn perform(run: &mut Fixture, model: &mut Model, act: &Act) {
    match act {
        Act::Claim => match run.ask().await {
            Claim::Work(lease) => {
                model.check_exclusive(&lease);
                model.live.push(lease);
            }
            Claim::Wait(..) => {}
            other => panic!("this Redis is not behind, and has lost nothing: {other:?}"),
        },
        Act::ClaimAgain(which) => {
            if let Some(at) = Model::pick(&model.live, *which) {
                let lease = &model.live[at];
                let again = run
                    .claim(&lease.token, "w", [Duration::ZERO; 2], true, Calls::NONE)
                    .await
                    .unwrap();
                assert!(matches!(again, Claim::Work(again) if again.work == lease.work));
            }
        }
        Act::Close(which, outcomes) => {
            if let Some(at) = Model::pick(&model.live, *which) {
                let lease = model.live.remove(at);
                let closed = close(run, model, &lease, outcomes).await;
                assert_ne!(closed, Closed::Stale, "a live lease is good");
                if lease.work == Work::Save {
                    model.live.push(lease);
                } else {
                    model.gone.push(lease);
                }
            }
        }
        Act::CloseStale(which) => {
            if let Some(at) = Model::pick(&model.gone, *which) {
                let lease = model.gone[at].clone();
                if lease.work != Work::Save {
                    assert_eq!(close(run, model, &lease, &[]).await, Closed::Stale);
                }
            }
        }
        Act::Expire(which) | Act::Release(which) => {
            if let Some(at) = Model::pick(&model.live, *which) {
                let lease = model.live.remove(at);
                if matches!(act, Act::Expire(_)) {
                    run.expire(&lease.token).await;
                    run.reclaim().await.unwrap();
                } else {
                    run.release(&lease.token).await.unwrap();
                }
                model.gone.push(lease);
            }
        }
        Act::Reclaim => drop(run.reclaim().await.unwrap()),
        Act::RetriesDue => run.make_retries_due().await,
        Act::Take(state, most) => {
            let what = match state {
                0 => Take::Waiting,
                1 => Take::Delayed,
                _ => Take::Active { before: i64::MAX >> 11 },
            };
            let by = Token::random();
            let under = Token::random();
            let taken = run.queue.take(&under, by.as_str(), what, None, *most);
            let claim = taken.await.unwrap();
            let Claim::Work(lease) = claim else { return };
            let Work::Drain(_, batch) = &lease.work else { panic!("{lease:?}") };
            assert!(batch.len() as u64 <= *most);
            if *state == 2 {
                // Of one lease, and that one is gone.
                let of = |other: &Lease| match &other.work {
                    Work::Drain(_, held) => batch.iter().all(|id| held.contains(id)),
                    _ => false,
                };
                let at = model.live.iter().position(of).expect("it was somebody's");
                let gone = model.live.remove(at);
                model.gone.push(gone);
            }
            model.check_exclusive(&lease);
            model.live.push(lease);
        }
        Act::Pause => run.pause().await,
        Act::Resume => run.resume().await,
        Act::Cancel => {
            run.cancel().await;
            model.cancelled = true;
            // What they would push is not wanted any more.
            let pushes =
                |lease: &mut Lease| matches!(lease.work, Work::Generate(_) | Work::Enqueue(_));
            model.gone.extend(model.live.extract_if(.., pushes));
        }
    }
}

/// I1 and I2, and that Redis counts what the model remembers.
async fn check(run: &Fixture, model: &Model, quantity: u32) {
    let seen = run.see().await;
    let [vip, normal] = Priority::ALL.map(|priority| seen.ledger(priority));
    let everything = vip.generated + normal.generated == u64::from(quantity);
    if normal.waiting + normal.leased + normal.delayed + normal.terminal() > 0 {
        assert!(everything && vip.open() == 0, "the fence: {vip:?} {normal:?}");
    }
    assert_eq!(seen.run.as_ref().unwrap().figures.violations, 0);
    for (priority, ledger) in Priority::ALL.into_iter().zip([vip, normal]) {
        let mine = ids(0..quantity, priority);
        let count = |state| {
            model.terminal.iter().filter(|(id, s)| **s == state && mine.contains(id)).count() as u64
        };
        let counted = (ledger.processed, ledger.dead, ledger.removed);
        assert_eq!(counted, (count("processed"), count("dead"), count("removed")));
    }
    assert_eq!(seen.leases, model.live.len() as u64);
}

/// Does everything that is left, until the end is given out.
async fn finish(run: &mut Fixture, model: &mut Model) {
    run.resume().await;
    for lease in std::mem::take(&mut model.live) {
        run.release(&lease.token).await.unwrap();
    }
    run.set_field("saveAfter", "0").await;
    loop {
        run.make_retries_due().await;
        match run
            .claim(&Token::random(), "w", [Duration::ZERO; 2], true, Calls::NONE)
            .await
            .unwrap()
        {
            Claim::Work(lease) if lease.work == Work::Save => return model.live.push(lease),
            Claim::Work(lease) => {
                model.check_exclusive(&lease);
                assert_ne!(close(run, model, &lease, &[]).await, Closed::Stale);
            }
            other => panic!("stuck: {other:?} {:?}", run.see().await),
        }
    }
}

fn play(acts: &[Act], quantity: u32, batch: u32, high_water: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut settings = settings();
        (settings.batch_size, settings.high_water) = (batch, high_water);
        let mut run = Fixture::with_run(&settings, quantity).await;
        let mut model = Model::default();
        for act in acts {
            perform(&mut run, &mut model, act).await;
            check(&run, &model, quantity).await;
        }
        finish(&mut run, &mut model).await;
        check(&run, &model, quantity).await;
        if !model.cancelled {
            assert_eq!(model.terminal.len(), quantity as usize);
            assert_eq!(run.phase().await, Phase::WaitingNormalDrain);
        }
        run.delete_all().await;
        run.close().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_fence_holds_and_every_order_is_counted_once(
        acts in vec(act(), 1..100), quantity in 1u32..50, batch in 1u32..7, high_water in 8u64..60,
    ) {
        play(&acts, quantity, batch, high_water);
    }

    #[test]
    fn a_cancel_at_any_time_stops_claims_and_keeps_the_ledger(
        before in vec(act(), 0..60), after in vec(act(), 1..20), quantity in 1u32..50,
    ) {
        let mut acts = before;
        acts.push(Act::Cancel);
        acts.extend(after);
        play(&acts, quantity, 4, 16);
    }
}
