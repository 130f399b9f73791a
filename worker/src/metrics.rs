//! The metrics of a worker, each from the start, so that a rate is 0 before it rises; and one span
//! for each lease.

use ::metrics::{counter, gauge, histogram};
use pedidos_core::order::Priority;
use pedidos_pipeline::queue::{BreakerState, Lease, Work};
use pedidos_service::metrics as names;
use tracing::Span;

use crate::processor::FaultKind;

/// What becomes of an order of a batch.
const OUTCOMES: [&str; 5] = ["processed", "retried", "dead", "removed", "returned"];

/// What becomes of an order by its verdict.
const VERDICTS: [&str; 3] = ["ok", "retry", "fail"];

const CALLS: [&str; 17] = [
    "claim",
    "ack",
    "push_chunk",
    "push_normal",
    "insert",
    "update",
    "read_back",
    "load",
    "verdicts",
    "read_chunk",
    "read_range",
    "control",
    "history",
    "letters",
    "dead_letter",
    "cancel",
    "delete",
];

/// The kinds of failure of each store.
const FAILURES: [(&str, &[&str]); 2] = [
    ("mongodb", &["unavailable", "rejected", "settings", "corrupt", "stale"]),
    ("redis", &["unavailable", "format", "refused", "settings", "answer"]),
];

/// Sets every metric to 0.
pub fn init(slots: u32) {
    for priority in Priority::ALL {
        for outcome in OUTCOMES {
            counter!(names::ORDERS, "priority" => priority.as_str(), "outcome" => outcome)
                .increment(0);
        }
    }
    for kind in Work::KINDS {
        counter!(names::LEASES, "kind" => kind).increment(0);
        let _begun = histogram!(names::LEASE_SECONDS, "kind" => kind);
    }
    for call in CALLS {
        let _begun = histogram!(names::CALL_SECONDS, "call" => call);
    }
    for (store, kinds) in FAILURES {
        for kind in kinds {
            counter!(names::STORE_ERRORS, "store" => store, "kind" => *kind).increment(0);
        }
    }
    for name in [names::GENERATED, names::STALE, names::LOST, names::RECLAIMED] {
        counter!(name).increment(0);
    }
    let results = FaultKind::ALL.map(FaultKind::as_str).into_iter().filter(|kind| *kind != "retry");
    for result in results.chain(["ok"]) {
        counter!(names::PROCESSOR_CALLS, "result" => result).increment(0);
    }
    for verdict in VERDICTS {
        counter!(names::VERDICTS, "verdict" => verdict).increment(0);
    }
    let _begun = (histogram!(names::PROCESSOR_SECONDS), histogram!(names::THROTTLED));
    show_breaker(None);
    gauge!(names::SLOTS).set(f64::from(slots));
    gauge!(names::BUSY).set(0.0);
}

/// `shown`: none without a processor.
pub(crate) fn show_breaker(shown: Option<BreakerState>) {
    for state in [BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen] {
        let name = match state {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "halfOpen",
        };
        gauge!(names::BREAKER, "state" => name).set(f64::from(shown == Some(state)));
    }
}

/// The span of a lease: the log lines within carry it, and a trace has one for each lease.
pub(crate) fn span_of(lease: &Lease) -> Span {
    tracing::info_span!(
        "lease",
        kind = lease.work.kind(),
        run = %lease.run_id,
        phase = %lease.phase,
        token = lease.token.as_str(),
        // OpenTelemetry takes unsigned numbers as text.
        orders = lease.work.size() as i64,
        processed = tracing::field::Empty,
        retried = tracing::field::Empty,
        dead = tracing::field::Empty,
        removed = tracing::field::Empty,
        returned = tracing::field::Empty,
    )
}
