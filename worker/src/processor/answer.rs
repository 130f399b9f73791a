//! Reads what a receiver answers.

use std::{collections::HashSet, time::Duration};

use pedidos_core::order::OrderId;
use serde::Deserialize;

use super::{Batch, Fault, FaultKind, Judgement, Verdict};

/// Characters of an error or a note that are kept.
const TEXT_KEPT: usize = 1_024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    results: Option<Vec<Judged>>,
    batch_item_failures: Option<Vec<Failed>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    id: String,
    status: Status,
    error: Option<String>,
    note: Option<String>,
    retry_after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Retry,
    Fail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

/// The verdicts of an answer with a body.
///
/// # Errors
/// It is no such JSON, or names an order that is not in the batch, or one twice.
pub fn read(batch: &Batch, body: &[u8]) -> Result<Vec<Verdict>, Fault> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| wrong(&format!("the answer cannot be read: {error}")))?;
    match (answer.results, answer.batch_item_failures) {
        (Some(results), None) => {
            let mut named = Named::of(batch);
            results
                .into_iter()
                .map(|judged| {
                    Ok(Verdict { id: named.take(&judged.id)?, judgement: judged.judgement() })
                })
                .collect()
        }
        (None, Some(failures)) => {
            let mut named = Named::of(batch);
            let failed = failures.iter().map(|failed| named.take(&failed.item_identifier));
            let failed = failed.collect::<Result<HashSet<_>, _>>()?;
            let verdict = |order: &super::BatchOrder| {
                let judgement = if failed.contains(&order.id) {
                    let error = Some("it is in batchItemFailures".to_owned());
                    Judgement::Retry { error, after: None }
                } else {
                    Judgement::Ok { note: None }
                };
                Verdict { id: order.id, judgement }
            };
            Ok(batch.orders.iter().map(verdict).collect())
        }
        (Some(_), Some(_)) => Err(wrong("the answer has both results and batchItemFailures")),
        (None, None) => Err(wrong("the answer has neither results nor batchItemFailures")),
    }
}

impl Judged {
    fn judgement(self) -> Judgement {
        let error = self.error.map(|error| cut(&error));
        match self.status {
            Status::Ok => Judgement::Ok { note: self.note.map(|note| cut(&note)) },
            Status::Retry => {
                Judgement::Retry { error, after: self.retry_after_ms.map(Duration::from_millis) }
            }
            Status::Fail => Judgement::Fail { error },
        }
    }
}

/// Ids of the batch that an answer has not named yet.
struct Named {
    left: HashSet<OrderId>,
    all: usize,
}

impl Named {
    fn of(batch: &Batch) -> Self {
        let left: HashSet<_> = batch.orders.iter().map(|order| order.id).collect();
        Self { all: left.len(), left }
    }

    fn take(&mut self, id: &str) -> Result<OrderId, Fault> {
        let read = id.parse().ok().filter(|id| self.left.remove(id));
        read.ok_or_else(|| {
            let of = self.all;
            wrong(&format!(
                "the answer names '{}', which is not one of the {of} orders of the batch, or twice",
                cut(id)
            ))
        })
    }
}

pub fn wrong(message: &str) -> Fault {
    Fault::new(FaultKind::Answer, message)
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_KEPT).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pedidos_core::order::{Generator, Priority};

    use super::*;
    use crate::processor::BatchOrder;

    fn batch(orders: u32) -> Batch {
        let order = |index| BatchOrder {
            id: Generator::new(1, 1).id(index),
            reference: None,
            cliente: "c".to_owned(),
            valor: 1.0,
            tier: None,
            priority: Priority::Vip,
            observacoes: None,
            dados: None,
            created_at: String::new(),
            attempt: 1,
        };
        Batch {
            run_id: "r".to_owned(),
            queue: "q".to_owned(),
            priority: Priority::Vip,
            batch_id: "b".to_owned(),
            orders: (0..orders).map(order).collect(),
        }
    }

    fn judgements(batch: &Batch, body: &str) -> Vec<Judgement> {
        read(batch, body.as_bytes()).unwrap().into_iter().map(|one| one.judgement).collect()
    }

    #[test]
    fn each_order_has_its_result() {
        let batch = batch(3);
        let [a, b, c] = [0, 1, 2].map(|at: usize| batch.orders[at].id.to_string());
        let body = format!(
            r#"{{"results": [{{"id": "{a}", "status": "ok", "note": "n", "more": 1}},
                {{"id": "{b}", "status": "retry", "retryAfterMs": 250}},
                {{"id": "{c}", "status": "fail", "error": "{}"}}], "other": true}}"#,
            "é".repeat(2_000)
        );
        let [ok, retry, fail] = judgements(&batch, &body).try_into().unwrap();
        assert_eq!(ok, Judgement::Ok { note: Some("n".to_owned()) });
        let after = Some(Duration::from_millis(250));
        assert_eq!(retry, Judgement::Retry { error: None, after });
        assert_eq!(fail, Judgement::Fail { error: Some("é".repeat(TEXT_KEPT)) });
        assert!(judgements(&batch, r#"{"results": []}"#).is_empty());
    }

    #[test]
    fn failures_alone_are_tried_again_and_the_rest_is_processed() {
        let batch = batch(2);
        let id = batch.orders[1].id;
        let body = format!(r#"{{"batchItemFailures": [{{"itemIdentifier": "{id}"}}]}}"#);
        let [first, second] = judgements(&batch, &body).try_into().unwrap();
        assert_eq!(first, Judgement::Ok { note: None });
        assert!(matches!(second, Judgement::Retry { .. }));
        assert_eq!(judgements(&batch, r#"{"batchItemFailures": []}"#).len(), 2);
    }

    #[test]
    fn what_is_no_answer_is_a_fault() {
        let batch = batch(2);
        let id = batch.orders[0].id;
        let foreign = Generator::new(9, 9).id(0);
        for body in [
            String::new(),
            "ok".to_owned(),
            r#"{"ok": true}"#.to_owned(),
            "[]".to_owned(),
            "null".to_owned(),
            r#"{"results": [], "batchItemFailures": []}"#.to_owned(),
            r#"{"results": [{"id": "x", "status": "ok"}]}"#.to_owned(),
            format!(r#"{{"results": [{{"id": "{foreign}", "status": "ok"}}]}}"#),
            format!(r#"{{"results": [{{"id": "{id}", "status": "done"}}]}}"#),
            format!(
                r#"{{"results": [{{"id": "{id}", "status": "ok"}}, {{"id": "{id}", "status": "ok"}}]}}"#
            ),
            format!(r#"{{"batchItemFailures": [{{"itemIdentifier": "{foreign}"}}]}}"#),
        ] {
            let fault = read(&batch, body.as_bytes()).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Answer, "{body}");
        }
    }
}
