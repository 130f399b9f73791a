//! Tests of every script on a real Redis: state before → call → state after. They are in the
//! crate because `adopt` is private to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ack;
mod adopt;
mod answers;
mod claim;
mod clock;
mod extend;
mod fixture;
mod flow;
mod hold;
mod jobs;
mod letters;
mod phases;
mod properties;
mod push;
mod put_back;
mod reclaim;
mod snapshot;
mod take;

use std::time::Duration;

use pedidos_core::{
    control::{Intent, LetterAction, LetterDecision},
    order::{OrderId, Priority},
    run::{Counts, Figures, Phase},
};

use self::fixture::{Fixture, ids, settings};
use super::*;

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
async fn work_to_the_end(run: &Fixture) -> Lease {
    loop {
        let lease = run.take().await;
        match lease.work {
            Work::Generate(_) | Work::Enqueue(_) => drop(run.push(&lease).await),
            Work::Drain(..) => drop(run.ack(&lease.token, &Outcome::default()).await.unwrap()),
            Work::Save => return lease,
        }
    }
}

/// A batch of VIP orders in front of the fence, all of which failed, to be tried again later.
async fn failed_batch(run: &Fixture, later: Duration) -> Vec<OrderId> {
    generate_all(run).await;
    let lease = run.take().await;
    let Work::Drain(VIP, batch) = &lease.work else { panic!("{lease:?}") };
    let retry = batch.iter().map(|id| (*id, later)).collect();
    run.ack(&lease.token, &Outcome { retry, ..Outcome::default() }).await.unwrap();
    batch.clone()
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
