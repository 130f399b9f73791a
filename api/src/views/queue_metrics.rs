//! The metrics of the queue, computed from one snapshot with each scrape and kept nowhere (I8):
//! every replica shows the same.

use std::time::Duration;

use pedidos_api_types::flow::BreakerState;
use pedidos_core::{
    order::Priority,
    run::{Ledger, Phase},
};
use pedidos_pipeline::{
    commands::Controller,
    queue::{RunView, Survey},
};
use pedidos_service::metrics::{self as names, Text};

use super::{health::waits_for, processor};

/// How long a store may take to answer a scrape.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

pub async fn of_queue(controller: &Controller) -> Text {
    let (survey, mongo) = tokio::join!(
        tokio::time::timeout(STORE_TIMEOUT, controller.queue.survey()),
        tokio::time::timeout(STORE_TIMEOUT, controller.store.ping()),
    );
    let survey = survey.ok().and_then(|survey| {
        survey.inspect_err(|error| tracing::debug!(%error, "metrics of the queue left out: Redis does not answer")).ok()
    });
    let mongo = matches!(mongo, Ok(Ok(())));
    let mut text = Text::default();
    text.all(
        names::STORE_UP,
        [(["redis"], f64::from(survey.is_some())), (["mongodb"], f64::from(mongo))],
    );
    text.one(names::LEASE_LIMIT, controller.queue.lease_time().as_secs_f64());
    if let Some(survey) = survey {
        of_survey(&survey, &mut text);
        // Only MongoDB knows when an order was generated.
        if mongo && let Some(ages) = waiting_ages(controller, &survey).await {
            let ages = Priority::ALL.into_iter().zip(ages);
            text.all(names::WAITING_AGE, ages.map(|(priority, age)| ([priority.as_str()], age)));
        }
    }
    text
}

/// The age of the orders that are claimed next, s; none: it is not known.
async fn waiting_ages(controller: &Controller, survey: &Survey) -> Option<[f64; 2]> {
    let mut ages = [0.0; 2];
    for (head, age) in survey.heads.iter().zip(&mut ages) {
        let Some(id) = head else { continue };
        let created = tokio::time::timeout(STORE_TIMEOUT, controller.store.created_at(*id)).await;
        // An order that has gone meanwhile no longer waits.
        if let Some(created) = created.ok()?.ok()? {
            *age = seconds(survey.snapshot.now_ms - created);
        }
    }
    Some(ages)
}

fn of_survey(survey: &Survey, text: &mut Text) {
    let snapshot = &survey.snapshot;
    let idle = RunView::default();
    let run = snapshot.run.as_ref().unwrap_or(&idle);
    let phases = Phase::ALL.into_iter();
    text.all(names::PHASE, phases.map(|phase| ([phase.as_str()], f64::from(phase == run.phase))));
    text.one(names::PAUSED, f64::from(snapshot.paused));

    let ledgers = Priority::ALL.map(|priority| (priority.as_str(), snapshot.ledger(priority)));
    let orders = ledgers.iter().flat_map(|(priority, ledger)| {
        states(ledger).map(|(state, orders)| ([*priority, state], orders as f64))
    });
    text.all(names::RUN_ORDERS, orders);
    text.one(names::TARGET, run.quantity as f64);
    text.one(names::PROGRESS, snapshot.progress());
    let active = run.phase.is_active() && run.phase != Phase::Error;
    let goes_on = active && waits_for(snapshot).is_none();
    text.one(names::PROGRESS_AGE, if goes_on { seconds(snapshot.silent_ms()) } else { 0.0 });
    let processor = processor::state(snapshot, run).state;
    let states = [
        ("closed", BreakerState::Closed),
        ("open", BreakerState::Open),
        ("halfOpen", BreakerState::HalfOpen),
        ("none", BreakerState::None),
    ];
    let states = states.map(|(name, state)| ([name], f64::from(active && state == processor)));
    text.all(names::PROCESSOR, states);
    let stuck = processor::stuck_since(snapshot, run).filter(|_| active);
    let age = stuck.map_or(0.0, |since| seconds(snapshot.now_ms - since));
    text.one(names::HELD_ORDER_AGE, age);

    let held = survey.oldest_lease_ms.map_or(0.0, |since| seconds(snapshot.now_ms - since));
    text.one(names::LEASE_AGE, held);
    text.one(names::LEASES_HELD, snapshot.leases as f64);
    let workers = &snapshot.workers;
    text.one(names::WORKERS_ALIVE, workers.len() as f64);
    text.one(names::WORKERS_SLOTS, workers.iter().map(|worker| f64::from(worker.info.slots)).sum());
    text.one(names::WORKERS_BUSY, workers.iter().map(|worker| f64::from(worker.info.busy)).sum());

    text.one(names::FENCE_OPEN, f64::from(run.phase.fence_open()));
    text.one(names::FENCE_VIOLATIONS, run.figures.violations as f64);
    text.one(names::LATE_VIP, run.figures.late_vip as f64);
}

/// The states of orders: they add up to generated.
fn states(ledger: &Ledger) -> [(&'static str, u64); 7] {
    [
        ("deferred", ledger.deferred),
        ("waiting", ledger.waiting),
        ("leased", ledger.leased),
        ("delayed", ledger.delayed),
        ("processed", ledger.processed),
        ("dead", ledger.dead),
        ("removed", ledger.removed),
    ]
}

/// Never negative: Redis' clock may have gone back a little.
fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1000.0
}
