//! The list of jobs: a page of what Redis has of the queue, with the orders of MongoDB, written
//! while it is read ([`writer`]).

pub mod page;
pub mod writer;

use std::ops::Range;

use pedidos_api_types::jobs::{Available, OrderDetails, State};
use pedidos_core::{
    control::RunSpec,
    order::{OrderId, Priority},
};
use pedidos_pipeline::{
    commands::Controller,
    queue::{self, Listed, Snapshot},
    receipt,
    store::StoredOrder,
};

use self::{page::Page, writer::JobWriter};
use crate::{
    http::failure::Failure,
    views::{self, jobs::job},
};

/// Orders that are read at once.
const READ_BATCH: usize = 250;

/// Lists the page of every requested state.
///
/// # Errors
/// A store does not answer.
pub async fn list(
    controller: Controller,
    page: Page,
    mut jobs: JobWriter,
) -> Result<(Available, JobWriter), Failure> {
    let (snapshot, jobs_of) = (controller.current().await?, &mut jobs);
    let mut available = Available::default();
    for state in &page.states {
        let (controller, page, jobs) = (&controller, &page, &mut *jobs_of);
        let (place, count) = match state {
            State::Waiting => {
                (&mut available.waiting, queued(controller, page, Listed::Waiting, jobs).await?)
            }
            State::Active => {
                (&mut available.active, queued(controller, page, Listed::Active, jobs).await?)
            }
            State::Delayed => {
                (&mut available.delayed, queued(controller, page, Listed::Delayed, jobs).await?)
            }
            State::Completed => {
                (&mut available.completed, completed(controller, page, &snapshot, jobs).await?)
            }
            State::Failed => {
                (&mut available.failed, failed(controller, page, &snapshot, jobs).await?)
            }
        };
        *place = Some(count);
    }
    Ok((available, jobs))
}

/// None: no order has this id.
///
/// # Errors
/// MongoDB does not answer.
pub async fn order(controller: &Controller, id: &str) -> Result<Option<OrderDetails>, Failure> {
    let Ok(id) = id.parse::<OrderId>() else { return Ok(None) };
    Ok(receipt::order(&controller.store, id).await?.map(views::orders::details))
}

/// Redis has the ids, MongoDB the orders.
async fn queued(
    controller: &Controller,
    page: &Page,
    listed: Listed,
    jobs: &mut JobWriter,
) -> Result<u64, Failure> {
    let state = match listed {
        Listed::Waiting => State::Waiting,
        Listed::Delayed => State::Delayed,
        Listed::Active => State::Active,
    };
    let (available, parts) =
        controller.queue.jobs(listed, u64::from(page.start), u64::from(page.end)).await?;
    for part in parts {
        let (ids, since) = match part {
            queue::Jobs::Orders(_, ids, since) => (ids, since),
            queue::Jobs::Chunk(indexes, since) => {
                jobs.push(views::jobs::chunk(indexes, state, since)).await?;
                continue;
            }
        };
        for ids in ids.chunks(READ_BATCH) {
            let mut orders = controller.store.stored_orders(ids).await?;
            let attempts = controller.queue.attempts(ids).await?;
            for (id, attempts) in ids.iter().zip(attempts) {
                let mut job = job(id.to_string(), state, orders.remove(id), page.data);
                job.attempts_made = attempts;
                job.processed_on = (since != 0).then_some(since);
                jobs.push(job).await?;
            }
        }
    }
    Ok(available)
}

async fn completed(
    controller: &Controller,
    page: &Page,
    snapshot: &Snapshot,
    jobs: &mut JobWriter,
) -> Result<u64, Failure> {
    let Some(run) = current_run(controller, snapshot).await? else { return Ok(0) };
    let available = snapshot.completed();
    // No more than there are: to look for more would read to the run's end.
    let (mut left, mut skip) = (on_page(page, available), u64::from(page.start));
    let mut ids: Vec<_> = run.pages().collect();
    while left > 0 {
        let most = left.min(READ_BATCH as u64);
        let orders = controller.store.processed(ids.clone(), skip, most).await?;
        let Some(last) = last_of(&orders) else { break };
        ids = ids.into_iter().filter_map(|ids| after(last, ids)).collect();
        (left, skip) = (left - orders.len() as u64, 0);
        for order in orders {
            let completed = job(order.id.clone(), State::Completed, Some(order), page.data);
            jobs.push(completed).await?;
        }
    }
    Ok(available)
}

async fn failed(
    controller: &Controller,
    page: &Page,
    snapshot: &Snapshot,
    jobs: &mut JobWriter,
) -> Result<u64, Failure> {
    let current = current_run(controller, snapshot).await?;
    let of_current = |run_id: &String| current.as_ref().is_some_and(|run| run.run_id == *run_id);
    let (spec, mut dead) = match (&page.run_id, current.clone()) {
        (Some(run_id), _) if !of_current(run_id) => {
            let Some(run) = controller.store.run(run_id).await? else {
                let detail = "no run has this id; GET /pedidos/runs lists the runs";
                return Err(Failure::invalid("runId", detail));
            };
            let (spec, mut dead) = (run.as_ended(), [0; 2]);
            for (dead, priority) in dead.iter_mut().zip(Priority::ALL) {
                *dead = controller.store.count_dead(&spec.ids(), priority).await?;
            }
            (spec, dead)
        }
        (_, Some(run)) => (run, snapshot.failed()),
        (_, None) => return Ok(0),
    };
    if spec.end.as_ref().is_some_and(|end| end.purge) {
        dead = [0; 2];
    }
    let mut available = 0;
    let mut left = on_page(page, u64::MAX);
    for (priority, dead) in Priority::ALL.into_iter().zip(dead) {
        let mut skip = u64::from(page.start).saturating_sub(available);
        available += dead;
        let mut ids = Some(spec.ids()).filter(|_| skip < dead);
        while let Some(of) = ids.take().filter(|_| left > 0) {
            let most = left.min(READ_BATCH as u64);
            let orders = controller.store.dead_letters(&of, priority, skip, most).await?;
            ids = last_of(&orders).and_then(|last| after(last, of));
            (left, skip) = (left - orders.len() as u64, 0);
            for order in orders {
                let failed = job(order.id.clone(), State::Failed, Some(order), page.data);
                jobs.push(failed).await?;
            }
        }
    }
    Ok(available)
}

/// The next orders are read from this id on, not by number, so that none is read twice.
fn last_of(orders: &[StoredOrder]) -> Option<OrderId> {
    orders.last()?.id.parse().ok()
}

/// The part of these ids after that one.
fn after(last: OrderId, ids: Range<OrderId>) -> Option<Range<OrderId>> {
    let rest = ids.start.max(last.alone().end)..ids.end;
    (!rest.is_empty()).then_some(rest)
}

/// How many of the available jobs are on the page.
fn on_page(page: &Page, available: u64) -> u64 {
    let (start, end) = (u64::from(page.start), u64::from(page.end));
    available.min(end + 1).saturating_sub(start)
}

/// The run of the snapshot, from control.
async fn current_run(
    controller: &Controller,
    snapshot: &Snapshot,
) -> Result<Option<RunSpec>, Failure> {
    let control = controller.store.control().await?;
    let shown = snapshot.run.as_ref().map(|run| run.run_id.as_str());
    Ok(control.run.filter(|run| Some(run.run_id.as_str()) == shown))
}
