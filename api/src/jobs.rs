//! The listing of jobs: what Redis lists of the queue, what MongoDB holds of the
//! orders, a page of each.

use pedidos_common::{
    control::{Controller, RunSpec},
    order::{OrderId, Priority},
    queue::{Jobs, Listed, Snapshot},
    store::{DateTime, StoredOrder},
    telemetry::iso,
};
use poem_openapi::{Enum, Object};

use crate::error::{Failure, Mistake};

/// Jobs of one state on one page at most, beyond the first.
const MOST: u32 = 10_000;

/// A state that jobs are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum State {
    /// In the queue.
    Waiting,
    /// In a worker's hands.
    Active,
    /// Waiting for a retry.
    Delayed,
    /// Processed.
    Completed,
    /// Dead letters.
    Failed,
}

impl State {
    const ALL: [(&str, Self); 5] = [
        ("waiting", Self::Waiting),
        ("active", Self::Active),
        ("delayed", Self::Delayed),
        ("completed", Self::Completed),
        ("failed", Self::Failed),
    ];
}

/// What kind of job it is.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "camelCase")]
enum JobName {
    /// Process one order.
    ProcessOrder,
    /// Generate a chunk of orders.
    GenerateOrders,
}

/// A page of jobs.
#[derive(Debug, Object)]
pub struct JobsAnswer {
    /// Jobs in this answer.
    total: u64,
    /// The states, as asked.
    types: Vec<State>,
    /// The page, as asked: within each state, both ends counted.
    range: PageRange,
    /// How many there are by state.
    available: Available,
    /// The jobs, state by state.
    jobs: Vec<Job>,
}

/// The page, as asked.
#[derive(Debug, Object)]
struct PageRange {
    /// The first.
    start: u32,
    /// The last.
    end: u32,
}

/// How many jobs there are by state; null: not asked.
#[derive(Debug, Default, Object)]
struct Available {
    /// In the queue.
    waiting: Option<u64>,
    /// In a worker's hands.
    active: Option<u64>,
    /// Waiting for a retry.
    delayed: Option<u64>,
    /// Processed, less those taken off the list.
    completed: Option<u64>,
    /// Dead letters.
    failed: Option<u64>,
}

/// One job. Times are ms since the epoch.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct Job {
    /// The order's id, or `chunk-` and the index of its first order.
    id: String,
    /// What kind of job it is.
    name: JobName,
    /// Where it is.
    state: State,
    /// Attempts that failed so far.
    attempts_made: u32,
    /// When the order was stored; of a chunk nothing.
    timestamp: Option<i64>,
    /// Since when it is in a worker's hands.
    processed_on: Option<i64>,
    /// When it was processed, or given up.
    finished_on: Option<i64>,
    /// Why it was given up.
    failed_reason: Option<String>,
    /// The order, if it was asked for; of a chunk nothing.
    data: Option<OrderData>,
    /// The orders of a chunk; of an order nothing.
    chunk: Option<Chunk>,
}

/// The orders of a chunk, by index.
#[derive(Debug, Object)]
struct Chunk {
    /// The first.
    from: u32,
    /// The one after the last.
    to: u32,
}

/// An order, as it is stored.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct OrderData {
    /// Its id.
    id: String,
    /// The customer.
    cliente: Option<String>,
    /// Its price.
    valor: Option<f64>,
    /// The customer's tier.
    tier: Option<String>,
    /// VIP or NORMAL.
    priority: Option<String>,
    /// What is written on it.
    observacoes: Option<String>,
    /// pendente, processado, falhou, removido or cancelado.
    status: Option<String>,
    /// When it was stored.
    created_at: Option<String>,
    /// Its run.
    run_id: Option<String>,
    /// When it was processed.
    processed_at: Option<String>,
    /// When a person last put it back.
    retried_at: Option<String>,
    /// Why it was given up.
    outcome: Option<OutcomeData>,
}

/// Why an order was given up.
#[derive(Debug, Object)]
struct OutcomeData {
    /// What the store said.
    error: Option<String>,
    /// How often it was tried.
    attempts: Option<u32>,
    /// When it was given up.
    at: Option<String>,
}

/// A page, as asked.
#[derive(Debug)]
pub struct Page {
    states: Vec<State>,
    start: u32,
    end: u32,
    data: bool,
}

impl Page {
    /// Reads what was asked.
    ///
    /// # Errors
    /// A page that is none, or too long.
    pub fn read(types: &str, start: u32, end: u32, data: bool) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut mistake = |name: &str, detail: String| {
            mistakes.push(Mistake { name: name.to_owned(), detail });
        };
        // `strict` lets nothing else through.
        let mut states = Vec::new();
        for word in types.split(',') {
            let known = State::ALL.iter().find(|(name, _)| *name == word);
            match known {
                Some((_, state)) if !states.contains(state) => states.push(*state),
                _ => {}
            }
        }
        if end < start {
            mistake("end", format!("'{end}' is before start, which is {start}"));
        } else if end - start > MOST {
            mistake("end", format!("'{end}' is more than {MOST} after start, which is {start}"));
        } else if end > MOST && states.contains(&State::Completed) {
            mistake(
                "end",
                format!("'{end}' is more than {MOST}, which is all that is listed of completed"),
            );
        }
        if mistakes.is_empty() { Ok(Self { states, start, end, data }) } else { Err(mistakes) }
    }
}

/// Lists a page of every state that was asked for.
///
/// # Errors
/// A store does not answer.
pub async fn list(controller: &Controller, page: &Page) -> Result<JobsAnswer, Failure> {
    let snapshot = controller.current().await?;
    let mut answer = JobsAnswer {
        total: 0,
        types: page.states.clone(),
        range: PageRange { start: page.start, end: page.end },
        available: Available::default(),
        jobs: Vec::new(),
    };
    for state in &page.states {
        let (jobs, available) = (&mut answer.jobs, &mut answer.available);
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
    answer.total = answer.jobs.len() as u64;
    Ok(answer)
}

/// One order; none if there is no such id.
///
/// # Errors
/// MongoDB does not answer.
pub async fn order(controller: &Controller, id: &str) -> Result<Option<OrderData>, Failure> {
    let Ok(id) = id.parse::<OrderId>() else { return Ok(None) };
    let mut found = controller.store.stored_orders(&[id]).await?;
    Ok(found.remove(&id).map(OrderData::from))
}

/// What Redis lists; of the orders MongoDB says the rest.
async fn queued(
    controller: &Controller,
    page: &Page,
    listed: Listed,
    jobs: &mut Vec<Job>,
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
            Jobs::Orders(_, ids, since) => (ids, since),
            Jobs::Chunk(indexes, since) => {
                jobs.push(Job {
                    id: format!("chunk-{}", indexes.start),
                    name: JobName::GenerateOrders,
                    state,
                    attempts_made: 0,
                    timestamp: None,
                    processed_on: Some(since),
                    finished_on: None,
                    failed_reason: None,
                    data: None,
                    chunk: Some(Chunk { from: indexes.start, to: indexes.end }),
                });
                continue;
            }
        };
        let mut orders = controller.store.stored_orders(&ids).await?;
        let attempts = controller.queue.attempts(&ids).await?;
        for (id, attempts) in ids.into_iter().zip(attempts) {
            let mut job = job(id.to_string(), state, orders.remove(&id), page.data);
            job.attempts_made = attempts;
            job.processed_on = (since != 0).then_some(since);
            jobs.push(job);
        }
    }
    Ok(available)
}

async fn completed(
    controller: &Controller,
    page: &Page,
    snapshot: &Snapshot,
    jobs: &mut Vec<Job>,
) -> Result<u64, Failure> {
    let Some(run) = current_run(controller, snapshot).await? else { return Ok(0) };
    let [vip, normal] = Priority::ALL.map(|priority| snapshot.ledger(priority));
    let available = (vip.processed + normal.processed).saturating_sub(run.hidden);
    // No more than there are: looking for more would read to the run's end.
    let most = on_page(page, available);
    if most > 0 {
        let skip = u64::from(page.start);
        for order in controller.store.processed(run.spec.pages(), skip, most).await? {
            jobs.push(job(order.id.clone(), State::Completed, Some(order), page.data));
        }
    }
    Ok(available)
}

async fn failed(
    controller: &Controller,
    page: &Page,
    snapshot: &Snapshot,
    jobs: &mut Vec<Job>,
) -> Result<u64, Failure> {
    let Some(run) = current_run(controller, snapshot).await? else { return Ok(0) };
    if run.spec.end.as_ref().is_some_and(|end| end.purge) {
        return Ok(0);
    }
    let mut available = 0;
    let mut left = on_page(page, u64::MAX);
    for priority in Priority::ALL {
        let dead = snapshot.ledger(priority).dead;
        let skip = u64::from(page.start).saturating_sub(available);
        available += dead;
        if skip < dead && left > 0 {
            let ids = run.spec.ids();
            for order in controller.store.dead_letters(&ids, priority, skip, left).await? {
                jobs.push(job(order.id.clone(), State::Failed, Some(order), page.data));
                left -= 1;
            }
        }
    }
    Ok(available)
}

/// How many of so many jobs are on a page.
fn on_page(page: &Page, available: u64) -> u64 {
    let (start, end) = (u64::from(page.start), u64::from(page.end));
    available.min(end + 1).saturating_sub(start)
}

struct Current {
    spec: RunSpec,
    hidden: u64,
}

/// The run that the snapshot is of, as control has it.
async fn current_run(
    controller: &Controller,
    snapshot: &Snapshot,
) -> Result<Option<Current>, Failure> {
    let control = controller.store.control().await?;
    let shown = snapshot.run.as_ref().map(|run| run.run_id.as_str());
    let hidden = u64::try_from(control.hidden).unwrap_or(0);
    Ok(control
        .run
        .filter(|run| Some(run.run_id.as_str()) == shown)
        .map(|spec| Current { spec, hidden }))
}

fn job(id: String, state: State, order: Option<StoredOrder>, data: bool) -> Job {
    let of = order.as_ref();
    let given_up = of.and_then(|order| order.outcome.as_ref()).filter(|_| state == State::Failed);
    let finished = match state {
        State::Completed => of.and_then(|order| order.processed_at),
        State::Failed => given_up.and_then(|outcome| outcome.at),
        _ => None,
    };
    Job {
        id,
        name: JobName::ProcessOrder,
        state,
        attempts_made: given_up.and_then(|outcome| outcome.attempts).unwrap_or(0),
        timestamp: of.and_then(|order| order.created_at).map(DateTime::timestamp_millis),
        processed_on: None,
        finished_on: finished.map(DateTime::timestamp_millis),
        failed_reason: given_up.and_then(|outcome| outcome.error.clone()),
        data: order.filter(|_| data).map(OrderData::from),
        chunk: None,
    }
}

impl From<StoredOrder> for OrderData {
    fn from(order: StoredOrder) -> Self {
        Self {
            id: order.id,
            cliente: order.cliente,
            valor: order.valor,
            tier: order.tier,
            priority: order.priority,
            observacoes: order.observacoes,
            status: order.status,
            created_at: order.created_at.map(|at| iso(at.timestamp_millis())),
            run_id: order.run_id,
            processed_at: order.processed_at.map(|at| iso(at.timestamp_millis())),
            retried_at: order.retried_at.map(|at| iso(at.timestamp_millis())),
            outcome: order.outcome.map(|outcome| OutcomeData {
                error: outcome.error,
                attempts: outcome.attempts,
                at: outcome.at.map(|at| iso(at.timestamp_millis())),
            }),
        }
    }
}
