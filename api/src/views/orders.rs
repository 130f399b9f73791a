//! One order with its history.

use pedidos_api_types::jobs::{OrderDetails, OrderEvent, OrderEventName};
use pedidos_core::{
    order::{CANCELADO, PROCESSADO},
    time::iso,
};
use pedidos_pipeline::store::{DateTime, StoredOrder, StoredOutcome};

use super::jobs;

/// An event and its time, to be sorted by.
type Event = (Option<DateTime>, OrderEvent);

#[must_use]
pub fn details(order: StoredOrder) -> OrderDetails {
    OrderDetails { history: history(&order), order: jobs::order(order) }
}

fn history(order: &StoredOrder) -> Vec<OrderEvent> {
    let nothing = StoredOutcome::default();
    let outcome = order.outcome.as_ref().unwrap_or(&nothing);
    let stored = order.created_at.map(|at| event(Some(at), OrderEventName::Stored));
    let mut events: Vec<Event> = stored.into_iter().collect();
    events.extend(attempts(outcome));
    events.extend(retries(order, outcome));
    if outcome.error.is_some() || outcome.at.is_some() {
        let (at, mut given_up) = event(outcome.at, OrderEventName::GivenUp);
        given_up.attempt = outcome.attempts;
        given_up.error.clone_from(&outcome.error);
        given_up.worker.clone_from(&outcome.worker);
        events.push((at, given_up));
    }
    if order.status.as_deref() == Some(PROCESSADO) {
        let (at, mut processed) = event(order.processed_at, OrderEventName::Processed);
        processed.note.clone_from(&outcome.note);
        processed.worker.clone_from(&outcome.worker);
        events.push((at, processed));
    }
    if order.removed_at.is_some() {
        events.push(event(order.removed_at, OrderEventName::Removed));
    }
    if order.status.as_deref() == Some(CANCELADO) {
        events.push(event(None, OrderEventName::Cancelled));
    }
    if let Some(late) = &outcome.late {
        let (at, mut verdict) = event(late.at, OrderEventName::LateVerdict);
        verdict.verdict.clone_from(&late.status);
        verdict.worker.clone_from(&late.worker);
        events.push((at, verdict));
    }
    // What has no time is the end of it.
    events.sort_by_key(|(at, _)| (at.is_none(), *at));
    events.into_iter().map(|(_, event)| event).collect()
}

fn attempts(outcome: &StoredOutcome) -> impl Iterator<Item = Event> {
    outcome.history.iter().flatten().map(|failed| {
        let (at, mut attempt) = event(failed.at, OrderEventName::AttemptFailed);
        attempt.attempt = failed.attempt;
        attempt.error.clone_from(&failed.error);
        attempt.worker.clone_from(&failed.worker);
        (at, attempt)
    })
}

/// An earlier version kept the last one alone.
fn retries(order: &StoredOrder, outcome: &StoredOutcome) -> Vec<Event> {
    let put_back = |at| event(Some(at), OrderEventName::Retried);
    match &outcome.retries {
        Some(retries) => retries.iter().copied().map(put_back).collect(),
        None => order.retried_at.into_iter().map(put_back).collect(),
    }
}

fn event(at: Option<DateTime>, event: OrderEventName) -> Event {
    let event = OrderEvent {
        at: at.map(|at| iso(at.timestamp_millis())),
        event,
        attempt: None,
        error: None,
        note: None,
        worker: None,
        verdict: None,
    };
    (at, event)
}

#[cfg(test)]
mod tests {
    use pedidos_core::order::FALHOU;
    use pedidos_pipeline::store::{StoredAttempt, StoredLate};

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "documents may have no time")]
    fn at(ms: i64) -> Option<DateTime> {
        Some(DateTime::from_millis(ms))
    }

    fn told(order: StoredOrder) -> Vec<(Option<String>, OrderEventName, Option<u32>)> {
        let history = details(order).history.into_iter();
        history.map(|it| (it.at.map(|at| at[17..].to_owned()), it.event, it.attempt)).collect()
    }

    #[test]
    fn a_history_has_everything_in_the_order_of_time() {
        use OrderEventName::{AttemptFailed, GivenUp, LateVerdict, Processed, Retried, Stored};
        let failed = |number, ms| StoredAttempt {
            attempt: Some(number),
            at: at(ms),
            error: Some("not now".to_owned()),
            worker: Some("w".to_owned()),
        };
        let late = StoredLate { status: Some("fail".to_owned()), at: at(6_000), worker: None };
        let outcome = StoredOutcome {
            note: Some("sent".to_owned()),
            history: Some(vec![failed(1, 1_000), failed(2, 2_000), failed(1, 4_000)]),
            retries: Some(vec![DateTime::from_millis(3_000)]),
            late: Some(late),
            attempts: Some(1),
            ..StoredOutcome::default()
        };
        let order = StoredOrder {
            created_at: at(0),
            status: Some(PROCESSADO.to_owned()),
            processed_at: at(5_000),
            retried_at: at(3_100),
            outcome: Some(outcome),
            ..StoredOrder::default()
        };
        let time = |seconds: u32| Some(format!("0{seconds}.000Z"));
        assert_eq!(
            told(order.clone()),
            [
                (time(0), Stored, None),
                (time(1), AttemptFailed, Some(1)),
                (time(2), AttemptFailed, Some(2)),
                (time(3), Retried, None),
                (time(4), AttemptFailed, Some(1)),
                (time(5), Processed, None),
                (time(6), LateVerdict, None),
            ]
        );
        let given_up = StoredOutcome {
            error: Some("not now".to_owned()),
            attempts: Some(3),
            at: at(5_000),
            ..StoredOutcome::default()
        };
        let dead = StoredOrder {
            status: Some(FALHOU.to_owned()),
            outcome: Some(given_up),
            processed_at: None,
            ..order
        };
        assert_eq!(
            told(dead),
            [
                (time(0), Stored, None),
                (Some("03.100Z".to_owned()), Retried, None),
                (time(5), GivenUp, Some(3))
            ]
        );
        let cancelled = StoredOrder {
            created_at: at(1_000),
            status: Some(CANCELADO.to_owned()),
            ..StoredOrder::default()
        };
        let end = (None, OrderEventName::Cancelled, None);
        assert_eq!(told(cancelled), [(time(1), Stored, None), end]);
    }
}
