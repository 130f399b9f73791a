//! Jobs and orders.

use std::ops::Range;

use pedidos_api_types::jobs::{Chunk, Job, JobName, OrderData, OutcomeData, State};
use pedidos_core::time::iso;
use pedidos_pipeline::store::{DateTime, StoredOrder, StoredOutcome};

use super::dados;

/// `since`: when a worker leased the chunk.
#[must_use]
pub fn chunk(indexes: Range<u32>, state: State, since: i64) -> Job {
    Job {
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
    }
}

/// `data`: include the order.
#[must_use]
pub fn job(id: String, state: State, order: Option<StoredOrder>, data: bool) -> Job {
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
        data: order.filter(|_| data).map(self::order),
        chunk: None,
    }
}

#[must_use]
pub fn order(order: StoredOrder) -> OrderData {
    OrderData {
        id: order.id,
        reference: order.reference,
        cliente: order.cliente,
        valor: order.valor,
        tier: order.tier,
        priority: order.priority,
        observacoes: order.observacoes,
        dados: order.dados.and_then(|text| dados::read(&text)),
        status: order.status,
        created_at: order.created_at.map(|at| iso(at.timestamp_millis())),
        run_id: order.run_id,
        processed_at: order.processed_at.map(|at| iso(at.timestamp_millis())),
        retried_at: order.retried_at.map(|at| iso(at.timestamp_millis())),
        outcome: order.outcome.filter(StoredOutcome::is_told).map(|outcome| OutcomeData {
            error: outcome.error,
            attempts: outcome.attempts,
            at: outcome.at.map(|at| iso(at.timestamp_millis())),
        }),
    }
}
