//! `pedidos order`: one order, and what happened to it.

use std::fmt::Write as _;

use pedidos_api_types::jobs::{OrderDetails, OrderEvent, OrderEventName};
use pedidos_core::text::one_line;

use super::show;
use crate::{args::ShowOrder, client::Client, failure::Result, figure::NONE};

pub async fn run(client: &Client, args: &ShowOrder) -> Result<()> {
    show::answer(&client.order(&args.id).await?, timeline)
}

/// The order, then a line for each event. Others wrote these texts: none of them may look like a line
/// of its own.
fn timeline(details: &OrderDetails) -> String {
    let order = &details.order;
    let or_none = |text: &Option<String>| one_line(text.as_deref().unwrap_or(NONE));
    let mut text = format!("order {} · {}", one_line(&order.id), or_none(&order.status));
    if let Some(reference) = &order.reference {
        let _ = write!(text, " · ref {}", one_line(reference));
    }
    let valor = order.valor.map_or_else(|| NONE.to_owned(), |valor| format!("{valor:.2}"));
    let _ = write!(
        text,
        "\nrun {} · {} · {valor} · {} · {}",
        or_none(&order.run_id),
        or_none(&order.cliente),
        or_none(&order.tier),
        or_none(&order.priority)
    );
    for event in &details.history {
        let at = event.at.as_deref().map_or_else(|| NONE.to_owned(), readable);
        let _ = write!(text, "\n  {at:23}  {}", one_line(&said(event)));
    }
    text
}

/// `2026-11-23T02:34:42.555Z` without its letters.
fn readable(at: &str) -> String {
    at.trim_end_matches('Z').replacen('T', " ", 1)
}

fn said(event: &OrderEvent) -> String {
    let of = |text: &Option<String>| text.clone().unwrap_or_else(|| NONE.to_owned());
    let attempts = event.attempt.map_or_else(|| NONE.to_owned(), |attempt| attempt.to_string());
    let mut text = match event.event {
        OrderEventName::Stored => "stored".to_owned(),
        OrderEventName::AttemptFailed => {
            format!("attempt {attempts} failed: {}", of(&event.error))
        }
        OrderEventName::GivenUp => {
            format!("dead letter after attempt {attempts}: {}", of(&event.error))
        }
        OrderEventName::Retried => "put back by a person".to_owned(),
        OrderEventName::Processed => "processed".to_owned(),
        OrderEventName::Removed => "removed by a person".to_owned(),
        OrderEventName::Cancelled => "cancelled with its run".to_owned(),
        OrderEventName::LateVerdict => {
            format!("a verdict came too late, and changed nothing: {}", of(&event.verdict))
        }
    };
    if let Some(note) = &event.note {
        let _ = write!(text, ": {note}");
    }
    if let Some(worker) = &event.worker {
        let _ = write!(text, " ({worker})");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_is_told_as_a_timeline() {
        let event = |at: &str, event: &str, more: serde_json::Value| {
            let mut told = json!({
                "at": at, "event": event, "attempt": null, "error": null, "note": null,
                "worker": null, "verdict": null,
            });
            for (name, value) in more.as_object().unwrap() {
                told[name] = value.clone();
            }
            told
        };
        let order = json!({
            "id": "01a2", "ref": "A-1", "cliente": "Ana\nrun x", "valor": 12.5, "tier": null,
            "priority": "VIP", "observacoes": null, "dados": null, "status": "processado",
            "createdAt": null, "runId": "r", "processedAt": null, "retriedAt": null, "outcome": null,
            "history": [
                event("2026-11-23T02:34:41.519Z", "stored", json!({})),
                event("2026-11-23T02:34:42.555Z", "attemptFailed", json!({
                    "attempt": 1, "error": "card\nrefused", "worker": "worker:1"
                })),
                event("2026-11-23T02:34:42.600Z", "givenUp", json!({ "attempt": 1, "error": "card" })),
                event("2026-11-23T03:00:00.000Z", "retried", json!({})),
                event("2026-11-23T03:00:01.000Z", "processed", json!({ "note": "invoice 1" })),
                event("2026-11-23T03:00:02.000Z", "lateVerdict", json!({ "verdict": "fail" })),
            ],
        });
        assert_eq!(
            timeline(&serde_json::from_value(order).unwrap()),
            "order 01a2 · processado · ref A-1\
             \nrun r · Ana\u{fffd}run x · 12.50 · - · VIP\
             \n  2026-11-23 02:34:41.519  stored\
             \n  2026-11-23 02:34:42.555  attempt 1 failed: card\u{fffd}refused (worker:1)\
             \n  2026-11-23 02:34:42.600  dead letter after attempt 1: card\
             \n  2026-11-23 03:00:00.000  put back by a person\
             \n  2026-11-23 03:00:01.000  processed: invoice 1\
             \n  2026-11-23 03:00:02.000  a verdict came too late, and changed nothing: fail"
        );
    }
}
