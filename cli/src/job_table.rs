//! Jobs as a person reads them.

use pedidos_api_types::jobs::{Available, Job, JobsAnswer, State};
use pedidos_core::text::{count, one_line};

use crate::{
    figure::NONE,
    table::{self, right_aligned, shortened},
};

/// What stands below an id has room for so many characters.
const ROOM: usize = 43;

pub fn list(answer: &JobsAnswer) -> String {
    let there_are = available(&answer.available);
    if answer.jobs.is_empty() {
        return format!("no jobs here\n{there_are}");
    }
    let mut table = table::blocks(["order\nclient\nerror", "state\ntries"]);
    for job in &answer.jobs {
        let (state, tries) = (name(job.state), count(job.attempts_made.into()));
        table.add_row([text(job), format!("{state}\n{tries}")]);
    }
    format!("{}\n{there_are}", right_aligned(table, 1..2))
}

/// Its id, what it is, and the error if there is one.
fn text(job: &Job) -> String {
    let what = match (&job.chunk, &job.data) {
        (Some(chunk), _) => {
            format!("generates {} to {}", count(chunk.from.into()), count(chunk.to.into()))
        }
        (None, Some(order)) => {
            let parts = [&order.priority, &order.tier, &order.reference, &order.cliente];
            parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" · ")
        }
        (None, None) => NONE.to_owned(),
    };
    let mut lines = vec![one_line(&job.id), shortened(&what, ROOM)];
    lines.extend(job.failed_reason.as_deref().map(|error| shortened(error, ROOM)));
    lines.join("\n")
}

/// How many there are in all: `failed: 12`.
fn available(available: &Available) -> String {
    let Available { waiting, active, delayed, completed, failed } = available;
    let all = [
        (State::Waiting, waiting),
        (State::Active, active),
        (State::Delayed, delayed),
        (State::Completed, completed),
        (State::Failed, failed),
    ];
    let parts = all.into_iter().filter_map(|(state, number)| {
        number.map(|number| format!("{}: {}", name(state), count(number)))
    });
    format!("in all: {}", parts.collect::<Vec<_>>().join(" · "))
}

const fn name(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Active => "active",
        State::Delayed => "delayed",
        State::Completed => "completed",
        State::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn said(answer: &Value) -> String {
        list(&serde_json::from_value(answer.clone()).unwrap())
    }

    #[test]
    fn jobs_are_listed_in_60_columns_with_their_errors() {
        let answer = json!({
            "total": 2, "types": ["failed"], "range": { "start": 0, "end": 50 },
            "available": {
                "waiting": null, "active": null, "delayed": null, "completed": null, "failed": 1200
            },
            "jobs": [
                {
                    "id": "01990000-0000-7000-8000-000000000001", "name": "processOrder",
                    "state": "failed", "attemptsMade": 5, "timestamp": null, "processedOn": null,
                    "finishedOn": null, "failedReason": "timeout \u{1b}[2J ".repeat(20),
                    "data": {
                        "id": "01990000-0000-7000-8000-000000000001", "ref": "A-1",
                        "cliente": "a client with a very long name, and more of it", "valor": 1.0,
                        "tier": "DIAMANTE", "priority": "VIP", "observacoes": null, "dados": null,
                        "status": "falhou", "createdAt": null, "runId": null, "processedAt": null,
                        "retriedAt": null, "outcome": null
                    },
                    "chunk": null
                },
                {
                    "id": "0-9999", "name": "generateOrders", "state": "active", "attemptsMade": 0,
                    "timestamp": null, "processedOn": null, "finishedOn": null,
                    "failedReason": null, "data": null, "chunk": { "from": 0, "to": 9999 }
                }
            ]
        });
        let text = said(&answer);
        for part in [
            "01990000-0000-7000-8000-000000000001",
            "VIP · DIAMANTE · A-1 · a client",
            "timeout",
            "generates 0 to 9,999",
            "in all: failed: 1,200",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= 60, "{line}");
        }
    }

    #[test]
    fn an_empty_page_says_how_many_there_are() {
        let answer = json!({
            "total": 0, "types": ["waiting"], "range": { "start": 100, "end": 150 },
            "available": {
                "waiting": 7, "active": null, "delayed": null, "completed": null, "failed": null
            },
            "jobs": []
        });
        assert_eq!(said(&answer), "no jobs here\nin all: waiting: 7");
    }
}
